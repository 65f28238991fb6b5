"""Tasks of the graph made ready: for the plan what it must know, for the worker the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from haz_trio.abc import Subject
from haz_trio.graph.effective import Node
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.model.patterns import Anchored
from haz_trio.model.tasks import MutexMode
from haz_trio.model.workspace import Workspace
from haz_trio.plan.machine import PlannedTask


@attrs.frozen
class Job:
    """A task as the worker sees it: words, directory on the host, environment, files."""

    id: TaskId
    argv: tuple[str, ...]
    cwd: str
    env: Mapping[str, str]
    inputs: tuple[Anchored, ...]
    subject: Subject
    node: Node


def job_for(node: Node, workspace: Workspace, host: Mapping[str, str]) -> Job:
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
    )


def planned_tasks(graph: TaskGraph, selected: Iterable[TaskId]) -> list[PlannedTask]:
    """The selected tasks for the plan; ``selected`` is closed over hard predecessors."""
    chosen = frozenset(selected)
    planned = []
    for id in sorted(chosen):
        node = graph.nodes[id]
        mutex = node.task.mutex
        planned.append(
            PlannedTask(
                id=id,
                hard=graph.hard[id],
                weak=tuple(before for before in graph.weak[id] if before in chosen),
                tags=node.project.tags,
                lock=mutex.lock(node.project.name) if mutex else None,
                shared=mutex is not None and mutex.mode is MutexMode.SHARED,
            )
        )
    return planned


def known_edges(graph: TaskGraph, selected: Iterable[TaskId]) -> Iterable[tuple[TaskId, TaskId]]:
    """The static producer edges within a selection, producer first (DAG-013)."""
    chosen = frozenset(selected)
    for consumer in sorted(chosen):
        for producer in graph.producers.get(consumer, ()):
            if producer in chosen:
                yield producer, consumer
