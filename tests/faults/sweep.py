"""Ending a run at a chosen step of trio's loop, and asking what is left of it (I4)."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import attrs
import trio
import trio.abc
import trio.lowlevel

from haz_trio.cache.files import Disk
from haz_trio.cache.locks import open_locks
from tests.process.support import children, descriptors

_LITTER = (".tmp-", ".restore-", ".trash-", ".haz-restore-")
_IDLE = "Trio thread"


class AtStep(trio.abc.Instrument):
    """Calls a function before the step with a number, counted from 1; counts the others."""

    def __init__(self, number: int, act: Callable[[], None]) -> None:
        self.steps = 0
        self._number, self._act = number, act

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.steps += 1
        if self.steps == self._number:
            self._act()


@attrs.frozen
class State:
    """What a process has that a run must not add to."""

    descriptors: set[str]
    children: list[int]
    busy_threads: list[str]
    tasks: int

    @classmethod
    def now(cls) -> State:
        """To be asked inside of trio."""
        gc.collect()
        busy = [t.name for t in threading.enumerate() if not t.name.startswith(_IDLE)]
        living = trio.lowlevel.current_statistics().tasks_living
        return cls(descriptors(), children(), busy, living)


def litter(root: Path) -> list[str]:
    """Temporary files below a folder."""
    found = []
    for place, folders, files in os.walk(root):
        names = (name for name in (*folders, *files) if name.startswith(_LITTER))
        found += [os.path.join(place, name) for name in names]
    return found


def held_locks(root: Path) -> bool:
    """Whether anybody holds a lock of the cache of a workspace."""
    try:
        cache = os.open(root / ".haz/cache", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        locks = open_locks(cache, Disk(), make=False)
        if locks is None:
            return False
        try:
            return not locks.take_all()
        finally:
            locks.close()
    finally:
        os.close(cache)


@attrs.define
class Swept:
    """One run that was ended, or was over before."""

    steps: int
    ended: bool  # before it was over by itself
    seconds: float


def end_at(
    number: int,
    root: Path,
    live: Callable[[], Awaitable[None]],
    *,
    left: Callable[[], object],
    context: Mapping[str, object],
    limit: float,
    stop: Callable[[], None] | None = None,
) -> Swept:
    """Live and be cancelled, or stopped, at a step; asserts that nothing is left, soon enough.

    ``left`` names processes that should not be there; ``context`` is for the message.
    """

    async def main() -> Swept:
        await trio.to_thread.run_sync(int)  # what the loop opens for its first thread stays open
        before = State.now()
        scope = trio.CancelScope()
        began: list[float] = []

        def cancel() -> None:
            began.append(trio.current_time())
            (stop or scope.cancel)()

        instrument = AtStep(number, cancel)
        trio.lowlevel.add_instrument(instrument)
        try:
            with scope:
                await live()
        finally:
            trio.lowlevel.remove_instrument(instrument)
        seconds = trio.current_time() - began[0] if began else 0.0
        told = f"step {number}, {dict(context)}"
        assert State.now() == before, told
        assert left() == [], told
        assert litter(root) == [], told
        assert not held_locks(root), told
        assert seconds <= limit, told
        return Swept(instrument.steps, bool(began), seconds)

    return trio.run(main)
