"""What a function says, on its way to who listens: in order, and no faster than that is taken."""

from __future__ import annotations

from collections import deque

import trio
import trio.lowlevel

from haz_trio.abc import Emit
from haz_trio.plan.messages import Stream

WELCOME = 64 * 1024  # bytes that may wait before who speaks has to


class Speech:
    """Said things are taken at once and never lost; ``run`` hands them to ``emit``."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        # Unbounded in number, bounded in bytes by those who wait in ``say``.
        self._said: deque[tuple[Stream, bytes]] = deque()
        self._pending = 0
        self._news = trio.lowlevel.ParkingLot()
        self._room = trio.lowlevel.ParkingLot()

    def add(self, stream: Stream, data: bytes) -> None:
        """Say something without waiting."""
        if data:
            self._said.append((stream, data))
            self._pending += len(data)
            self._news.unpark_all()

    async def say(self, stream: Stream, data: bytes) -> None:
        """Say something, then wait until little is pending; a cancellation loses nothing."""
        self.add(stream, data)
        await self._wait_below(WELCOME)

    async def drain(self) -> None:
        """Wait until all has been taken."""
        await self._wait_below(1)

    async def run(self) -> None:
        """Hand on what is said, for ever; what ``emit`` raises passes through."""
        while True:
            while not self._said:
                await self._news.park()
            stream, data = self._said.popleft()
            await self._emit(stream, data)
            self._pending -= len(data)
            self._room.unpark_all()

    async def _wait_below(self, most: int) -> None:
        await trio.lowlevel.checkpoint()
        while self._pending >= most:
            await self._room.park()
