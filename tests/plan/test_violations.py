"""Two writers of one file, and files in a circle (EXEC-019, EXEC-020; execution.md 6)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.model.names import TaskId
from haz_trio.plan.messages import (
    Drop,
    Halt,
    Halted,
    Keep,
    Kept,
    Missed,
    Ran,
    StopRequested,
    TaskSettled,
    ViolationFound,
)
from haz_trio.plan.outcome import (
    Cancelled,
    Completed,
    InFlight,
    InRuntimeCycle,
    OutputOverlap,
    RunCancelled,
    RuntimeCycle,
    Skipped,
    Source,
    UpstreamCancelled,
)
from haz_trio.plan.selection import Selection
from haz_trio.plan.violations import Claims, CycleWatch, nobody
from tests.plan.kit import Driver, Readers, planned, record, tid

A, B, C, D = map(tid, "abcd")
NEVER = Cancelled(RunCancelled())
SKIPPED = Skipped(InRuntimeCycle())


def circle(nodes: str, path: str) -> RuntimeCycle:
    ids = tuple(map(tid, nodes))
    return RuntimeCycle(ids, ids[0], ids[1], path)


# -- overlap ----------------------------------------------------------------------------------


def test_an_overlap_drops_the_second_result_and_ends_the_admission() -> None:
    """E40: a and b write one file; c and d, which needs c, are never started."""
    driver = Driver([planned("a"), planned("b"), planned("c"), planned("d", hard="c")], 1)
    driver.start()
    driver.miss("a")
    driver.ran("a", "/o")
    driver.kept("a")
    driver.miss("b")
    assert driver.ran("b", "/o", "/own")[:-1] == [
        Drop(B),
        TaskSettled(B, Completed(Source.FRESH, record("/o", "/own"))),
        ViolationFound(OutputOverlap(A, B, "/o")),
        TaskSettled(C, NEVER),
        TaskSettled(D, NEVER),
    ]
    assert not driver.plan.report().succeeded
    assert not driver.plan.report().stopped


def test_an_overlap_of_hits_is_found_as_well() -> None:
    """E41: what a hit restores is claimed like what a command writes."""
    driver = Driver([planned("a"), planned("b"), planned("c")], 1)
    driver.start()
    driver.hit("a", "/o")
    messages = driver.hit("b", "/o", "/p")
    assert messages[0] == TaskSettled(B, Completed(Source.CACHE, record("/o", "/p")))
    assert messages[1] == ViolationFound(OutputOverlap(A, B, "/o"))
    assert driver.outcomes[C] == NEVER


def test_what_flies_when_an_overlap_is_found_finishes() -> None:
    """E42: nobody is halted; a running task is stored, what it would release is cancelled."""
    driver = Driver(
        [planned("a"), planned("b"), planned("c"), planned("d", hard="c"), planned("e")]
    )
    driver.start()
    driver.miss("c")
    driver.hit("a", "/o")
    messages = driver.hit("b", "/o")
    assert not any(isinstance(message, Halt) for message in messages)
    assert driver.miss("e") == [TaskSettled(tid("e"), NEVER)]
    assert driver.ran("c", "/c") == [Keep(C, frozenset())]
    assert driver.kept("c")[:-1] == [
        TaskSettled(C, Completed(Source.FRESH, record("/c"))),
        TaskSettled(D, NEVER),
    ]


def test_what_a_command_left_alone_is_not_claimed() -> None:
    """E42b made better: b's glob finds a's file, and b's result is stored without it."""
    driver = Driver([planned("a"), planned("b")])
    driver.start()
    driver.miss("a")
    driver.miss("b")
    driver.ran("a", "/out/a.txt")
    messages = driver.ran("b", "/out/b.txt", old=["/out/a.txt", "/out/older.txt"])
    assert messages == [Keep(B, frozenset({"/out/a.txt"}))]
    driver.kept("a")
    driver.kept("b")
    assert driver.plan.report().succeeded


