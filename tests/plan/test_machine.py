"""The life of a task, told in small runs (execution.md 4 and 8)."""

from __future__ import annotations

import pickle

import pytest

from haz_trio.plan.machine import Limits, Plan, UnexpectedFactError
from haz_trio.plan.messages import (
    Broke,
    Ended,
    Fact,
    Halt,
    Halted,
    Hit,
    Keep,
    Kept,
    Look,
    Missed,
    Ran,
    Run,
    RunFinished,
    RunStarted,
    StopRequested,
    TaskReady,
    TaskSettled,
    TaskStarted,
    Upstream,
)
from haz_trio.plan.outcome import (
    Cancelled,
    Completed,
    Errored,
    Exited,
    Failed,
    InFlight,
    Outcome,
    Record,
    RunCancelled,
    RunReport,
    Signalled,
    Skipped,
    Source,
    UpstreamCancelled,
    UpstreamErrored,
    UpstreamFailed,
)
from tests.plan.kit import Driver, planned, record, tid

A, B, C, D = map(tid, "abcd")
NEVER = Cancelled(RunCancelled())


def settled(driver: Driver) -> dict[str, Outcome]:
    return {id.task: outcome for id, outcome in driver.outcomes.items()}


def test_a_fresh_task_is_looked_at_run_and_kept() -> None:
    """Every step is asked for once, and the report holds what the run step recorded."""
    driver = Driver([planned("a")])
    result = record("/o")
    assert driver.start() == [RunStarted((A,)), TaskStarted(A), Look(A, ())]
    assert driver.feed(Missed(A, "k")) == [Run(A)]
    assert driver.feed(Ran(A, result, ("/o",))) == [Keep(A, frozenset())]
    outcome = Completed(Source.FRESH, result)
    report = RunReport({A: outcome})
    assert driver.feed(Kept(A)) == [TaskSettled(A, outcome), RunFinished(report)]
    assert driver.plan.report() == report


def test_a_hit_completes_at_once() -> None:
    """A task that comes from the cache is never run, and says so."""
    driver = Driver([planned("a")])
    driver.start()
    assert driver.hit("a")[0] == TaskSettled(A, Completed(Source.CACHE, record()))


def test_nothing_to_do_is_done_at_the_start() -> None:
    """An empty selection starts and finishes in one breath."""
    driver = Driver([])
    assert driver.start() == [RunStarted(()), RunFinished(RunReport({}))]


def test_a_look_is_told_what_its_hard_predecessors_printed() -> None:
    """Their digests come in canonical order; weak ones contribute nothing (DAG-018)."""
    driver = Driver([planned("a"), planned("b"), planned("c"), planned("d", hard="cab", weak="a")])
    driver.start()
    driver.feed(Hit(A, Record("k", b"ao", b"ae")))
    driver.feed(Hit(B, Record("k", b"bo", b"be")))
    (_, _, look) = driver.feed(Hit(C, Record("k", b"co", b"ce")))[:3]
    expected = (Upstream(A, b"ao", b"ae"), Upstream(B, b"bo", b"be"), Upstream(C, b"co", b"ce"))
    assert look == Look(D, expected)


def test_what_a_task_releases_comes_before_later_tasks() -> None:
    """With one slot ``a``, ``b`` (needs ``a``), ``c`` run in this order, also when fresh."""
    driver = Driver([planned("a"), planned("b", hard="a"), planned("c")], 1)
    driver.start()
    driver.miss("a")
    assert driver.ran("a") == [Keep(A, frozenset())]
    driver.kept("a")
    assert driver.looks() == ["b"]
    driver.hit("b")
    assert driver.looks() == ["c"]


def test_canonical_order_is_a_priority_that_every_completion_renews() -> None:
    """E20: with one slot, ``a`` (needs ``z``), ``b``, ``m``, ``z`` run as b, m, z, a."""
    driver = Driver([planned("a", hard="z"), *map(planned, "bmz")], 1)
    driver.start()
    for name in "bmza":
        assert driver.looks() == [name]
        driver.hit(name)


def test_a_failure_skips_all_that_depends_on_it_at_once() -> None:
    """E9: transitive hard descendants, in canonical order; the others go on."""
    driver = Driver(
        [planned("z"), planned("b", hard="z"), planned("a", hard="b"), planned("d")], 1
    )
    driver.start()
    driver.hit("d")
    driver.miss("z")
    z = tid("z")
    skipped = Skipped(UpstreamFailed(z))
    assert driver.feed(Ended(z, Exited(3)))[:-1] == [
        TaskSettled(z, Failed(Exited(3))),
        TaskSettled(A, skipped),
        TaskSettled(B, skipped),
    ]
    assert not driver.plan.report().succeeded


