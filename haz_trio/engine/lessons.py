"""What a run learns for the next one: the hits from which proofs can be made, and digests."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from haz_trio.abc import Evidence, Restored
from haz_trio.cache.book import Book
from haz_trio.cache.fingerprint import (
    Fingerprint,
    Fingerprints,
    digest_in,
    since_in,
)
from haz_trio.cache.inputs import InputsSeen
from haz_trio.cache.known import DIGEST, PLACE, SHORT, Known, read_known
from haz_trio.cache.known_file import write_known
from haz_trio.cache.order import encode
from haz_trio.cache.proof import Proof
from haz_trio.config.snapshot import Snapshot
from haz_trio.engine.knowledge import Knowledge, upstream_digest
from haz_trio.engine.proofs import Before, Lesson, Maker, Renewal
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.plan.messages import Upstream
from haz_trio.plan.outcome import Record
from haz_trio.trust import SENSES, Senses

if TYPE_CHECKING:
    from haz_trio.cache.known_file import Prove
    from haz_trio.trust import Row


class Lessons:
    """The lessons of one run, for what ``knowledge`` is about; for any number of threads."""

    def __init__(
        self,
        root: str,
        graph: TaskGraph,
        contents: bytes,
        knowledge: Knowledge,
        fingerprints: Fingerprints,
        *,
        senses: Senses = SENSES,
    ) -> None:
        self._contents = contents
        self._senses = senses
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
        is_clear = not (inputs.linked or inputs.odd)
        looked = min(looked_ns, inputs.seen_ns)
        return Before(upstream_digest(upstream), looked, inputs.parts if is_clear else None)

    def learn(
        self,
        task: TaskId,
        upstream: Sequence[Upstream],
        looked_ns: int,
        inputs: InputsSeen,
        key: str,
        restored: Restored,
        streams: tuple[bytes, bytes] | None,
    ) -> None:
        """Note a hit; ``streams`` are what it printed, ``None`` for what is too long to keep."""
        before = self.before(upstream, looked_ns, inputs)
        evidence = restored.evidence
        if evidence is None or before.parts is None or streams is None:
            self._knowledge.unlearn(task)
            return
        record = Record(key, restored.stdout, restored.stderr, restored.outputs)
        others = self._others(evidence)
        self._lessons[task] = Lesson(
            task,
            before,
            record,
            self._made(evidence),
            others,
            *streams,
            encode(restored.order),
        )

    def learn_key(self, task: TaskId, before: Before, record: Record) -> None:
        """Note a command that has ended well: its key will be known, its outputs are too young."""
        if before.parts is not None:
            made = tuple([(_name(path), None) for path in record.outputs])
            self._lessons[task] = Lesson(task, before, record, made, (), b"", b"")

    def renew(
        self,
        task: TaskId,
        proof: int,
        looked_ns: int,
        restored: Restored,
        streams: tuple[bytes, bytes] | None,
    ) -> None:
        """Note a hit under a key that was proven; without evidence the proof stays as it was."""
        evidence = restored.evidence
        if evidence is not None and streams is not None:
            others = self._others(evidence)
            made = self._made(evidence)
            self._renewals[task] = Renewal(
                proof, looked_ns, made, others, *streams, encode(restored.order)
            )

    def _made(self, evidence: Evidence) -> tuple[tuple[bytes, Fingerprint | None], ...]:
        """The outputs with what is known of them, if that is what the entry says."""
        found = []
        for path, digest in evidence.contents:
            name = _name(path)
            known = self._fingerprints.known(self._base + name)
            is_right = known is not None and digest_in(known) == digest
            found.append((name, known if is_right else None))
        return tuple(found)

    def _others(self, evidence: Evidence) -> tuple[tuple[bytes, Row], ...]:
        return tuple([(name, self._row_at(name)) for name in map(_name, evidence.others)])

    def _row_at(self, name: bytes) -> Row:
        return self._senses.row_at(self._base + name)

    def _current(self) -> Known | None:
        """What the state file says now: another process may have written it meanwhile."""
        root, known = self._root or "/", self._knowledge.known
        stamp = self._senses.row_at(os.path.join(root, PLACE))
        if known is not None and known.stamp == stamp:
            return known
        return read_known(root, self._contents, senses=self._senses)

    def save(self, snapshot: Snapshot | None, environment: bytes) -> None:
        """Write what may be believed from now on; raises ``OSError``.

        Without a snapshot, or the digest of the environment, nothing can be proven of tasks; what
        was proven of others before stays.  What was proven of these does not: they have left other
        files behind, which a look would clear away (decisions.md 11).
        """
        now = self._senses.clock()
        old = self._current()
        rows = Book(old)
        for path, found in self._fingerprints:
            if 0 < since_in(found) <= now:
                rows.put(path[len(self._base) :], found)
        proofs: dict[bytes, Prove] = {}
        if snapshot is not None and environment:
            consumers = self._knowledge.consumers
            size = len(self._base)
            maker = Maker(self._graph, consumers, snapshot, rows, now, size, self._row_at)
            for lesson in self._lessons.values():
                maker.take_parts(lesson.before.parts or ())
                maker.take_own(lesson.made, lesson.others)
            for renewal in self._renewals.values():
                maker.take_own(renewal.made, renewal.others)
            for task, lesson in self._lessons.items():
                proofs[str(task).encode()] = partial(self._prove, maker, lesson)
            for task, renewal in self._renewals.items():
                known = self._knowledge.known
                assert known is not None, "there was a proof to renew"
                renewed = None
                if known is old and maker.still(known, renewal.proof):
                    renewed = maker.renew(renewal, known.proof(renewal.proof))
                if task not in self._lessons and renewed is not None:
                    proofs[str(task).encode()] = partial(_as_it_is, renewed)
        gone = set(self._knowledge.gone)
        if snapshot is not None and environment:
            head = (snapshot.seal, environment)
        else:
            gone |= self._lessons.keys() | self._renewals.keys()
            head = (bytes(SHORT), bytes(DIGEST)) if old is None else (old.graph, old.environment)
        seal = write_known(
            self._root or "/",
            old,
            rows,
            proofs,
            {str(task).encode() for task in gone},
            graph=head[0],
            environment=head[1],
            contents=self._contents,
            senses=self._senses,
        )
        self._knowledge.wrote(partial(self._written, seal))

    def _written(self, seal: bytes) -> Known | None:
        """What was written under this seal, unless another process has written since."""
        known = read_known(self._root or "/", self._contents, senses=self._senses)
        return known if known is not None and known.seal == seal else None

    def _prove(self, maker: Maker, lesson: Lesson) -> Proof | None:
        proof = maker.prove(lesson)
        if proof is None:
            self._knowledge.unlearn(lesson.task)
        return proof


def _as_it_is(proof: Proof) -> Proof:
    return proof


def _name(path: str) -> bytes:
    """A workspace-absolute path as a name below the root."""
    return path[1:].encode()