def test_a_path_is_a_violation_for_each_task_that_comes_too_late() -> None:
    """The claim stays with the first; a path that is named twice counts once."""
    driver = Driver([planned("a"), planned("b"), planned("c")])
    driver.start()
    driver.miss("c")
    driver.hit("a", "/o")
    driver.hit("b", "/o")
    driver.ran("c", "/o", "/o")
    overlaps = (OutputOverlap(A, B, "/o"), OutputOverlap(A, C, "/o"))
    assert driver.plan.report().violations == overlaps


def test_an_overlap_gives_lock_and_key_back() -> None:
    """A dropped result settles the task at once; who waited is cancelled, not forgotten."""
    driver = Driver([planned("a"), planned("b", lock="m"), planned("c", lock="m"), planned("d")])
    driver.start()
    driver.hit("a", "/o")
    driver.miss("b", "k")
    driver.miss("c")
    driver.miss("d", "k")
    driver.ran("b", "/o")
    assert driver.plan.finished
    assert (driver.outcomes[C], driver.outcomes[D]) == (NEVER, NEVER)


def test_a_stop_after_an_overlap_still_halts() -> None:
    """An overlap signals nobody; a stop that comes later does (execution.md 8.4)."""
    driver = Driver([planned("a"), planned("b"), planned("c"), planned("d", hard="c")])
    driver.start()
    driver.hit("a", "/o")
    driver.hit("b", "/o")
    assert driver.feed(StopRequested()) == [Halt(C)]
    driver.feed(Missed(C, "k"))
    assert driver.outcomes[C] == Cancelled(InFlight())
    assert driver.outcomes[D] == Cancelled(UpstreamCancelled(C))


def test_a_stop_after_the_end_changes_nothing() -> None:
    """The report has been given away; also when the end had released tasks on its way."""
    tasks = [*map(planned, "abc"), planned("d", hard="c"), planned("e", weak="d")]
    driver = Driver(tasks, 1)
    driver.start()
    driver.hit("a", "/o")
    driver.hit("b", "/o")
    report = driver.plan.report()
    assert [report.outcomes[id] for id in (C, D, tid("e"))] == [NEVER, NEVER, NEVER]
    assert driver.plan.feed(StopRequested()) == []
    assert driver.plan.report() is report
    assert not report.stopped


@given(st.lists(st.tuples(st.integers(0, 3), st.sets(st.sampled_from("abc")))))
@settings(deadline=None)
def test_claims_are_the_first_of_their_path(steps: list[tuple[int, set[str]]]) -> None:
    """Compared with a walk through everything that has been claimed before."""
    claims, log = Claims(), list[tuple[int, str]]()

    def first(path: str) -> int | None:
        return next((task for task, claimed in log if claimed == path), None)

    for task, paths in steps:
        wanted = sorted(paths)
        expected = [(first(p), p) for p in wanted if first(p) not in (None, task)]
        assert claims.foreign(task, wanted) == {path for _, path in expected}
        assert claims.claim(task, wanted) == expected
        log += [(task, path) for path in wanted]


# -- cycles -----------------------------------------------------------------------------------


def test_two_tasks_that_read_what_the_other_makes_are_a_cycle() -> None:
    """E44: gen makes *.gen from *.src, src the other way round; z is ready."""
    readers = {"/a.gen": [tid("src")], "/a.src": [tid("gen")]}
    driver = Driver([planned("gen"), planned("src"), planned("z")], 1, readers=readers)
    driver.start()
    driver.run_through("gen", "/a.gen")
    driver.miss("src")
    gen, src, z = tid("gen"), tid("src"), tid("z")
    violation = RuntimeCycle((src, gen, src), src, gen, "/a.src")
    assert driver.ran("src", "/a.src") == [
        Keep(src, frozenset()),
        ViolationFound(violation),
        TaskSettled(z, NEVER),
    ]
    driver.kept("src")
    report = driver.plan.report()
    assert (report.violations, report.succeeded) == ((violation,), False)
    assert isinstance(driver.outcomes[src], Completed)


