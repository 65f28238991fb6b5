"""The ways into worker threads: each kind of work has a limiter, or hands, of its own.

trio's default limiter is shared with everything else in the host program, where stuck file
operations would stop all spawning (reliability.md, decision 10).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import ParamSpec, TypeVar

import attrs
import trio

from haz_trio.engine.hands import Hands

_P = ParamSpec("_P")
_T = TypeVar("_T")


def _few() -> int:
    return max(4, os.cpu_count() or 1)


def _half() -> int:
    """One thread for every two processors.

    A look at small files holds the interpreter's lock most of the time: more threads than that
    take turns instead of working side by side.
    """
    return max(1, (os.cpu_count() or 1) // 2)


def _limiter(threads: Callable[[], int]) -> Callable[[], trio.CapacityLimiter]:
    return lambda: trio.CapacityLimiter(threads())


def _hands(threads: Callable[[], int]) -> Callable[[], Hands]:
    return lambda: Hands(threads())


@attrs.define
class Threads:
    """Limiters of one engine, and hands for what each task needs; ``close`` ends those."""

    looks: trio.CapacityLimiter = attrs.field(factory=_limiter(_half))
    stores: trio.CapacityLimiter = attrs.field(factory=_limiter(_few))
    replays: trio.CapacityLimiter = attrs.field(factory=_limiter(_few))
    looking: Hands = attrs.field(factory=_hands(_half))
    gathering: Hands = attrs.field(factory=_hands(_few))

    def close(self) -> None:
        """Nothing is looked at or gathered any more."""
        self.looking.close()
        self.gathering.close()


async def in_thread(
    limiter: trio.CapacityLimiter, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
) -> _T:
    """Do blocking work in a thread and wait for its end, also when cancelled.

    Long work calls ``check_cancelled`` between its pieces.
    Where the system has no thread to give, the loop does it: late is better than never.
    """
    began = False

    def begin() -> _T:
        nonlocal began
        began = True
        return work(*args, **kwargs)

    try:
        return await trio.to_thread.run_sync(begin, limiter=limiter)
    except RuntimeError:
        if began:
            raise
        return work(*args, **kwargs)


def check_cancelled() -> None:
    """Raise ``trio.Cancelled`` if who waits for this work has been cancelled; for the work."""
    with suppress(RuntimeError):  # the loop does it, which nobody can cancel meanwhile
        trio.from_thread.check_cancelled()