def test_the_first_cause_of_a_skip_wins() -> None:
    """E16: a task behind two failures names the one that came first."""
    driver = Driver([planned("a"), planned("b"), planned("c", hard="ab")])
    driver.start()
    driver.feed(Broke(B, "no input"))
    driver.miss("a")
    driver.feed(Ended(A, Signalled(9)))
    assert settled(driver) == {
        "a": Failed(Signalled(9)),
        "b": Errored("no input"),
        "c": Skipped(UpstreamErrored(B)),
    }


@pytest.mark.parametrize("ending", ["hit", "failed", "errored", "skipped"])
def test_a_weak_predecessor_holds_back_until_it_settles_anyhow(ending: str) -> None:
    """Execution.md 4.6: order only; the successor runs whatever became of it."""
    driver = Driver([planned("a", weak="z"), planned("z", hard="y"), planned("y")])
    driver.start()
    y, z = tid("y"), tid("z")
    if ending == "skipped":
        driver.feed(Broke(y, "no"))
    else:
        driver.hit("y")
        assert driver.looks() == ["z"]
        if ending == "failed":
            driver.miss("z")
            driver.feed(Ended(z, Exited(1)))
        else:
            driver.feed(Hit(z, record()) if ending == "hit" else Broke(z, "no"))
    assert driver.looks() == ["a"]


def test_a_predecessor_that_is_both_hard_and_weak_counts_as_both() -> None:
    """It releases its successor by completing, and skips it by failing."""
    for fact, name in ((Hit(B, record()), "a"), (Broke(B, "no"), "")):
        driver = Driver([planned("a", hard="bb", weak="bb"), planned("b")])
        driver.start()
        driver.feed(fact)
        assert "".join(driver.looks()) == name


# -- stops ------------------------------------------------------------------------------------


def test_a_stop_cancels_what_waits_and_halts_what_flies() -> None:
    """E71: one running, two behind it, one ready, two behind that."""
    tasks = [planned("a"), planned("b", hard="a"), planned("c", hard="b")]
    tasks += [planned("d"), planned("e", hard="d"), planned("f", hard="e")]
    driver = Driver(tasks, 1)
    driver.start()
    driver.miss("a")
    assert driver.feed(StopRequested()) == [TaskSettled(D, NEVER), Halt(A)]
    assert driver.feed(StopRequested()) == []
    upstream = Cancelled(UpstreamCancelled(A))
    messages = driver.feed(Halted(A))
    assert messages[:-1] == [
        TaskSettled(A, Cancelled(InFlight())),
        TaskSettled(B, upstream),
        TaskSettled(C, upstream),
        TaskSettled(tid("e"), NEVER),
        TaskSettled(tid("f"), NEVER),
    ]
    report = driver.plan.report()
    assert (report.stopped, report.succeeded) == (True, True)
    assert driver.feed(StopRequested()) == []


@pytest.mark.parametrize(
    ("fact", "outcome", "behind"),
    [
        (Hit(A, record()), Completed(Source.CACHE, record()), NEVER),
        (Missed(A, "k"), Cancelled(InFlight()), Cancelled(UpstreamCancelled(A))),
        (Halted(A), Cancelled(InFlight()), Cancelled(UpstreamCancelled(A))),
        (Broke(A, "no"), Errored("no"), Skipped(UpstreamErrored(A))),
    ],
)
def test_what_a_look_says_after_a_stop_still_counts(
    fact: Fact, outcome: Outcome, behind: Outcome
) -> None:
    """Execution.md 8.2: a restore that was done is reported; a miss does not start."""
    driver = Driver([planned("a"), planned("b", hard="a")])
    driver.start()
    assert driver.feed(StopRequested()) == [Halt(A)]
    driver.feed(fact)
    assert settled(driver) == {"a": outcome, "b": behind}


@pytest.mark.parametrize("fact", [Ended(A, Exited(1)), Broke(A, "no"), Halted(A)])
def test_what_a_command_says_after_a_stop_still_counts(fact: Fact) -> None:
    """A process that had ended by itself has failed; one that was halted is cancelled."""
    driver = Driver([planned("a")])
    driver.start()
    driver.miss("a")
    driver.feed(StopRequested())
    driver.feed(fact)
    expected = {Ended: Failed, Broke: Errored, Halted: Cancelled}
    assert isinstance(driver.outcomes[A], expected[type(fact)])


def test_a_result_in_hand_is_stored_after_a_stop() -> None:
    """E144: what is being stored, or had ended before the signal, completes."""
    driver = Driver([planned("a"), planned("b"), planned("c", hard="a")])
    driver.start()
    driver.miss("a")
    driver.miss("b")
    driver.ran("a")
    assert driver.feed(StopRequested()) == [Halt(B)]
    assert driver.ran("b") == [Keep(B, frozenset())]
    assert driver.kept("b") == [TaskSettled(B, Completed(Source.FRESH, record()))]
    assert driver.kept("a")[:-1] == [
        TaskSettled(A, Completed(Source.FRESH, record())),
        TaskSettled(C, NEVER),
    ]


