"""What earlier runs knew, put to use, and what this run learns, kept for the next one.

A look that was a hit while nothing moved leaves a proof (``haz_trio.cache.known``); while the
proof holds, the same look is answered without reading an input, composing a key or opening an
entry.  Whatever is in doubt is simply looked at.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs
from blake3 import blake3

from haz_trio.abc import Restored
from haz_trio.cache.fingerprint import Fingerprint, Fingerprints
from haz_trio.cache.hashing import StatRow
from haz_trio.cache.inputs import InputsSeen
from haz_trio.cache.known import DIGEST, NO_DIGEST, SHORT, Known, Proof, read_known
from haz_trio.cache.known_file import write_known
from haz_trio.config.snapshot import Snapshot
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.plan.messages import Upstream
from haz_trio.plan.outcome import Record
from haz_trio.trust import ABSENT, is_settled, row_at

if TYPE_CHECKING:
    from haz_trio.trust import Row

INLINE = 64 * 1024  # bytes of a stream that a proof holds itself


@attrs.frozen
class Recalled:
    """What a proof says of a task: what a look would have found, and what was printed."""

    record: Record
    stdout: bytes
    stderr: bytes


@attrs.frozen
class Lesson:
    """A hit of this run from which a proof may be made; ``looked_ns`` is when its look began.

    ``made``, ``read`` and ``others`` are names below the root, ``prints`` what was known of the
    first two when the look had ended.
    """

    task: TaskId
    upstream: bytes
    looked_ns: int
    record: Record
    made: tuple[bytes, ...]
    read: tuple[bytes, ...]
    others: tuple[bytes, ...]
    prints: tuple[Fingerprint, ...]
    stdout: bytes
    stderr: bytes


def environment_digest(secret: bytes, names: Iterable[str], host: Mapping[str, str]) -> bytes:
    """32 bytes that tell one set of values from another, and nobody what they are."""
    hasher = blake3(key=secret)
    for name in sorted(names):
        value = host.get(name)
        said = b"-" if value is None else b"=" + value.encode("utf-8", "surrogateescape")
        hasher.update(len(said).to_bytes(8, "big") + name.encode("ascii") + said)
    return hasher.digest()


def upstream_digest(upstream: Iterable[Upstream]) -> bytes:
    """16 bytes for what the predecessors of a task printed."""
    printed = b"".join([each.stdout + each.stderr for each in upstream])
    return blake3(printed).digest(length=SHORT)


class Knowledge:
    """The knowledge of one run; its methods block and may be called in several threads.

    ``known`` and ``snapshot`` are ``None`` where there is nothing that may be believed; without
    proofs, fingerprints are still of use.
    """

    def __init__(
        self,
        root: str,
        graph: TaskGraph,
        *,
        known: Known | None = None,
        snapshot: Snapshot | None = None,
        environment: bytes = b"",
        proofs: bool = True,
    ) -> None:
        self._root = root.rstrip("/")
        self._graph = graph
        self._known = known
        self._snapshot = snapshot
        self._environment = environment
        self._uses_proofs = (
            proofs
            and known is not None
            and snapshot is not None
            and known.environment == environment != b""
        )
        self._lessons: dict[TaskId, Lesson] = {}
        self._gone: set[TaskId] = set()
        self._readers: dict[str, Sequence[int]] = {}
        self._wrote = False

    @property
    def news(self) -> bool:
        """Whether this run has learned anything about tasks."""
        return bool(self._lessons or self._gone)

    def written(self) -> Known | None:
        """What is on disk now."""
        return read_known(self._root or "/") if self._wrote else self._known

    # -- recalling ----------------------------------------------------------------------------

    def earlier(self, path: bytes) -> Fingerprint | None:
        """What an earlier run knew of a host path (``cache.fingerprint.Earlier``)."""
        known = self._known
        if known is None:
            return None
        place = known.places.get(path[len(os.fsencode(self._root)) + 1 :])
        if place is None:
            return None
        row, digest = known.row(place), known.digest(place)
        if digest == NO_DIGEST or not known.believable(row):
            return None
        # It was settled then, so a look at the time of writing would vouch for it as well.
        return Fingerprint(StatRow._make(row), known.written_at_ns, digest)

    def recall(self, task: TaskId, upstream: Sequence[Upstream]) -> Recalled | None:
        """What a look for a task would find, if that is proven; reads stat data only."""
        known, snapshot = self._known, self._snapshot
        if not self._uses_proofs or known is None or snapshot is None:
            return None
        number = known.tasks.get(str(task).encode())
        if number is None:
            return None
        static = snapshot.static(self._graph.number(task))
        if not known.holds(number, static, upstream_digest(upstream)):
            return None
        proof = known.proof(number)
        self._remember_readers(proof, known.graph == snapshot.seal)
        record = Record(proof.key.hex(), proof.stdout_digest, proof.stderr_digest, proof.made)
        return Recalled(record, proof.stdout, proof.stderr)

    def disturb(self) -> None:
        """Files of the workspace are about to change, by a command or a restore of the run."""
        if self._known is not None:
            self._known.forget()

    def consumers(self, path: str) -> Iterable[TaskId]:
        """The tasks that read a path: remembered for proven outputs, looked up for others."""
        numbers = self._readers.get(path)
        if numbers is None:
            return self._graph.consumers_of(path)
        return [self._graph.ids[number] for number in numbers]

    def _remember_readers(self, proof: Proof, same_graph: bool) -> None:
        if not same_graph or not proof.readers:
            return
        found: dict[str, list[int]] = {path: [] for path in proof.made}
        pairs = iter(proof.readers[1:])
        for place, number in zip(pairs, pairs, strict=True):
            found[proof.made[place]].append(number)
        self._readers.update(found)

    # -- learning -----------------------------------------------------------------------------

    def learn(
        self,
        task: TaskId,
        upstream: Sequence[Upstream],
        looked_ns: int,
        inputs: InputsSeen,
        key: str,
        restored: Restored,
        streams: Sequence[bytes | None],
        fingerprints: Fingerprints,
    ) -> None:
        """Note a hit; ``streams`` are what it printed, ``None`` for what is too long to keep."""
        stdout, stderr = streams
        evidence = restored.evidence
        if evidence is None or inputs.linked or stdout is None or stderr is None:
            self.unlearn(task)
            return
        root = os.fsencode(self._root) + b"/"
        prints = []
        for path, digest in (*evidence.contents, *inputs.files):
            known = fingerprints.known(root + _name(path))
            if known is None or known.digest != digest:
                self.unlearn(task)
                return
            prints.append(known)
        self._lessons[task] = Lesson(
            task,
            upstream_digest(upstream),
            looked_ns,
            Record(key, restored.stdout, restored.stderr, restored.outputs),
            tuple(_name(path) for path, _ in evidence.contents),
            tuple(_name(path) for path, _ in inputs.files),
            (*map(_name, evidence.others), *inputs.folders),
            tuple(prints),
            stdout,
            stderr,
        )

    def unlearn(self, task: TaskId) -> None:
        """What was known of a task holds no more: it runs."""
        self._lessons.pop(task, None)
        self._gone.add(task)

    def save(
        self, fingerprints: Fingerprints, snapshot: Snapshot | None, environment: bytes
    ) -> None:
        """Write what may be believed from now on; raises ``OSError``.

        Without a snapshot, or the digest of the environment, nothing can be proven of tasks.
        """
        now = time.time_ns()
        rows: dict[bytes, tuple[Row, bytes]] = {
            path[len(os.fsencode(self._root)) + 1 :]: (each.row, each.digest)
            for path, each in fingerprints.rows()
            if each.vouches_for(each.row, now)
        }
        proofs: dict[bytes, Proof] = {}
        gone = {str(task).encode() for task in self._gone}
        lessons = self._lessons.values() if snapshot is not None and environment else ()
        for lesson in lessons:
            assert snapshot is not None
            proof = self._prove(lesson, snapshot, rows, now)
            id = str(lesson.task).encode()
            if proof is None:
                gone.add(id)
            else:
                proofs[id] = proof
        write_known(
            self._root or "/",
            self._known,
            rows,
            proofs,
            gone,
            graph=snapshot.seal if snapshot is not None else bytes(SHORT),
            environment=environment or bytes(DIGEST),
        )
        self._wrote = True

    def _prove(
        self,
        lesson: Lesson,
        snapshot: Snapshot,
        rows: dict[bytes, tuple[Row, bytes]],
        now: int,
    ) -> Proof | None:
        """The proof that a lesson gives, with rows for all it rests on; ``None`` in any doubt."""
        for name, known in zip((*lesson.made, *lesson.read), lesson.prints, strict=True):
            if rows.get(name) != (known.row, known.digest):
                return None  # it may change without a trace, or has changed since the look
        root = os.fsencode(self._root) + b"/"
        for name in lesson.others:
            row = row_at(root + name)
            settled = is_settled(row[0], row[3], row[4], seen_ns=lesson.looked_ns, now_ns=now)
            if row != ABSENT and not settled:
                return None
            rows[name] = (row, NO_DIGEST)
        return Proof(
            key=bytes.fromhex(lesson.record.key),
            stdout_digest=lesson.record.stdout,
            stderr_digest=lesson.record.stderr,
            static=snapshot.static(self._graph.number(lesson.task)),
            upstream=lesson.upstream,
            made=lesson.record.outputs,
            uses=tuple(dict.fromkeys((*lesson.made, *lesson.read, *lesson.others))),
            readers=self._readers_of(lesson.record.outputs),
            stdout=lesson.stdout,
            stderr=lesson.stderr,
        )

    def _readers_of(self, paths: Sequence[str]) -> list[int]:
        pairs = [1]
        for place, path in enumerate(paths):
            for reader in self._graph.consumers_of(path):
                pairs += (place, self._graph.number(reader))
        return pairs


def _name(path: str) -> bytes:
    """A workspace-absolute path as a name below the root."""
    return os.fsencode(path[1:])
