"""What holds a ready task back: slots, tags, mutexes and equal keys (EXEC-003..007, MUTEX-*)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.plan.admission import Admission, Limits
from haz_trio.plan.messages import (
    Broke,
    Ended,
    Halted,
    Keep,
    Look,
    Run,
    StopRequested,
    TaskStarted,
)
from haz_trio.plan.outcome import Cancelled, Completed, Exited, RunCancelled, Source
from tests.plan.kit import Driver, planned, record, tid

# -- slots and tags ---------------------------------------------------------------------------


def test_a_task_that_does_not_fit_is_passed_over() -> None:
    """E26: behind a full tag the later ones are tried; the tag's next one comes in order."""
    driver = Driver(
        [planned("a", tags=["gpu"]), planned("b", tags=["gpu"]), planned("c")], 2, {"gpu": 1}
    )
    driver.start()
    assert driver.looks() == ["a", "c"]
    driver.hit("a")
    assert driver.looks() == ["b", "c"]


def test_the_tightest_of_several_caps_counts() -> None:
    """E25: a task needs room in every capped tag; caps of tags that nobody has do nothing."""
    tasks = [planned(name, tags=["wide", "narrow", "free"]) for name in "abc"]
    driver = Driver(tasks, 8, {"wide": 3, "narrow": 1, "unused": 1})
    driver.start()
    assert driver.looks() == ["a"]


def test_a_wake_up_that_its_task_cannot_use_goes_to_the_next() -> None:
    """``b`` waits for ``t`` and then, woken, for ``u``: the free unit of ``t`` goes to ``c``."""
    driver = Driver(
        [
            planned("a", tags="t"),
            planned("b", tags="tu"),
            planned("c", tags="t"),
            planned("A", tags="u"),
        ],
        9,
        {"t": 1, "u": 1},
    )
    driver.start()
    assert driver.looks() == ["A", "a"]
    driver.hit("a")
    assert driver.looks() == ["A", "c"]
    driver.hit("A")
    assert driver.looks() == ["c"]
    driver.hit("c")
    assert driver.looks() == ["b"]


def test_a_newcomer_goes_before_a_woken_task_that_comes_after_it() -> None:
    """a frees ``t`` and makes b ready: b goes first, though its kind waits at the gate of t."""
    driver = Driver(
        [
            planned("a", tags="t"),
            planned("b", tags="tu", hard="a"),
            planned("c", tags="t"),
            planned("d", tags="tu"),
        ],
        9,
        {"t": 1, "u": 2},
    )
    driver.start()
    for name in "abcd":
        assert driver.looks() == [name]
        driver.hit(name)


@given(
    tags=st.lists(st.frozensets(st.sampled_from("tuv")), min_size=1, max_size=12),
    caps=st.dictionaries(st.sampled_from("tuv"), st.integers(1, 2)),
    slots=st.integers(1, 3),
    data=st.data(),
)
@settings(deadline=None)
def test_admission_always_gives_the_first_task_that_fits(
    tags: list[frozenset[str]], caps: dict[str, int], slots: int, data: st.DataObject
) -> None:
    """Compared, step by step, with a walk over all that wait (EXEC-003, EXEC-005)."""
    admission = Admission(tags, Limits(slots, caps))
    away, waiting, inside = set(range(len(tags))), set[int](), list[int]()

    def fits(task: int) -> bool:
        loads = {tag: sum(tag in tags[each] for each in inside) for tag in tags[task]}
        return len(inside) < slots and all(loads[tag] < caps.get(tag, 99) for tag in loads)

    for _ in range(3 * len(tags)):
        step = data.draw(st.sampled_from("oar"))
        if step == "o" and away:
            task = data.draw(st.sampled_from(sorted(away)))
            away.remove(task)
            waiting.add(task)
            admission.offer(task)
        elif step == "r" and inside:
            task = inside.pop(data.draw(st.integers(0, len(inside) - 1)))
            away.add(task)
            admission.release(task)
        elif step == "a":
            expected = next((task for task in sorted(waiting) if fits(task)), None)
            assert admission.admit() == expected
            if expected is not None:
                waiting.remove(expected)
                inside.append(expected)


def test_a_place_at_a_gate_that_has_been_overtaken_is_forgotten() -> None:
    """A second entry of the same group opens it neither twice nor when nobody is left."""
    admission = Admission([frozenset("t")] * 3, Limits(9, {"t": 1}))
    admission.offer(0)
    assert admission.admit() == 0
    admission.offer(2)
    assert admission.admit() is None
    admission.offer(1)
    for task in (0, 1):
        admission.release(task)
        assert admission.admit() == task + 1
        assert admission.admit() is None
    admission.release(2)
    assert admission.admit() is None


# -- mutexes ----------------------------------------------------------------------------------

