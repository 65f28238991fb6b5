"""Cycles in words: the members, one short cycle, and what makes each of its edges (DAG-014)."""

from __future__ import annotations

from collections.abc import Sequence

from haz_trio.errors import Diagnostic
from haz_trio.graph.cycles import short_cycle
from haz_trio.graph.edges import Edges, Field, declaring_place
from haz_trio.graph.effective import Node
from haz_trio.graph.files import LISTED, listed, passage
from haz_trio.graph.references import Resolver, holds
from haz_trio.values import frozen_with


@frozen_with(eq=False)
class Wiring:
    """All edges between the tasks, by number; what a report of a cycle looks at."""

    nodes: Sequence[Node]
    edges: Edges
    producers: Sequence[tuple[int, ...]]
    resolver: Resolver


def report_cycle(members: Sequence[int], wiring: Wiring) -> Diagnostic:
    """One problem for one strongly connected component of at least two tasks."""
    cycle = short_cycle(members, wiring.edges.hard, wiring.edges.weak, wiring.producers)
    steps = [
        _step(number, cycle[(place + 1) % len(cycle)], wiring)
        for place, number in enumerate(cycle[:LISTED])
    ]
    ids = [str(wiring.nodes[number].id) for number in cycle]
    left_out = [f"... {len(ids) - LISTED:,} more ..."] if len(ids) > LISTED else []
    return Diagnostic(
        f"cyclic dependency among {len(members)} tasks (DAG-014)",
        span=steps[0].span,
        label=steps[0].label,
        key_path=steps[0].key_path,
        causes=(
            f"the tasks are {listed([f'`{wiring.nodes[n].id}`' for n in members])}",
            f"a cycle: {' -> '.join([*ids[:LISTED], *left_out, ids[0]])}",
            *(step.message for step in steps),
        ),
        help="remove one of these edges; each task in the cycle waits for the next",
        related=tuple(steps),
    )


def _step(number: int, predecessor: int, wiring: Wiring) -> Diagnostic:
    """Why a task comes behind another one: ``deps``, else ``weakDeps``, else a file."""
    node, before = wiring.nodes[number], wiring.nodes[predecessor]
    for field, lists in ((Field.DEPS, wiring.edges.hard), (Field.WEAK_DEPS, wiring.edges.weak)):
        if holds(lists[number], predecessor):
            place = declaring_place(node, field, predecessor, wiring.resolver)
            reference = field.of(node)[place]
            return Diagnostic(
                f"`{node.id}` waits for `{before.id}`: {field.value} `{reference}`",
                span=node.task.place(f"{field.value}[{place}]"),
                label=f"waits for `{before.id}`",
                key_path=f"tasks.{node.id.task}.{field.value}[{place}]",
            )
    through = passage(before, node)
    assert through is not None, "a producer edge has a file"
    return Diagnostic(
        f"`{node.id}` reads file `{through.path}`, made by `{before.id}`",
        span=node.task.place(f"inputs[{through.input}]"),
        label=f"made by `{before.id}`",
        key_path=f"tasks.{node.id.task}.inputs[{through.input}]",
    )
