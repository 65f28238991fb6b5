"""Queries by asking every task alone: slow, and written from query.md 5 and nothing else."""

from __future__ import annotations

from itertools import product

from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.model.patterns import Anchored
from haz_trio.query.atoms import Meaning
from haz_trio.query.conditions import (
    Condition,
    Declares,
    HasTag,
    InProject,
    IsNamed,
    IsTask,
    Related,
    Relation,
    Side,
    Touches,
)
from haz_trio.query.syntax import And, Leaf, Not, Or

# Every common path of two patterns that the tests draw has one of these as its like.
PATHS = [
    "/" + "/".join(segments)
    for depth in (1, 2, 3, 4)
    for segments in product(["p", "q", "x", "y", "d"], repeat=depth)
]


def holds(question: Meaning, task: TaskId, graph: TaskGraph, folder: str) -> bool:
    match question:
        case Leaf(condition):
            return _fulfils(condition, task, graph, folder)
        case Not(inner):
            return not holds(inner, task, graph, folder)
        case And(operands):
            return all(holds(each, task, graph, folder) for each in operands)
        case Or(operands):
            return any(holds(each, task, graph, folder) for each in operands)


def _fulfils(condition: Condition, task: TaskId, graph: TaskGraph, folder: str) -> bool:
    node = graph.nodes[task]
    match condition:
        case HasTag(name):
            return any(name.matches(tag) for tag in node.project.tags)
        case InProject(name):
            return name.matches(task.project)
        case IsNamed(name):
            return name.matches(task.task)
        case IsTask(id):
            return task == id
        case Touches(side, pattern):
            declared = node.inputs if side is Side.INPUTS else node.outputs
            return any(common(pattern.anchored(folder), each) for each in declared)
        case Declares(trait):
            return bool(getattr(node.task, trait.value))
        case Related(relation, targets):
            return any(
                holds(targets, other, graph, folder)
                for other in graph.ids
                if _is_related(relation, task, other, graph)
            )


def common(a: Anchored, b: Anchored) -> bool:
    return any(a.matches(path) and b.matches(path) for path in PATHS)


def _is_related(relation: Relation, task: TaskId, other: TaskId, graph: TaskGraph) -> bool:
    match relation:
        case Relation.CHILD_OF:
            return other in graph.hard[task]
        case Relation.PARENT_OF:
            return task in graph.hard[other]
        case Relation.DEPENDS_ON:
            return reaches(task, other, graph)
        case Relation.ANCESTOR_OF:
            return reaches(other, task, graph)


def reaches(task: TaskId, other: TaskId, graph: TaskGraph) -> bool:
    return any(needed == other or reaches(needed, other, graph) for needed in graph.hard[task])