KINDS = {"-": (None, False), "x": ("m", False), "s": ("m", True), "y": ("n", False)}


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ("-", "x", True),
        ("x", "-", True),
        ("x", "x", False),
        ("x", "s", False),
        ("s", "x", False),
        ("s", "s", True),
        ("x", "y", True),
        ("-", "-", True),
    ],
)
def test_who_may_run_together(first: str, second: str, together: bool) -> None:
    """The table of MUTEX-001 to MUTEX-004."""
    tasks = []
    for name, kind in (("a", first), ("b", second)):
        lock, shared = KINDS[kind]
        tasks.append(planned(name, lock=lock, shared=shared))
    driver = Driver(tasks)
    driver.start()
    driver.miss("a")
    driver.miss("b")
    assert (driver.runs() == ["a", "b"]) is together


def test_a_lock_is_held_until_the_result_is_stored() -> None:
    """MUTEX-006; and the one who waits is looked at again before it runs (decisions.md 18)."""
    driver = Driver([planned("a", lock="m"), planned("b", lock="m")])
    driver.start()
    driver.miss("a")
    assert driver.miss("b") == []
    assert driver.ran("a") == [Keep(tid("a"), frozenset())]
    assert driver.kept("a")[1:] == [Look(tid("b"), ())]
    assert driver.miss("b", "another key") == [Run(tid("b"))]


@pytest.mark.parametrize("ending", [Ended(tid("a"), Exited(1)), Broke(tid("a"), "no program")])
def test_a_lock_is_free_after_trouble(ending: Ended | Broke) -> None:
    """J14: also when the program could not even be started."""
    driver = Driver([planned("a", lock="m"), planned("b", lock="m")])
    driver.start()
    driver.miss("a")
    driver.miss("b")
    assert driver.feed(ending)[-1] == Look(tid("b"), ())


def test_one_who_waits_for_a_lock_takes_no_slot() -> None:
    """E30 made better: with two slots, ``c`` and ``d`` run while ``b`` waits for ``a``."""
    driver = Driver(
        [planned("a", lock="m"), planned("b", lock="m"), planned("c"), planned("d")], 2
    )
    driver.start()
    driver.miss("a")
    assert driver.miss("b") == [TaskStarted(tid("c")), Look(tid("c"), ())]
    driver.hit("c")
    driver.hit("d")
    assert driver.runs() == ["a"]
    assert driver.looks() == []


def test_a_hit_asks_for_no_lock() -> None:
    """MUTEX-007: neither one that is held nor a place in its queue."""
    driver = Driver([planned("a", lock="m"), planned("b", lock="m"), planned("c", lock="m")])
    driver.start()
    driver.miss("a")
    driver.miss("c")
    driver.hit("b")
    assert driver.outcomes[tid("b")] == Completed(Source.CACHE, record())


def test_shared_holders_do_not_overtake_an_exclusive_one() -> None:
    """E34 made better: ``w`` comes before the readers that came after it."""
    readers = [planned(name, lock="m", shared=True) for name in "axyz"]
    driver = Driver([*readers, planned("w", lock="m")])
    driver.start()
    driver.miss("a")
    driver.miss("w")
    driver.miss("x")
    driver.miss("y")
    driver.ran("a")
    driver.kept("a")
    assert driver.looks() == ["w", "z"]
    driver.miss("z")  # comes while w, called, is looked at: parks behind it
    assert driver.runs() == []
    driver.miss("w")
    driver.ran("w")
    driver.kept("w")
    assert driver.looks() == ["x", "y", "z"]
    for name in "yzx":
        driver.miss(name)
    assert driver.runs() == ["x", "y", "z"]


def test_the_lock_goes_by_admission_and_not_by_whose_look_ends_first() -> None:
    """``b`` misses first and waits for ``a``, which is admitted first; a hit of ``a`` frees it."""
    for first in ("run", "hit"):
        driver = Driver([planned(name, lock="m") for name in "ab"])
        driver.start()
        assert driver.miss("b") == []
        if first == "run":
            assert driver.miss("a") == [Run(tid("a"))]
        else:
            assert driver.hit("a")[-1] == Look(tid("b"), ())
            assert driver.miss("b") == [Run(tid("b"))]


def test_a_writer_waits_for_readers_that_are_looked_at_before_it() -> None:
    """An exclusive task does not pass a reader whose look takes long, nor is it called then."""
    driver = Driver([planned("a", lock="m", shared=True), planned("b", lock="m")])
    driver.start()
    assert driver.miss("b") == []
    assert driver.miss("a") == [Run(tid("a"))]
    driver.ran("a")
    assert driver.kept("a")[-1] == Look(tid("b"), ())


def test_a_reader_joins_readers_that_are_looked_at_again() -> None:
    """Called readers do not hold up a reader behind them."""
    driver = Driver([planned("w", lock="m"), *(planned(n, lock="m", shared=True) for n in "ab")])
    driver.start()
    assert driver.miss("w") == []
    driver.miss("a")
    driver.miss("b")
    assert driver.runs() == ["a", "b"]


