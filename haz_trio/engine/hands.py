"""A few threads for short work that comes thousands of times in a run.

``trio.to_thread.run_sync`` costs 50 µs of processor time each time: a limiter, a context, two
turns of the loop.  Here work waits in one queue, and what is done at the same time is told to the
loop at once: 18 µs, for what takes a task with few inputs 100.
It is handed out when the loop is about to wait: a thread that starts while the loop has something
to do fights it for the interpreter's lock, and both lose by that.
Like there, a caller waits for the end of what has begun, also when it is cancelled.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Concatenate, NoReturn, ParamSpec, TypeAlias, TypeVar

import attrs
import trio

_P = ParamSpec("_P")
_T = TypeVar("_T")
PATIENCE = 5  # rounds of a loop that does not come to rest; then work is handed out all the same
Check: TypeAlias = Callable[[], None]


class _Call:
    """Work that a task waits for."""

    __slots__ = ("_problem", "_raise_cancel", "_task", "_unclaimed", "_work", "token")

    def __init__(self, work: Callable[[Check], None]) -> None:
        self._work = work
        self._task = trio.lowlevel.current_task()
        self.token = trio.lowlevel.current_trio_token()
        self._unclaimed = [True]  # taken by the thread that does it, or by who gives it up
        self._raise_cancel: Callable[[], NoReturn] | None = None
        self._problem: BaseException | None = None

    def claim(self) -> bool:
        """Whether nobody has claimed it before."""
        try:
            return self._unclaimed.pop()
        except IndexError:
            return False

    def abort(self, raise_cancel: Callable[[], NoReturn]) -> trio.lowlevel.Abort:
        """The task has been cancelled; what has begun is asked to end."""
        if self.claim():
            return trio.lowlevel.Abort.SUCCEEDED
        self._raise_cancel = raise_cancel
        return trio.lowlevel.Abort.FAILED

    def check(self) -> None:
        """Raise ``trio.Cancelled`` if the task has been cancelled; for the work."""
        if self._raise_cancel is not None:
            self._raise_cancel()

    def carry_out(self) -> None:
        """Do the work; in a thread."""
        try:
            self._work(self.check)
        except BaseException as problem:  # it is raised where the work is waited for
            self._problem = problem

    def wake(self) -> None:
        """Let the task go on; on the loop."""
        trio.lowlevel.reschedule(self._task)

    def raise_problem(self) -> None:
        """Raise what the work raised; in the task."""
        problem, self._problem = self._problem, None
        if problem is not None:
            raise problem


@attrs.define(eq=False)
class Hands(trio.abc.Instrument):
    """At most so many threads, started when there is work for one more; ``close`` ends them."""

    _most: int
    _waiting: queue.SimpleQueue[_Call | None] = attrs.field(factory=queue.SimpleQueue, init=False)
    _done: deque[_Call] = attrs.field(factory=deque, init=False)
    _threads: list[threading.Thread] = attrs.field(factory=list, init=False)
    _busy: int = attrs.field(default=0, init=False)  # calls that somebody waits for
    _kept: list[_Call] = attrs.field(factory=list, init=False)  # until the loop rests
    _rounds: int = attrs.field(default=0, init=False)  # of the loop since it has kept calls
    _token: trio.lowlevel.TrioToken | None = attrs.field(default=None, init=False)

    async def do(
        self, work: Callable[Concatenate[Check, _P], _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """Do blocking work in a thread and wait for its end.

        Long work calls its first argument now and then, which raises ``trio.Cancelled`` when the
        caller has been cancelled.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        results: list[_T] = []
        call = _Call(lambda check: results.append(work(check, *args, **kwargs)))
        self._busy += 1
        try:
            if self._busy > len(self._threads) < self._most:
                self._start()
            if not self._threads:  # the system has none to give, so the loop does it
                return work(call.check, *args, **kwargs)
            if self._token is not call.token:
                self._token = call.token
                trio.lowlevel.add_instrument(self)
            self._kept.append(call)
            await trio.lowlevel.wait_task_rescheduled(call.abort)
        finally:
            self._busy -= 1
        call.raise_problem()
        return results.pop()

    def before_io_wait(self, timeout: float) -> None:
        """Trio is about to wait, or only to look what has happened if ``timeout`` is 0."""
        if not self._kept:
            return
        self._rounds += 1
        if timeout > 0 or self._rounds == PATIENCE:
            self._rounds = 0
            for call in self._kept:
                self._waiting.put(call)
            self._kept.clear()

    def close(self) -> None:
        """End the threads, for whom nobody waits any more."""
        if trio.lowlevel.in_trio_run() and trio.lowlevel.current_trio_token() is self._token:
            trio.lowlevel.remove_instrument(self)
        self._token = None
        for _ in self._threads:
            self._waiting.put(None)
        while self._threads:
            self._threads.pop().join()

    def _start(self) -> None:
        name = f"haz hand {len(self._threads)}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return  # the system has no more of them: those that there are do it
        self._threads.append(thread)

    def _work(self) -> None:
        while (call := self._waiting.get()) is not None:
            if call.claim():
                call.carry_out()
                self._done.append(call)
                # The word of another thread may have been for this call too, and the run be over.
                with suppress(trio.RunFinishedError):
                    call.token.run_sync_soon(self._deliver, idempotent=True)
            del call  # a thread that waits keeps nothing alive

    def _deliver(self) -> None:
        while self._done:
            self._done.popleft().wake()
