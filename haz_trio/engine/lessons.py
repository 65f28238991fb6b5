"""What a run learns for the next one: the hits from which proofs can be made, and digests."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from haz_trio.abc import Restored
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


class Lessons:
    """The lessons of one run, for what ``knowledge`` is about; for any number of threads."""

    def __init__(
        self, root: str, graph: TaskGraph, knowledge: Knowledge, fingerprints: Fingerprints
    ) -> None:
        self._root = root.rstrip("/")
        self._graph = graph
        self._knowledge = knowledge
        self._fingerprints = fingerprints
        self._lessons: dict[TaskId, Lesson] = {}

    @property
    def news(self) -> bool:
        """Whether there is anything to tell the next run."""
        return bool(self._lessons or self._knowledge.gone or self._fingerprints.fresh)

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
        evidence = restored.evidence
        if evidence is None or inputs.linked or stdout is None or stderr is None:
            self._unlearn(task)
            return
        root = os.fsencode(self._root) + b"/"
        prints = []
        for path, digest in (*evidence.contents, *inputs.files):
            known = self._fingerprints.known(root + _name(path))
            if known is None or known.digest != digest:
                self._unlearn(task)
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

    def _unlearn(self, task: TaskId) -> None:
        self._lessons.pop(task, None)
        self._knowledge.unlearn(task)

    def save(self, snapshot: Snapshot | None, environment: bytes) -> None:
        """Write what may be believed from now on; raises ``OSError``.

        Without a snapshot, or the digest of the environment, nothing can be proven of tasks.
        """
        now = time.time_ns()
        rows: dict[bytes, tuple[Row, bytes]] = {
            path[len(os.fsencode(self._root)) + 1 :]: (each.row, each.digest)
            for path, each in self._fingerprints.rows()
            if each.vouches_for(each.row, now)
        }
        proofs: dict[bytes, Proof] = {}
        gone = {str(task).encode() for task in self._knowledge.gone}
        lessons = self._lessons.values() if snapshot is not None and environment else ()
        for lesson in lessons:
            assert snapshot is not None, "without one there are no lessons"
            if lesson.task in self._knowledge.gone:
                continue  # it has run since
            proof = self._prove(lesson, snapshot, rows, now)
            id = str(lesson.task).encode()
            if proof is None:
                gone.add(id)
            else:
                proofs[id] = proof
        write_known(
            self._root or "/",
            self._knowledge.known,
            rows,
            proofs,
            gone,
            graph=snapshot.seal if snapshot is not None else bytes(SHORT),
            environment=environment or bytes(DIGEST),
        )
        self._knowledge.is_old = True

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
