"""What tasks waited for, and what other limits would have meant: exact, and true of the plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haz_trio.model.names import TaskId
from haz_trio.plan.admission import Limits
from haz_trio.plan.advice import best_changes
from haz_trio.plan.machine import Plan
from haz_trio.plan.messages import (
    Event,
    Obstacle,
    RunNote,
    RunStarted,
    TaskBegun,
    TaskReady,
    TaskResumed,
    TaskSettled,
    TaskStarted,
    TaskWaits,
)
from haz_trio.plan.outcome import (
    Cancelled,
    Completed,
    Errored,
    Exited,
    Failed,
    Record,
    RunCancelled,
    RunReport,
    Skipped,
    Source,
    UpstreamFailed,
)
from haz_trio.plan.recorder import Recorder
from haz_trio.plan.selection import PlannedTask
from haz_trio.plan.simulation import Change, Step, simulate
from haz_trio.plan.timeline import End, Mark, Marks, Moment, Timeline
from haz_trio.plan.waits import (
    ForDependency,
    ForEqual,
    ForMutex,
    ForRunner,
    ForSlot,
    ForTag,
    Reason,
    Spent,
    Wait,
    account,
    totals,
)
from haz_trio.testing.machines.plan import caps, graphs
from tests.plan.kit import planned, tid

A, B, C = tid("a"), tid("b"), tid("c")
FRESH = Completed(Source.FRESH, Record("k", b"", b""))


def alone(
    tasks: Sequence[PlannedTask],
    limits: Limits,
    times: Iterable[tuple[float, float]],
    ends: Sequence[End],
    twins: tuple[tuple[int, ...], ...] = (),
) -> Timeline:
    """One task after the other, in canonical order; ``times`` are those of look and command."""
    marks: list[Mark] = []
    now = 0.0
    for number, (look, run) in enumerate(times):
        marks.append(Mark(now, Moment.LOOKED, number))
        now += look
        if ends[number] is not End.ERRORED:
            marks.append(Mark(now, Moment.BEGUN, number))
            now += run
        marks.append(Mark(now, Moment.SETTLED, number))
    return Timeline(tuple(tasks), limits, tuple(ends), tuple(marks), twins, 0.0, now)


@st.composite
def timelines(draw: st.DrawFn, *, equal: bool = True) -> Timeline:
    tasks = sorted(draw(graphs()), key=lambda task: task.id)
    limits = Limits(draw(st.integers(1, 4)), draw(caps))
    ends = [
        draw(st.sampled_from([End.FRESH, End.FRESH, End.HIT, End.FAILED, End.ERRORED]))
        for _ in tasks
    ]
    numbers = st.integers(0, 8).map(float)
    times = [draw(st.tuples(numbers, numbers)) for _ in tasks]
    groups = [(), (tuple(range(0, len(tasks), 2)),)]
    twins = draw(st.sampled_from(groups)) if equal else ()
    return alone(tasks, limits, times, ends, twins)


# -- accounting -----------------------------------------------------------------------------------


@given(timelines())
def test_waits_looks_and_runs_add_up_to_the_end_of_each_task(durations: Timeline) -> None:
    """No moment of a task is lost, and none is counted twice."""
    timeline = simulate(durations).timeline
    settled = {mark.task: mark.at for mark in timeline.marks if mark.moment is Moment.SETTLED}
    for number, spent in enumerate(account(timeline)):
        assert spent.settled == pytest.approx(settled[number] - timeline.began)
        assert spent.looked >= 0
        assert spent.ran >= 0
        assert all(wait.seconds > 0 for wait in spent.waits)


@given(timelines())
def test_under_a_virtual_clock_nobody_waits_for_the_runner(durations: Timeline) -> None:
    """Where nothing takes time but tasks, every wait has a name."""
    for spent in account(simulate(durations).timeline):
        assert ForRunner() not in {wait.reason for wait in spent.waits}


@given(timelines())
def test_only_what_the_run_has_is_waited_for(durations: Timeline) -> None:
    """Tags with a cap, mutexes of the task, predecessors of the task; equal tasks if there are."""
    timeline = simulate(durations).timeline
    for task, spent in zip(timeline.tasks, account(timeline), strict=True):
        for wait in spent.waits:
            match wait.reason:
                case ForDependency(before):
                    assert before in (*task.hard, *task.weak)
                case ForTag(tag):
                    assert tag in task.tags & timeline.limits.tags.keys()
                case ForMutex(mutex):
                    assert mutex == task.lock
                case ForEqual():
                    assert timeline.twins
                case ForSlot() | ForRunner():
                    pass


def reckoned(tasks: Sequence[PlannedTask], limits: Limits, seconds: float = 4.0) -> list[Spent]:
    """How tasks of equal length spend a run in which looks take no time."""
    ends = [End.FRESH] * len(tasks)
    durations = alone(tasks, limits, [(0.0, seconds)] * len(tasks), ends)
    return list(account(simulate(durations).timeline))


@pytest.mark.parametrize(
    ("tasks", "limits", "reason"),
    [
        ([planned("a"), planned("b")], Limits(1, {}), ForSlot()),
        ([planned("a", tags="t"), planned("b", tags="t")], Limits(2, {"t": 1}), ForTag("t")),
        ([planned("a", lock="m"), planned("b", lock="m")], Limits(2, {}), ForMutex("m")),
        ([planned("a"), planned("b", hard="a")], Limits(2, {}), ForDependency(A)),
        ([planned("a"), planned("b", weak="a")], Limits(2, {}), ForDependency(A)),
    ],
)
def test_a_wait_has_the_name_of_what_is_missing(
    tasks: list[PlannedTask], limits: Limits, reason: Reason
) -> None:
    first, second = reckoned(tasks, limits)
    assert first == Spent(A, End.FRESH, (), 0.0, 4.0)
    assert second == Spent(B, End.FRESH, (Wait(reason, 4.0),), 0.0, 4.0)


def test_shared_holders_do_not_wait_for_each_other() -> None:
    readers = [planned(name, lock="m", shared=True) for name in "ab"]
    writer = planned("c", lock="m")
    assert [each.waits for each in reckoned([*readers, writer], Limits(3, {}))] == [
        (),
        (),
        (Wait(ForMutex("m"), 4.0),),
    ]


def test_who_is_called_for_a_mutex_then_waits_for_a_slot() -> None:
    """b has the mutex free after 4 s; then c has the only slot until 8 s... of two, one is a's."""
    tasks = [planned("a", lock="m"), planned("b", lock="m"), planned("c"), planned("d")]
    spent = {each.task: each for each in reckoned(tasks, Limits(2, {}))}
    assert spent[B].waits == (Wait(ForMutex("m"), 4.0),)
    assert spent[tid("d")].waits == (Wait(ForSlot(), 4.0),)


