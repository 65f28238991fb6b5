"""A store that keeps results in memory, and counts what is begun and what is ended."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import attrs

from haz_trio.abc import (
    Collected,
    Found,
    Miss,
    NotStored,
    ReadableRecipe,
    Restored,
    Stored,
    Subject,
)
from haz_trio.errors import OutputError
from haz_trio.plan.messages import Stream


@attrs.frozen
class Kept:
    """A result: its streams, its files with their bytes, and which of them can be executed."""

    streams: dict[Stream, bytes]
    files: dict[str, bytes]
    executable: frozenset[str] = frozenset()


def digest(data: bytes | bytearray) -> bytes:
    return hashlib.sha256(data).digest()


@attrs.define
class MemoryStore:
    """``haz_trio.abc.Store`` for a workspace at ``root``; streams come back ``chunk`` by chunk."""

    root: Path
    chunk: int = 1 << 18
    entries: dict[str, Kept] = attrs.field(factory=dict)
    calls: list[str] = attrs.field(factory=list)
    open: int = 0  # results begun and neither committed nor discarded
    holds: bool = False  # whether results are stored from memory
    reason: str = ""  # why nothing is stored, if so

    def recover(self) -> None:
        self.calls.append("recover")

    def look(self, key: str, subject: Subject) -> Found | Miss:
        self.calls.append("look")
        kept = self.entries.get(key)
        return Miss() if kept is None else Found(key, kept)

    def restore(self, found: Found, subject: Subject) -> Restored | Miss:
        self.calls.append("restore")
        kept = found.handle
        assert isinstance(kept, Kept)
        for path, data in kept.files.items():
            host = self.root / path[1:]
            host.parent.mkdir(parents=True, exist_ok=True)
            host.write_bytes(data)
            host.chmod(0o755 if path in kept.executable else 0o644)

        def chunks(stream: Stream) -> Iterator[bytes]:
            data = kept.streams[stream]
            for at in range(0, len(data), self.chunk):
                yield data[at : at + self.chunk]

        return Restored(
            digest(kept.streams[Stream.STDOUT]),
            digest(kept.streams[Stream.STDERR]),
            tuple(sorted(kept.files)),
            chunks,
        )

    def begin(self, key: str, subject: Subject, recipe: ReadableRecipe) -> MemoryPending:
        self.calls.append("begin")
        self.open += 1
        return MemoryPending(self, key, subject, self.files(subject))

    def finish(self) -> tuple[str, ...]:
        self.calls.append("finish")
        return ()

    def files(self, subject: Subject) -> dict[str, bytes]:
        """What the outputs of a task stand for now."""
        found = {}
        for host in self.root.rglob("*"):
            path = "/" + os.fspath(host.relative_to(self.root))
            if any(output.matches(path) for output in subject.outputs) and host.is_file():
                found[path] = host.read_bytes()
        return found


@attrs.define
class MemoryPending:
    """``haz_trio.abc.Pending`` of a ``MemoryStore``."""

    store: MemoryStore
    key: str
    subject: Subject
    before: dict[str, bytes]
    streams: dict[Stream, bytearray] = attrs.field(
        factory=lambda: {stream: bytearray() for stream in Stream}
    )
    files: dict[str, bytes] = attrs.field(factory=dict)
    spooling: bool = False
    ended: bool = False

    def write(self, stream: Stream, data: bytes) -> None:
        self.streams[stream] += data

    def collect(self) -> Collected:
        files = self.store.files(self.subject)
        for output in self.subject.outputs:
            if not output.is_glob and output.text not in files:
                raise OutputError(f"output {output.text} was not made")
        return Collected(
            digest(self.streams[Stream.STDOUT]),
            digest(self.streams[Stream.STDERR]),
            tuple(sorted(files)),
            tuple(path for path in sorted(files) if self.before.get(path) != files[path]),
        )

    def hold(self) -> bool:
        self.files = self.store.files(self.subject)
        return self.store.holds

    def commit(self, *, foreign: frozenset[str], duration: float) -> Stored | NotStored:
        files = self.files if self.store.holds else self.store.files(self.subject)
        self._end("commit")
        if self.store.reason:
            return NotStored(self.store.reason)
        mine = {path: data for path, data in files.items() if path not in foreign}
        streams = {stream: bytes(data) for stream, data in self.streams.items()}
        hosts = {path: self.store.root / path[1:] for path in mine}
        executable = frozenset(path for path, host in hosts.items() if os.access(host, os.X_OK))
        self.store.entries[self.key] = Kept(streams, mine, executable)
        return Stored()

    def discard(self) -> None:
        self._end("discard")

    def _end(self, call: str) -> None:
        assert not self.ended, f"{call} of a result that has ended"
        self.ended = True
        self.store.open -= 1
        self.store.calls.append(call)
