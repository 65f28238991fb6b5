"""Whatever happens in whatever order, the rules of execution.md 4, 6 and 8 hold."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from haz_trio.model.names import TaskId
from haz_trio.plan.machine import PlannedTask, UnexpectedFactError
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
from haz_trio.plan.outcome import (
    ByCaller,
    Cancelled,
    Completed,
    Errored,
    Exited,
    Failed,
    InFlight,
    Outcome,
    Record,
    Skipped,
    UpstreamCancelled,
    UpstreamErrored,
    UpstreamFailed,
)
from tests.plan.kit import Driver, record, tid

PATHS = ["/a", "/b", "/c"]
VERDICTS = ["hit", "ok", "ok", "fail", "no look", "no run"]


@st.composite
def graphs(draw: st.DrawFn, largest: int = 9) -> list[PlannedTask]:
    """Tasks with hard and weak edges that go against canonical order as often as with it."""
    size = draw(st.integers(1, largest))
    ids = draw(st.permutations([TaskId("pq"[i % 2], f"t{i}") for i in range(size)]))
    tasks = []
    for place, id in enumerate(ids):
        earlier = st.lists(st.sampled_from(ids[:place]), max_size=2) if place else st.just([])
        tasks.append(
            PlannedTask(
                id=id,
                hard=tuple(draw(earlier)),
                weak=tuple(draw(earlier)),
                tags=draw(st.frozensets(st.sampled_from(["io", "cpu", "free"]))),
                lock=draw(st.sampled_from([None, "db", "db", "port"])),
                shared=draw(st.booleans()),
            )
        )
    return tasks


caps = st.dictionaries(st.sampled_from(["io", "cpu", "unused"]), st.integers(1, 2))


def specified(tasks: dict[TaskId, PlannedTask], verdicts: dict[TaskId, str], id: TaskId) -> type:
    """What becomes of a task, from what it would do and what becomes of its hard predecessors.

    Knows no order, no caps, no locks, no keys and no weak edges.
    """
    before = [specified(tasks, verdicts, each) for each in tasks[id].hard]
    if any(kind is not Completed for kind in before):
        return Skipped
    kinds = {"hit": Completed, "ok": Completed, "fail": Failed, "cancelled": Cancelled}
    return kinds.get(verdicts[id], Errored)


def ancestors(tasks: dict[TaskId, PlannedTask], id: TaskId) -> set[TaskId]:
    return {each for before in tasks[id].hard for each in (before, *ancestors(tasks, before))}


class PlanMachine(RuleBasedStateMachine):
    """Tasks do what they are destined to do, in any order, until nothing is left to do."""

    driver: Driver

    @initialize(tasks=graphs(), slots=st.integers(1, 4), tags=caps, data=st.data())
    def begin(
        self, tasks: list[PlannedTask], slots: int, tags: dict[str, int], data: st.DataObject
    ) -> None:
        ids = sorted(task.id for task in tasks)
        draw = data.draw
        self.files = draw(st.sampled_from([[], [], PATHS]))
        self.may_stop, self.may_cancel = draw(st.booleans()), draw(st.booleans())
        self.verdicts = {id: draw(st.sampled_from(VERDICTS)) for id in ids}
        self.keys = {id: draw(st.sampled_from(["k", "l", str(id), str(id)])) for id in ids}
        known = st.frozensets(st.sampled_from([*ids, tid("else:where")]), max_size=3)
        self.driver = Driver(
            tasks,
            slots,
            tags,
            readers={path: draw(known) for path in self.files},
            edges=[
                (maker.id, reader.id)
                for place, reader in enumerate(tasks)
                for maker in tasks[: place + 1]  # itself, too
                if self.files and draw(st.integers(0, 3)) == 0
            ],
            fail_fast=draw(st.sampled_from([False, False, True])),
            retries=draw(st.sampled_from([0, 0, 2])),
        )
        self.driver.start()

    def some(self, data: st.DataObject) -> tuple[str, ...]:
        files = st.sets(st.sampled_from(self.files), max_size=2) if self.files else st.just(set())
        return tuple(sorted(data.draw(files)))

    @precondition(lambda self: self.driver.looking)
    @rule(data=st.data(), again=st.sampled_from([True, False, False]))
    def a_look_ends(self, data: st.DataObject, again: bool) -> None:
        id = data.draw(st.sampled_from(sorted(self.driver.looking)))
        self.answer_look(id, again=again, outputs=self.some(data))

    def answer_look(self, id: TaskId, *, again: bool, outputs: tuple[str, ...] = ()) -> None:
        """``again``: somebody else has made the result since, so a miss has become a hit."""
        verdict = self.verdicts[id]
        if verdict == "hit" or (again and verdict == "ok"):
            self.driver.feed(Hit(id, record(*outputs, key=self.keys[id])))
        elif verdict == "no look":
            self.driver.feed(Broke(id, "no input"))
        else:
            self.driver.feed(Missed(id, self.keys[id]))

    @precondition(lambda self: self.driver.running)
    @rule(data=st.data())
    def a_command_ends(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(sorted(self.driver.running)))
        self.answer_run(id, old=self.some(data), written=self.some(data))

    def answer_run(
        self, id: TaskId, *, old: tuple[str, ...] = (), written: tuple[str, ...] = ()
    ) -> None:
        match self.verdicts[id]:
            case "fail":
                self.driver.feed(Ended(id, Exited(3)))
            case "no run":
                self.driver.feed(Broke(id, "no program"))
            case _:
                outputs = tuple(sorted({*old, *written}))
                self.driver.feed(Ran(id, Record("k", str(id).encode(), b"", outputs), written))

    @precondition(lambda self: self.driver.keeping)
    @rule(data=st.data())
    def a_result_is_stored(self, data: st.DataObject) -> None:
        self.driver.feed(Kept(data.draw(st.sampled_from(sorted(self.driver.keeping)))))

    @precondition(lambda self: self.driver.halted & self.driver.steps)
    @rule(data=st.data())
    def a_halt_lands(self, data: st.DataObject) -> None:
        told = self.driver.halted & self.driver.steps
        id = data.draw(st.sampled_from(sorted(told)))
        self.driver.feed(Halted(id))
        cause = ByCaller() if id in self.driver.unwanted else InFlight()
        assert self.driver.outcomes[id] == Cancelled(cause)

    @precondition(lambda self: self.may_cancel)
    @rule(data=st.data())
    def somebody_cancels_a_task(self, data: st.DataObject) -> None:
        ids = st.sampled_from(sorted(self.driver.tasks))
        if not self.driver.plan.finished:
            self.driver.feed(CancelRequested(data.draw(ids)))

    @precondition(lambda self: self.may_stop)
    @rule(really=st.integers(0, 5))
    def somebody_stops_the_run(self, really: int) -> None:
        if really == 0 and not self.driver.plan.finished:
            self.driver.feed(StopRequested())

    @rule(data=st.data())
    def a_fact_that_cannot_be_true(self, data: st.DataObject) -> None:
        """Is refused, whatever it is, and the plan goes on as if it had not come."""
        driver = self.driver
        id = data.draw(st.sampled_from(sorted(driver.tasks)))
        wrong: list[Fact] = []
        if id not in driver.looking:
            wrong += [Hit(id, record()), Missed(id, "k")]
        if id not in driver.running:
            wrong += [Ran(id, record("/a"), ("/a",)), Ended(id, Exited(1))]
        if id not in driver.keeping:
            wrong.append(Kept(id))
        if id not in driver.steps:
            wrong.append(Broke(id, "no"))
        wrong.append(CancelRequested(tid("else:where")))
        if id not in driver.steps or id not in driver.halted:
            wrong.append(Halted(id))
        before = driver.plan.statistics()
        with pytest.raises(UnexpectedFactError):
            driver.plan.feed(data.draw(st.sampled_from(wrong)))
        assert driver.plan.statistics() == before

    @invariant()
    def caps_are_kept(self) -> None:
        """No more tasks hold a slot, or a capped tag, than there are (EXEC-004, EXEC-005)."""
        assert len(self.driver.flying) <= self.driver.limits.slots
        for tag, cap in self.driver.limits.tags.items():
            assert self.driver.load(tag) <= cap

    @invariant()
    def locks_exclude(self) -> None:
        """A lock has one exclusive holder or only shared ones (MUTEX-003, 004, 006)."""
        for lock in ("db", "port"):
            holders = self.driver.holders(lock)
            assert len(holders) <= 1 or all(task.shared for task in holders)

    @invariant()
    def keys_are_run_once_at_a_time(self) -> None:
        """No two tasks with one key run or are stored together (execution.md 4.5)."""
        keys = [*self.driver.running.values(), *self.driver.keeping.values()]
        assert len(keys) == len(set(keys))

    @invariant()
    def a_stop_reaches_everybody(self) -> None:
        """After a stop or a cycle all that looks or runs has been told to halt (EXEC-013)."""
        assert not self.driver.halting or self.driver.steps <= self.driver.halted

    def teardown(self) -> None:
        """Every run comes to an end, and without a stop or a violation to the specified one.

        Whoever was cancelled had no verdict.
        """
        if not hasattr(self, "driver"):
            return
        driver = self.driver
        while not driver.plan.finished:
            if driver.keeping:
                driver.feed(Kept(max(driver.keeping)))
            elif driver.running:
                self.answer_run(min(driver.running))
            else:
                self.answer_look(max(driver.looking), again=False)
        if not driver.closed:
            for id, outcome in driver.outcomes.items():
                if id in driver.unwanted and outcome == Cancelled(ByCaller()):
                    self.verdicts[id] = "cancelled"
            for id, outcome in driver.outcomes.items():
                if self.verdicts[id] != "cancelled":
                    agrees(driver.tasks, self.verdicts, driver.outcomes, id, outcome)


def agrees(
    tasks: dict[TaskId, PlannedTask],
    verdicts: dict[TaskId, str],
    outcomes: dict[TaskId, Outcome],
    id: TaskId,
    outcome: Outcome,
) -> None:
    """An outcome is the specified one; a skip names an ancestor that failed, or errored.

    One that failed and one that was cancelled may both come before a task: the first one counts.
    """
    if isinstance(outcome, Cancelled):
        assert isinstance(outcome.cause, UpstreamCancelled)
        assert verdicts[outcome.cause.upstream] == "cancelled"
        assert outcome.cause.upstream in ancestors(tasks, id)
        return
    assert type(outcome) is specified(tasks, verdicts, id)
    if isinstance(outcome, Skipped):
        match outcome.cause:
            case UpstreamFailed(root):
                assert isinstance(outcomes[root], Failed)
            case UpstreamErrored(root):
                assert isinstance(outcomes[root], Errored)
            case other:
                raise AssertionError(f"{other} without a violation")
        assert root in ancestors(tasks, id)


TestPlan = PlanMachine.TestCase
TestPlan.settings = settings(TestPlan.settings, stateful_step_count=40, deadline=None)


def model(
    tasks: dict[TaskId, PlannedTask], kinds: dict[TaskId, str]
) -> list[tuple[TaskId, ...] | tuple[TaskId, str]]:
    """The reference model of execution.md 4.1 for one slot, hard edges only, word by word."""
    unmet = {id: set(task.hard) for id, task in tasks.items()}
    ready = {id for id in tasks if not unmet[id]}
    settled: set[TaskId] = set()
    events: list[tuple[TaskId, ...] | tuple[TaskId, str]] = []
    while ready:
        first = min(ready)
        ready.discard(first)
        if kinds[first] == "ok":
            events.append((first, "done"))
            for other in tasks:
                if first in unmet[other]:
                    unmet[other].discard(first)
                    if not unmet[other] and other not in settled:
                        ready.add(other)
        else:
            events.append((first, kinds[first]))
            for other in sorted(id for id in tasks if first in ancestors(tasks, id)):
                if other not in settled:
                    settled.add(other)
                    ready.discard(other)
                    events.append((other, first))
    return events


@given(tasks=graphs(), data=st.data())
@settings(deadline=None)
def test_one_slot_gives_the_order_of_the_reference_model(
    tasks: list[PlannedTask], data: st.DataObject
) -> None:
    """With one slot, and weak edges left out, every line comes where the model puts it."""
    driver = Driver([PlannedTask(t.id, t.hard, (), t.tags, t.lock, t.shared) for t in tasks], 1)
    kinds = {id: data.draw(st.sampled_from(["ok", "ok", "fail", "err"])) for id in driver.tasks}
    fresh = {id: data.draw(st.booleans()) for id in driver.tasks}
    driver.start()
    while not driver.plan.finished:
        (id,) = driver.looking
        if kinds[id] == "ok" and fresh[id]:
            driver.feed(Missed(id, str(id)))
            driver.feed(Ran(id, record()))
            driver.feed(Kept(id))
        elif kinds[id] == "ok":
            driver.feed(Hit(id, record()))
        elif kinds[id] == "err":
            driver.feed(Broke(id, "no input"))
        else:
            driver.feed(Missed(id, str(id)))
            driver.feed(Ended(id, Exited(1)))
    lines: list[tuple[TaskId, ...] | tuple[TaskId, str]] = []
    for id, outcome in driver.outcomes.items():
        match outcome:
            case Completed():
                lines.append((id, "done"))
            case Failed():
                lines.append((id, "fail"))
            case Errored():
                lines.append((id, "err"))
            case Skipped(UpstreamFailed(root) | UpstreamErrored(root)):
                lines.append((id, root))
            case other:
                raise AssertionError(f"nobody asked for {other}")
    assert lines == model(driver.tasks, kinds)
