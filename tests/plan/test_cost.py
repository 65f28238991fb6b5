"""What a run costs the plan grows with tasks and edges, and not faster (style.md 23)."""

from __future__ import annotations

import inspect
import sys
import time
from collections import deque
from collections.abc import Callable

import pytest

from haz_trio.model.names import TaskId
from haz_trio.plan.machine import Limits, Plan, PlannedTask, PlanStatistics
from haz_trio.plan.messages import Ended, Keep, Kept, Look, Missed, Ran, Run
from haz_trio.plan.outcome import Exited
from tests.plan.kit import planned, record, tid

SIZE = 400


def wide(size: int) -> list[PlannedTask]:
    return [planned(f"t{n:06}") for n in range(size)]


def tagged(size: int) -> list[PlannedTask]:
    return [planned(f"t{n:06}", tags=["gpu"]) for n in range(size)]


def two_tags(size: int) -> list[PlannedTask]:
    sets: list[list[str]] = [["gpu", "net"], ["gpu"], ["net"]]
    return [planned(f"t{n:06}", tags=sets[n % 3]) for n in range(size)]


def locked(size: int) -> list[PlannedTask]:
    return [planned(f"t{n:06}", lock="m") for n in range(size)]


def shared(size: int) -> list[PlannedTask]:
    return [planned(f"t{n:06}", lock="m", shared=n % 5 != 0) for n in range(size)]


def chain(size: int) -> list[PlannedTask]:
    return [planned(f"t{n:06}", hard=[f"t{n - 1:06}"] if n else []) for n in range(size)]


def weak_chain(size: int) -> list[PlannedTask]:
    return [planned(f"t{n:06}", weak=[f"t{n - 1:06}"] if n else []) for n in range(size)]


def star(size: int) -> list[PlannedTask]:
    return [planned(f"t{n:06}", hard=["t000000"] if n else []) for n in range(size)]


def drive(
    tasks: list[PlannedTask],
    *,
    slots: int = 8,
    fails: bool = False,
    key: Callable[[TaskId], str] = str,
    readers: Callable[[str], list[TaskId]] = lambda path: [],
) -> tuple[int, PlanStatistics]:
    """Run everything, each thing at once; the number of looks and the statistics at the end."""
    plan = Plan(tasks, Limits(slots, {"gpu": 1, "net": 1}), consumers=readers)
    looks = 0
    messages = deque(plan.start())
    while messages:
        match messages.popleft():
            case Look(id):
                looks += 1
                messages += plan.feed(Missed(id, key(id)))
            case Run(id) if fails:
                messages += plan.feed(Ended(id, Exited(1)))
            case Run(id):
                messages += plan.feed(Ran(id, record(f"/{id.task}"), (f"/{id.task}",)))
            case Keep(id):
                messages += plan.feed(Kept(id))
            case _:
                pass
    assert plan.finished
    return looks, plan.statistics()


SHAPES = [wide, tagged, two_tags, locked, shared, chain, weak_chain, star]


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_effort_grows_linearly(shape: Callable[[int], list[PlannedTask]], fails: bool) -> None:
    """Four times the tasks take four times the handling, whatever holds them back."""
    looks, small = drive(shape(SIZE), fails=fails)
    more_looks, large = drive(shape(4 * SIZE), fails=fails)
    assert large.effort <= 4.1 * small.effort + 20
    assert more_looks <= 4.1 * looks + 20
    assert looks <= 2 * SIZE


@pytest.mark.parametrize("fails", [False, True])
def test_equal_keys_cost_two_looks_each(fails: bool) -> None:
    """Also when the result cannot be stored, or the command fails every time."""
    looks, statistics = drive(wide(SIZE), slots=SIZE, fails=fails, key=lambda _: "k")
    assert looks <= 2 * SIZE
    assert statistics.effort <= 3 * SIZE


def test_edges_that_agree_with_the_order_are_not_searched() -> None:
    """A chain found at run time, file by file, in the order in which the tasks ran."""

    def next_one(path: str) -> list[TaskId]:
        return [tid(f"t{int(path[2:]) + 1:06}")]

    _, small = drive(wide(SIZE), slots=1, readers=next_one)
    assert small.effort <= SIZE


def test_edges_against_the_order_move_only_what_stands_between() -> None:
    """A chain found at run time against the order: each edge moves one task and the chain."""

    def one_before(path: str) -> list[TaskId]:
        number = int(path[2:])
        return [tid(f"t{number - 1:06}")] if number % 2 else []

    _, small = drive(wide(SIZE), slots=1, readers=one_before)
    _, large = drive(wide(4 * SIZE), slots=1, readers=one_before)
    assert large.effort <= 4.1 * small.effort + 20


def test_five_thousand_tasks_behind_one_tag_take_no_time() -> None:
    """The prototype took 19.8 s; the bound leaves room for a slow machine."""
    tasks = tagged(5000)
    started = time.process_time()
    drive(tasks)
    assert time.process_time() - started < 2


@pytest.mark.parametrize("shape", [chain, weak_chain, star])
@pytest.mark.parametrize("fails", [False, True])
def test_no_shape_needs_a_deep_stack(
    shape: Callable[[int], list[PlannedTask]], fails: bool
) -> None:
    """J01: nothing recurses along the graph, neither in runs nor in cascades."""
    tasks = shape(3000)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 60)
    try:
        drive(tasks, fails=fails)
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.deep
@pytest.mark.parametrize("shape", [tagged, shared, chain, star])
def test_a_hundred_thousand_tasks(shape: Callable[[int], list[PlannedTask]]) -> None:
    """J01: the plan's part of a minute is a few seconds."""
    started = time.process_time()
    drive(shape(100_000))
    assert time.process_time() - started < 30
