"""A plan beside its rules: any graph, any order of facts, and what must hold at each step."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from haz_trio.model.names import TaskId
from haz_trio.plan.machine import Plan, PlannedTask, UnexpectedFactError
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
from haz_trio.testing.machines.plan_port import MakePlan
from haz_trio.testing.machines.plan_supervisor import Supervisor
from haz_trio.testing.trial import must

_PATHS = ["/a", "/b", "/c"]
_NOBODY = TaskId("else", "where")
_VERDICTS = ["hit", "ok", "ok", "fail", "no look", "no run"]


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


caps: st.SearchStrategy[dict[str, int]] = st.dictionaries(
    st.sampled_from(["io", "cpu", "unused"]), st.integers(1, 2)
)


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

    driver: Supervisor
    make: MakePlan = staticmethod(Plan)
    files: list[str]  # that tasks may write
    may_stop: bool
    may_cancel: bool
    verdicts: dict[TaskId, str]  # what becomes of each task once it is its turn
    keys: dict[TaskId, str]

    @initialize(tasks=graphs(), slots=st.integers(1, 4), tags=caps, data=st.data())
    def begin(
        self, tasks: list[PlannedTask], slots: int, tags: dict[str, int], data: st.DataObject
    ) -> None:
        ids = sorted(task.id for task in tasks)
        draw = data.draw
        self.files = draw(st.sampled_from([[], [], _PATHS]))
        self.may_stop, self.may_cancel = draw(st.booleans()), draw(st.booleans())
        self.verdicts = {id: draw(st.sampled_from(_VERDICTS)) for id in ids}
        self.keys = {id: draw(st.sampled_from(["k", "l", str(id), str(id)])) for id in ids}
        known = st.frozensets(st.sampled_from([*ids, _NOBODY]), max_size=3)
        self.driver = Supervisor(
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
            make=self.make,
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
            self.driver.feed(Hit(id, Record(self.keys[id], b"o", b"e", outputs)))
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
        must(self.driver.outcomes.get(id) == Cancelled(cause), "EXEC-013", f"{id} was halted")

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
            wrong += [Hit(id, Record("k", b"", b"")), Missed(id, "k")]
        if id not in driver.running:
            wrong += [Ran(id, Record("k", b"", b"", ("/a",)), ("/a",)), Ended(id, Exited(1))]
        if id not in driver.keeping:
            wrong.append(Kept(id))
        if id not in driver.steps:
            wrong.append(Broke(id, "no"))
        wrong.append(CancelRequested(_NOBODY))
        if id not in driver.steps or id not in driver.halted:
            wrong.append(Halted(id))
        before = driver.plan.statistics()
        fact = data.draw(st.sampled_from(wrong))
        refused = False
        try:
            driver.plan.feed(fact)
        except UnexpectedFactError:
            refused = True
        must(refused, "EXEC-001", f"{fact} is refused")
        must(driver.plan.statistics() == before, "EXEC-001", f"{fact} has changed nothing")

    @invariant()
    def caps_are_kept(self) -> None:
        """No more tasks hold a slot, or a capped tag, than there are (EXEC-004, EXEC-005)."""
        flying = len(self.driver.flying)
        must(flying <= self.driver.limits.slots, "EXEC-004", f"{flying} tasks have slots")
        for tag, cap in self.driver.limits.tags.items():
            load = self.driver.load(tag)
            must(load <= cap, "EXEC-005", f"{load} tasks have the tag {tag}, which {cap} may")

    @invariant()
    def locks_exclude(self) -> None:
        """A lock has one exclusive holder or only shared ones (MUTEX-003, 004, 006)."""
        for lock in ("db", "port"):
            holders = self.driver.holders(lock)
            alike = len(holders) <= 1 or all(task.shared for task in holders)
            must(alike, "MUTEX-003 MUTEX-004", f"{lock} is held by {holders}")

    @invariant()
    def keys_are_run_once_at_a_time(self) -> None:
        """No two tasks with one key run or are stored together (execution.md 4.5)."""
        keys = [*self.driver.running.values(), *self.driver.keeping.values()]
        must(len(keys) == len(set(keys)), "EXEC-007", f"of {keys} each runs once")

    @invariant()
    def a_stop_reaches_everybody(self) -> None:
        """After a stop or a cycle all that looks or runs has been told to halt (EXEC-013)."""
        told = not self.driver.halting or self.driver.steps <= self.driver.halted
        must(told, "EXEC-013", "all that is in flight has been told to halt")

    def teardown(self) -> None:
        """Every run comes to an end, and without a stop or a violation to the specified one.

        Whoever was cancelled had no verdict.
        """
        if not hasattr(self, "driver") or not self.driver.sound:
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
                    _agrees(driver.tasks, self.verdicts, driver.outcomes, id, outcome)


def check_plan(
    make: MakePlan = Plan, *, examples: int = 200, seed: int = 0, shrink: bool = True
) -> None:
    """Try a plan on random runs; raises ``DifferenceError`` for the smallest that differs.

    ``make`` makes a plan as ``haz_trio.plan.machine.Plan`` is made. The error names the rules that
    are broken, its notes the facts that lead there; without ``shrink`` they may be many.
    """

    class Machine(PlanMachine):
        pass

    Machine.make = staticmethod(make)
    chosen = settings(
        max_examples=examples,
        stateful_step_count=40,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(seeded(seed)(Machine), settings=chosen)


def _agrees(
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
        by = outcome.cause.upstream if isinstance(outcome.cause, UpstreamCancelled) else None
        right = by is not None and verdicts[by] == "cancelled" and by in ancestors(tasks, id)
        must(right, "EXEC-013", f"{id} is {outcome}")
        return
    wanted = specified(tasks, verdicts, id)
    must(type(outcome) is wanted, "EXEC-009 EXEC-010", f"{id} is {outcome}, not {wanted.__name__}")
    if isinstance(outcome, Skipped):
        root = _root(outcome.cause, outcomes)
        must(root in ancestors(tasks, id), "EXEC-011", f"{id} is {outcome}")


def _root(cause: object, outcomes: dict[TaskId, Outcome]) -> TaskId | None:
    """Whom a skip blames, if that one is what it says."""
    if isinstance(cause, UpstreamFailed) and isinstance(outcomes[cause.upstream], Failed):
        return cause.upstream
    if isinstance(cause, UpstreamErrored) and isinstance(outcomes[cause.upstream], Errored):
        return cause.upstream
    return None
