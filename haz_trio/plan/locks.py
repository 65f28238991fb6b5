"""Mutexes: who holds them, and who comes next, in the order of admission (MUTEX-001 to 006).

A task gets its place in the line of its lock when it is admitted to its look, and may take the
lock when its look has missed; it never holds one before (MUTEX-007).
So the order does not depend on whose look happens to end first, and shared holders do not overtake
an exclusive task that came before them (execution.md 4.4).
Who cannot have the lock at once waits in its place.
When the lock comes free, the first who waits is *called*, or all the shared ones up to the next
exclusive one.
A called task is looked at again and keeps its place meanwhile; it holds the lock from its next
miss on, or leaves, and then the next is called.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from itertools import takewhile


class Lock:
    """One mutex; ``called`` and then ``line`` is the order in which the tasks came.

    ``line`` says of each task whether it waits (it has missed) or is still being looked at.
    ``alone`` says that an exclusive task holds the lock or is called; then there is just that one.
    """

    def __init__(self) -> None:
        self.holders: set[int] = set()
        self.called: set[int] = set()
        self.line: OrderedDict[int, bool] = OrderedDict()
        self.alone: bool = False


class Locks:
    """All mutexes of a run; tasks are numbers.

    ``effort`` counts the tasks called so far, each of which will be looked at again.
    """

    def __init__(self, wanted: Iterable[tuple[str | None, bool]]) -> None:
        """``wanted`` is the lock of each task, and whether it shares it."""
        self.effort: int = 0
        self._lock_of: list[Lock | None] = []
        self._shared: list[bool] = []
        known: dict[str, Lock] = {}
        for name, shared in wanted:
            self._lock_of.append(None if name is None else known.setdefault(name, Lock()))
            self._shared.append(shared)

    def line_up(self, task: int) -> None:
        """Give a task that is admitted its place, unless it has one."""
        lock = self._lock_of[task]
        if lock is not None and task not in lock.called:
            lock.line[task] = False

    def acquire(self, task: int) -> bool:
        """Take the lock of the task, or wait in its place; True when it was taken."""
        lock = self._lock_of[task]
        if lock is None:
            return True
        if task in lock.called:
            lock.called.remove(task)
        elif self._fits(task, lock) and self._is_next(task, lock):
            del lock.line[task]
        else:
            lock.line[task] = True
            return False
        lock.holders.add(task)
        lock.alone = not self._shared[task]
        return True

    def leave(self, task: int) -> None:
        """Give the lock back, or one's place; nothing if one has neither."""
        lock = self._lock_of[task]
        if lock is None:
            return
        lock.line.pop(task, None)
        if task in lock.holders or task in lock.called:
            lock.holders.discard(task)
            lock.called.discard(task)
            lock.alone = False

    def call(self, task: int) -> list[int]:
        """Who of those that wait for the lock of this task may be looked at again now."""
        lock = self._lock_of[task]
        if lock is None:
            return []
        called: list[int] = []
        looking = False  # whether somebody before, who shares the lock, is still being looked at
        for other, waits in lock.line.items():
            shared = self._shared[other]
            if not self._fits(other, lock) or (looking and not shared):
                break
            if waits:
                lock.called.add(other)
                lock.alone = not shared
                called.append(other)
            elif shared:
                looking = True
            else:
                break
        for other in called:
            lock.line.pop(other)
        self.effort += len(called)
        return called

    def clear(self) -> None:
        """Forget everybody who waits or is called; holders stay."""
        for lock in self._lock_of:
            if lock is not None:
                lock.called.clear()
                lock.line.clear()

    def _fits(self, task: int, lock: Lock) -> bool:
        """Whether a task gets along with those that hold the lock or are called."""
        if self._shared[task]:
            return not lock.alone
        return not lock.holders and not lock.called

    def _is_next(self, task: int, lock: Lock) -> bool:
        """Whether a task of the line gets along with those before it.

        If it fits, those are being looked at, and so at most as many as there are slots.
        """
        before = takewhile(lambda other: other != task, lock.line)
        return all(self._shared[other] and self._shared[task] for other in before)
