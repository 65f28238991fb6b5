"""Ctrl-C and SIGTERM: what is being played is ended, nothing new is begun, the report is made.

No exception comes out of the blue: handlers remember, and whoever is about to begin something
asks. What is being played has processes and folders of its own, which only its end removes.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import active_children
from types import FrameType

from haz_trio.testing.subject import heed_signals

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_TOGETHER = 0.5  # seconds: two that come within count as one, as those of timeout(1)
_heard: list[tuple[int, float]] = []  # signals in this process, and when (monotonic, seconds)


def asked() -> int:
    """The signal that asked this process to stop; 0 for none."""
    return _heard[0][0] if _heard else 0


def hurried() -> bool:
    """Whether a second signal has come, which kills the workers."""
    return bool(_heard) and _heard[-1][1] - _heard[0][1] > _TOGETHER


@contextmanager
def listening() -> Iterator[None]:
    """Stop when asked once; a second signal kills the workers, whatever they are trying.

    SIGINT stays ignored where it was, as for a job in the background. For the main thread.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, _hear_or_kill)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _heard.clear()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Processes that are started within are asked to stop only when they can hear it."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def listen_in_worker() -> None:
    """In a process that was started ``undisturbed``: from here on it can be asked to stop."""
    heed_signals()
    for number in _SIGNALS:
        signal.signal(number, _hear)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def pass_on() -> None:
    """Ask the workers as well: a terminal asks all of them, ``kill`` only this process."""
    for child in active_children():
        if child.pid is not None:
            os.kill(child.pid, signal.SIGTERM)


def _hear(number: int, _frame: FrameType | None) -> None:
    _heard.append((number, time.monotonic()))


def _hear_or_kill(number: int, frame: FrameType | None) -> None:
    _hear(number, frame)
    if hurried():
        for child in active_children():
            child.kill()
