"""One task is cancelled by the caller: it ends, what depends on it does, the others go on."""

from __future__ import annotations

import pytest

from haz_trio.plan.messages import (
    Broke,
    Ended,
    Fact,
    Halt,
    Halted,
    Hit,
    Look,
    Missed,
    StopRequested,
    TaskSettled,
    TaskStarted,
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
    Skipped,
    Source,
    UpstreamCancelled,
    UpstreamErrored,
    UpstreamFailed,
)
from tests.plan.kit import Driver, planned, record, tid

A, B, C, D = map(tid, "abcd")
UNWANTED = Cancelled(ByCaller())
BEHIND_A = Cancelled(UpstreamCancelled(A))


def test_a_running_task_is_halted_alone() -> None:
    """Its hard descendants are cancelled with it; a weak one and the others run."""
    tasks = [planned("a"), planned("b", hard="a"), planned("c"), planned("d", weak="a")]
    driver = Driver(tasks)
    driver.start()
    driver.miss("a")
    driver.miss("c")
    assert driver.cancel("a") == [Halt(A)]
    assert driver.cancel("a") == []
    assert driver.feed(Halted(A)) == [
        TaskSettled(A, UNWANTED),
        TaskSettled(B, BEHIND_A),
        TaskStarted(D),
        Look(D, ()),
    ]
    driver.run_through("d")
    driver.ran("c")
    driver.kept("c")
    report = driver.plan.report()
    assert (report.stopped, report.succeeded) == (False, True)
    assert isinstance(report.outcomes[C], Completed)


def test_a_task_that_waits_for_others_is_cancelled_at_once() -> None:
    """Nobody looks at it when its predecessor has completed."""
    driver = Driver([planned("z"), planned("a", hard="z"), planned("b", hard="a")])
    driver.start()
    assert driver.cancel("a") == [TaskSettled(A, UNWANTED), TaskSettled(B, BEHIND_A)]
    driver.hit("z")
    assert driver.plan.finished


def test_a_task_that_waits_for_a_slot_is_cancelled_at_once() -> None:
    """Its turn goes to the next one, also at the gate of a tag."""
    tasks = [planned("a", tags="t"), planned("b", tags="t"), planned("c", tags="t"), planned("d")]
    driver = Driver(tasks, 2, {"t": 1})
    driver.start()
    assert driver.looks() == ["a", "d"]
    assert driver.cancel("b") == [TaskSettled(B, UNWANTED)]
    driver.hit("d")
    assert driver.looks() == ["a"]
    driver.hit("a")
    assert driver.looks() == ["c"]


def test_a_task_that_waits_for_a_lock_makes_way() -> None:
    """Who shares the lock with its holder need not wait for an exclusive one any more."""
    tasks = [
        planned("a", lock="m", shared=True),
        planned("b", lock="m"),
        planned("c", lock="m", shared=True),
    ]
    driver = Driver(tasks)
    driver.start()
    for name in "abc":
        driver.miss(name)
    assert driver.runs() == ["a"]
    assert driver.cancel("b") == [TaskSettled(B, UNWANTED), Look(C, ())]
    driver.miss("c")
    assert driver.runs() == ["a", "c"]


def test_a_task_that_was_called_for_a_lock_passes_it_on() -> None:
    """It waits for a slot when it is cancelled; the next one gets its place and its slot."""
    locked = [planned(name, lock="m") for name in "bcd"]
    driver = Driver([planned("a", weak="b"), *locked, planned("e")], 2)
    driver.start()
    for name in "bcde":
        driver.miss(name)
    driver.feed(Ended(B, Exited(1)))
    assert driver.looks() == ["a"]
    assert driver.cancel("c") == [TaskSettled(C, UNWANTED)]
    driver.hit("a")
    assert driver.looks() == ["d"]


def test_a_task_that_waits_for_an_equal_one_is_forgotten() -> None:
    """When the other one has failed, the next of those who wait is looked at."""
    driver = Driver([planned(name) for name in "abcd"])
    driver.start()
    for name in "abcd":
        driver.miss(name, "k")
    assert driver.cancel("b") == [TaskSettled(B, UNWANTED)]
    assert driver.cancel("d") == [TaskSettled(D, UNWANTED)]
    driver.feed(Ended(A, Exited(1)))
    assert driver.looks() == ["c"]
    driver.hit("c")
    assert driver.plan.finished


def test_the_last_who_waits_for_an_equal_task_is_forgotten_too() -> None:
    """Nobody is called then."""
    driver = Driver([planned("a"), planned("b")])
    driver.start()
    driver.miss("a", "k")
    driver.miss("b", "k")
    driver.cancel("b")
    driver.feed(Ended(A, Exited(1)))
    assert driver.outcomes == {A: Failed(Exited(1)), B: UNWANTED}


@pytest.mark.parametrize(
    ("fact", "outcome", "behind"),
    [
        (Hit(A, record()), Completed(Source.CACHE, record()), None),
        (Missed(A, "k"), UNWANTED, BEHIND_A),
        (Halted(A), UNWANTED, BEHIND_A),
        (Broke(A, "no"), Errored("no"), Skipped(UpstreamErrored(A))),
    ],
)
def test_what_a_look_says_after_its_cancellation_still_counts(
    fact: Fact, outcome: Outcome, behind: Outcome | None
) -> None:
    """A restore that was done is a hit, and what needs it goes on; a miss does not start."""
    driver = Driver([planned("a"), planned("b", hard="a")])
    driver.start()
    assert driver.cancel("a") == [Halt(A)]
    driver.feed(fact)
    assert driver.outcomes[A] == outcome
    assert driver.outcomes.get(B) == behind


def test_a_command_that_fails_by_itself_has_failed_and_is_not_tried_again() -> None:
    """Its end came before the signal."""
    driver = Driver([planned("a"), planned("b", hard="a")], retries=2)
    driver.start()
    driver.miss("a")
    driver.cancel("a")
    driver.feed(Ended(A, Exited(1)))
    assert driver.outcomes == {A: Failed(Exited(1)), B: Skipped(UpstreamFailed(A))}


def test_what_has_succeeded_stays() -> None:
    """A result that is being stored, and one that has been."""
    driver = Driver([planned("a"), planned("b", hard="a")])
    driver.start()
    driver.miss("a")
    driver.ran("a")
    assert driver.cancel("a") == []
    driver.kept("a")
    assert driver.cancel("a") == []
    driver.hit("b")
    assert driver.cancel("a") == []
    assert all(isinstance(outcome, Completed) for outcome in driver.outcomes.values())


@pytest.mark.parametrize("first", ["cancel", "stop"])
def test_the_first_reason_to_end_stays(first: str) -> None:
    """A task that was cancelled before the run was stopped says so, and the other way round."""
    driver = Driver([planned("a")])
    driver.start()
    driver.miss("a")
    if first == "cancel":
        driver.cancel("a")
    driver.feed(StopRequested())
    if first == "stop":
        driver.cancel("a")
    driver.feed(Halted(A))
    assert driver.outcomes[A] == (UNWANTED if first == "cancel" else Cancelled(InFlight()))