def test_a_cycle_halts_whatever_flies() -> None:
    """E45, E48c: looks and commands, members or not; what is being stored is left alone."""
    readers = {"/a": [A, B], "/b": [A]}
    tasks = [planned(name) for name in "abklmnz"]
    driver = Driver([*tasks, planned("o", hard="m")], 6, readers=readers)
    driver.start()
    driver.miss("k")
    driver.ran("k")
    driver.miss("m")
    driver.hit("a", "/a")
    assert driver.looks() == ["b", "l", "n", "z"]
    messages = driver.hit("b", "/b")
    assert [m for m in messages if isinstance(m, Halt)] == [Halt(tid(name)) for name in "lmnz"]
    for name in "lmnz":
        driver.feed(Halted(tid(name)))
    assert driver.outcomes[tid("o")] == Cancelled(UpstreamCancelled(tid("m")))
    driver.feed(Kept(tid("k")))
    assert isinstance(driver.outcomes[tid("k")], Completed)
    assert not driver.plan.report().stopped


def test_ready_and_parked_members_are_skipped() -> None:
    """E48b: b waits for the lock of A, c and d for a slot; b and c are in the cycle."""
    free = [planned(name) for name in ("a", "bb", "c", "d")]
    locked = [planned(name, lock="m") for name in ("A", "b")]
    driver = Driver(
        [*free, *locked, planned("e", weak="d")], 3, readers={"/a": [B]}, edges=[(B, C), (C, A)]
    )
    driver.start()
    for name in ("A", "a", "b"):
        driver.miss(name)
    assert (driver.runs(), driver.looks()) == (["A", "a"], ["bb"])
    assert driver.ran("a", "/a") == [
        Keep(A, frozenset()),
        ViolationFound(circle("abca", "/a")),
        TaskSettled(B, SKIPPED),
        TaskSettled(C, SKIPPED),
        TaskSettled(D, NEVER),
        TaskSettled(tid("e"), NEVER),
        Halt(tid("A")),
        Halt(tid("bb")),
    ]


def test_members_that_still_wait_are_cancelled_like_the_rest() -> None:
    """b is in the cycle and waits for z; it is not ready when the cycle is found."""
    tasks = [planned("a"), planned("b", hard="z"), planned("z")]
    driver = Driver(tasks, readers={"/a": [B]}, edges=[(B, A)])
    driver.start()
    assert driver.hit("a", "/a")[1:] == [ViolationFound(circle("aba", "/a")), Halt(tid("z"))]
    driver.hit("z")
    assert driver.outcomes[B] == NEVER


def test_only_tasks_of_the_run_are_members_and_self_edges_never_count() -> None:
    """E46, E47: a task alone, reading its own files, next to readers that do not run."""
    driver = Driver([planned("a")], readers={"/a": [A, tid("q:x")]}, edges=[(A, A)])
    driver.start()
    driver.run_through("a", "/a")
    assert driver.plan.report().succeeded


def test_two_formatters_of_one_file_overlap_and_are_a_cycle() -> None:
    """E48: the overlap is told first; the second result is not stored; then halts follow."""
    driver = Driver([planned("a"), planned("b"), planned("c")], readers={"/f": [A, B]})
    driver.start()
    driver.miss("a")
    driver.miss("b")
    driver.ran("a", "/f")
    assert driver.ran("b", "/f") == [
        Drop(B),
        TaskSettled(B, Completed(Source.FRESH, record("/f"))),
        ViolationFound(OutputOverlap(A, B, "/f")),
        ViolationFound(circle("bab", "/f")),
        Halt(C),
    ]


