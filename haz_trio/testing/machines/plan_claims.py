"""What a supervised plan must say of tasks that write one file or feed each other in a circle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from haz_trio.model.names import TaskId
from haz_trio.plan.machine import PlannedTask
from haz_trio.plan.outcome import OutputOverlap, RuntimeCycle, Violation
from haz_trio.testing.trial import must


class Readers:
    """The tasks that read a path; a class, so that a plan with it can be copied and pickled."""

    def __init__(self, readers: Mapping[str, Iterable[TaskId]]) -> None:
        self.readers: Mapping[str, Iterable[TaskId]] = readers

    def __call__(self, path: str) -> Iterable[TaskId]:
        return self.readers.get(path, ())


class Claims:
    """Who has written what, and which edges that has shown (EXEC-018 to EXEC-020)."""

    def __init__(
        self,
        tasks: Mapping[TaskId, PlannedTask],
        readers: Mapping[str, Iterable[TaskId]],
        edges: Iterable[tuple[TaskId, TaskId]],
    ) -> None:
        self.tasks: Mapping[TaskId, PlannedTask] = tasks
        self.readers: Mapping[str, Iterable[TaskId]] = readers
        self.owners: dict[str, TaskId] = {}
        self.expected: list[Violation] = []
        self.circular: bool = False
        self.graph: set[tuple[TaskId, TaskId]] = {
            (a, b) for a, b in edges if a != b and {a, b} <= tasks.keys()
        }
        for task in tasks.values():
            self.graph |= {(before, task.id) for before in (*task.hard, *task.weak)}

    def note(
        self, id: TaskId, claimed: Iterable[str], outputs: Iterable[str]
    ) -> list[OutputOverlap]:
        """A task has written some paths and has some outputs; the overlaps that this makes."""
        overlaps = [
            OutputOverlap(self.owners[path], id, path)
            for path in dict.fromkeys(claimed)
            if self.owners.setdefault(path, id) != id
        ]
        self.expected += overlaps
        if not self.circular:
            self._note_edges(id, outputs)
        return overlaps

    def _note_edges(self, id: TaskId, outputs: Iterable[str]) -> None:
        for path in outputs:
            for reader in sorted(set(self.readers.get(path, ())) & self.tasks.keys() - {id}):
                if self._reaches(reader, id):
                    self.circular = True
                    self.expected.append(RuntimeCycle((), id, reader, path))
                    return
                self.graph.add((id, reader))

    def _reaches(self, start: TaskId, end: TaskId) -> bool:
        reached, more = {start}, True
        while more:
            new = {b for a, b in self.graph if a in reached} - reached
            reached |= new
            more = bool(new)
        return end in reached

    def check(self, said: Sequence[Violation]) -> None:
        """These are the violations, in their order, and each cycle is one."""
        must(len(said) == len(self.expected), "EXEC-019 EXEC-020", "violations are said once")
        for found, expected in zip(said, self.expected, strict=True):
            if isinstance(found, RuntimeCycle) and isinstance(expected, RuntimeCycle):
                nodes = found.nodes
                ends = (found.producer, found.consumer, found.producer)
                closed = (nodes[0], nodes[1], nodes[-1]) == ends
                must(closed, "EXEC-019", "a cycle begins and ends with its producer")
                must(len(set(nodes)) == len(nodes) - 1, "EXEC-019", "a cycle passes a task once")
                there = self.graph >= set(pairwise(nodes[1:]))
                must(there, "EXEC-019", "the edges of a cycle are there")
                expected = RuntimeCycle(nodes, expected.producer, expected.consumer, expected.path)
            must(found == expected, "EXEC-019 EXEC-020", f"{found} is {expected}")
