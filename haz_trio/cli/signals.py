"""Signals of a run: the first asks, the second tells, the third leaves (decisions.md 8)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from types import FrameType

import attrs

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
# Two deliveries of one key press, or of one `kill` to a group, count as one.
SAME_PRESS = 0.05


def heeded() -> list[signal.Signals]:
    """The stopping signals that whoever started us did not tell us to ignore (nohup, `&`)."""
    return [number for number in STOPPING if signal.getsignal(number) is not signal.SIG_IGN]


def _nowhere(number: int = 0) -> None:
    """There is no run yet."""


@attrs.define
class StopSignals:
    """Counts signals and passes them on; ``first`` decides the exit code (EXEC-012, EXEC-021).

    ``ask`` is told the number of the first one; both are to be set before ``listen``.
    """

    _heeded: Sequence[signal.Signals]
    ask: Callable[[int], None] = attrs.field(default=_nowhere, init=False)
    tell: Callable[[], None] = attrs.field(default=_nowhere, init=False)
    first: int | None = None
    _presses: int = 0
    _passed: int = 0
    _last: float = float("-inf")

    def take_late(self, number: int, frame: FrameType | None) -> None:
        """A handler for signals that come, or are still unread, when nobody listens any more.

        The first signal has decided how the run ends; without one it ends as any program does.
        """
        if self.first is None:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
            os._exit(128 + number)  # the first process of a container outlives the line above

    async def listen(self, arriving: AsyncIterator[int]) -> None:
        """Take signals until cancelled.

        They are counted by a handler before the receiver's: a function may block trio's loop.
        """
        received = {number: signal.getsignal(number) for number in self._heeded}

        def count(number: int, frame: FrameType | None) -> None:
            self._count(number)
            receive = received[signal.Signals(number)]
            if callable(receive):
                receive(number, frame)

        try:
            for listened in received:
                signal.signal(listened, count)
            async for number in arriving:
                if not self._presses:  # it was there before us
                    self._count(number)
                self._pass_on()
        finally:
            for listened, receive in received.items():
                signal.signal(listened, receive)

    def _count(self, number: int) -> None:
        """One signal; the third press does not return."""
        now = time.monotonic()
        if now - self._last < SAME_PRESS:
            return
        self._last = now
        self._presses += 1
        if self.first is None:
            self.first = number
        if self._presses > 2:
            os._exit(128 + self.first)

    def _pass_on(self) -> None:
        """Ask and tell as often as was pressed."""
        if self.first is not None and self._passed < 1:
            self._passed = 1
            self.ask(self.first)
        if self._presses > 1 and self._passed < 2:
            self._passed = 2
            self.tell()
