"""The events of one run as a stream: an observer that its reader drives with ``async for``."""

from __future__ import annotations

from collections import deque

import trio
import trio.lowlevel

from haz_trio.plan.messages import Event, RunFinished, TaskOutput
from haz_trio.values import frozen

WELCOME = 256 * 1024  # bytes of output that were not read yet, from which on tasks have to wait


@frozen
class Told:
    """An event, and when it happened: ``at`` seconds after the run began."""

    event: Event
    at: float


class EventStream:
    """What ``Engine.events`` gives: an ``Observer``, and an async iterator of ``Told``.

    It ends behind ``RunFinished``, or when the run is cancelled; what was told until then is
    still given.
    A reader who is slow slows the tasks that print; one who has stopped reading stops them, but
    neither the loop nor the end of the run: a stop and a cancellation go on without him.
    """

    def __init__(self, most: int) -> None:
        # Unbounded in number: but for output, which ``wait_ready`` bounds, a task has few events.
        self._told: deque[Told] = deque()
        self._most = most
        self._pending = 0
        self._is_over = self._is_closed = False
        self._readers = trio.lowlevel.ParkingLot()
        self._talkers = trio.lowlevel.ParkingLot()

    @property
    def pending(self) -> int:
        """Bytes of output that were told and not read yet."""
        return self._pending

    def notice(self, event: Event, at: float) -> None:
        """Take an event; never waits."""
        if self._is_over:
            return
        self._told.append(Told(event, at))
        self._pending += _size(event)
        if isinstance(event, RunFinished):
            self.end()
        self._readers.unpark_all()

    async def wait_ready(self) -> None:
        """Return when fewer than ``most`` bytes are pending, or nobody reads any more."""
        await trio.lowlevel.checkpoint()
        while self._pending >= self._most and not self._is_closed:
            await self._talkers.park()

    def end(self) -> None:
        """Nothing more is told: the run is over."""
        self._is_over = True
        self._readers.unpark_all()

    def close(self) -> None:
        """Nobody reads any more; what was not read is forgotten, and who waits goes on."""
        self.end()
        self._is_closed = True
        self._told.clear()
        self._pending = 0
        self._talkers.unpark_all()

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> Told:
        await trio.lowlevel.checkpoint()
        while not self._told:
            if self._is_over:
                raise StopAsyncIteration
            await self._readers.park()
        told = self._told.popleft()
        self._pending -= _size(told.event)
        if self._pending < self._most:
            self._talkers.unpark_all()
        return told


def _size(event: Event) -> int:
    return len(event.data) if isinstance(event, TaskOutput) else 0
