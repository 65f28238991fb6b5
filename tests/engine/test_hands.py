"""Hands: work in a few threads, told to the loop together, and never left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import trio
import trio.testing

from haz_trio.engine.hands import PATIENCE, Check, Hands


def add(check: Check, first: int, second: int) -> int:
    check()
    return first + second


async def do_sums(hands: Hands, count: int) -> list[int]:
    """What many tasks get at the same time, in the order in which they began."""
    got = [0] * count

    async def one(number: int) -> None:
        got[number] = await hands.do(add, number, second=1)

    async with trio.open_nursery() as nursery:
        for number in range(count):
            nursery.start_soon(one, number)
    return got


def mine() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("haz hand")]


def test_everybody_gets_the_result_of_his_own_work() -> None:
    """A thousand calls through three threads, and through one; then no thread is left."""
    for most in (1, 3):
        hands = Hands(most)
        assert trio.run(do_sums, hands, 1000) == list(range(1, 1001))
        assert 1 <= len(mine()) <= most
        hands.close()
        assert not mine()


def test_what_the_work_raises_is_raised_where_it_is_waited_for() -> None:
    """An exception costs no thread."""

    def fail(check: Check) -> None:
        raise KeyError("reason")

    async def main() -> None:
        with pytest.raises(KeyError, match="reason"):
            await hands.do(fail)
        assert await hands.do(add, 1, 2) == 3

    hands = Hands(1)
    trio.run(main)
    hands.close()


def test_no_more_threads_than_told_work_at_once() -> None:
    """Two threads work side by side, a third call waits for one of them."""
    most, inside, lock = [0], [0], threading.Lock()
    pair = threading.Barrier(2)

    def work(check: Check) -> None:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        pair.wait(20)
        with lock:
            inside[0] -= 1

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(8):
                nursery.start_soon(hands.do, work)

    hands = Hands(2)
    trio.run(main)
    hands.close()
    assert most == [2]


def test_what_has_begun_is_waited_for_unless_it_looks() -> None:
    """Cancelled work that does not ask comes to its end, and its result counts."""
    begun, go_on = threading.Event(), threading.Event()

    def work(check: Check) -> str:
        begun.set()
        assert go_on.wait(20)
        return "done"

    async def main() -> None:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(cancel, scope)
                got.append(await hands.do(work))
        assert scope.cancel_called

    async def cancel(scope: trio.CancelScope) -> None:
        await trio.to_thread.run_sync(begun.wait)
        scope.cancel()
        await trio.lowlevel.cancel_shielded_checkpoint()
        go_on.set()

    got: list[str] = []
    hands = Hands(1)
    trio.run(main)
    hands.close()
    assert got == ["done"]


def test_work_that_looks_gives_up_and_work_that_waits_never_begins() -> None:
    """One thread: the first call asks until it is cancelled, the second one is never done."""
    begun, calls = threading.Event(), [0]

    def ask(check: Check) -> None:
        begun.set()
        while True:
            check()

    def count(check: Check) -> None:
        calls[0] += 1

    async def main() -> None:
        with trio.fail_after(20), trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(hands.do, ask)
                await trio.to_thread.run_sync(begun.wait)
                nursery.start_soon(hands.do, count)
                await trio.testing.wait_all_tasks_blocked()
                scope.cancel()
        assert scope.cancelled_caught
        assert await hands.do(add, 1, 2) == 3

    hands = Hands(1)
    trio.run(main)
    hands.close()
    assert calls == [0]


def test_work_is_handed_out_when_the_loop_rests() -> None:
    """While other tasks have something to do, no thread is in their way; in the end it is done."""
    begun = threading.Event()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hands.do, lambda check: begun.set())
            for _ in range(PATIENCE - 1):
                await trio.lowlevel.checkpoint()
                assert not begun.is_set()

    hands = Hands(1)
    trio.run(main)
    hands.close()
    assert begun.is_set()


def test_a_loop_that_never_rests_gets_its_work_done() -> None:
    """Work is kept for a quiet moment, but not for ever."""

    async def main() -> None:
        with trio.fail_after(20):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(spin)
                assert await hands.do(add, 1, 2) == 3
                nursery.cancel_scope.cancel()
        hands.close()
        with pytest.raises(KeyError):
            trio.lowlevel.remove_instrument(hands)

    async def spin() -> None:
        while True:
            await trio.lowlevel.checkpoint()

    hands = Hands(1)
    trio.run(main)


def test_who_is_cancelled_already_begins_nothing() -> None:
    """The first thing is a checkpoint, and no thread is started."""

    async def main() -> None:
        with trio.CancelScope() as scope:
            scope.cancel()
            await hands.do(add, 1, 2)
        assert scope.cancelled_caught

    hands = Hands(1)
    trio.run(main)
    assert not mine()


def test_a_word_may_come_when_the_run_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two have ended their work; the word of one serves both, and the other's is late."""
    hands = Hands(2)
    ended, is_late, over = threading.Barrier(2), threading.Event(), threading.Event()
    tell = trio.lowlevel.TrioToken.run_sync_soon

    def tell_late(
        token: trio.lowlevel.TrioToken, act: Callable[[], None], *, idempotent: bool
    ) -> None:
        if threading.current_thread().name == "haz hand 1":
            is_late.set()
            over.wait(5)
        elif threading.current_thread().name == "haz hand 0":
            is_late.wait(5)
        tell(token, act, idempotent=idempotent)

    def work(check: Check) -> None:
        ended.wait(5)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hands.do, work)
            nursery.start_soon(hands.do, work)

    monkeypatch.setattr(trio.lowlevel.TrioToken, "run_sync_soon", tell_late)
    trio.run(main)
    over.set()
    hands.close()
    assert not mine()
