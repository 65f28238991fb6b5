"""What a run would find in the cache, foretold without running anything (``--dry-run --json``).

Nothing is written; trio is not needed.
The files are taken as they are now: what a predecessor would restore or make first is unknown.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping

from haz_trio.cache.entries import Damaged, NoEntry, Unreadable
from haz_trio.cache.inputs import InputReader
from haz_trio.cache.manifest import Manifest
from haz_trio.cache.manifest_reader import OtherSchema
from haz_trio.cache.verification import Blocked, Verifier
from haz_trio.engine.explain import code_unread, reading_cache
from haz_trio.engine.jobs import Job, jobs_for
from haz_trio.engine.keys import Key, Keys
from haz_trio.engine.reasons import Reasons
from haz_trio.errors import InputError
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.model.tasks import Function
from haz_trio.model.workspace import Workspace
from haz_trio.plan.messages import Upstream
from haz_trio.plan.policy import CacheUse
from haz_trio.values import frozen


class Verdict(enum.Enum):
    HIT = "hit"
    MISS = "miss"
    UNKNOWN = "unknown"


@frozen
class Prediction:
    """What would become of a task; ``reason`` is for people, and empty for a hit.

    ``duration`` is how long the command took when the entry was made, in milliseconds.
    """

    task: TaskId
    verdict: Verdict
    key: str | None = None
    reason: str = ""
    duration: int | None = None
    upstream: Upstream | None = None


def predict(
    workspace: Workspace,
    graph: TaskGraph,
    tasks: Iterable[TaskId],
    *,
    host: Mapping[str, str],
    use: CacheUse = CacheUse.BOTH,
) -> tuple[Prediction, ...]:
    """Predictions in canonical order for tasks that run without those that are left out.

    Raises ``OSError`` when there is a cache that cannot be opened.
    """
    jobs = {job.id: job for job in jobs_for(graph, tasks, workspace, host)}
    hash_name = workspace.settings.hash
    with reading_cache(workspace) as root:
        reader = InputReader(workspace.root, hash_name)
        keys = Keys(reader, hash_name, host, graph.producers_of, imports=False)
        verifier = Verifier(workspace.root.rstrip("/"), root.reading(), hash_name)
        oracle = _Oracle(graph, keys, verifier, Reasons.of(root), use)
        done: dict[TaskId, Prediction] = {}
        for id in _predecessors_first(graph, jobs):
            done[id] = oracle.predict(jobs[id], done)
    return tuple(done[id] for id in jobs)


@frozen
class _Oracle:
    graph: TaskGraph
    keys: Keys
    verifier: Verifier
    reasons: Reasons
    use: CacheUse

    def predict(self, job: Job, done: Mapping[TaskId, Prediction]) -> Prediction:
        """One task whose predecessors have been foretold."""
        upstream = []
        for before in self.graph.hard[job.id]:
            if before in job.absent:
                continue
            known = done[before].upstream
            if known is None:
                verdict = Verdict.UNKNOWN if self.use.looks else Verdict.MISS
                reason = f"{before} runs first" if self.use.looks else self._bypassed()
                return Prediction(job.id, verdict, reason=reason)
            upstream.append(known)
        if isinstance(job.node.task.action, Function):
            return Prediction(job.id, Verdict.UNKNOWN, reason=code_unread(job.id))
        try:
            key = self.keys.derive(job, tuple(upstream), check=_go_on)
        except InputError as problem:
            return Prediction(job.id, Verdict.UNKNOWN, reason=str(problem))
        if not self.use.looks:
            return Prediction(job.id, Verdict.MISS, key.key, self._bypassed())
        return self._look(job, key)

    def _look(self, job: Job, key: Key) -> Prediction:
        match self.verifier.verify(key.key, job.subject):
            case Manifest() as entry:
                streams = bytes.fromhex(entry.stdout), bytes.fromhex(entry.stderr)
                return Prediction(
                    job.id,
                    Verdict.HIT,
                    key.key,
                    duration=entry.duration,
                    upstream=Upstream(job.id, *streams),
                )
            case NoEntry():
                reason = self.reasons.reason(job.id, key.recipe)
            case Damaged(text, _):
                reason = f"damaged entry: {text}"
            case OtherSchema(text) | Blocked(text):
                reason = text
            case Unreadable(problem):
                reason = f"the entry cannot be read: {problem.strerror or problem}"
        return Prediction(job.id, Verdict.MISS, key.key, reason)

    def _bypassed(self) -> str:
        return "forced" if self.use is CacheUse.FORCED else "the cache is not looked up"


def _predecessors_first(graph: TaskGraph, jobs: Mapping[TaskId, Job]) -> Iterator[TaskId]:
    """Every task behind its hard predecessors."""
    seen: set[TaskId] = set()
    for start in jobs:
        path = [] if start in seen else [(start, iter(graph.hard[start]))]
        seen.add(start)
        while path:
            id, rest = path[-1]
            before = next((b for b in rest if b in jobs and b not in seen), None)
            if before is None:
                path.pop()
                yield id
            else:
                seen.add(before)
                path.append((before, iter(graph.hard[before])))


def _go_on() -> None:
    """Nobody can interrupt a look but the signal that ends the process."""
