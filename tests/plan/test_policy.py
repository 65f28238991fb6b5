"""The wishes of who starts a run: stop at the first failure, try again."""

from __future__ import annotations

import pytest

from haz_trio.plan.messages import (
    Broke,
    Ended,
    Halt,
    Halted,
    Keep,
    Look,
    Obstacle,
    Run,
    StopRequested,
    TaskSettled,
    TaskStarted,
    TaskWaits,
    TryFailed,
)
from haz_trio.plan.outcome import (
    Cancelled,
    Completed,
    Errored,
    Exited,
    Failed,
    InFlight,
    RunCancelled,
    Signalled,
    Skipped,
    TimedOut,
    UpstreamFailed,
    exit_code_for,
)
from haz_trio.plan.policy import CacheUse
from tests.plan.kit import Driver, planned, tid

A, B, C, D = map(tid, "abcd")
NEVER = Cancelled(RunCancelled())


def test_the_first_failure_stops_the_run() -> None:
    """With fail-fast what runs is told to halt, and what has not started never does."""
    driver = Driver([planned(n) for n in "abc"], 2, fail_fast=True)
    driver.start()
    driver.miss("a")
    driver.miss("b")
    assert driver.feed(Ended(A, Exited(3))) == [
        TaskSettled(A, Failed(Exited(3))),
        TaskSettled(C, NEVER),
        Halt(B),
    ]
    driver.feed(Halted(B))
    assert driver.outcomes == {A: Failed(Exited(3)), B: Cancelled(InFlight()), C: NEVER}
    assert driver.finished is not None
    assert driver.finished.stopped
    assert exit_code_for(driver.finished) == 1


def test_an_error_is_a_failure_too() -> None:
    """A task that cannot be keyed stops a fail-fast run like one that fails."""
    driver = Driver([planned("a"), planned("b")], 1, fail_fast=True)
    driver.start()
    driver.feed(Broke(A, "no input"))
    assert driver.outcomes == {A: Errored("no input"), B: NEVER}


def test_dependents_of_the_first_failure_are_skipped_not_cancelled() -> None:
    """What the failure itself follows is told as without fail-fast."""
    driver = Driver([planned("a"), planned("b", hard="a"), planned("c")], 1, fail_fast=True)
    driver.start()
    driver.miss("a")
    driver.feed(Ended(A, Exited(1)))
    assert driver.outcomes[B] == Skipped(UpstreamFailed(A))
    assert driver.outcomes[C] == NEVER


def test_a_failure_after_a_stop_stops_nothing_again() -> None:
    """A task that fails while it is being halted settles, and nobody is told twice."""
    driver = Driver([planned("a"), planned("b")], fail_fast=True)
    driver.start()
    driver.miss("a")
    driver.miss("b")
    driver.feed(StopRequested())
    assert driver.feed(Ended(A, Signalled(9))) == [TaskSettled(A, Failed(Signalled(9)))]


def test_a_result_is_still_stored_after_the_first_failure() -> None:
    """Who has finished its command before the halt reached it is kept."""
    driver = Driver([planned("a"), planned("b")], fail_fast=True)
    driver.start()
    driver.miss("a")
    driver.miss("b")
    driver.feed(Ended(A, Exited(1)))
    assert driver.ran("b") == [Keep(B, frozenset())]
    driver.kept("b")
    assert isinstance(driver.outcomes[B], Completed)


def test_without_fail_fast_the_rest_goes_on() -> None:
    """The default keeps going (EXEC-011)."""
    driver = Driver([planned("a"), planned("b")], 1)
    driver.start()
    driver.miss("a")
    assert driver.feed(Ended(A, Exited(1)))[1:] == [TaskStarted(B), Look(B, ())]


def test_a_failed_try_is_told_and_run_again() -> None:
    """Each try but the last is an event; only the last one is the outcome."""
    driver = Driver([planned("a"), planned("b", hard="a")], retries=2)
    driver.start()
    driver.miss("a")
    assert driver.feed(Ended(A, Exited(3))) == [TryFailed(A, Exited(3), 1, 3), Run(A)]
    assert driver.feed(Ended(A, TimedOut(1.0))) == [TryFailed(A, TimedOut(1.0), 2, 3), Run(A)]
    assert driver.feed(Ended(A, Exited(5)))[:2] == [
        TaskSettled(A, Failed(Exited(5))),
        TaskSettled(B, Skipped(UpstreamFailed(A))),
    ]