def test_a_stop_reaches_through_weak_edges_in_one_step() -> None:
    """What a cancelled task releases is cancelled as well, without ever being looked at."""
    driver = Driver(
        [planned("c"), planned("d"), planned("b", weak="d"), planned("a", weak="b")], 1
    )
    driver.start()
    driver.feed(StopRequested())
    assert list(settled(driver)) == ["d", "b", "a"]
    assert set(settled(driver).values()) == {NEVER}


def test_a_stop_before_the_first_answer_halts_all_looks() -> None:
    """Halts come in canonical order, one for each."""
    driver = Driver([planned("b"), planned("a"), planned("q:a")])
    driver.start()
    assert driver.feed(StopRequested()) == [Halt(A), Halt(B), Halt(tid("q:a"))]


# -- facts that cannot be true ----------------------------------------------------------------

FACTS: dict[str, Fact] = {
    "hit": Hit(A, record()),
    "missed": Missed(A, "k"),
    "ran": Ran(A, record("/o"), ("/o",)),
    "kept": Kept(A),
    "ended": Ended(A, Exited(1)),
    "broke": Broke(A, "no"),
    "halted": Halted(A),
}
LEGAL = {
    "waiting": "",
    "ready": "",
    "parked": "",
    "looking": "hit missed broke",
    "looking, told": "hit missed broke halted",
    "running": "ran ended broke",
    "running, told": "ran ended broke halted",
    "keeping": "kept",
    "settled": "",
}


def brought_to(state: str) -> Driver:
    """A driver whose task ``a`` is in a state."""
    needs = {"waiting": "z", "ready": ""}.get(state, "")
    slots = 1 if state == "ready" else 9
    first = planned("A", lock="m" if state == "parked" else None)
    driver = Driver([planned("a", hard=needs, lock="m"), planned("z", lock="m"), first], slots)
    driver.start()
    if state == "parked":
        driver.miss("A")
        driver.miss("a")
    if state.startswith(("running", "keeping")):
        driver.miss("a")
    if state.endswith("told"):
        driver.feed(StopRequested())
    if state == "keeping":
        driver.ran("a")
    if state == "settled":
        driver.hit("a")
    return driver


@pytest.mark.parametrize("state", LEGAL)
@pytest.mark.parametrize("name", FACTS)
def test_each_state_allows_its_facts_and_no_others(state: str, name: str) -> None:
    """An unexpected fact raises and leaves no trace: the pickled plan is the same."""
    driver = brought_to(state)
    before = pickle.dumps(driver.plan)
    if name in LEGAL[state].split():
        driver.feed(FACTS[name])
        assert pickle.dumps(driver.plan) != before
    else:
        with pytest.raises(UnexpectedFactError, match="p:a"):
            driver.plan.feed(FACTS[name])
        assert pickle.dumps(driver.plan) == before


def test_a_fact_about_a_stranger_is_refused() -> None:
    """The message says that the task is not of this run."""
    driver = Driver([planned("a")])
    driver.start()
    with pytest.raises(UnexpectedFactError, match="q:x is not part of this run"):
        driver.plan.feed(Kept(tid("q:x")))


@pytest.mark.parametrize("fact", [StopRequested(), Kept(A)])
def test_no_fact_comes_before_the_start(fact: Fact) -> None:
    """A plan that has not started knows no facts, not even a stop."""
    plan = Plan([planned("a")], Limits(1, {}))
    with pytest.raises(UnexpectedFactError, match="before the plan was started"):
        plan.feed(fact)
    assert plan.start() == [RunStarted((A,)), TaskReady(A), TaskStarted(A), Look(A, ())]


def test_a_plan_that_was_stopped_before_its_start_looks_at_nothing() -> None:
    """All tasks are the stop's, and none was in flight."""
    plan = Plan([planned("a")], Limits(1, {}))
    messages = plan.start(stopped=True)
    assert not [message for message in messages if isinstance(message, (Look, TaskStarted))]
    assert dict(plan.report()) == {A: NEVER}


def test_a_plan_starts_once_and_reports_at_the_end() -> None:
    """Asking for more is a mistake of the caller, and said so."""
    plan = Plan([planned("a")], Limits(1, {}))
    assert not plan.finished
    plan.start()
    with pytest.raises(RuntimeError, match="started already"):
        plan.start()
    with pytest.raises(RuntimeError, match="not finished"):
        plan.report()
