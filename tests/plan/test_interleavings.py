"""Every order of events of some small runs, not a sample of them (reliability.md J13)."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest

from haz_trio.plan.machine import PlannedTask
from haz_trio.plan.messages import (
    Broke,
    CancelRequested,
    Ended,
    Fact,
    Halted,
    Hit,
    Kept,
    Missed,
    Ran,
    StopRequested,
)
from haz_trio.plan.outcome import ByCaller, Cancelled, Completed, Exited, RuntimeCycle
from tests.plan.kit import Driver, planned, record, tid

LOCKS = [
    planned("a", lock="m"),
    planned("b", lock="m", shared=True),
    planned("c", lock="m", shared=True),
    planned("d", lock="m"),
]
TAGS = [
    planned("a", tags="t"),
    planned("b", tags="tu"),
    planned("c", tags="u", hard="a"),
    planned("d", tags="tu", weak="b"),
]
MIXED = [
    planned("a", lock="m", tags="t"),
    planned("b", lock="m", shared=True, weak="a"),
    planned("c", lock="n", tags="t"),
    planned("d", hard="a", lock="n"),
]


def answers(driver: Driver, fails: bool, keys: str, cancels: str) -> Iterator[Fact]:
    """All facts that can come next.

    ``fails`` says whether commands may fail, too, and ``cancels`` which tasks may be cancelled.
    """
    for id in map(tid, cancels):
        if id not in driver.unwanted and not driver.plan.finished:
            yield CancelRequested(id)
    for id in sorted(driver.looking):
        yield Hit(id, record(f"/{id.task}"))
        yield Missed(id, keys[sorted(driver.tasks).index(id)])
        if fails:
            yield Broke(id, "no input")
    for id in sorted(driver.running):
        yield Ran(id, record(f"/{id.task}"), (f"/{id.task}",))
        if fails:
            yield Ended(id, Exited(1))
    for id in sorted(driver.keeping):
        yield Kept(id)
    for id in sorted(driver.halted & driver.steps):
        yield Halted(id)
    if fails and not driver.stopped and not driver.plan.finished:
        yield StopRequested()


def explore(driver: Driver, *, fails: bool, keys: str, cancels: str = "") -> list[Driver]:
    """The ends of all runs; a state that was reached before is not entered again."""
    driver.start()
    ends, seen, trail = [], set[bytes](), [pickle.dumps(driver)]
    while trail:
        here = trail.pop()
        if pickle.loads(here).plan.finished:
            ends.append(pickle.loads(here))
        for fact in answers(pickle.loads(here), fails, keys, cancels):
            there = pickle.loads(here)
            there.feed(fact)
            there.history.clear()
            state = pickle.dumps(there)
            if state not in seen:
                seen.add(state)
                trail.append(state)
    return ends


@pytest.mark.parametrize("keys", ["1234", "1122"])
@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize("tasks", [LOCKS[:3], TAGS[:3], MIXED[:3]])
def test_every_order_of_hits_and_runs_completes_everything(
    tasks: list[PlannedTask], slots: int, keys: str
) -> None:
    """No order gets stuck, breaks a rule of the driver, or changes the outcome."""
    ends = explore(Driver(tasks, slots, {"t": 1, "u": 1}), fails=False, keys=keys)
    assert ends
    for end in ends:
        assert all(isinstance(outcome, Completed) for outcome in end.outcomes.values())


def test_every_order_with_failures_and_a_stop_ends() -> None:
    """Two tasks and one that depends on one of them, with everything that can happen."""
    tasks = [planned("a", lock="m"), planned("b", lock="m"), planned("c", hard="a")]
    ends = explore(Driver(tasks, 2), fails=True, keys="112")
    assert {end.stopped for end in ends} == {False, True}


@pytest.mark.parametrize("keys", ["123", "112"])
@pytest.mark.parametrize("cancels", "abc")
def test_every_order_with_a_cancelled_task_ends(cancels: str, keys: str) -> None:
    """Whenever it comes, whoever waited behind the task for a lock or a key goes on."""
    ends = explore(Driver(LOCKS[:3], 2), fails=False, keys=keys, cancels=cancels)
    assert {end.outcomes[tid(cancels)] == Cancelled(ByCaller()) for end in ends} == {False, True}
    for end in ends:
        others = end.outcomes.keys() - {tid(cancels)}
        assert all(isinstance(end.outcomes[id], Completed) for id in others)


def test_every_order_of_a_cycle_finds_it_once() -> None:
    """Whoever comes second finds it; before that nobody does."""
    readers = {"/a": [tid("b")], "/b": [tid("a")]}
    driver = Driver(
        [planned("a"), planned("b", lock="m"), planned("c", lock="m")], readers=readers
    )
    ends = explore(driver, fails=False, keys="123")
    assert {len(end.violations) for end in ends} == {1}
    finders = {v.producer for end in ends for v in end.violations if isinstance(v, RuntimeCycle)}
    assert finders == {tid("a"), tid("b")}


@pytest.mark.deep
@pytest.mark.parametrize("keys", ["1234", "1112"])
@pytest.mark.parametrize("slots", [2, 3])
@pytest.mark.parametrize("tasks", [LOCKS, TAGS, MIXED])
def test_every_order_of_four_tasks_ends(tasks: list[PlannedTask], slots: int, keys: str) -> None:
    """The same for larger runs."""
    ends = explore(Driver(tasks, slots, {"t": 1, "u": 1}), fails=False, keys=keys)
    assert all(isinstance(o, Completed) for end in ends for o in end.outcomes.values())
