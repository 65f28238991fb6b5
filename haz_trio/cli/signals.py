"""Signals of a run: the first asks, the second tells, the third leaves (decisions.md 8)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from types import FrameType

import attrs

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
# Two deliveries of one key press, or of one `kill` to a group, count as one.
SAME_PRESS = 0.05
PATIENCE = 2  # presses that are answered
_Handler = Callable[[int, FrameType | None], object] | int | None  # of ``signal.getsignal``


def heeded() -> list[signal.Signals]:
    """The stopping signals that whoever started us did not tell us to ignore (nohup, `&`)."""
    return [number for number in STOPPING if signal.getsignal(number) is not signal.SIG_IGN]


def _nowhere(number: int = 0) -> None:
    """There is no run yet."""


@attrs.define(repr=False)
class StopSignals:
    """Counts signals and passes them on; ``first`` decides the exit code (EXEC-012, EXEC-021).

    They are counted by their handlers, so that the third press leaves also while something keeps
    trio's loop from listening: a file system that hangs, a function of a task that blocks it.
    ``ask`` is told the number of the first one; both are to be set before ``listen``.
    ``signal.signal`` takes the repr of each handler that it replaces, to look for it in an
    enumeration; so ours is not one of all that a run is made of.
    """

    ask: Callable[[int], None] = attrs.field(default=_nowhere, init=False)
    tell: Callable[[], None] = attrs.field(default=_nowhere, init=False)
    first: int | None = None  # that the run has been told of
    _presses: list[int] = attrs.field(factory=list)
    _answered: int = 0
    _last: float = float("-inf")

    def count(self, numbers: Iterable[int]) -> None:
        """Count these from now on, and let the handlers that they have hear them as well."""
        for number in numbers:
            signal.signal(number, partial(self._heard, signal.getsignal(number)))

    def take_late(self, number: int, frame: FrameType | None) -> None:
        """A handler for signals that come, or are still unread, when nobody listens any more.

        The first signal has decided how the run ends; without one it ends as any program does.
        """
        if self.first is None:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
            os._exit(128 + number)  # the first process of a container outlives the line above

    async def listen(self, arriving: AsyncIterator[int]) -> None:
        """Answer signals until cancelled."""
        async for _ in arriving:
            self.answer()

    def answer(self) -> None:
        """Pass on the presses that have been counted and not been answered yet."""
        for number in self._presses[self._answered :]:
            self._answered += 1
            if self.first is None:
                self.first = number
                self.ask(number)
            else:
                self.tell()

    def press(self, number: int, now: float) -> None:
        """Count a signal that came at a moment in seconds; the third press does not return."""
        if now - self._last < SAME_PRESS:
            return
        self._last = now
        self._presses.append(number)
        if len(self._presses) > PATIENCE:
            os._exit(128 + self._presses[0])

    def _heard(self, others: _Handler, number: int, frame: FrameType | None) -> None:
        self.press(number, time.monotonic())
        if callable(others):
            others(number, frame)
