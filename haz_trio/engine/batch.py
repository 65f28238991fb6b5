"""Results that count as kept already and are written to the cache a little later, together.

A result is added when nothing of the workspace is needed any more to store it.
Knows nothing of trio: the loop adds, worker threads store.
"""

from __future__ import annotations

import threading
from collections import deque

from haz_trio.abc import NotStored, Pending
from haz_trio.model.names import TaskId
from haz_trio.values import frozen

MOST = 64  # results; each holds at most a few hundred KiB


@frozen
class Held:
    """A result and what its store has to be told."""

    task: TaskId
    key: str
    pending: Pending
    foreign: frozenset[str]
    duration: float


class Batch:
    """See the module's docstring; results are stored in the order in which they were added."""

    def __init__(self) -> None:
        self._waiting: deque[Held] = deque()
        self._failures: deque[tuple[TaskId, str]] = deque()
        self._storing = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def is_full(self) -> bool:
        return len(self._waiting) >= MOST

    def add(self, kept: Held) -> None:
        self._waiting.append(kept)

    def has(self, key: str) -> bool:
        """Whether a result with this key waits, or is being stored at this moment."""
        return any(kept.key == key for kept in tuple(self._waiting))

    def store(self) -> None:
        """Store all that wait; blocks, and returns when also other threads are done with it."""
        with self._storing:
            while self._waiting:
                self._store_first()

    def store_one(self) -> bool:
        """Store the first of those that wait, if any does and no thread is at it; blocks."""
        if not self._storing.acquire(blocking=False):
            return False
        try:
            is_there = bool(self._waiting)
            if is_there:
                self._store_first()
            return is_there
        finally:
            self._storing.release()

    def _store_first(self) -> None:
        # It stays among those that wait until it is there for everybody to see.
        kept = self._waiting[0]
        try:
            stored = kept.pending.commit(foreign=kept.foreign, duration=kept.duration)
        finally:
            self._waiting.popleft()
        if isinstance(stored, NotStored) and stored.reason:
            self._failures.append((kept.task, stored.reason))

    def failures(self) -> list[tuple[TaskId, str]]:
        """Who was not stored since the last call, and why."""
        found = []
        while self._failures:
            found.append(self._failures.popleft())
        return found