def test_a_try_that_succeeds_is_a_success() -> None:
    """Earlier tries leave no trace in the outcome, and dependents run."""
    driver = Driver([planned("a"), planned("b", hard="a")], retries=1)
    driver.start()
    driver.miss("a")
    driver.feed(Ended(A, Exited(3)))
    driver.ran("a")
    driver.kept("a")
    assert isinstance(driver.outcomes[A], Completed)
    assert driver.looks() == ["b"]


def test_tries_are_counted_for_each_task() -> None:
    """One task's tries are not taken from another's."""
    driver = Driver([planned("a"), planned("b")], retries=1)
    driver.start()
    for name in "ab":
        driver.miss(name)
        assert Run(tid(name)) in driver.feed(Ended(tid(name), Exited(1)))
        driver.feed(Ended(tid(name), Exited(1)))
    assert driver.outcomes == {A: Failed(Exited(1)), B: Failed(Exited(1))}


def test_slot_tags_mutex_and_key_stay_from_try_to_try() -> None:
    """Between two tries nobody who waits for the slot, the lock or the key gets in."""
    tasks = [planned("a", lock="m"), planned("b", lock="m"), planned("c"), planned("d")]
    driver = Driver(tasks, 2, retries=1)
    driver.start()
    driver.miss("a", "k")
    driver.miss("b")
    driver.miss("c", "k")
    assert driver.looks() == ["d"]
    before = driver.plan.statistics()
    assert driver.feed(Ended(A, Exited(1))) == [TryFailed(A, Exited(1), 1, 2), Run(A)]
    assert driver.plan.statistics() == before


def test_an_error_is_not_tried_again() -> None:
    """A program that cannot be started cannot be started the second time."""
    driver = Driver([planned("a")], retries=3)
    driver.start()
    driver.miss("a")
    driver.feed(Broke(A, "no program"))
    assert driver.outcomes == {A: Errored("no program")}


def test_nothing_is_tried_again_after_a_stop() -> None:
    """A command that fails while the run is being stopped has had its last try."""
    driver = Driver([planned("a")], retries=3)
    driver.start()
    driver.miss("a")
    driver.feed(StopRequested())
    driver.feed(Ended(A, Exited(1)))
    assert driver.outcomes == {A: Failed(Exited(1))}


def test_fail_fast_waits_for_the_last_try() -> None:
    """A try that fails while others are left is not the first failure."""
    driver = Driver([planned("a"), planned("b")], 1, fail_fast=True, retries=1)
    driver.start()
    driver.miss("a")
    driver.feed(Ended(A, Exited(1)))
    assert B not in driver.outcomes
    driver.feed(Ended(A, Exited(1)))
    assert driver.outcomes == {A: Failed(Exited(1)), B: NEVER}


def test_who_waits_says_for_what() -> None:
    """A task that cannot run after its miss waits for a mutex or for the same key."""
    tasks = [planned("a", lock="m"), planned("b", lock="m"), planned("c")]
    driver = Driver(tasks)
    driver.start()
    driver.miss("a", "k")
    driver.miss("b")
    driver.miss("c", "k")
    waits = [m for m in driver.history if isinstance(m, TaskWaits)]
    assert waits == [TaskWaits(B, Obstacle.MUTEX), TaskWaits(C, Obstacle.KEY)]


@pytest.mark.parametrize(
    ("use", "looks", "stores"),
    [
        (CacheUse.BOTH, True, True),
        (CacheUse.FORCED, False, True),
        (CacheUse.STORE_ONLY, False, True),
        (CacheUse.LOOK_ONLY, True, False),
        (CacheUse.NEITHER, False, False),
    ],
)
def test_each_use_of_the_cache_has_its_halves(use: CacheUse, looks: bool, stores: bool) -> None:
    """Forcing stores; ``--no-cache`` leaves out what it names, or both."""
    assert (use.looks, use.stores) == (looks, stores)


def test_a_time_limit_reads_as_a_status() -> None:
    """The word that stands in the place of an exit code."""
    assert str(TimedOut(90.0)) == "timed out"
