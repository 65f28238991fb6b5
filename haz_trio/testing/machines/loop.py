"""A loop beside its plan: any graph, any durations and stops, under trio's deterministic clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import attrs
import hypothesis
import trio
import trio.testing
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from haz_trio.engine.jobs import Job
from haz_trio.engine.loop import Announcer, Loop, Steps
from haz_trio.model.names import TaskId
from haz_trio.plan.machine import Limits, Plan, PlannedTask
from haz_trio.plan.messages import Event, RunFinished, RunStarted, TaskSettled
from haz_trio.plan.outcome import Completed, RunReport
from haz_trio.testing.machines.loop_steps import PlayedSteps, Script, job_of
from haz_trio.testing.machines.plan import caps, graphs, specified
from haz_trio.testing.trial import must
from haz_trio.values import evolve

GRACE = 2.0  # seconds
_EVER = 1e6  # seconds of virtual time in which every run ends
_MOMENT = 1e-6


class DrivenLoop(Protocol):
    """What a loop can do: carry out a plan, and be asked to end it."""

    async def run(self, plan: Plan, jobs: Mapping[TaskId, Job]) -> RunReport: ...

    def stop(self, *, grace: float | None = None) -> None: ...


class MakeLoop(Protocol):
    """Makes one; ``grace`` is in seconds."""

    def __call__(self, worker: Steps, announcer: Announcer, *, grace: float) -> DrivenLoop: ...


@attrs.frozen
class Scenario:
    """A run: tasks and how they go, limits, and when somebody stops it and loses patience."""

    tasks: list[PlannedTask]
    scripts: dict[TaskId, Script]
    slots: int
    caps: dict[str, int]
    stop_at: float | None
    hurry_after: float | None


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    tasks = draw(graphs(7))
    only_slots = draw(st.booleans())  # are scarce: how long that takes can be told
    if only_slots:
        tasks = [evolve(task, lock=None) for task in tasks]
    scripts = st.builds(
        Script,
        hit=st.sampled_from([False, False, True]),
        breaks=st.sampled_from([False, False, False, True]),
        brief=st.booleans(),
        look=st.sampled_from([0.0, 0.5]),
        run=st.sampled_from([0.0, 1.0, 2.0]),
        code=st.sampled_from([0, 0, 0, 1]),
        deaf=st.sampled_from([0.0, 1.0, 10.0]),
        slow=st.sampled_from([0.0, 0.0, 0.25]),
    )
    return Scenario(
        tasks,
        {task.id: draw(scripts) for task in tasks},
        draw(st.integers(1, 4)),
        {} if only_slots else draw(caps),
        # Never at the moment at which something ends: both orders would be right.
        draw(st.none() | st.sampled_from([0.1, 0.6, 1.1, 1.9, 3.1])),
        draw(st.none() | st.sampled_from([0.0, 0.55])),
    )


@attrs.define(eq=False)
class Told:
    """An observer that keeps what it is told."""

    events: list[Event] = attrs.field(factory=list)

    def notice(self, event: Event, at: float) -> None:
        self.events.append(event)

    async def wait_ready(self) -> None:
        await trio.lowlevel.checkpoint()


def check_loop(
    make: MakeLoop = Loop, *, examples: int = 200, seed: int = 0, shrink: bool = True
) -> None:
    """Try a loop on random runs; raises ``DifferenceError`` for the smallest that differs.

    ``make`` makes a loop as ``haz_trio.engine.loop.Loop`` is made, from the steps that it has
    carried out by its children. The error names the rules that are broken, its notes the run;
    without ``shrink`` that may be a large one.
    """
    test = hypothesis.seed(seed)(hypothesis.given(scenarios())(lambda drawn: play(make, drawn)))
    settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )(test)()


def play(make: MakeLoop, scenario: Scenario) -> None:
    """One run; raises ``DifferenceError``."""
    tasks = {task.id: task for task in scenario.tasks}
    steps = PlayedSteps(tasks, scenario.scripts, scenario.slots, scenario.caps)
    told = Told()
    stopped: list[float] = []  # when, in virtual seconds

    async def main() -> tuple[RunReport | None, float]:
        loop = make(steps, Announcer([told]), grace=GRACE)
        began = trio.current_time()
        report = None

        async def stop() -> None:
            if scenario.stop_at is None:
                return
            await trio.sleep(scenario.stop_at)
            stopped.append(trio.current_time())
            loop.stop()
            if scenario.hurry_after is not None:
                await trio.sleep(scenario.hurry_after)
                loop.stop(grace=0)

        with trio.move_on_after(_EVER):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(stop)
                plan = Plan(scenario.tasks, Limits(slots=scenario.slots, tags=scenario.caps))
                report = await loop.run(plan, {id: job_of(id) for id in tasks})
                nursery.cancel_scope.cancel()
        return report, trio.current_time() - began

    try:
        report, took = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    except ExceptionGroup as group:  # what steps have seen, through the nurseries of the loop
        raise _first(group) from None
    must(report is not None, "EXEC-001", "the run comes to its end")
    assert report is not None, "see above"
    must(not steps.running, "EXEC-013", "no command is left")
    _check_report(scenario, report, told.events)
    if stopped:
        _check_stop(scenario, report, steps, stopped[0], took)
    elif not scenario.caps and not any(task.lock for task in scenario.tasks):
        _check_time(scenario, took)


def _first(problem: Exception) -> Exception:
    while isinstance(problem, ExceptionGroup):
        problem = problem.exceptions[0]
    return problem


def _check_report(scenario: Scenario, report: RunReport, events: list[Event]) -> None:
    """Outcomes are those of the specification, and every one is told once."""
    tasks = {task.id: task for task in scenario.tasks}
    verdicts = {id: script.verdict for id, script in scenario.scripts.items()}
    must(set(report.outcomes) == tasks.keys(), "EXEC-017", "the report has every task")
    for id, outcome in report.outcomes.items():
        wanted = specified(tasks, verdicts, id)
        right = type(outcome) is wanted or (report.stopped and not isinstance(outcome, Completed))
        must(right, "EXEC-009 EXEC-010", f"{id} is {outcome}, not {wanted.__name__}")
    settled = sorted(event.task for event in events if isinstance(event, TaskSettled))
    must(settled == sorted(tasks), "EXEC-011", f"{settled} were told to have settled")
    must(isinstance(events[0], RunStarted), "EXEC-021", "the run's start is told first")
    must(isinstance(events[-1], RunFinished), "EXEC-021", "the run's end is told last")


def _check_stop(
    scenario: Scenario, report: RunReport, steps: PlayedSteps, at: float, took: float
) -> None:
    """Nothing starts after a stop, and the grace is the longest that anything goes on.

    What has succeeded by then is stored all the same.
    """
    must(report.stopped, "EXEC-012", "a run that was stopped says so")
    late = sorted(id for id, when in steps.began.items() if when > at + _MOMENT)
    must(not late, "EXEC-012", f"{late} started after the stop")
    assert scenario.stop_at is not None, "somebody has stopped it"
    patience = GRACE if scenario.hurry_after is None else min(GRACE, scenario.hurry_after)
    storing = max(script.slow for script in scenario.scripts.values())
    limit = scenario.stop_at + max(patience, storing) + _MOMENT
    must(took <= limit, "EXEC-014", f"the run took {took} s and may take {limit} s")


def _check_time(scenario: Scenario, took: float) -> None:
    """Where only slots are scarce no slot idles while a task could have it (Graham's bound)."""
    times = {
        id: script.look + (0.0 if script.hit else script.run + script.slow)
        for id, script in scenario.scripts.items()
    }
    before = {task.id: (*task.hard, *task.weak) for task in scenario.tasks}
    longest: dict[TaskId, float] = {}

    def path(id: TaskId) -> float:
        if id not in longest:
            longest[id] = times[id] + max(map(path, before[id]), default=0.0)
        return longest[id]

    bound = sum(times.values()) / scenario.slots + max(map(path, before)) + _MOMENT
    must(took <= bound, "EXEC-004", f"the run took {took} s, and {bound} s are enough")
