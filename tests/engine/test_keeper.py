"""Results that are kept now and stored a little later."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from haz_trio.abc import Collected, NotStored, Stored
from haz_trio.engine.batch import MOST, Batch, Held
from haz_trio.engine.brief import Brief
from haz_trio.engine.keeper import GATHER, Keeper, Produced
from haz_trio.engine.lulls import in_lulls
from haz_trio.engine.threads import Threads
from haz_trio.model.names import TaskId
from haz_trio.plan.messages import Hit, Kept, Missed, Ran, Stream
from tests.engine.support import task_id
from tests.engine.test_worker import BUILD, Bench, does


def nothing() -> None:
    """Store without further ado."""


@attrs.define
class Result:
    """A ``Pending`` of which only the end matters."""

    done: list[str]
    name: str
    reason: str | None = None
    first: Callable[[], None] = nothing
    spooling: bool = False

    def write(self, stream: Stream, data: bytes) -> None:
        raise NotImplementedError

    def collect(self) -> Collected:
        raise NotImplementedError

    def hold(self) -> bool:
        raise NotImplementedError

    def commit(self, *, foreign: frozenset[str], duration: float) -> Stored | NotStored:
        self.first()
        self.done.append(self.name)
        return Stored() if self.reason is None else NotStored(self.reason)

    def discard(self) -> None:
        self.done.append(f"not {self.name}")


def held(result: Result) -> Held:
    return Held(task_id(result.name), f"key of {result.name}", result, frozenset(), 1.0)


def produced(result: Result, *, obstacle: str = "", held: bool = True) -> Produced:
    return Produced(f"key of {result.name}", result, obstacle, held, 1.0)


def new_keeper() -> tuple[Keeper, list[tuple[TaskId, str]]]:
    told: list[tuple[TaskId, str]] = []
    return Keeper(Threads(), lambda task, reason: told.append((task, reason))), told


def test_a_batch_stores_in_order_and_tells_failures_once() -> None:
    """Each result is stored once, in the order of adding; empty reasons were said before."""
    done: list[str] = []
    batch = Batch()
    for name, reason in (("a", None), ("b", "the disk is full"), ("c", "")):
        batch.add(held(Result(done, name, reason)))
    assert batch.has("key of b")
    batch.store()
    assert done == ["a", "b", "c"]
    assert not batch
    assert not batch.has("key of b")
    assert batch.failures() == [(task_id("b"), "the disk is full")]
    assert batch.failures() == []


def test_a_result_is_there_until_it_is_stored() -> None:
    """Who asks for a key while another thread stores it is told so, and may wait for its end."""
    done: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def slowly() -> None:
        begun.set()
        go_on.wait(5)

    batch = Batch()
    batch.add(held(Result(done, "a", first=slowly)))
    storing = threading.Thread(target=batch.store)
    storing.start()
    assert begun.wait(5)
    assert batch.has("key of a")
    waiting = threading.Thread(target=batch.store)
    waiting.start()
    assert waiting.is_alive()
    go_on.set()
    waiting.join(5)
    assert done == ["a"]
    assert not batch.has("key of a")
    storing.join(5)


def test_a_bug_of_a_store_does_not_come_back() -> None:
    """A result whose store raises is not tried again by whoever cleans up."""
    done: list[str] = []

    def raises() -> None:
        raise ZeroDivisionError

    batch = Batch()
    batch.add(held(Result(done, "a", first=raises)))
    batch.add(held(Result(done, "b")))
    with pytest.raises(ZeroDivisionError):
        batch.store()
    batch.store()
    assert done == ["b"]


def test_one_result_is_stored_unless_a_thread_is_at_it() -> None:
    """The first of those that wait; who cannot have the lock at once does something else."""
    done: list[str] = []
    batch = Batch()
    assert not batch.store_one()
    batch.add(held(Result(done, "a", first=lambda: answers.append(batch.store_one()))))
    batch.add(held(Result(done, "b", "no")))
    answers: list[bool] = []
    assert batch.store_one()
    assert (done, answers) == (["a"], [False])
    assert batch.store_one()
    assert not batch.store_one()
    assert done == ["a", "b"]
    assert batch.failures() == [(task_id("b"), "no")]


def test_what_is_short_is_stored_while_the_loop_waits() -> None:
    """One result in each lull, on the loop, and what it could not store is told soon."""
    done: list[str] = []
    told: list[tuple[TaskId, str]] = []
    threads: list[threading.Thread] = []

    def note() -> None:
        threads.append(threading.current_thread())

    keeper = Keeper(Threads(), lambda task, reason: told.append((task, reason)), Brief())

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for name, reason in (("a", None), ("b", "no"), ("c", None)):
                result = produced(Result(done, name, reason, note))
                assert keeper.keep_nowait(task_id(name), result, frozenset())
            nursery.start_soon(keeper.store)
            for _ in range(3):
                await trio.sleep(GATHER / 20)

    trio.run(main)
    assert done == ["a", "b", "c"]
    assert told == [(task_id("b"), "no")]
    assert threading.main_thread() in threads


def test_a_bug_of_a_store_is_raised_behind_the_lulls() -> None:
    """It ends the run, as it does in a thread; nothing is done in later lulls."""
    calls = 0

    def work() -> None:
        nonlocal calls
        calls += 1
        raise ZeroDivisionError

    async def main() -> None:
        with in_lulls(work):
            for _ in range(3):
                await trio.sleep(0.001)

    with pytest.raises(ZeroDivisionError):
        trio.run(main)
    assert calls == 1


def test_a_promise_is_kept_by_store() -> None:
    """What is promised within the gathering is stored by one call, and failures are told."""
    done: list[str] = []
    keeper, told = new_keeper()

    async def main() -> None:
        for name, reason in (("a", None), ("b", "no")):
            result = produced(Result(done, name, reason))
            await keeper.keep(task_id(name), result, frozenset())
        assert done == []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keeper.store)
            await trio.testing.wait_all_tasks_blocked()
            # Somebody is at it already: this returns at once.
            await keeper.store()
            assert done == []
            await keeper.keep(task_id("c"), produced(Result(done, "c")), frozenset())

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert done == ["a", "b", "c"]
    assert told == [(task_id("b"), "no")]


def test_the_end_of_a_run_does_not_wait_for_more() -> None:
    """After ``hurry`` the gathering takes no time."""
    done: list[str] = []
    keeper, _ = new_keeper()

    async def main() -> float:
        started = trio.current_time()
        await keeper.keep(task_id("a"), produced(Result(done, "a")), frozenset())
        keeper.hurry()
        await keeper.store()
        return trio.current_time() - started

    assert trio.run(main, clock=trio.testing.MockClock()) == 0.0
    assert done == ["a"]


def test_what_is_not_in_memory_is_stored_at_once() -> None:
    """So is what comes when too much waits already; an obstacle is told and nothing is stored."""
    done: list[str] = []
    keeper, told = new_keeper()

    async def main() -> None:
        await keeper.keep(task_id("a"), produced(Result(done, "a"), held=False), frozenset())
        assert done == ["a"]
        odd = produced(Result(done, "b"), obstacle="it is odd", held=False)
        await keeper.keep(task_id("b"), odd, frozenset())
        for number in range(MOST + 1):
            result = produced(Result(done, str(number)))
            await keeper.keep(task_id(str(number)), result, frozenset())

    trio.run(main)
    # What comes too much is stored behind all that waited: first come, first served.
    assert done == ["a", "not b", *map(str, range(MOST + 1))]
    assert told == [(task_id("b"), "it is odd")]


def test_a_look_waits_for_a_promise_with_its_key(tmp_path: Path) -> None:
    """A task with the key of a result that is only promised is a hit."""
    bench = Bench.make(tmp_path, does(files={"o": "x"}), outputs=["o"])
    bench.store.holds = True

    async def main() -> None:
        assert isinstance(await bench.look(), Missed)
        assert isinstance(await bench.run(), Ran)
        assert await bench.worker.keep(bench.job, frozenset()) == Kept(BUILD)
        assert bench.store.entries == {}
        assert isinstance(await bench.look(), Hit)

    trio.run(main)
    assert bench.store.open == 0


def test_a_promise_is_what_the_command_left(tmp_path: Path) -> None:
    """A dependent that changes an output before it is stored does not change what is stored."""
    bench = Bench.make(tmp_path, does(files={"o": "mine"}), outputs=["o"])
    bench.store.holds = True

    async def main() -> None:
        assert isinstance(await bench.look(), Missed)
        assert isinstance(await bench.run(), Ran)
        await bench.worker.keep(bench.job, frozenset())
        bench.place.write("p/o", "theirs")
        bench.worker.hurry()
        await bench.worker.store()

    trio.run(main)
    [entry] = bench.store.entries.values()
    assert entry.files == {"/p/o": b"mine"}


def test_an_aborted_run_keeps_its_promises(tmp_path: Path) -> None:
    """What was reported as done before the abort is in the store behind it."""
    bench = Bench.make(tmp_path, does(files={"o": "x"}), outputs=["o"])
    bench.store.holds = True

    async def main() -> None:
        assert isinstance(await bench.look(), Missed)
        assert isinstance(await bench.run(), Ran)
        await bench.worker.keep(bench.job, frozenset())
        with trio.CancelScope() as scope:
            scope.cancel()
            await bench.worker.store()
        assert scope.cancelled_caught
        bench.worker.close()

    trio.run(main)
    assert len(bench.store.entries) == 1
    assert bench.store.open == 0