def test_the_second_of_two_equal_tasks_waits_for_the_first() -> None:
    tasks = [planned("a"), planned("b")]
    ends = [End.FRESH, End.HIT]
    durations = alone(tasks, Limits(2, {}), [(1.0, 4.0), (1.0, 0.0)], ends, ((0, 1),))
    first, second = account(simulate(durations).timeline)
    assert (first.waits, first.looked, first.ran) == ((), 1.0, 4.0)
    assert (second.waits, second.looked, second.ran) == ((Wait(ForEqual(), 4.0),), 2.0, 0.0)


def test_what_stands_before_the_first_task_is_the_runners() -> None:
    marks = (
        Mark(0.5, Moment.READY, 0),
        Mark(0.75, Moment.LOOKED, 0),
        Mark(1.0, Moment.SETTLED, 0),
    )
    timeline = Timeline((planned("a"),), Limits(1, {}), (End.ERRORED,), marks, (), 0.25, 1.0)
    assert account(timeline) == (Spent(A, End.ERRORED, (Wait(ForRunner(), 0.5),), 0.25, 0.0),)


def test_a_task_that_goes_on_after_its_end_is_refused() -> None:
    marks = (Mark(0.0, Moment.SETTLED, 0), Mark(1.0, Moment.READY, 0))
    timeline = Timeline((planned("a"),), Limits(1, {}), (End.SKIPPED,), marks, (), 0.0, 1.0)
    with pytest.raises(ValueError, match="p:a goes on after it has settled"):
        account(timeline)


def test_totals_leave_predecessors_out_and_come_longest_first() -> None:
    tasks = [planned("a", tags="t"), planned("b", tags="t"), planned("c", hard="b"), planned("d")]
    assert totals(reckoned(tasks, Limits(3, {"t": 1}))) == {ForTag("t"): 4.0}
    mixed = [*tasks[:2], *(planned(name, hard="a") for name in "cde")]
    found = totals(reckoned(mixed, Limits(2, {"t": 1})))
    assert list(found.items()) == [(ForSlot(), 8.0), (ForTag("t"), 4.0)]


