"""Numbers for tasks, and what a plan refuses to begin with."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given, settings

from haz_trio.plan.machine import Limits, Plan, PlannedTask
from haz_trio.plan.selection import Selection
from haz_trio.testing.machines.plan import graphs
from tests.plan.kit import planned, tid


@given(graphs())
@settings(deadline=None)
def test_numbers_are_canonical_and_the_order_is_topological(tasks: list[PlannedTask]) -> None:
    """Numbers compare like ids; each task is in the order once, behind its predecessors."""
    selection = Selection.of(tasks, [])
    assert list(selection.ids) == sorted(task.id for task in tasks)
    assert [selection.numbers[id] for id in selection.ids] == list(range(len(tasks)))
    assert sorted(selection.order) == list(range(len(tasks)))
    place = {task: position for position, task in enumerate(selection.order)}
    for task in tasks:
        for before in chain(task.hard, task.weak):
            assert place[selection.numbers[before]] < place[selection.numbers[task.id]]


def test_producer_edges_of_others_are_left_out() -> None:
    """Only edges between two different tasks of the run are known (DAG-013)."""
    a, b, x = tid("a"), tid("b"), tid("x:x")
    edges = [(a, b), (a, b), (a, a), (x, a), (b, x)]
    assert Selection.of([planned("a"), planned("b")], edges).made.after == ([1], [])


@pytest.mark.parametrize(
    ("tasks", "edges", "message"),
    [
        ([planned("b"), planned("a"), planned("b")], [], "p:b is planned twice"),
        ([planned("a", hard="b")], [], "p:a depends on p:b, which is not part of this run"),
        ([planned("a", weak="b")], [], "p:a depends on p:b, which is not part of this run"),
        ([planned("a", hard="a")], [], "p:a is in, or waits for, a dependency cycle"),
        ([planned("a", hard="b"), planned("b", weak="a")], [], r"p:a is in, .* cycle \(DAG-014\)"),
        ([planned("a"), planned("b", hard="a")], [("b", "a")], r"p:a is in, .* cycle \(DAG-014\)"),
    ],
)
def test_a_run_that_cannot_be_planned_is_refused(
    tasks: list[PlannedTask], edges: list[tuple[str, str]], message: str
) -> None:
    """Broken preconditions are said by name instead of ending in a run that hangs."""
    with pytest.raises(ValueError, match=message):
        Plan(tasks, Limits(1, {}), edges=[(tid(a), tid(b)) for a, b in edges])


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(0, {}), "number of slots is 0"),
        (Limits(-1, {}), "number of slots is -1"),
        (Limits(1, {"gpu": 0}), "cap of tag 'gpu' is 0"),
    ],
)
def test_caps_below_one_are_refused(limits: Limits, message: str) -> None:
    """A run with such a cap could never end (J15)."""
    with pytest.raises(ValueError, match=message):
        Plan([planned("a")], limits)
