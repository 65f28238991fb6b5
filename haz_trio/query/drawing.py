"""A selection of tasks as a graph: its edges, and their text for dot and mermaid (query.md 8).

An arrow leads from a task to what it needs.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence

from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.values import frozen


class Bond(enum.Enum):
    """Why one task comes behind another (DAG-008, DAG-009, DAG-013)."""

    HARD = "hard"
    SOFT = "soft"
    PRODUCER = "producer"


@frozen
class Edge:
    """``task`` needs ``needs``; two tasks may be bound in several ways."""

    task: TaskId
    needs: TaskId
    bond: Bond


_DOT = {Bond.HARD: "solid", Bond.SOFT: "dashed", Bond.PRODUCER: "dotted"}
_MERMAID = {Bond.HARD: "-->", Bond.SOFT: "-.->", Bond.PRODUCER: "-.->|files|"}


def edges_among(graph: TaskGraph, tasks: Sequence[TaskId]) -> tuple[Edge, ...]:
    """The edges between some tasks; those to others are left out."""
    kept = frozenset(tasks)
    kinds: tuple[tuple[Bond, Mapping[TaskId, Iterable[TaskId]]], ...] = (
        (Bond.HARD, graph.hard),
        (Bond.SOFT, graph.weak),
        (Bond.PRODUCER, graph.producers),
    )
    return tuple(
        Edge(task, needed, bond)
        for task in tasks
        for bond, predecessors in kinds
        for needed in predecessors[task]
        if needed in kept
    )


def dot(tasks: Sequence[TaskId], edges: Iterable[Edge]) -> str:
    """A graph for Graphviz; no name of a task needs an escape in quotes."""
    lines = ["digraph haz {", "  rankdir=LR;", "  node [shape=box];"]
    lines += [f'  "{task}";' for task in tasks]
    lines += [f'  "{e.task}" -> "{e.needs}" [style={_DOT[e.bond]}];' for e in edges]
    return "\n".join([*lines, "}", ""])


def mermaid(tasks: Sequence[TaskId], edges: Iterable[Edge]) -> str:
    """A flowchart for Mermaid; nodes are numbered in the order of the tasks."""
    numbers = {task: f"t{number}" for number, task in enumerate(tasks)}
    lines = ["flowchart LR"]
    lines += [f'  {number}["{task}"]' for task, number in numbers.items()]
    lines += [f"  {numbers[e.task]} {_MERMAID[e.bond]} {numbers[e.needs]}" for e in edges]
    return "\n".join([*lines, ""])