def test_reasons_read_like_what_they_are() -> None:
    reasons = [ForDependency(A), ForTag("db"), ForMutex("p:m"), ForEqual(), ForRunner()]
    told = ["dependency p:a", "tag db", "mutex p:m", "an equal task", "the runner"]
    assert list(map(str, reasons)) == told


# -- simulation -----------------------------------------------------------------------------------


@given(timelines(equal=False))
def test_simulating_a_simulation_changes_nothing(durations: Timeline) -> None:
    """What is reckoned from a timeline is reckoned from its own result again."""
    once = simulate(durations)
    again = simulate(once.timeline)
    assert again.makespan == pytest.approx(once.makespan)
    assert again.timeline.ends == once.timeline.ends


@given(timelines())
def test_a_simulation_keeps_caps_and_mutexes(durations: Timeline) -> None:
    """Slots and capped tags are never exceeded."""
    timeline = simulate(durations).timeline
    flying: set[int] = set()
    for mark in timeline.marks:
        if mark.moment is Moment.LOOKED:
            flying.add(mark.task)
        elif mark.moment not in (Moment.READY, Moment.BEGUN):
            flying.discard(mark.task)
        assert len(flying) <= timeline.limits.slots
        for tag, cap in timeline.limits.tags.items():
            assert sum(tag in timeline.tasks[task].tags for task in flying) <= cap


@given(timelines())
def test_the_critical_path_leads_without_a_gap_to_the_end(durations: Timeline) -> None:
    found = simulate(durations)
    path = found.critical
    assert path[0].since == found.timeline.marks[0].at
    assert path[-1].until == found.timeline.marks[-1].at
    assert all(a.until == b.since for a, b in pairwise(path))


def test_more_slots_shorten_what_waits_for_slots() -> None:
    tasks = [planned(name) for name in "abcd"]
    durations = alone(tasks, Limits(1, {}), [(0.0, 1.0)] * 4, [End.FRESH] * 4)
    assert simulate(durations).makespan == 4.0
    assert simulate(durations, Change(slots=2)).makespan == 2.0
    assert (
        simulate(durations, Change(slots=2)).critical
        == (
            Step(A, 0.0, 1.0),
            Step(C, 1.0, 2.0),
        )
        or simulate(durations, Change(slots=2)).critical[-1].until == 2.0
    )


def test_a_cap_can_be_raised_lifted_and_set() -> None:
    tasks = [planned(name, tags="t") for name in "abcd"]
    durations = alone(tasks, Limits(4, {"t": 1}), [(0.0, 1.0)] * 4, [End.FRESH] * 4)
    makespans = [
        simulate(durations, Change(tags=caps)).makespan
        for caps in ({"t": 2}, {"t": None}, {"u": 1})
    ]
    assert makespans == [2.0, 1.0, 4.0]


def test_a_mutex_can_be_taken_away() -> None:
    tasks = [planned(name, lock="m") for name in "ab"] + [planned("c", lock="n")]
    durations = alone(tasks, Limits(4, {}), [(0.0, 1.0)] * 3, [End.FRESH] * 3)
    assert simulate(durations).makespan == 2.0
    assert simulate(durations, Change(unlocked=frozenset({"m"}))).makespan == 1.0
    assert simulate(durations, Change(unlocked=frozenset({"n"}))).makespan == 2.0


def test_a_failure_skips_what_it_skipped() -> None:
    tasks = [planned("a"), planned("b", hard="a")]
    durations = alone(tasks, Limits(2, {}), [(0.0, 1.0)] * 2, [End.FAILED, End.SKIPPED])
    assert simulate(durations).timeline.ends == (End.FAILED, End.SKIPPED)


def test_a_command_that_broke_breaks_again() -> None:
    marks = (Mark(0.0, Moment.LOOKED, 0), Mark(1.0, Moment.BEGUN, 0), Mark(3.0, Moment.SETTLED, 0))
    timeline = Timeline((planned("a"),), Limits(1, {}), (End.ERRORED,), marks, (), 0.0, 4.0)
    found = simulate(timeline)
    assert found.timeline.ends == (End.ERRORED,)
    assert found.makespan == 4.0  # what came after the last task is the runner's, and stays


def test_a_run_of_nothing_takes_what_it_took() -> None:
    timeline = Timeline((), Limits(1, {}), (), (), (), 0.0, 1.0)
    assert simulate(timeline).makespan == 1.0
    assert simulate(timeline).critical == ()


def test_a_stopped_run_tells_nothing() -> None:
    marks = (Mark(0.0, Moment.SETTLED, 0),)
    timeline = Timeline((planned("a"),), Limits(1, {}), (End.CANCELLED,), marks, (), 0.0, 1.0)
    with pytest.raises(ValueError, match="the run was stopped"):
        simulate(timeline)


