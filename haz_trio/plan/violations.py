"""What only a run can show: two writers of one file (EXEC-020), and cycles of files (EXEC-019).

The known graph starts with all static edges of the run and grows by one edge for each task that
reads what another made.
It is kept in a topological order (Pearce and Kelly, 2006): an edge that agrees with the order
costs nothing, one against it moves only the tasks that stand between its ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TypeAlias

from haz_trio.model.names import TaskId
from haz_trio.plan.outcome import OutputOverlap, RuntimeCycle, Violation
from haz_trio.plan.selection import Selection
from haz_trio.values import frozen

Consumers: TypeAlias = Callable[[str], Iterable[TaskId]]


def nobody(path: str) -> Iterable[TaskId]:
    """The consumers of a path in a run where no task reads what another one makes."""
    return ()


class Revelations:
    """What the successes of a run reveal; tasks are numbers, violations name them."""

    def __init__(self, selection: Selection, consumers: Consumers) -> None:
        self._ids = selection.ids
        self._claims = Claims()
        self._watch = CycleWatch(selection, consumers)

    @property
    def effort(self) -> int:
        """How many tasks searches have visited so far."""
        return self._watch.effort

    def of(self, task: int, *, claimed: Iterable[str], outputs: Iterable[str]) -> list[Violation]:
        """What one success reveals: overlaps first, then at most one cycle."""
        id = self._ids[task]
        violations: list[Violation] = [
            OutputOverlap(self._ids[first], id, path)
            for first, path in self._claims.claim(task, claimed)
        ]
        circle = self._watch.search(task, outputs)
        if circle is not None:
            nodes = tuple(self._ids[node] for node in circle.nodes)
            violations.append(RuntimeCycle(nodes, id, nodes[1], circle.path))
        return violations

    def foreign(self, task: int, paths: Iterable[str]) -> frozenset[str]:
        """Those of the paths that other tasks have claimed."""
        return self._claims.foreign(task, paths)


class Claims:
    """Which task wrote which file; the first claim of a path stays (EXEC-020)."""

    def __init__(self) -> None:
        self._first: dict[str, int] = {}

    def claim(self, task: int, paths: Iterable[str]) -> list[tuple[int, str]]:
        """Claim paths; those that belong to others come back, once each, with their owners."""
        owners = ((self._first.setdefault(path, task), path) for path in dict.fromkeys(paths))
        return [(owner, path) for owner, path in owners if owner != task]

    def foreign(self, task: int, paths: Iterable[str]) -> frozenset[str]:
        """Those of the paths that belong to other tasks."""
        return frozenset(path for path in paths if self._first.get(path, task) != task)


@frozen
class Circle:
    """A cycle, as numbers: ``nodes`` starts with the producer, then the consumer, and closes."""

    nodes: tuple[int, ...]
    path: str


class CycleWatch:
    """The known graph of a run; finds its first cycle and then never looks again.

    ``effort`` counts the tasks that searches have visited so far.
    """

    def __init__(self, selection: Selection, consumers: Consumers) -> None:
        self.effort: int = 0
        self._numbers = selection.numbers
        self._consumers = consumers
        self._static = (selection.hard, selection.weak, selection.made)
        self._found_before: dict[int, list[int]] = {}
        self._found_after: dict[int, list[int]] = {}
        self._place = [0] * len(selection.ids)
        for place, task in enumerate(selection.order):
            self._place[task] = place
        self._over = False

    def search(self, producer: int, paths: Iterable[str]) -> Circle | None:
        """Add the edges from a task that succeeded to the readers of its files, path by path."""
        known = {producer}  # a task that reads its own files is no cycle (EXEC-018)
        for path in () if self._over else paths:
            numbers = {self._numbers[id] for id in self._consumers(path) if id in self._numbers}
            for consumer in sorted(numbers - known):
                known.add(consumer)
                nodes = self._add(producer, consumer)
                if nodes is not None:
                    self._over = True
                    return Circle(nodes, path)
        return None

    def _add(self, producer: int, consumer: int) -> tuple[int, ...] | None:
        """Add an edge; the chain of the cycle that it would close, if it would."""
        if self._place[producer] > self._place[consumer]:
            came_from = self._reach(consumer, self._after, self._place[producer])
            if producer in came_from:
                return (producer, *reversed(list(_way_back(producer, came_from))))
            self._reorder(producer, consumer, came_from)
        self._found_after.setdefault(producer, []).append(consumer)
        self._found_before.setdefault(consumer, []).append(producer)
        return None

    def _reach(
        self, start: int, neighbours: Callable[[int], Iterator[int]], limit: int
    ) -> dict[int, int | None]:
        """Who can be reached without passing the place ``limit``, and whence, nearest first."""
        forward = self._place[start] < limit
        came_from: dict[int, int | None] = {start: None}
        queue = deque([start])
        while queue:
            task = queue.popleft()
            self.effort += 1
            for neighbour in neighbours(task):
                place = self._place[neighbour]
                inside = place <= limit if forward else place >= limit
                if inside and neighbour not in came_from:
                    came_from[neighbour] = task
                    queue.append(neighbour)
        return came_from

    def _reorder(self, producer: int, consumer: int, behind: Iterable[int]) -> None:
        """Let the producer and what comes before it take places before the consumer's side."""
        ahead = self._reach(producer, self._before, self._place[consumer])
        moved = sorted(ahead, key=self._place.__getitem__)
        moved += sorted(behind, key=self._place.__getitem__)
        places = sorted(self._place[task] for task in moved)
        for task, place in zip(moved, places, strict=True):
            self._place[task] = place

    def _after(self, task: int) -> Iterator[int]:
        static = (kind.after[task] for kind in self._static)
        return chain(*static, self._found_after.get(task, ()))

    def _before(self, task: int) -> Iterator[int]:
        static = (kind.before[task] for kind in self._static)
        return chain(*static, self._found_before.get(task, ()))


def _way_back(task: int, came_from: dict[int, int | None]) -> Iterator[int]:
    """The way on which a search has come to a task, backwards, the task first."""
    step: int | None = task
    while step is not None:
        yield step
        step = came_from[step]
