"""Signals of a run: the first asks, the second tells, the third leaves (decisions.md 8)."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable
from types import FrameType

import attrs
import trio

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

    ask: Callable[[int], None] = attrs.field(default=_nowhere, init=False)
    tell: Callable[[], None] = attrs.field(default=_nowhere, init=False)
    first: int | None = None
    _presses: int = 0
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
        """Take signals until cancelled."""
        async for number in arriving:
            self.take(number, trio.current_time())

    def take(self, number: int, now: float) -> None:
        """One signal at a moment in seconds; the third press does not return."""
        if now - self._last < SAME_PRESS:
            return
        self._last = now
        self._presses += 1
        match self._presses:
            case 1:
                self.first = number
                self.ask(number)
            case 2:
                self.tell()
            case _:
                os._exit(128 + (self.first or number))
