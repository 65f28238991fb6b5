"""Work for moments in which the loop has nothing to do: commands run, and none has ended yet.

In a thread the same work would fight the loop for the interpreter's lock as soon as one ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs
import trio


@attrs.define(eq=False)
class _Lulls(trio.abc.Instrument):
    _work: Callable[[], None]
    problem: BaseException | None = attrs.field(default=None, init=False)

    def before_io_wait(self, timeout: float) -> None:
        """Trio is about to wait, or only to look what has happened if ``timeout`` is 0."""
        if timeout <= 0 or self.problem is not None:
            return
        try:
            self._work()
        except BaseException as problem:  # raised by ``in_lulls``, not by the loop
            self.problem = problem


@contextmanager
def in_lulls(work: Callable[[], None]) -> Iterator[None]:
    """Do a piece of work whenever the loop is about to wait, for the time of a block.

    The work is short, and wakes no task: what it makes ready would have to wait as well.
    What it raises is raised at the end of the block.
    """
    lulls = _Lulls(work)
    trio.lowlevel.add_instrument(lulls)
    try:
        yield
    finally:
        trio.lowlevel.remove_instrument(lulls)
    if lulls.problem is not None:
        raise lulls.problem
