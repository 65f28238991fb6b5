"""Mutexes: who holds them, and who waits in the order in which they came (MUTEX-001 to 006).

A task asks for its lock after its look has missed, and never holds one before (MUTEX-007).
Who cannot have it at once joins the queue; so does everybody who comes while others wait, so that
shared holders do not overtake an exclusive task (execution.md 4.4).
When the lock comes free, the first in the queue is *called*, or all the shared ones up to the
next exclusive one.
A called task is looked at again and keeps its place meanwhile; it holds the lock from its next
miss on, or leaves, and then the next is called.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import attrs


@attrs.define
class Lock:
    """One mutex; ``called`` and then ``queue`` is the order in which the tasks came.

    ``alone`` says that an exclusive task holds it or is called; then there is just that one.
    """

    holders: set[int] = attrs.field(factory=set)
    called: set[int] = attrs.field(factory=set)
    queue: deque[int] = attrs.field(factory=deque)
    alone: bool = False


class Locks:
    """All mutexes of a run; tasks are numbers.

    ``effort`` counts the tasks called so far, each of which will be looked at again.
    """

    def __init__(self, wanted: Iterable[tuple[str | None, bool]]) -> None:
        """``wanted`` is the lock of each task, and whether it shares it."""
        self.effort = 0
        self._lock_of: list[Lock | None] = []
        self._shared: list[bool] = []
        known: dict[str, Lock] = {}
        for name, shared in wanted:
            self._lock_of.append(None if name is None else known.setdefault(name, Lock()))
            self._shared.append(shared)

    def acquire(self, task: int) -> bool:
        """Take the lock of the task, or join its queue; True when it was taken."""
        lock = self._lock_of[task]
        if lock is None:
            return True
        if task in lock.called:
            lock.called.remove(task)
        elif lock.called or lock.queue or not self._fits(task, lock):
            lock.queue.append(task)
            return False
        lock.holders.add(task)
        lock.alone = not self._shared[task]
        return True

    def leave(self, task: int) -> None:
        """Give the lock back, or one's place among the called; nothing if one has neither."""
        lock = self._lock_of[task]
        if lock is not None and (task in lock.holders or task in lock.called):
            lock.holders.discard(task)
            lock.called.discard(task)
            lock.alone = False

    def call(self, task: int) -> list[int]:
        """Who of those that wait for the lock of this task may be looked at again now."""
        lock = self._lock_of[task]
        called: list[int] = []
        while lock is not None and lock.queue and self._fits(lock.queue[0], lock):
            first = lock.queue.popleft()
            lock.called.add(first)
            lock.alone = not self._shared[first]
            called.append(first)
        self.effort += len(called)
        return called

    def clear(self) -> None:
        """Forget everybody who waits or is called; holders stay."""
        for lock in self._lock_of:
            if lock is not None:
                lock.called.clear()
                lock.queue.clear()

    def _fits(self, task: int, lock: Lock) -> bool:
        """Whether a task gets along with those that hold the lock or are called."""
        if self._shared[task]:
            return not lock.alone
        return not lock.holders and not lock.called
