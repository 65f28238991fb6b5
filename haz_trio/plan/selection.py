"""The tasks of a run by number: their canonical order, their edges, a first topological order.

Inside the plan a task is its position in canonical order, so that numbers compare like ids.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, pairwise

from haz_trio.model.names import TaskId
from haz_trio.values import frozen


@frozen
class PlannedTask:
    """What the plan has to know of a task.

    ``hard`` and ``weak`` are its predecessors, all of them tasks of the same run.
    ``tags`` are those of its project; ``lock`` names its mutex, ``shared`` is the mode of it.
    """

    id: TaskId
    hard: tuple[TaskId, ...]
    weak: tuple[TaskId, ...]
    tags: frozenset[str]
    lock: str | None
    shared: bool


@frozen
class Edges:
    """Edges of one kind, in both directions; the numbers of each list ascend."""

    before: tuple[list[int], ...]
    after: tuple[list[int], ...]

    @classmethod
    def into(cls, predecessors: Iterable[set[int]]) -> Edges:
        """Edges from the set of predecessors of each task."""
        before = tuple(sorted(each) for each in predecessors)
        after: tuple[list[int], ...] = tuple([] for _ in before)
        for task, each in enumerate(before):
            for predecessor in each:
                after[predecessor].append(task)
        return cls(before, after)


@frozen
class Selection:
    """The numbered tasks; ``made`` are edges from the maker of a file to its readers (DAG-013).

    ``order`` lists all numbers so that every edge of each kind leads forward.
    """

    ids: tuple[TaskId, ...]
    numbers: dict[TaskId, int]
    tasks: tuple[PlannedTask, ...]
    hard: Edges
    weak: Edges
    made: Edges
    order: tuple[int, ...]

    @classmethod
    def of(cls, tasks: Iterable[PlannedTask], edges: Iterable[tuple[TaskId, TaskId]]) -> Selection:
        """Number the tasks.

        ``edges`` are pairs of maker and reader; those of a task with itself or with tasks
        outside the run are left out.
        Raises ``ValueError`` when an id occurs twice, when a task depends on one outside the
        run, and when the edges form a cycle, which DAG-014 excludes before a run.
        """
        ranked = tuple(sorted(tasks, key=lambda task: (task.id.project, task.id.task)))
        ids = tuple(task.id for task in ranked)
        numbers = {id: number for number, id in enumerate(ids)}
        if len(numbers) < len(ids):
            twice = next(a for a, b in pairwise(ids) if a == b)
            raise ValueError(f"task {twice} is planned twice")
        hard = Edges.into(_numbered(task.id, task.hard, numbers) for task in ranked)
        weak = Edges.into(_numbered(task.id, task.weak, numbers) for task in ranked)
        makers: list[set[int]] = [set() for _ in ids]
        for maker, reader in edges:
            if maker != reader and maker in numbers and reader in numbers:
                makers[numbers[reader]].add(numbers[maker])
        made = Edges.into(makers)
        order = _topological_order(len(ids), (hard, weak, made))
        if len(order) < len(ids):
            stuck = ids[min(set(range(len(ids))).difference(order))]
            raise ValueError(f"task {stuck} is in, or waits for, a dependency cycle (DAG-014)")
        return cls(ids, numbers, ranked, hard, weak, made, order)


def _numbered(id: TaskId, predecessors: Iterable[TaskId], numbers: dict[TaskId, int]) -> set[int]:
    try:
        return {numbers[predecessor] for predecessor in predecessors}
    except KeyError as missing:
        raise ValueError(
            f"task {id} depends on {missing.args[0]}, which is not part of this run"
        ) from None


def _topological_order(size: int, kinds: tuple[Edges, ...]) -> tuple[int, ...]:
    """All numbers with predecessors first; those in or behind a cycle are missing."""
    unmet = [sum(len(kind.before[task]) for kind in kinds) for task in range(size)]
    order = [task for task in range(size) if not unmet[task]]
    for task in order:  # grows while it is walked
        for successor in chain.from_iterable(kind.after[task] for kind in kinds):
            unmet[successor] -= 1
            if not unmet[successor]:
                order.append(successor)
    return tuple(order)
