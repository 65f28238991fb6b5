"""Ctrl-Z: what runs is stopped with haz, and goes on with it; no time passes meanwhile (L03).

Tasks have sessions of their own, in which the terminal's SIGTSTP neither arrives nor would have an
effect: they get SIGSTOP, and SIGCONT when haz is continued.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import TypeAlias

import trio

Held: TypeAlias = tuple[Callable[[], None], Callable[[], None]]  # what pauses, and what resumes


class PausableClock(trio.abc.Clock):
    """Trio's usual clock but for the time for which haz was stopped by Ctrl-Z.

    So no deadline passes while nothing can be done about it: neither of a task, nor of a grace
    period, nor ``--timeout``.
    """

    def __init__(self) -> None:
        self._lost = 0.0  # seconds

    def start_clock(self) -> None:
        """Nothing is to be started."""

    def current_time(self) -> float:
        return time.perf_counter() - self._lost

    def deadline_to_sleep_time(self, deadline: float) -> float:
        return deadline - self.current_time()

    def lose(self, seconds: float) -> None:
        """Time that does not count."""
        self._lost += seconds


async def heed_suspension(clock: PausableClock, *held: Held) -> None:
    """Stop this process when the terminal asks for it, and go on with it; ends when cancelled.

    Whoever told us to ignore SIGTSTP is obeyed. What is ``held`` is paused in this order and
    resumed in the opposite one.
    """
    while signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL:
        with trio.open_signal_receiver(signal.SIGTSTP) as arriving:
            async for _ in arriving:
                break
        began = time.perf_counter()
        for pause, _ in held:
            pause()
        # Its default action again: this call stops, unless no shell could continue us.
        signal.raise_signal(signal.SIGTSTP)
        clock.lose(time.perf_counter() - began)
        for _, resume in reversed(held):
            resume()
