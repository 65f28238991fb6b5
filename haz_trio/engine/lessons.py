"""What a run learns for the next one: the hits from which proofs can be made, and digests."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from haz_trio.abc import Evidence, Restored
from haz_trio.cache.fingerprint import Fingerprint, Fingerprints
from haz_trio.cache.inputs import InputsSeen
from haz_trio.cache.known import DIGEST, NO_DIGEST, SHORT, Proof
from haz_trio.cache.known_file import write_known
from haz_trio.config.snapshot import Snapshot
from haz_trio.engine.knowledge import Knowledge, upstream_digest
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.plan.messages import Upstream
from haz_trio.plan.outcome import Record
from haz_trio.trust import ABSENT, is_settled, row_at
from haz_trio.values import frozen

if TYPE_CHECKING:
    from haz_trio.trust import Row


@frozen
class Before:
    """What was known of a task before it ran or was restored.

    ``looked_ns`` is when its look began, ``read`` and ``folders`` are names below the root, and
    ``prints`` what was known of the first.  ``None`` in their place: nothing can be proven.
    """

    upstream: bytes
    looked_ns: int
    read: tuple[bytes, ...]
    folders: tuple[bytes, ...]
    prints: tuple[Fingerprint, ...] | None


@frozen
class Lesson:
    """A result of this run from which a proof may be made.

    ``made`` are the names of its outputs with what was known of them when the look had ended,
    ``None`` for those of a command that has just run; ``others`` are further names of its own.
    """

    task: TaskId
    before: Before
    record: Record
    made: tuple[tuple[bytes, Fingerprint | None], ...]
    others: tuple[bytes, ...]
    stdout: bytes
    stderr: bytes


@frozen
class Renewal:
    """A proof of which the key holds, with outputs as they are now."""

    proof: int
    looked_ns: int
    made: tuple[tuple[bytes, Fingerprint | None], ...]
    others: tuple[bytes, ...]
    stdout: bytes
    stderr: bytes


class Lessons:
    """The lessons of one run, for what ``knowledge`` is about; for any number of threads."""

    def __init__(
        self, root: str, graph: TaskGraph, knowledge: Knowledge, fingerprints: Fingerprints
    ) -> None:
        self._root = root.rstrip("/")
        self._base = os.fsencode(self._root) + b"/"
        self._graph = graph
        self._knowledge = knowledge
        self._fingerprints = fingerprints
        self._lessons: dict[TaskId, Lesson] = {}
        self._renewals: dict[TaskId, Renewal] = {}

    @property
    def news(self) -> bool:
        """Whether there is anything to tell the next run."""
        told = self._lessons or self._renewals or self._knowledge.gone
        return bool(told or self._fingerprints.fresh)

    def before(self, upstream: Sequence[Upstream], looked_ns: int, inputs: InputsSeen) -> Before:
        """What a look has found of the inputs of a task."""
        read = tuple([_name(path) for path, _ in inputs.files])
        prints: list[Fingerprint] | None = [] if not inputs.linked else None
        for name, (_, digest) in zip(read, inputs.files, strict=True):
            known = self._fingerprints.known(self._base + name)
            if prints is not None and known is not None and known.digest == digest:
                prints.append(known)
            else:
                prints = None
        kept = None if prints is None else tuple(prints)
        return Before(upstream_digest(upstream), looked_ns, read, inputs.folders, kept)

    def learn(
        self,
        task: TaskId,
        upstream: Sequence[Upstream],
        looked_ns: int,
        inputs: InputsSeen,
        key: str,
        restored: Restored,
        streams: Sequence[bytes | None],
    ) -> None:
        """Note a hit; ``streams`` are what it printed, ``None`` for what is too long to keep."""
        stdout, stderr = streams
        before = self.before(upstream, looked_ns, inputs)
        evidence = restored.evidence
        if evidence is None or before.prints is None or stdout is None or stderr is None:
            self._knowledge.unlearn(task)
            return
        record = Record(key, restored.stdout, restored.stderr, restored.outputs)
        others = tuple(map(_name, evidence.others))
        self._lessons[task] = Lesson(
            task, before, record, self._made(evidence), others, stdout, stderr
        )

    def learn_key(self, task: TaskId, before: Before, record: Record) -> None:
        """Note a command that has ended well: its key will be known, its outputs are too young."""
        if before.prints is not None:
            made = tuple([(_name(path), None) for path in record.outputs])
            self._lessons[task] = Lesson(task, before, record, made, (), b"", b"")

    def renew(
        self,
        task: TaskId,
        proof: int,
        looked_ns: int,
        restored: Restored,
        streams: Sequence[bytes | None],
    ) -> None:
        """Note a hit under a key that was proven; without evidence the proof stays as it was."""
        stdout, stderr = streams
        evidence = restored.evidence
        if evidence is not None and stdout is not None and stderr is not None:
            others = tuple(map(_name, evidence.others))
            made = self._made(evidence)
            self._renewals[task] = Renewal(proof, looked_ns, made, others, stdout, stderr)

    def _made(self, evidence: Evidence) -> tuple[tuple[bytes, Fingerprint | None], ...]:
        """The outputs with what is known of them, if that is what the entry says."""
        found = []
        for path, digest in evidence.contents:
            name = _name(path)
            known = self._fingerprints.known(self._base + name)
            found.append((name, known if known is not None and known.digest == digest else None))
        return tuple(found)

    def save(self, snapshot: Snapshot | None, environment: bytes) -> None:
        """Write what may be believed from now on; raises ``OSError``.

        Without a snapshot, or the digest of the environment, nothing can be proven of tasks.
        """
        now = time.time_ns()
        rows: dict[bytes, tuple[Row, bytes]] = {
            path[len(self._base) :]: (each.row, each.digest)
            for path, each in self._fingerprints.rows()
            if each.vouches_for(each.row, now)
        }
        proofs: dict[bytes, Proof] = {}
        if snapshot is not None and environment:
            maker = _Maker(self._base, self._graph, snapshot, rows, now)
            for task, lesson in self._lessons.items():
                self._add(proofs, task, maker.prove(lesson))
            for task, renewal in self._renewals.items():
                known = self._knowledge.known
                assert known is not None, "there was a proof to renew"
                renewed = maker.renew(renewal, known.proof(renewal.proof))
                if task not in self._lessons and renewed is not None:
                    proofs[str(task).encode()] = renewed
        write_known(
            self._root or "/",
            self._knowledge.newest(),
            rows,
            proofs,
            {str(task).encode() for task in self._knowledge.gone},
            graph=snapshot.seal if snapshot is not None else bytes(SHORT),
            environment=environment or bytes(DIGEST),
        )
        self._knowledge.is_old = True

    def _add(self, proofs: dict[bytes, Proof], task: TaskId, proof: Proof | None) -> None:
        if proof is None:
            self._knowledge.unlearn(task)
        else:
            proofs[str(task).encode()] = proof


@frozen
class _Maker:
    """Makes proofs of lessons, and adds to ``rows`` what they rest on."""

    base: bytes
    graph: TaskGraph
    snapshot: Snapshot
    rows: dict[bytes, tuple[Row, bytes]]
    now: int

    def prove(self, lesson: Lesson) -> Proof | None:
        """The proof that a lesson gives; ``None`` when not even the key is sure."""
        before = lesson.before
        assert before.prints is not None, "without them there is no lesson"
        for name, known in zip(before.read, before.prints, strict=True):
            if self.rows.get(name) != (known.row, known.digest):
                return None  # it may change without a trace, or has changed since the look
        if not all(self._stat(name, before.looked_ns) for name in before.folders):
            return None
        own = (*(name for name, _ in lesson.made), *lesson.others)
        own = tuple(dict.fromkeys(own))
        inputs = tuple(dict.fromkeys((*before.read, *before.folders)))
        return Proof(
            key=bytes.fromhex(lesson.record.key),
            stdout_digest=lesson.record.stdout,
            stderr_digest=lesson.record.stderr,
            static=self.snapshot.static(self.graph.number(lesson.task)),
            upstream=before.upstream,
            made=lesson.record.outputs,
            uses=own + inputs,
            own=len(own),
            whole=self._are_right(lesson.made, lesson.others, before.looked_ns),
            readers=self._readers_of(lesson.record.outputs),
            stdout=lesson.stdout,
            stderr=lesson.stderr,
        )

    def renew(self, renewal: Renewal, proof: Proof) -> Proof | None:
        """The proof with other names of its own; ``None`` when they are too young still."""
        if not self._are_right(renewal.made, renewal.others, renewal.looked_ns):
            return None
        own = (*(name for name, _ in renewal.made), *renewal.others)
        own = tuple(dict.fromkeys(own))
        proof.uses = own + proof.uses[proof.own :]
        proof.own, proof.whole = len(own), True
        proof.made = tuple("/" + os.fsdecode(name) for name, _ in renewal.made)
        proof.readers = self._readers_of(proof.made)
        proof.stdout, proof.stderr = renewal.stdout, renewal.stderr
        return proof

    def _are_right(
        self,
        made: Sequence[tuple[bytes, Fingerprint | None]],
        others: Sequence[bytes],
        looked_ns: int,
    ) -> bool:
        """Whether outputs, their folders and the entry are what a look found, and old enough."""
        return (
            bool(others)
            and all(k is not None and self.rows.get(n) == (k.row, k.digest) for n, k in made)
            and all(self._stat(name, looked_ns) for name in others)
        )

    def _stat(self, name: bytes, looked_ns: int) -> bool:
        """Take the row of a name as it is now; whether any change since the look must show."""
        row = row_at(self.base + name)
        settled = is_settled(row[0], row[3], row[4], seen_ns=looked_ns, now_ns=self.now)
        if row != ABSENT and not settled:
            return False
        self.rows[name] = (row, NO_DIGEST)
        return True

    def _readers_of(self, paths: Sequence[str]) -> list[int]:
        pairs = [1]
        for place, path in enumerate(paths):
            for reader in self.graph.consumers_of(path):
                pairs += (place, self.graph.number(reader))
        return pairs


def _name(path: str) -> bytes:
    """A workspace-absolute path as a name below the root."""
    return os.fsencode(path[1:])
