"""The task graph: who comes behind whom, and who reads or makes a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING

from haz_trio.errors import Diagnostic
from haz_trio.graph.effective import Node
from haz_trio.model.names import TaskId

if TYPE_CHECKING:
    from haz_trio.graph.files import Files
    from haz_trio.graph.references import Resolver
    from haz_trio.model.tasks import Mutex
    from haz_trio.model.workspace import Project


class TaskGraph:
    """A graph without errors; ``build_graph`` makes it, or a snapshot remembers it.

    Every mapping has an item for every task, and everything is in canonical order.
    """

    def __init__(
        self,
        *,
        nodes: Mapping[TaskId, Node],
        hard: Mapping[TaskId, tuple[TaskId, ...]],
        weak: Mapping[TaskId, tuple[TaskId, ...]],
        producers: Mapping[TaskId, tuple[TaskId, ...]],
        warnings: tuple[Diagnostic, ...],
        ids: tuple[TaskId, ...],
        numbers: Mapping[TaskId, int],
        traits: Callable[[TaskId], tuple[Project, Mutex | None]],
        make_resolver: Callable[[], Resolver],
        make_files: Callable[[], Files],
    ) -> None:
        self.nodes = nodes
        self.hard = hard
        """Predecessors by ``deps``."""

        self.weak = weak
        """Predecessors by ``weakDeps``, disjoint from ``hard``."""

        self.producers = producers
        """For each consumer the other tasks whose outputs it surely reads (DAG-013).

        A task that reads what it makes itself, like a formatter, is not among its own producers.
        """

        self.warnings = warnings
        """Races and overlapping outputs: they change no exit code."""

        self.ids = ids
        """All tasks; the number of a task is its place here."""

        self._numbers, self._traits = numbers, traits
        self._make_resolver, self._make_files = make_resolver, make_files

    def replaced(
        self,
        *,
        nodes: Mapping[TaskId, Node] | None = None,
        hard: Mapping[TaskId, tuple[TaskId, ...]] | None = None,
    ) -> TaskGraph:
        """A copy with other bodies of the same tasks, or the same edges kept another way."""
        copied = copy(self)
        copied.nodes = self.nodes if nodes is None else nodes
        copied.hard = self.hard if hard is None else hard
        return copied

    @cached_property
    def resolver(self) -> Resolver:
        """References to numbers of tasks; made when it is asked for first."""
        return self._make_resolver()

    @cached_property
    def _files(self) -> Files:
        return self._make_files()

    def closure(self, seeds: Iterable[TaskId]) -> tuple[TaskId, ...]:
        """The seeds and their transitive hard predecessors (EXEC-001, EXEC-008).

        Raises ``KeyError`` for a seed that is no task of the graph.
        """
        reached = set(seeds)
        if len(reached) == len(self.ids) and reached <= self.nodes.keys():
            return self.ids
        pending = list(reached)
        while pending:
            new = set(self.hard[pending.pop()]).difference(reached)
            reached |= new
            pending += new
        return self.in_order(reached)

    def traits(self, task: TaskId) -> tuple[Project, Mutex | None]:
        """What the plan must know of a task: its project, and its mutex."""
        return self._traits(task)

    def number(self, task: TaskId) -> int:
        """The place of a task in ``ids``; raises ``KeyError``."""
        return self._numbers[task]

    def in_order(self, tasks: Iterable[TaskId]) -> tuple[TaskId, ...]:
        """Tasks of this graph in canonical order, without sorting names."""
        return tuple(sorted(tasks, key=self._numbers.__getitem__))

    def consumers_of(self, path: str) -> Iterator[TaskId]:
        """Tasks with an input pattern that matches a workspace-absolute path.

        An index finds the few patterns that have to be asked.
        """
        return (self.ids[number] for number in self._files.inputs.owners(path))

    def producers_of(self, path: str) -> tuple[TaskId, ...]:
        """Tasks with an output pattern that matches a workspace-absolute path."""
        return tuple(self.ids[number] for number in self._files.outputs.owners(path))
