"""Carrying what a child writes to its consumer, in order, no faster than the consumer takes it.

Reading and the child's end are independent: a stream may close long before the child ends (B12),
and may stay open long after it, in the hands of a process that the child left behind (B01).

Draining, after the end, gives up a pipe that somebody still holds after ``SILENCE`` seconds
without a byte, or after ``DRAIN_LIMIT`` seconds of bytes.
What was in the pipe when the draining began is always read: the child's last words (B03).
"""

from __future__ import annotations

import array
import fcntl
import math
import os
import select
import termios

import attrs
import trio

from haz_trio.abc import Emit
from haz_trio.plan.messages import Stream

CHUNK = 64 * 1024
SILENCE = 0.1
DRAIN_LIMIT = 2.0


@attrs.define(eq=False)
class Pump:
    """Reads one pipe until its end, or until draining gives it up; ``done`` says so."""

    stream: Stream
    descriptor: int
    emit: Emit
    done: trio.Event = attrs.field(factory=trio.Event)
    _limit: float = math.inf  # when draining stops, on trio's clock
    _silence: float = math.inf
    _owed: int = 0  # bytes that were in the pipe when draining began
    _waiting: trio.CancelScope | None = None

    async def run(self) -> None:
        """Pump; whatever ``emit`` raises passes through."""
        try:
            while self._owed > 0 or trio.current_time() < self._limit:
                await trio.lowlevel.checkpoint()
                try:
                    data = os.read(self.descriptor, CHUNK)
                except BlockingIOError:
                    if await self._wait_for_more():
                        continue
                    return
                if not data:
                    return
                self._owed -= len(data)
                await self.emit(self.stream, data)
        finally:
            self.done.set()

    def drain(self, limit: float = DRAIN_LIMIT) -> None:
        """The child has ended: from now on, silence ends the reading, and so does the limit."""
        self._owed = self._ready()
        self._limit = trio.current_time() + limit
        self._silence = SILENCE
        if self._waiting is not None:
            self._waiting.deadline = trio.current_time() + SILENCE

    def is_held(self) -> bool:
        """Whether some process can still write into the pipe, whether or not it is still read.

        The pumping may have been cancelled while a process that escaped holds the other end.
        """
        poll = select.poll()
        poll.register(self.descriptor, 0)
        # A pipe hangs up when its last writer is gone, whatever is left to be read.
        return not any(events & select.POLLHUP for _, events in poll.poll(0))

    async def _wait_for_more(self) -> bool:
        """Whether there is something to read, or the end; False after too long a silence."""
        deadline = min(trio.current_time() + self._silence, self._limit)
        with trio.CancelScope(deadline=deadline) as self._waiting:
            await trio.lowlevel.wait_readable(self.descriptor)
            return True
        return self._ready() > 0

    def _ready(self) -> int:
        """How many bytes wait in the pipe."""
        count = array.array("i", [0])
        fcntl.ioctl(self.descriptor, termios.FIONREAD, count)
        return count[0]
