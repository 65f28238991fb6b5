"""The two streams of a task: kept while it runs, and given again when its result is reused.

A stream is hashed as it passes; up to ``MEMORY`` bytes stay in memory, the rest is in a file.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from haz_trio.cache.files import READ, Damage, Disk, opened, pieces, regular
from haz_trio.cache.hashing import Hasher, new_hasher
from haz_trio.cache.layout import STDERR, STDOUT
from haz_trio.cache.manifest import Manifest
from haz_trio.cache.order import read_order
from haz_trio.model.workspace import HashName
from haz_trio.plan.messages import Stream
from haz_trio.values import frozen

MEMORY = 1 << 20  # bytes of one stream that are held in memory
CHUNK = 1 << 18  # bytes that are given at once


class Spool:
    """One stream on its way into the store; never raises for a file that cannot be written.

    ``open_file`` gives the descriptor of a new file, or raises ``OSError``.
    After a failure, or after ``drop``, bytes are only hashed and counted: such a stream is shown
    and enters keys, but it cannot be stored.
    """

    def __init__(self, hash_name: HashName, disk: Disk, open_file: Callable[[], int]) -> None:
        self._hash_name = hash_name
        self._hasher: Hasher | None = None  # until the first bytes, and after the last
        self._digest = _of_nothing(hash_name)
        self._ended = False
        self._disk = disk
        self._open_file = open_file
        self._held: bytearray | None = bytearray()
        self._fd: int | None = None
        self._lock = threading.Lock()
        self.size: int = 0
        self.trouble: OSError | None = None

    @property
    def spooling(self) -> bool:
        """Whether the next ``write`` may have to wait for a disk."""
        return self._fd is not None or (self._held is not None and len(self._held) >= MEMORY)

    @property
    def digest(self) -> bytes:
        return self._digest if self._hasher is None else self._hasher.digest()

    def write(self, data: bytes) -> None:
        with self._lock:
            spooling = self.spooling
            if self._ended:
                return
            if self._hasher is None:
                self._hasher = new_hasher(self._hash_name)
            self._hasher.update(data)
            self.size += len(data)
            if self._held is not None and not spooling:
                self._held += data
            elif spooling:
                self._spill(data)

    def save(self, name: str, *, at: int) -> None:
        """Make the file complete; raises ``OSError``, also for what went wrong earlier."""
        with self._lock:
            if self.trouble is not None:
                raise self.trouble
            if self._held is not None:
                self._disk.write_new(name, bytes(self._held), at=at)
            self._close()

    def drop(self) -> None:
        """Keep no more bytes, in memory or in a file."""
        with self._lock:
            self._held = None
            self._close()

    def _spill(self, data: bytes) -> None:
        try:
            if self._fd is None:
                self._fd = self._open_file()
            if self._held is not None:
                self._disk.write(self._fd, memoryview(self._held))
                self._held = None
            self._disk.write(self._fd, data)
        except OSError as problem:
            self.trouble = problem
            self._held = None
            self._close()

    def forget(self) -> None:
        """The end: nothing more is written, and only the digest is kept (a hasher has 2 KB)."""
        with self._lock:
            self._held = None
            self._close()
            self._ended = True
            self._open_file = _refuse  # who made this spool may hold it, and need not outlive it
            if self._hasher is not None:
                self._digest, self._hasher = self._hasher.digest(), None

    def _close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _refuse() -> int:
    raise ValueError("the stream has ended")


@lru_cache
def _of_nothing(hash_name: HashName) -> bytes:
    """The digest of a stream without bytes."""
    return new_hasher(hash_name).digest()


class Recorded:
    """A stored stream whose bytes have been verified; it outlives the entry it came from."""

    def __init__(self, digest: bytes, size: int, held: bytes | None, fd: int | None) -> None:
        self.digest = digest
        self._size = size
        self._held = held
        self._fd = fd
        if fd is not None:
            weakref.finalize(self, os.close, fd)

    def chunks(self) -> Iterator[bytes]:
        """All bytes, from the first, in pieces of at most ``CHUNK``."""
        if self._held is not None:
            for start in range(0, len(self._held), CHUNK):
                yield self._held[start : start + CHUNK]
        elif self._fd is not None:
            at = 0
            while data := os.pread(self._fd, min(CHUNK, self._size - at), at):
                yield data
                at += len(data)


@frozen
class Printed:
    """Both streams of an entry, and how they took turns (``order.read_order``)."""

    streams: Mapping[Stream, Recorded]
    order: tuple[int, ...]


def open_streams(manifest: Manifest, *, at: int) -> Printed:
    """What the entry says was printed whose folder is ``at``; raises like ``open_recorded``."""
    streams = {
        stream: open_recorded(name, at=at, size=size, digest=digest, hash_name=manifest.hash_name)
        for stream, name, size, digest in (
            (Stream.STDOUT, STDOUT, manifest.stdout_size, manifest.stdout),
            (Stream.STDERR, STDERR, manifest.stderr_size, manifest.stderr),
        )
    }
    return Printed(streams, read_order(manifest.stdout_size, manifest.stderr_size, at=at))


def open_recorded(name: str, *, at: int, size: int, digest: str, hash_name: HashName) -> Recorded:
    """Read and verify a stored stream; raises ``Damage`` and ``OSError``.

    A look has found a regular file of this size: one without bytes has nothing to be read.
    """
    if size == 0:
        nothing = _of_nothing(hash_name)
        if nothing.hex() != digest:
            raise Damage(f"{name} has other bytes", kind="stream")
        return Recorded(nothing, 0, b"", None)
    with opened(name, READ, at=at) as fd:
        info = os.fstat(fd)
        if not regular(info) or info.st_size != size:
            raise Damage(f"{name} does not have its {size} bytes", kind="stream")
        hasher = new_hasher(hash_name)
        held = bytearray() if size <= MEMORY else None
        seen = 0
        for data in pieces(fd):
            hasher.update(data)
            seen += len(data)
            if held is not None and seen <= size:
                held += data
        if seen != size or hasher.digest().hex() != digest:
            raise Damage(f"{name} has other bytes", kind="stream")
        if held is not None:
            return Recorded(hasher.digest(), size, bytes(held), None)
        return Recorded(hasher.digest(), size, None, os.dup(fd))
