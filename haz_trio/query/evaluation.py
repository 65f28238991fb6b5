"""Which tasks an expression describes: sets of tasks that every operand narrows (query.md 5).

Operands are asked about those tasks only that can still change the answer: ``&`` asks its right
side about what is left, ``|`` about what its left side has not taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import TypeAlias, assert_never

import attrs

from haz_trio.graph.graph import TaskGraph
from haz_trio.graph.index import fixed_ends
from haz_trio.model.automata import intersects
from haz_trio.model.names import TaskId
from haz_trio.model.patterns import WORKSPACE_ROOT, Anchored
from haz_trio.query.atoms import Meaning
from haz_trio.query.conditions import (
    Condition,
    Declares,
    HasTag,
    InProject,
    IsNamed,
    IsTask,
    Name,
    Related,
    Relation,
    Side,
    Touches,
    Trait,
)
from haz_trio.query.syntax import And, Leaf, Not, Or

Tasks: TypeAlias = frozenset[TaskId]
Neighbours: TypeAlias = Mapping[TaskId, Iterable[TaskId]]


def evaluate(
    graph: TaskGraph,
    question: Meaning,
    candidates: Iterable[TaskId],
    *,
    folder: str = WORKSPACE_ROOT,
) -> tuple[TaskId, ...]:
    """The candidates that a question describes, in canonical order (QRY-007).

    Relations look at the whole graph, whatever the candidates are.
    Relative paths are taken as below the workspace-absolute ``folder``.
    """
    found = _Evaluation(graph, folder).narrow(question, frozenset(candidates))
    return graph.in_order(found)


@attrs.frozen(eq=False)
class _Evaluation:
    graph: TaskGraph
    folder: str

    @cached_property
    def successors(self) -> Neighbours:
        """Direct hard successors: the edges of the graph turned round, once."""
        found: dict[TaskId, list[TaskId]] = {task: [] for task in self.graph.ids}
        for task, predecessors in self.graph.hard.items():
            for predecessor in predecessors:
                found[predecessor].append(task)
        return found

    def narrow(self, question: Meaning, tasks: Tasks) -> Tasks:
        """Those of some tasks that a question describes."""
        match question:
            case Leaf(condition):
                return self._holding(condition, tasks)
            case Not(inner):
                return tasks - self.narrow(inner, tasks)
            case And(operands):
                for each in operands:
                    tasks = self.narrow(each, tasks)
                return tasks
            case Or(operands):
                left = tasks
                for each in operands:
                    left -= self.narrow(each, left)
                return tasks - left
            case _:
                assert_never(question)

    def _holding(self, condition: Condition, tasks: Tasks) -> Tasks:
        nodes = self.graph.nodes
        match condition:
            case HasTag(name):
                return frozenset(t for t in tasks if _any(name, nodes[t].project.tags))
            case InProject(name):
                return frozenset(t for t in tasks if name.matches(t.project))
            case IsNamed(name):
                return frozenset(t for t in tasks if name.matches(t.task))
            case IsTask(id):
                return tasks & {id}
            case Touches(side, pattern):
                return self._touching(side, pattern.anchored(self.folder), tasks)
            case Declares(trait):
                return frozenset(t for t in tasks if self._declares(t, trait))
            case Related(relation, targets):
                return tasks.intersection(self._related(relation, targets))
            case _:
                assert_never(condition)

    def _touching(self, side: Side, asked: Anchored, tasks: Tasks) -> Tasks:
        answers: dict[Anchored, bool] = {}  # tasks share patterns: each is compared once
        found: list[TaskId] = []
        for task in tasks:
            node = self.graph.nodes[task]
            for pattern in node.inputs if side is Side.INPUTS else node.outputs:
                answer = answers.get(pattern)
                if answer is None:
                    answer = answers[pattern] = have_common_path(asked, pattern)
                if answer:
                    found.append(task)
                    break
        return frozenset(found)

    def _declares(self, task: TaskId, trait: Trait) -> bool:
        body = self.graph.nodes[task].task
        match trait:
            case Trait.DEPS:
                return bool(body.deps)
            case Trait.INPUTS:
                return bool(body.inputs)
            case Trait.OUTPUTS:
                return bool(body.outputs)
            case Trait.MUTEX:
                return body.mutex is not None
            case _:
                assert_never(trait)

    def _related(self, relation: Relation, targets: Meaning) -> Iterable[TaskId]:
        members = self.narrow(targets, frozenset(self.graph.ids))
        match relation:
            case Relation.CHILD_OF:
                return _steps(members, self.successors)
            case Relation.PARENT_OF:
                return _steps(members, self.graph.hard)
            case Relation.DEPENDS_ON:
                return _reached(members, self.successors)
            case Relation.ANCESTOR_OF:
                return _reached(members, self.graph.hard)
            case _:
                assert_never(relation)


def have_common_path(a: Anchored, b: Anchored) -> bool:
    """Whether some path is matched by both patterns (query.md 5.2); no file is looked at."""
    if a.glob is None:
        return b.matches(a.text)
    if b.glob is None:
        return a.matches(b.text)
    (head, tail), (other_head, other_tail) = _ends(a), _ends(b)
    if not (head.startswith(other_head) or other_head.startswith(head)):
        return False
    if not (tail.endswith(other_tail) or other_tail.endswith(tail)):
        return False
    return intersects(a.glob, b.glob)


_ends = lru_cache(maxsize=1 << 16)(fixed_ends)


def _any(name: Name, names: frozenset[str]) -> bool:
    return name.text in names if name.glob is None else any(map(name.matches, names))


def _steps(tasks: Iterable[TaskId], neighbours: Neighbours) -> Iterator[TaskId]:
    for task in tasks:
        yield from neighbours[task]


def _reached(tasks: Iterable[TaskId], neighbours: Neighbours) -> set[TaskId]:
    """What one step or more lead to; every edge is walked at most twice."""
    reached: set[TaskId] = set()
    pending = list(tasks)
    while pending:
        for task in neighbours[pending.pop()]:
            if task not in reached:
                reached.add(task)
                pending.append(task)
    return reached