def test_two_formatters_are_a_cycle_even_if_the_second_changes_nothing() -> None:
    """E48: every file of a result leads to its readers, also one that was left alone."""
    driver = Driver([planned("a"), planned("b")], readers={"/f": [A, B]})
    driver.start()
    driver.run_through("a", "/f")
    driver.miss("b")
    driver.ran("b", old=["/f"])
    driver.kept("b")
    assert driver.plan.report().violations == (circle("bab", "/f"),)


def test_the_search_ends_with_the_first_cycle() -> None:
    """Further ones are neither looked for nor told; overlaps still are."""
    readers = {"/a": [B], "/b": [A], "/c": [D], "/d": [C]}
    driver = Driver([planned(name) for name in "abcd"], readers=readers)
    driver.start()
    for name in "cd":
        driver.miss(name)
    driver.hit("a", "/a")
    driver.hit("b", "/b")
    driver.ran("c", "/c")
    driver.ran("d", "/c", "/d")
    driver.kept("c")
    expected = (circle("bab", "/b"), OutputOverlap(C, D, "/c"))
    assert driver.plan.report().violations == expected


def test_a_cycle_that_comes_after_a_stop_halts_nobody_twice() -> None:
    """Everything in flight has been told already, and there is nobody left to skip."""
    readers = {"/a": [B], "/b": [A]}
    driver = Driver([planned("a"), planned("b"), planned("c")], readers=readers)
    driver.start()
    assert driver.feed(StopRequested()) == [Halt(A), Halt(B), Halt(C)]
    driver.hit("a", "/a")
    assert driver.hit("b", "/b")[1:] == [ViolationFound(circle("bab", "/b"))]
    driver.feed(Halted(C))
    assert driver.plan.report().stopped


class Growing:
    """Readers that a test sets anew before each search."""

    def __init__(self) -> None:
        self.ids: list[TaskId] = []

    def __call__(self, path: str) -> Iterable[TaskId]:
        return self.ids


@given(
    order=st.permutations(range(8)),
    static=st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=6),
    found=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=24),
)
@settings(deadline=None)
def test_the_first_edge_that_closes_a_cycle_is_found(
    order: list[int], static: set[tuple[int, int]], found: list[tuple[int, int]]
) -> None:
    """Compared with a search through the whole graph after every edge."""
    ids = [tid(f"t{number}") for number in range(8)]
    place = {number: position for position, number in enumerate(order)}
    edges = {(a, b) for a, b in static if place[a] < place[b]}
    selection = Selection.of(
        [planned(id.task) for id in ids], [(ids[a], ids[b]) for a, b in edges]
    )
    readers = Growing()
    watch = CycleWatch(selection, readers)
    for a, b in found:
        readers.ids = [ids[b]]
        nodes = watch.search(a, ["/path"])
        reached, more = {b}, True
        while more:
            new = {y for x, y in edges if x in reached} - reached
            reached |= new
            more = bool(new)
        if a == b or a not in reached:
            assert nodes is None
            edges |= {(a, b)} if a != b else set()
        else:
            assert nodes is not None
            chain = nodes.nodes
            assert (chain[0], chain[1], chain[-1], nodes.path) == (a, b, a, "/path")
            assert edges >= set(pairwise(chain[1:]))
            break


def test_without_readers_nothing_is_ever_searched() -> None:
    """The default of a plan costs nothing."""
    watch = CycleWatch(Selection.of([planned("a")], []), nobody)
    assert watch.search(0, ["/a"]) is None
    assert watch.effort == 0


def test_a_plan_can_be_asked_about_readers_by_any_callable() -> None:
    """What ``consumers`` returns may repeat itself and come in any order."""
    driver = Driver([planned(n) for n in "abc"], readers={"/a": [C, B, C], "/b": [C]})
    driver.start()
    driver.feed(Missed(A, "k"))
    driver.feed(Ran(A, record("/a"), ("/a",)))
    driver.kept("a")
    driver.hit("b", "/b")
    driver.hit("c")
    assert driver.plan.report().succeeded
    assert Readers({})("/x") == ()
