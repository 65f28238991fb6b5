"""Cascade and caps, each as one sentence about whole runs: drawn graphs, drawn completions.

What holds after each single fact is ``PlanMachine``'s to say; here a run is seen from its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.model.names import TaskId
from haz_trio.plan.machine import Limits, Plan, PlannedTask
from haz_trio.plan.messages import (
    Broke,
    Decision,
    Ended,
    Event,
    Fact,
    Hit,
    Keep,
    Kept,
    Look,
    Missed,
    Ran,
    Run,
    TaskSettled,
)
from haz_trio.plan.outcome import (
    Completed,
    Errored,
    Exited,
    Failed,
    Outcome,
    Record,
    Skipped,
    UpstreamErrored,
    UpstreamFailed,
)
from haz_trio.testing.machines.plan import ancestors, graphs

Message = Decision | Event
HIT, OK, FAIL, NO_LOOK, NO_RUN = "hit", "ok", "fail", "no look", "no run"


@attrs.frozen
class Played:
    """A run from its beginning to its end, with all that was said."""

    tasks: dict[TaskId, PlannedTask]
    limits: Limits
    kinds: dict[TaskId, str]
    said: list[Message]

    @property
    def outcomes(self) -> dict[TaskId, Outcome]:
        return {it.task: it.outcome for it in self.said if isinstance(it, TaskSettled)}

    def moments(self) -> Iterator[tuple[set[TaskId], set[TaskId]]]:
        """Who is in flight, and of them who runs or is being stored, after each message."""
        flying: set[TaskId] = set()
        running: set[TaskId] = set()
        for message in self.said:
            if isinstance(message, Look):
                flying.add(message.task)
            elif isinstance(message, Run):
                running.add(message.task)
            elif isinstance(message, TaskSettled):
                flying.discard(message.task)
                running.discard(message.task)
            yield set(flying), set(running)


@st.composite
def runs(draw: st.DrawFn) -> Played:
    """A plan that is driven to its end, whoever of those in flight comes next."""
    tasks = {task.id: task for task in draw(graphs())}
    caps = draw(st.dictionaries(st.sampled_from(["io", "cpu", "unused"]), st.integers(1, 2)))
    limits = Limits(draw(st.integers(1, 4)), caps)
    kinds = {id: draw(st.sampled_from([HIT, OK, OK, FAIL, NO_LOOK, NO_RUN])) for id in tasks}
    plan = Plan(tasks.values(), limits)
    said: list[Message] = []
    due: dict[TaskId, Fact] = {}

    def hear(messages: list[Message]) -> None:
        for message in messages:
            said.append(message)
            if isinstance(message, Look | Run | Keep):
                due[message.task] = _answer(message, kinds[message.task])

    hear(plan.start())
    while not plan.finished:
        id = draw(st.sampled_from(sorted(due)))
        hear(plan.feed(due.pop(id)))
    return Played(tasks, limits, kinds, said)


def _answer(asked: Look | Run | Keep, kind: str) -> Fact:
    id = asked.task
    match asked:
        case Look():
            if kind == NO_LOOK:
                return Broke(id, "no input")
            return Hit(id, Record("k", b"", b"")) if kind == HIT else Missed(id, str(id))
        case Run():
            if kind == NO_RUN:
                return Broke(id, "no program")
            return Ended(id, Exited(1)) if kind == FAIL else Ran(id, Record("k", b"", b""), ())
        case Keep():
            return Kept(id)


def every_task_settles_once(played: Played) -> None:
    """Each task has exactly one outcome, and only those in flight or behind them get one."""
    settled = [it.task for it in played.said if isinstance(it, TaskSettled)]
    assert sorted(settled) == sorted(played.tasks)


def exactly_those_behind_a_failure_are_skipped(played: Played) -> None:
    """A task is skipped if and only if something hard before it went wrong by itself."""
    for id, outcome in played.outcomes.items():
        wrong = {it for it in ancestors(played.tasks, id) if _went_wrong(played.outcomes[it])}
        assert isinstance(outcome, Skipped) == bool(wrong)


def who_is_not_skipped_goes_its_own_way(played: Played) -> None:
    """No cap, no mutex and no order changes how a task ends that is not skipped."""
    kinds = {HIT: Completed, OK: Completed, FAIL: Failed, NO_LOOK: Errored, NO_RUN: Errored}
    for id, outcome in played.outcomes.items():
        assert isinstance(outcome, Skipped | kinds[played.kinds[id]])


def a_skip_names_the_first_culprit(played: Played) -> None:
    """The cause is the first of the failures before a task that came to its end, and its kind."""
    order = [it.task for it in played.said if isinstance(it, TaskSettled)]
    for id, outcome in played.outcomes.items():
        if isinstance(outcome, Skipped):
            before = ancestors(played.tasks, id)
            first = next(it for it in order if it in before and _went_wrong(played.outcomes[it]))
            failed = isinstance(played.outcomes[first], Failed)
            assert outcome.cause == (UpstreamFailed(first) if failed else UpstreamErrored(first))


def a_skip_comes_with_its_failure(played: Played) -> None:
    """Between a failure and the skips behind it nothing else happens, and they are in order."""
    for place, message in enumerate(played.said):
        if isinstance(message, TaskSettled) and _went_wrong(message.outcome):
            skipped = []
            for other in played.said[place + 1 :]:
                if not isinstance(other, TaskSettled) or not isinstance(other.outcome, Skipped):
                    break
                skipped.append(other.task)
            assert skipped == sorted(skipped)
            behind = {it for it in played.tasks if message.task in ancestors(played.tasks, it)}
            earlier = {it.task for it in played.said[:place] if isinstance(it, TaskSettled)}
            assert set(skipped) == behind - earlier


def who_is_skipped_was_never_looked_at(played: Played) -> None:
    """Nothing is spent on a task that cannot run."""
    looked = {it.task for it in played.said if isinstance(it, Look)}
    skipped = {id for id, it in played.outcomes.items() if isinstance(it, Skipped)}
    assert not looked & skipped


def hard_predecessors_have_completed_before(played: Played) -> None:
    """At a look all hard predecessors have completed, and all weak ones have come to an end."""
    outcomes: dict[TaskId, Outcome] = {}
    for message in played.said:
        if isinstance(message, TaskSettled):
            outcomes[message.task] = message.outcome
        elif isinstance(message, Look):
            task = played.tasks[message.task]
            assert all(isinstance(outcomes.get(it), Completed) for it in task.hard)
            assert outcomes.keys() >= {*task.weak}


def slots_are_never_exceeded(played: Played) -> None:
    """Who is looked at again has waited without a slot: at most ``slots`` run or are stored."""
    assert all(len(running) <= played.limits.slots for _, running in played.moments())


def caps_of_tags_are_never_exceeded(played: Played) -> None:
    """No more tasks with a capped tag run, or are being stored, than the cap allows."""
    for _, running in played.moments():
        for tag, cap in played.limits.tags.items():
            assert sum(tag in played.tasks[id].tags for id in running) <= cap


def an_exclusive_mutex_has_one_holder(played: Played) -> None:
    """Who holds a mutex alone is alone, until its result has been stored."""
    for _, running in played.moments():
        for id in running:
            task = played.tasks[id]
            others = [played.tasks[it] for it in running if it != id]
            held = [it for it in others if task.lock is not None and it.lock == task.lock]
            assert not held or (task.shared and all(it.shared for it in held))


def _went_wrong(outcome: Outcome) -> bool:
    return isinstance(outcome, Failed | Errored)


PROPERTIES: tuple[Callable[[Played], None], ...] = (
    every_task_settles_once,
    exactly_those_behind_a_failure_are_skipped,
    who_is_not_skipped_goes_its_own_way,
    a_skip_names_the_first_culprit,
    a_skip_comes_with_its_failure,
    who_is_skipped_was_never_looked_at,
    hard_predecessors_have_completed_before,
    slots_are_never_exceeded,
    caps_of_tags_are_never_exceeded,
    an_exclusive_mutex_has_one_holder,
)


def _hold(properties: tuple[Callable[[Played], None], ...], examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(runs())
    def check(played: Played) -> None:
        for holds in properties:
            holds(played)

    check()


def test_cascade_and_caps_hold() -> None:
    """All of them for the same runs, which are quick to make."""
    _hold(PROPERTIES, 150)


@pytest.mark.deep
@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda holds: holds.__name__)
def test_a_property_holds_for_many_runs(holds: Callable[[Played], None]) -> None:
    """Each by itself, with runs of its own."""
    _hold((holds,), 3000)
