"""Work that is likely to be short, done on the loop: in a thread it would fight for the lock.

Each system call of a thread lets go of the interpreter's lock, and who wants it back waits for the
loop, which waits for it in turn: that costs more than most looks take themselves.
How long work takes is not known before. So it is begun, asks now and then, gives up after
``BUDGET``, and is done again in a thread; what it has read until then is remembered.
Who was not short is not tried on the loop for a while, longer each time: a slow disk is waited
for in threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import attrs

from haz_trio.engine.hands import Check
from haz_trio.engine.jobs import Job
from haz_trio.model.tasks import Function

_P = ParamSpec("_P")
_T = TypeVar("_T")
BUDGET = 0.005  # seconds; for so long a thread may keep the lock from the loop anyway
LONGEST = 256  # works that are not tried after one that was not short, at most


class NotShort(Exception):  # it is no error: a thread sees to it
    """Raised by what was begun on the loop when it turns out to belong into a thread."""


@attrs.define(eq=False)
class Brief:
    """Does one kind of work on the loop as long as that is short."""

    _clock: Callable[[], float] = time.perf_counter
    _skips: int = attrs.field(default=0, init=False)  # works that are not tried
    _penalty: int = attrs.field(default=1, init=False)  # how many the next one costs

    def do(
        self, work: Callable[Concatenate[Check, _P], _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T | None:
        """What ``work`` returns, or ``None`` where a thread has to do it, from its beginning.

        It calls its first argument now and then, and can be begun again after that has raised.
        """
        if self._skips:
            self._skips -= 1
            return None
        clock = self._clock
        end = clock() + BUDGET

        def check() -> None:
            if clock() > end:
                raise NotShort

        try:
            return work(check, *args, **kwargs)
        except NotShort:
            return None
        finally:
            if clock() > end:
                self._skips = self._penalty
                self._penalty = min(2 * self._penalty, LONGEST)
            else:
                self._penalty = max(1, self._penalty // 2)


def is_plain(job: Job) -> bool:
    """Whether what is asked of a task depends on its inputs alone: no code, no walk of outputs."""
    if isinstance(job.node.task.action, Function):
        return False
    return not any(output.is_glob for output in job.subject.outputs)
