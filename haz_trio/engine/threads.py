"""The one way into worker threads: each kind of work has a limiter of its own.

trio's default limiter is shared with everything else in the host program, where stuck file
operations would stop all spawning (reliability.md, decision 10).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import attrs
import trio

_P = ParamSpec("_P")
_T = TypeVar("_T")


def _few() -> trio.CapacityLimiter:
    return trio.CapacityLimiter(max(4, os.cpu_count() or 1))


def _half() -> trio.CapacityLimiter:
    """One thread for every two processors.

    A look at small files holds the interpreter's lock most of the time: more threads than that
    take turns instead of working side by side.
    """
    return trio.CapacityLimiter(max(1, (os.cpu_count() or 1) // 2))


@attrs.define
class Threads:
    """Limiters of one engine."""

    looks: trio.CapacityLimiter = attrs.field(factory=_half)
    stores: trio.CapacityLimiter = attrs.field(factory=_few)
    replays: trio.CapacityLimiter = attrs.field(factory=_few)


async def in_thread(
    limiter: trio.CapacityLimiter, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
) -> _T:
    """Do blocking work in a thread and wait for its end, also when cancelled.

    Long work calls ``trio.from_thread.check_cancelled()`` between its pieces.
    """
    return await trio.to_thread.run_sync(lambda: work(*args, **kwargs), limiter=limiter)
