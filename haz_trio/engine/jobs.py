"""Tasks of the graph made ready: for the plan what it must know, for the worker the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from haz_trio.abc import Subject
from haz_trio.graph.effective import Node
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.model.patterns import Anchored
from haz_trio.model.tasks import Function, MutexMode
from haz_trio.model.workspace import Workspace
from haz_trio.plan.machine import PlannedTask
from haz_trio.values import frozen


@frozen
class Job:
    """A task as the worker sees it: words, directory on the host, environment, files.

    ``absent`` are the hard predecessors that are left out of the run on purpose.
    """

    id: TaskId
    argv: tuple[str, ...]
    cwd: str
    env: Mapping[str, str]
    inputs: tuple[Anchored, ...]
    subject: Subject
    node: Node
    absent: tuple[TaskId, ...] = ()

    @property
    def leaves_proof(self) -> bool:
        """Whether stat data can prove what a look would find.

        Not without all predecessors, nor where code counts that has to be imported.
        """
        return not self.absent and not isinstance(self.node.task.action, Function)


class Jobs(Mapping[TaskId, Job]):
    """The jobs of a run, each made when it is asked for first."""

    def __init__(
        self,
        graph: TaskGraph,
        selected: Iterable[TaskId],
        workspace: Workspace,
        host: Mapping[str, str],
    ) -> None:
        self._graph, self._workspace, self._host = graph, workspace, host
        self._chosen = dict.fromkeys(selected)
        self._made: dict[TaskId, Job] = {}

    def __getitem__(self, id: TaskId) -> Job:
        job = self._made.get(id)
        if job is None:
            if id not in self._chosen:
                raise KeyError(id)
            node = self._graph.nodes[id]
            absent = self.absent(id)
            job = job_for(node, self._workspace, self._host, absent=absent)
            self._made[id] = job
        return job

    def __iter__(self) -> Iterator[TaskId]:
        return iter(self._chosen)

    def __len__(self) -> int:
        return len(self._chosen)

    def absent(self, id: TaskId) -> tuple[TaskId, ...]:
        """The hard predecessors of a task that this run leaves out."""
        if len(self._chosen) == len(self._graph.ids):
            return ()
        return tuple([before for before in self._graph.hard[id] if before not in self._chosen])


def jobs_for(
    graph: TaskGraph, selected: Iterable[TaskId], workspace: Workspace, host: Mapping[str, str]
) -> list[Job]:
    """The jobs of a run, each with what the run leaves out of its predecessors."""
    chosen = frozenset(selected)
    jobs = []
    for id in graph.in_order(chosen):
        absent = tuple(before for before in graph.hard[id] if before not in chosen)
        jobs.append(job_for(graph.nodes[id], workspace, host, absent=absent))
    return jobs


def job_for(
    node: Node,
    workspace: Workspace,
    host: Mapping[str, str],
    *,
    absent: tuple[TaskId, ...] = (),
) -> Job:
    """What does not change about a task during a run; ``host`` is this process's environment."""
    task, root = node.task, node.project.root
    return Job(
        id=node.id,
        argv=task.action.argv,
        cwd=workspace.host_path(root),
        env=task.env.for_task(host),
        inputs=tuple(pattern.anchored(root) for pattern in task.inputs),
        subject=Subject(node.id, root, tuple(p.anchored(root) for p in task.outputs)),
        node=node,
        absent=absent,
    )


def planned_tasks(graph: TaskGraph, selected: Iterable[TaskId]) -> list[PlannedTask]:
    """The selected tasks for the plan.

    Hard predecessors that are not selected count as satisfied; what stands behind them in the
    run still comes first, without being able to hold a task back when it fails.
    """
    chosen = frozenset(selected)
    everything = len(chosen) == len(graph.ids)
    behind: dict[TaskId, frozenset[TaskId]] = {}
    planned = []
    for id in graph.in_order(chosen):
        project, mutex = graph.traits(id)
        hard, weak = graph.hard[id], graph.weak[id]
        if not everything:
            hard, weak = _among(chosen, hard, weak, graph, behind)
        lock = mutex.lock(project.name) if mutex else None
        shared = mutex is not None and mutex.mode is MutexMode.SHARED
        planned.append(PlannedTask(id, hard, weak, project.tags, lock, shared))
    return planned


def _among(
    chosen: frozenset[TaskId],
    hard: tuple[TaskId, ...],
    weak: tuple[TaskId, ...],
    graph: TaskGraph,
    behind: dict[TaskId, frozenset[TaskId]],
) -> tuple[tuple[TaskId, ...], tuple[TaskId, ...]]:
    """The hard and weak predecessors that a task has among the chosen ones."""
    kept = tuple(before for before in hard if before in chosen)
    softly = {before for before in weak if before in chosen}
    for before in hard:
        if before not in chosen:
            softly |= _chosen_behind(before, graph, chosen, behind)
    return kept, graph.in_order(softly.difference(kept))


def _chosen_behind(
    left_out: TaskId,
    graph: TaskGraph,
    chosen: frozenset[TaskId],
    known: dict[TaskId, frozenset[TaskId]],
) -> frozenset[TaskId]:
    """The nearest selected tasks among the hard predecessors of a task that is left out."""
    pending = [left_out]
    while pending:
        id = pending[-1]
        unknown = [b for b in graph.hard[id] if b not in chosen and b not in known]
        if unknown:
            pending += unknown
            continue
        pending.pop()
        found: set[TaskId] = set()
        for before in graph.hard[id]:
            found |= {before} if before in chosen else known[before]
        known[id] = frozenset(found)
    return known[left_out]


def known_edges(graph: TaskGraph, selected: Iterable[TaskId]) -> Iterable[tuple[TaskId, TaskId]]:
    """The static producer edges within a selection, producer first (DAG-013)."""
    chosen = frozenset(selected)
    for consumer in graph.in_order(chosen):
        for producer in graph.producers.get(consumer, ()):
            if producer in chosen:
                yield producer, consumer
