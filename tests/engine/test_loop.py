"""The loop under trio's deterministic clock, with scripted steps instead of processes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.abc import Stop
from haz_trio.engine.jobs import Job
from haz_trio.engine.loop import GLANCES, Announcer, Loop
from haz_trio.model.names import TaskId
from haz_trio.plan.machine import Limits, Plan, PlannedTask
from haz_trio.plan.messages import (
    Broke,
    Ended,
    Halted,
    Ran,
    RunFinished,
    RunStarted,
    RunStopping,
    TaskSettled,
    TaskStarted,
)
from haz_trio.plan.outcome import (
    ByCaller,
    Cancelled,
    Completed,
    Errored,
    Failed,
    InFlight,
    Outcome,
    RunCancelled,
    RunReport,
    Skipped,
    Source,
    UpstreamCancelled,
)
from tests.engine.support import Recorder, Script, ScriptedWorker, jobs, task_id


def planned(
    deps: Mapping[str, tuple[str, ...]], weak: Mapping[str, tuple[str, ...]] | None = None
) -> list[PlannedTask]:
    return [
        PlannedTask(
            id=task_id(name),
            hard=tuple(map(task_id, before)),
            weak=tuple(map(task_id, (weak or {}).get(name, ()))),
            tags=frozenset(),
            lock=None,
            shared=False,
        )
        for name, before in deps.items()
    ]


def drive(
    tasks: list[PlannedTask],
    scripts: Mapping[str, Script],
    *,
    slots: int = 4,
    stop_at: float | None = None,
    hurry_at: float | None = None,
    grace: float = 5.0,
    fail_fast: bool = False,
    cancel_at: Mapping[str, float] | None = None,
) -> tuple[RunReport, ScriptedWorker, Recorder, float]:
    """Run a plan with scripted steps in virtual time; also how long it took."""
    worker, recorder = ScriptedWorker(scripts), Recorder()

    async def main() -> tuple[RunReport, float]:
        started = trio.current_time()
        loop = Loop(worker, Announcer([recorder]), grace=grace)

        async def stopper() -> None:
            if stop_at is not None:
                await trio.sleep(stop_at)
                loop.stop()
            if hurry_at is not None:
                await trio.sleep(hurry_at - (stop_at or 0))
                loop.stop(grace=0)

        async def canceller(name: str, at: float) -> None:
            await trio.sleep(at)
            loop.cancel(task_id(name))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(stopper)
            for name, at in (cancel_at or {}).items():
                nursery.start_soon(canceller, name, at)
            report = await loop.run(
                Plan(tasks, Limits(slots, {}), fail_fast=fail_fast),
                jobs(*[task.id.task for task in tasks]),
            )
            took = trio.current_time() - started
            nursery.cancel_scope.cancel()
        return report, took

    report, took = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert not worker.running
    return report, worker, recorder, took


def kinds(report: RunReport) -> dict[str, type[Outcome]]:
    return {id.task: type(outcome) for id, outcome in report}


def test_a_chain_runs_in_order() -> None:
    """Each task of a chain starts when the one before has ended."""
    chain = {"a": (), "b": ("a",), "c": ("b",)}
    report, worker, recorder, took = drive(planned(chain), {n: Script() for n in chain})
    assert kinds(report) == {"a": Completed, "b": Completed, "c": Completed}
    assert took == pytest.approx(3.0)
    assert worker.most == 1
    assert isinstance(recorder.events[0][1], RunStarted)
    assert isinstance(recorder.events[-1][1], RunFinished)


def test_independent_tasks_share_the_slots() -> None:
    """Five one-second tasks on two slots take three seconds."""
    tasks: dict[str, tuple[str, ...]] = dict.fromkeys("abcde", ())
    report, worker, _, took = drive(planned(tasks), {n: Script() for n in tasks}, slots=2)
    assert report.succeeded
    assert worker.most == 2
    assert took == pytest.approx(3.0)


def test_the_loop_makes_a_few_short_looks_itself() -> None:
    """No child looks for what has missed already; of many at once, others get their turn."""
    tasks: dict[str, tuple[str, ...]] = {f"t{i}": () for i in range(GLANCES + 2)}
    scripts = {n: Script(brief=True) for n in tasks}
    report, worker, _, took = drive(planned(tasks), scripts, slots=len(tasks))
    assert report.succeeded
    assert took == pytest.approx(1.0)
    assert sorted(worker.looks) == sorted(tasks)
    assert len(worker.glances) == GLANCES


def test_a_failure_skips_what_depends_on_it() -> None:
    """Dependents of a failed and of an errored task are skipped, the rest completes."""
    deps = {"bad": (), "broken": (), "x": ("bad",), "y": ("x", "broken"), "z": ()}
    scripts = {n: Script() for n in deps} | {"bad": Script(code=3), "broken": Script(breaks=True)}
    report, _, _, _ = drive(planned(deps), scripts)
    assert kinds(report) == {
        "bad": Failed,
        "broken": Errored,
        "x": Skipped,
        "y": Skipped,
        "z": Completed,
    }
    assert not report.succeeded


def test_a_weak_dependency_only_orders() -> None:
    """The weak successor of a failed task runs, and after it."""
    tasks = planned({"first": (), "second": ()}, {"first": ("second",)})
    report, worker, _, _ = drive(tasks, {"first": Script(), "second": Script(code=1)})
    assert kinds(report) == {"first": Completed, "second": Failed}
    assert worker.spans["second"][1] <= worker.spans["first"][0]


def test_a_stop_asks_waits_and_ends() -> None:
    """A stop halts what runs, lets it use its grace, and starts nothing more."""
    deps = {"a": (), "b": ("a",), "c": ()}
    scripts = {n: Script(run=60, grace_used=2) for n in deps}
    report, _, _, took = drive(planned(deps), scripts, slots=1, stop_at=10)
    assert report.outcomes == {
        task_id("a"): Cancelled(InFlight()),
        task_id("b"): Cancelled(UpstreamCancelled(task_id("a"))),
        task_id("c"): Cancelled(RunCancelled()),
    }
    assert report.stopped
    assert took == pytest.approx(12.0)


def test_the_grace_has_an_end() -> None:
    """A task that ignores the request ends with its grace."""
    report, _, _, took = drive(
        planned({"deaf": ()}), {"deaf": Script(run=60, grace_used=1000)}, stop_at=1, grace=5
    )
    assert kinds(report) == {"deaf": Cancelled}
    assert took == pytest.approx(6.0)


def test_a_second_stop_ends_the_grace() -> None:
    """``stop(grace=0)`` does not wait, for tasks in flight as for those halted later."""
    scripts = {"deaf": Script(run=60, grace_used=1000)}
    _, _, _, took = drive(planned({"deaf": ()}), scripts, stop_at=1, hurry_at=2)
    assert took == pytest.approx(2.0)
    _, _, _, took = drive(planned({"deaf": ()}), scripts, hurry_at=3)
    assert took == pytest.approx(3.0)


def test_a_stop_comes_before_the_facts_that_wait() -> None:
    """Many looks end at one moment; when the first have led to starts, no others do."""
    names = [f"t{number}" for number in range(30)]

    class Stopper(ScriptedWorker):
        async def run(self, job: Job, *, stop: Stop) -> Ran | Ended | Broke | Halted:
            loops[0].stop()
            return await super().run(job, stop=stop)

    worker, loops = Stopper({name: Script(look=0.1, run=60.0) for name in names}), list[Loop]()

    async def main() -> RunReport:
        loops.append(Loop(worker, Announcer([]), grace=5.0))
        plan = Plan(planned(dict.fromkeys(names, ())), Limits(30, {}))
        return await loops[0].run(plan, jobs(*names))

    report = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert set(kinds(report).values()) == {Cancelled}
    assert 1 <= len(worker.spans) <= 3


def test_one_task_is_cancelled_and_the_others_go_on() -> None:
    """It uses its grace while they run; what depends on it is cancelled, what does not is not."""
    deps = {"a": (), "b": ("a",), "c": (), "d": ("c",)}
    scripts = {n: Script(run=10, grace_used=2) for n in deps}
    report, worker, recorder, took = drive(planned(deps), scripts, cancel_at={"a": 3})
    assert report.outcomes[task_id("a")] == Cancelled(ByCaller())
    assert report.outcomes[task_id("b")] == Cancelled(UpstreamCancelled(task_id("a")))
    assert worker.spans["a"] == pytest.approx((0, 5))
    assert isinstance(report.outcomes[task_id("d")], Completed)
    assert took == pytest.approx(20)
    assert not report.stopped
    assert not recorder.of(RunStopping)


def test_a_cancelled_task_without_grace_ends_at_once() -> None:
    """``grace=0`` ends a grace, and also one that has not begun."""
    worker = ScriptedWorker({"a": Script(run=60, grace_used=1000), "b": Script(run=60)})

    async def main() -> RunReport:
        loop = Loop(worker, Announcer(), grace=100)
        async with trio.open_nursery() as nursery:

            async def canceller() -> None:
                await trio.sleep(1)
                loop.cancel(task_id("a"))
                await trio.sleep(1)
                loop.cancel(task_id("a"), grace=0)

            nursery.start_soon(canceller)
            return await loop.run(Plan(planned({"a": (), "b": ()}), Limits(2, {})), jobs("a", "b"))

    report = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert kinds(report) == {"a": Cancelled, "b": Completed}
    assert worker.spans["a"] == pytest.approx((0, 2))


def test_a_stop_before_the_run_starts_nothing() -> None:
    """What is stopped before it began looks nothing up and cancels everything."""
    worker, recorder = ScriptedWorker({"a": Script(brief=True), "b": Script()}), Recorder()

    async def main() -> RunReport:
        loop = Loop(worker, Announcer([recorder]), grace=1)
        loop.stop()
        return await loop.run(Plan(planned({"a": (), "b": ("a",)}), Limits(1, {})), jobs("a", "b"))

    report = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert {outcome for _, outcome in report} == {Cancelled(RunCancelled())}
    assert report.stopped
    assert worker.spans == {}
    assert worker.looks == worker.glances == []
    assert recorder.of(TaskStarted) == []


def test_an_empty_run_is_over_at_once() -> None:
    """No task, no step: the report is empty and a success."""
    report, _, recorder, took = drive([], {})
    assert report.succeeded
    assert dict(report.outcomes) == {}
    assert took == 0
    assert recorder.of(RunFinished)


def test_the_callers_scope_aborts() -> None:
    """Cancelling the scope around ``run`` cancels every step and raises nothing else."""
    worker = ScriptedWorker({"a": Script(run=60, grace_used=1000)})

    async def main() -> bool:
        loop = Loop(worker, Announcer(), grace=100)
        with trio.move_on_after(3) as scope:
            await loop.run(Plan(planned({"a": ()}), Limits(1, {})), jobs("a"))
        return scope.cancelled_caught

    assert trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert worker.spans["a"] == pytest.approx((0.0, 3.0))
    assert not worker.running


@st.composite
def scenarios(
    draw: st.DrawFn,
) -> tuple[dict[str, tuple[str, ...]], dict[str, Script]]:
    names = [f"t{i}" for i in range(draw(st.integers(1, 7)))]
    deps = {}
    for i, name in enumerate(names):
        before = st.lists(st.sampled_from(names[:i]), unique=True) if i else st.just([])
        deps[name] = tuple(sorted(draw(before)))
    scripts = st.builds(
        Script,
        hit=st.booleans(),
        brief=st.booleans(),
        look=st.sampled_from([0.0, 0.5]),
        run=st.sampled_from([0.0, 1.0, 2.0]),
        code=st.sampled_from([0, 0, 0, 1]),
        breaks=st.sampled_from([False, False, False, True]),
    )
    return deps, {name: draw(scripts) for name in names}


def expected(
    deps: Mapping[str, tuple[str, ...]], scripts: Mapping[str, Script]
) -> dict[str, type]:
    """The specification: no slots, no time, only what follows from what."""
    found: dict[str, type] = {}
    for name, before in deps.items():  # names are in topological order
        script = scripts[name]
        if any(found[b] is not Completed for b in before):
            found[name] = Skipped
        elif script.breaks:
            found[name] = Errored
        elif script.hit or not script.code:
            found[name] = Completed
        else:
            found[name] = Failed
    return found


@given(scenarios(), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_the_outcome_does_not_depend_on_time_or_slots(
    scenario: tuple[dict[str, tuple[str, ...]], dict[str, Script]], slots: int
) -> None:
    """Whatever the slots and the durations, outcomes are those of the specification."""
    deps, scripts = scenario
    report, worker, recorder, _ = drive(planned(deps), scripts, slots=slots)
    assert kinds(report) == expected(deps, scripts)
    assert worker.most <= slots
    settled = [event.task for event in recorder.of(TaskSettled) if isinstance(event, TaskSettled)]
    assert sorted(settled) == sorted(map(task_id, deps))
    started: list[TaskId] = [
        e.task for e in recorder.of(TaskStarted) if isinstance(e, TaskStarted)
    ]
    assert len(started) == len(set(started))
    for id, outcome in report:
        if isinstance(outcome, Completed):
            assert (outcome.source is Source.CACHE) == scripts[id.task].hit
            assert all(
                worker.spans[b][1] <= worker.spans[id.task][0]
                for b in deps[id.task]
                if b in worker.spans and id.task in worker.spans
            )


@given(scenarios(), st.integers(1, 3), st.floats(0, 6))
@settings(max_examples=60, deadline=None)
def test_a_stop_at_any_moment_ends_the_run(
    scenario: tuple[dict[str, tuple[str, ...]], dict[str, Script]], slots: int, at: float
) -> None:
    """Every task has an outcome, nothing starts after the stop, the end comes with the grace."""
    deps, scripts = scenario
    report, worker, _, took = drive(planned(deps), scripts, slots=slots, stop_at=at, grace=1)
    assert kinds(report).keys() == deps.keys()
    if report.stopped:
        assert all(start <= at for start, _ in worker.spans.values())
        assert took <= at + 1 + 1e-6