def test_a_cap_below_one_is_refused() -> None:
    timeline = alone([planned("a")], Limits(1, {}), [(0.0, 1.0)], [End.FRESH])
    with pytest.raises(ValueError, match="cap of tag 't' is 0"):
        simulate(timeline, Change(tags={"t": 0}))


def test_the_best_changes_are_those_that_save_most() -> None:
    """Six tasks behind a mutex and a tag, with slots enough: slots would not help."""
    tasks = [planned(name, lock="m") for name in "abc"]
    tasks += [planned(name, tags="t") for name in "de"]
    durations = alone(tasks, Limits(5, {"t": 1}), [(0.0, 2.0)] * 5, [End.FRESH] * 5)
    timeline = simulate(durations).timeline
    found = [(change, each.makespan) for change, each in best_changes(timeline)]
    assert found == [(Change(unlocked=frozenset({"m"})), 4.0)]


def test_slots_and_units_are_tried_once_more_and_twice() -> None:
    tasks = [planned(name, tags="t") for name in "abcdefgh"]
    times, ends = [(0.0, 1.0)] * 8, [End.FRESH] * 8
    capped = simulate(alone(tasks, Limits(8, {"t": 2}), times, ends)).timeline
    assert [change for change, _ in best_changes(capped)] == [
        Change(tags={"t": 4}),
        Change(tags={"t": 3}),
    ]
    single = simulate(alone(tasks, Limits(8, {"t": 1}), times, ends)).timeline
    assert [change for change, _ in best_changes(single)] == [Change(tags={"t": 2})]
    few = simulate(alone(tasks, Limits(2, {}), times, ends)).timeline
    assert [change for change, _ in best_changes(few)] == [Change(slots=4), Change(slots=3)]
    one = simulate(alone(tasks, Limits(1, {}), times, ends)).timeline
    assert [change for change, _ in best_changes(one)] == [Change(slots=2)]


def test_nothing_is_proposed_for_waits_that_no_limit_causes() -> None:
    tasks = [planned("a"), planned("b")]
    ends = [End.FRESH, End.HIT]
    durations = alone(tasks, Limits(2, {}), [(1.0, 4.0), (1.0, 0.0)], ends, ((0, 1),))
    assert best_changes(simulate(durations).timeline) == []


# -- recording ------------------------------------------------------------------------------------


def test_a_recorder_writes_down_what_events_mean() -> None:
    tasks = [planned("a"), planned("b", lock="m"), planned("c")]
    recorder = Recorder(tasks, Limits(2, {}))
    events: list[tuple[Event, float]] = [
        (RunStarted((A, B, C)), 0.5),
        (TaskReady(A), 0.5),
        (TaskReady(B), 0.5),
        (TaskReady(C), 0.5),
        (TaskStarted(A), 0.5),
        (TaskStarted(B), 0.5),
        (TaskBegun(A, "k"), 1.0),
        (RunNote("nothing to do with it"), 1.0),
        (TaskWaits(B, Obstacle.KEY), 1.5),
        (TaskSettled(A, FRESH), 2.0),
        (TaskResumed(B), 2.0),
        (TaskWaits(B, Obstacle.MUTEX), 2.5),
        (TaskResumed(B), 3.0),
        (TaskBegun(B, "k"), 3.5),
        (TaskSettled(B, Completed(Source.CACHE, FRESH.record)), 3.5),
        (TaskStarted(C), 3.5),
        (TaskBegun(C, "other"), 3.5),
        (TaskSettled(C, Failed(Exited(1))), 4.0),
    ]
    for event, at in events:
        recorder.notice(event, at)
    found = recorder.finish(4.5)
    assert (found.began, found.ended, found.makespan) == (0.5, 4.5, 4.0)
    assert found.ends == (End.FRESH, End.HIT, End.FAILED)
    assert found.twins == ((0, 1),)
    assert [mark for mark in found.marks if mark.task == 1] == [
        Mark(0.5, Moment.READY, 1),
        Mark(0.5, Moment.LOOKED, 1),
        Mark(1.5, Moment.DOUBLED, 1),
        Mark(2.0, Moment.LOOKED, 1),
        Mark(2.5, Moment.LOCKED_OUT, 1),
        Mark(3.0, Moment.LOOKED, 1),
        Mark(3.5, Moment.BEGUN, 1),
        Mark(3.5, Moment.SETTLED, 1),
    ]