@pytest.mark.parametrize("second", ["hit", "broke"])
def test_a_called_task_that_does_not_run_calls_the_next(second: str) -> None:
    """It leaves the queue, whether its second look was a hit or trouble."""
    driver = Driver([planned(name, lock="m") for name in "abc"])
    driver.start()
    for name in "abc":
        driver.miss(name)
    driver.feed(Ended(tid("a"), Exited(1)))
    assert driver.looks() == ["b"]
    if second == "hit":
        driver.hit("b")
    else:
        driver.feed(Broke(tid("b"), "input went away"))
    assert driver.looks() == ["c"]


def test_a_stop_cancels_those_who_wait_for_a_lock() -> None:
    """E143; one that was called and is looked at is in flight, and calls nobody any more."""
    driver = Driver([planned(name, lock="m") for name in "abc"])
    driver.start()
    for name in "abc":
        driver.miss(name)
    driver.feed(Ended(tid("a"), Exited(1)))
    driver.feed(StopRequested())
    assert driver.outcomes[tid("c")] == Cancelled(RunCancelled())
    driver.feed(Halted(tid("b")))
    assert driver.plan.finished


# -- equal keys -------------------------------------------------------------------------------


def test_the_second_of_two_equal_tasks_waits_and_hits() -> None:
    """E88 made better: one runs, the other is looked at when the result is stored."""
    driver = Driver([planned("a"), planned("b"), planned("c")])
    driver.start()
    driver.miss("a", "k")
    driver.miss("c", "another")
    assert driver.miss("b", "k") == []
    driver.ran("a")
    assert driver.looks() == []
    assert driver.kept("a")[1:] == [Look(tid("b"), ())]
    driver.hit("b")
    assert driver.runs() == ["c"]


def test_a_hit_of_the_first_who_waited_calls_all_the_others() -> None:
    """The result is there now, so they need not go one by one."""
    driver = Driver([planned(name) for name in "abcd"])
    driver.start()
    for name in "abcd":
        driver.miss(name, "k")
    driver.ran("a")
    driver.kept("a")
    assert driver.looks() == ["b"]
    driver.hit("b")
    assert driver.looks() == ["c", "d"]


def test_equal_tasks_that_fail_go_one_by_one() -> None:
    """Each failure costs one more look, and not one for each of those who wait."""
    driver = Driver([planned(name) for name in "abcd"])
    driver.start()
    for name in "abcd":
        driver.miss(name, "k")
    for name, others in (("a", ["b"]), ("b", ["c"]), ("c", ["d"])):
        driver.feed(Ended(tid(name), Exited(1)))
        assert driver.looks() == others
        driver.miss(others[0], "k")
        assert driver.runs() == others


@pytest.mark.parametrize("second", ["other key", "broke", "lock"])
def test_a_scout_that_does_not_run_under_the_key_sends_the_next(second: str) -> None:
    """Its inputs have changed, or there is trouble, or its lock is taken."""
    tasks = [planned("a"), planned("b", lock="m"), planned("c"), planned("d", lock="m")]
    driver = Driver(tasks)
    driver.start()
    for name in "abc":
        driver.miss(name, "k")
    driver.miss("d", "another")
    driver.feed(Ended(tid("a"), Exited(1)))
    assert driver.looks() == ["b"]
    if second == "other key":
        driver.feed(Ended(tid("d"), Exited(1)))
        driver.miss("b", "changed")
        assert driver.runs() == ["b"]
    elif second == "broke":
        driver.feed(Broke(tid("b"), "input went away"))
    else:
        driver.miss("b", "k")
        assert driver.runs() == ["d"]
    assert driver.looks() == ["c"]


def test_a_called_task_whose_key_is_in_flight_leaves_the_queue_of_its_lock() -> None:
    """Its next look will most likely be a hit, and others need not wait for that."""
    driver = Driver(
        [planned("a", lock="m"), planned("b", lock="m"), planned("c", lock="m"), planned("d")]
    )
    driver.start()
    driver.miss("a")
    driver.miss("b")
    driver.miss("c")
    driver.miss("d", "k")
    driver.feed(Ended(tid("a"), Exited(1)))
    assert driver.miss("b", "k") == [Look(tid("c"), ())]
    driver.miss("c")
    driver.ran("d")
    driver.kept("d")
    assert driver.looks() == ["b"]


def test_a_scout_that_finds_its_key_in_flight_again_waits_behind_the_others() -> None:
    """A newcomer has started to run under the key meanwhile."""
    driver = Driver([planned(name) for name in "abcn"])
    driver.start()
    for name in "abc":
        driver.miss(name, "k")
    driver.feed(Ended(tid("a"), Exited(1)))
    driver.miss("n", "k")
    assert driver.miss("b", "k") == []
    assert driver.runs() == ["n"]
    driver.ran("n")
    driver.kept("n")
    assert driver.looks() == ["c"]
