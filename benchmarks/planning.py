"""The plan alone: no files, no processes, only facts in and decisions out."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator

import attrs

from benchmarks.sizes import SIZES, Shape, Size, projects_of
from haz_trio.model.names import TaskId
from haz_trio.plan.machine import Limits, Plan, PlannedTask
from haz_trio.plan.messages import Decision, Event, Fact, Hit, Keep, Kept, Look, Missed, Ran, Run
from haz_trio.plan.outcome import Record

ROUNDS = 3
PLAN_SIZES = ("small", "medium", "large", "huge", "wide", "chain", "mutex")


@attrs.frozen
class PlanRow:
    """The best of some rounds in seconds of the processor, building the plan included."""

    size: str
    tasks: int
    hits: float
    misses: float


def planned(size: Size) -> list[PlannedTask]:
    """The tasks of a size as the plan wants them."""
    lock = "one" if size.shape is Shape.MUTEX else None
    return [
        PlannedTask(
            id=TaskId(task.project, task.name),
            hard=tuple(TaskId(*id.split(":")) for id in task.after),
            weak=(),
            tags=frozenset(),
            lock=lock,
            shared=False,
        )
        for project in projects_of(size)
        for task in project.tasks
    ]


def drive(tasks: list[PlannedTask], *, hit: bool) -> int:
    """Answer every decision at once, all looks being hits or all misses; how many runs."""
    plan = Plan(tasks, Limits(2, {}))
    messages: deque[Decision | Event] = deque(plan.start())
    keys = {task.id: f"{number:064x}" for number, task in enumerate(tasks)}
    runs = 0
    while messages:
        message = messages.popleft()
        runs += isinstance(message, Run)
        fact = _answer(message, keys, hit)
        if fact is not None:
            messages += plan.feed(fact)
    if not plan.finished:
        raise AssertionError("the plan is stuck")
    return runs


def _answer(message: Decision | Event, keys: dict[TaskId, str], hit: bool) -> Fact | None:
    match message:
        case Look(task=task):
            return Hit(task, _record(task, keys)) if hit else Missed(task, keys[task])
        case Run(task=task):
            record = _record(task, keys)
            return Ran(task, record, record.outputs)
        case Keep(task=task):
            return Kept(task)
        case _:
            return None


def _record(task: TaskId, keys: dict[TaskId, str]) -> Record:
    output = f"/{task.project}/out/{task.task}.txt"
    return Record(keys[task], bytes(32), bytes(32), (output,))


def measure_plans(sizes: Iterable[str]) -> Iterator[PlanRow]:
    for name in sizes:
        tasks = planned(SIZES[name])
        yield PlanRow(name, len(tasks), _best(tasks, hit=True), _best(tasks, hit=False))


def _best(tasks: list[PlannedTask], *, hit: bool) -> float:
    best = float(sys.maxsize)
    for _ in range(ROUNDS):
        before = time.process_time()
        drive(tasks, hit=hit)
        best = min(best, time.process_time() - before)
    return best


def plan_lines(rows: Iterable[PlanRow]) -> Iterator[str]:
    yield "\n### The plan alone\n"
    yield "| size | tasks | all hits | µs a task | all run | µs a task |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        yield (
            f"| {row.size} | {row.tasks} | {row.hits * 1e3:.1f} ms | "
            f"{row.hits / row.tasks * 1e6:.1f} | {row.misses * 1e3:.1f} ms | "
            f"{row.misses / row.tasks * 1e6:.1f} |"
        )