def test_every_outcome_has_an_end() -> None:
    tasks = [planned("a"), planned("b"), planned("c")]
    recorder = Recorder(tasks, Limits(1, {}))
    recorder.notice(TaskSettled(A, Errored("why")), 0.0)
    recorder.notice(TaskSettled(B, Skipped(UpstreamFailed(A))), 0.0)
    recorder.notice(TaskSettled(C, Cancelled(RunCancelled())), 0.0)
    found = recorder.finish(0.0)
    assert found.ends == (End.ERRORED, End.SKIPPED, End.CANCELLED)
    assert found.twins == ()


def test_a_report_tells_waits_if_it_has_a_timeline() -> None:
    timeline = alone([planned("a")], Limits(1, {}), [(0.0, 1.0)], [End.FRESH])
    assert RunReport({A: FRESH}, timeline=timeline).waits == {A: Spent(A, End.FRESH, (), 0.0, 1.0)}
    assert RunReport({A: FRESH}).waits == {}
    assert RunReport({A: FRESH}, timeline=timeline) == RunReport({A: FRESH})


def test_a_plan_tells_what_it_was_made_of() -> None:
    tasks = [planned("b"), planned("a")]
    limits = Limits(1, {})
    plan = Plan(tasks, limits)
    assert ([task.id for task in plan.tasks], plan.limits) == ([A, TaskId("p", "b")], limits)


def test_a_hit_leaves_its_place_to_those_behind_it() -> None:
    """A replay that takes long holds no mutex (MUTEX-007)."""
    marks = [
        Mark(0.0, Moment.LOOKED, 0),
        Mark(0.0, Moment.LOOKED, 1),
        Mark(1.0, Moment.LOCKED_OUT, 1),
        Mark(2.0, Moment.BEGUN, 0),
        Mark(3.0, Moment.LOOKED, 1),
        Mark(3.0, Moment.BEGUN, 1),
        Mark(4.0, Moment.SETTLED, 0),
        Mark(5.0, Moment.SETTLED, 1),
    ]
    tasks = (planned("a", lock="m"), planned("b", lock="m"))
    ends = (End.HIT, End.FRESH)
    timeline = Timeline(tasks, Limits(2, {}), ends, tuple(marks), (), 0.0, 5.0)
    _, second = account(timeline)
    assert second.waits == (Wait(ForMutex("m"), 1.0), Wait(ForRunner(), 1.0))


def test_while_the_runner_is_busy_with_itself_nobody_is_looked_at() -> None:
    """One slot: the pause is not paid once for each task that it has met in flight."""
    marks = []
    for task in (0, 1):
        marks += [
            Mark(0.0, Moment.LOOKED, task),
            Mark(1.5, Moment.BEGUN, task),
            Mark(2.5, Moment.SETTLED, task),
        ]
    tasks = (planned("a"), planned("b"))
    ends = (End.FRESH, End.FRESH)
    marks.sort(key=lambda mark: mark.at)
    timeline = Timeline(tasks, Limits(2, {}), ends, tuple(marks), (), 0.0, 2.5, 0.25, 1.25)
    assert account(timeline) == (
        Spent(A, End.FRESH, (Wait(ForRunner(), 1.0),), 0.5, 1.0),
        Spent(B, End.FRESH, (Wait(ForRunner(), 1.0),), 0.5, 1.0),
    )
    assert simulate(timeline).makespan == 2.5
    assert simulate(timeline, Change(slots=1)).makespan == 4.0


def test_a_recorder_keeps_a_pause() -> None:
    recorder = Recorder([], Limits(1, {}))
    recorder.pause(1.0, 2.0)
    found = recorder.finish(3.0)
    assert (found.paused, found.resumed) == (1.0, 2.0)


def test_a_tag_with_room_is_not_waited_for() -> None:
    """Of two capped tags the one that is full is named."""
    tasks = [planned("a", tags=["one"]), planned("b", tags=["io", "one"])]
    _, second = reckoned(tasks, Limits(3, {"io": 2, "one": 1}))
    assert second.waits == (Wait(ForTag("one"), 4.0),)


def test_marks_are_a_sequence() -> None:
    """Columns of marks give back the marks, one by one and in pieces."""
    marks = (Mark(0.5, Moment.READY, 0), Mark(0.75, Moment.LOOKED, 1), Mark(1.0, Moment.BEGUN, 0))
    columns = Marks.of(marks)
    assert tuple(columns) == marks
    assert (columns[-1], columns[1:]) == (marks[-1], list(marks[1:]))
    assert Marks.of(columns) is columns
    assert columns.tasks == [0, 1, 0]
