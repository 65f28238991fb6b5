"""The console: the one writer of standard output and standard error while tasks run.

``notice`` renders an event and appends it to a queue; one trio task hands the queue to a worker
thread, piece by piece, so that lines are whole without a lock and a slow terminal slows nobody
but those who wait for it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Protocol

import trio
import trio.lowlevel

from haz_trio.output.streams import Streams
from haz_trio.output.writes import Renderer, Write
from haz_trio.plan.messages import Event

WELCOME = 256 * 1024  # bytes pending from which on more output is not welcome
GATHER = 0.03  # seconds between two writes, as long as little is pending and nobody drains
LAST_WORDS = 1.0  # seconds for what is pending when a run was cancelled or broke


class Sink(Protocol):
    """Where a console writes: ``Streams``, or the same with a line below (``status_line``)."""

    @property
    def failed(self) -> bool: ...

    def write(self, writes: Iterable[Write]) -> None: ...

    def give_up(self) -> None: ...


class Console:
    """An observer of a run (``haz_trio.abc.Observer``); made by ``open_console``."""

    def __init__(self, renderer: Renderer, streams: Sink) -> None:
        self._renderer = renderer
        self._streams = streams
        # Unbounded in number, bounded in bytes by those who call ``wait_ready``; what a renderer
        # gives lazily counts as a full queue, as it is on disk and may be of any size.
        self._queue: deque[tuple[Iterable[Write], int]] = deque()
        self._pending = 0
        self._waiting = trio.lowlevel.ParkingLot()
        self._limiter = trio.CapacityLimiter(1)
        self._draining = trio.Event()  # somebody waits until all is written
        # Shielded, as last words are written behind a cancelled run; ``give_up`` ends it, which
        # ``open_console`` calls after LAST_WORDS at the latest.
        self._writing = trio.CancelScope(shield=True)

    @property
    def pending(self) -> int:
        """Bytes that were noticed and not written yet; files count as 256 KiB each."""
        return self._pending

    @property
    def failed(self) -> bool:
        """Whether output was lost for another reason than a reader that went away."""
        return self._streams.failed

    def notice(self, event: Event, at: float) -> None:
        """Take an event that happened ``at`` seconds after the run began; never waits."""
        writes = self._renderer(event, at)
        if not writes:
            return
        size = sum(len(w.data) for w in writes) if isinstance(writes, list) else WELCOME
        if size and not self._writing.cancel_called:
            self._queue.append((writes, size))
            self._set_pending(self._pending + size)

    async def wait_ready(self) -> None:
        """Return when fewer than 256 KiB are pending."""
        await self._wait_until(lambda pending: pending < WELCOME)

    async def drain(self, timeout: float = math.inf) -> None:
        """Return when all is written; what is left after ``timeout`` seconds is given up."""
        self._draining.set()
        with trio.move_on_after(timeout) as waiting:
            await self._wait_until(lambda pending: pending == 0)
        if waiting.cancelled_caught:
            self.give_up()

    def give_up(self) -> None:
        """Write nothing more, now and later; a blocked write is left to its thread."""
        self._streams.give_up()
        self._writing.cancel()
        self._queue.clear()
        self._set_pending(0)

    async def run(self) -> None:
        """Write what is noticed until ``give_up``; to be started once."""
        with self._writing:
            while True:
                await self._wait_until(lambda pending: pending > 0)
                writes, size = self._next()
                # Abandoned when cancelled: a reader may have stopped reading for ever.
                await trio.to_thread.run_sync(
                    self._streams.write, writes, abandon_on_cancel=True, limiter=self._limiter
                )
                # Given up meanwhile, there is nothing pending any more.
                self._set_pending(max(self._pending - size, 0))
                if self._pending < WELCOME:
                    # Lines of many short tasks go to the thread together, and nobody sees it.
                    with trio.move_on_after(GATHER):
                        await self._draining.wait()

    def _set_pending(self, pending: int) -> None:
        self._pending = pending
        self._waiting.unpark_all()

    async def _wait_until(self, suits: Callable[[int], bool]) -> None:
        await trio.lowlevel.checkpoint()
        while not suits(self._pending):
            await self._waiting.park()

    def _next(self) -> tuple[Iterable[Write], int]:
        """The front of the queue: one file's worth, or what is in memory up to 256 KiB."""
        writes, size = self._queue.popleft()
        if not isinstance(writes, list):
            return writes, size
        batch = list(writes)
        while self._queue and size < WELCOME and isinstance(self._queue[0][0], list):
            more, more_size = self._queue.popleft()
            batch += more
            size += more_size
        return batch, size


@asynccontextmanager
async def open_console(
    renderer: Renderer, *, streams: Sink | None = None
) -> AsyncIterator[Console]:
    """A console that writes while the body runs, and at its end all that is pending.

    The end waits for a slow reader as long as it takes; call ``drain`` with a timeout before it
    to give up sooner.
    When the body is cancelled or raises, the rest gets one second.
    """
    console = Console(renderer, streams or Streams())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(console.run)
        try:
            yield console
            await console.drain()
        finally:
            # Shielded for LAST_WORDS at most: why a run was cut short is worth saying.
            with trio.move_on_after(LAST_WORDS, shield=True):
                await console.drain()
            console.give_up()
