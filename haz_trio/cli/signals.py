"""Signals of a run: the first asks, the second tells, the third leaves (decisions.md 8)."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable

import attrs
import trio

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
# Two deliveries of one key press, or of one `kill` to a group, count as one.
SAME_PRESS = 0.05


def heeded() -> list[signal.Signals]:
    """The stopping signals that whoever started us did not tell us to ignore (nohup, `&`)."""
    return [number for number in STOPPING if signal.getsignal(number) is not signal.SIG_IGN]


@attrs.define
class StopSignals:
    """Counts signals and passes them on; ``first`` decides the exit code (EXEC-012, EXEC-021).

    ``ask`` is told the number of the first one.
    """

    ask: Callable[[int], None]
    tell: Callable[[], None]
    first: int | None = None
    _presses: int = 0
    _last: float = float("-inf")

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
