"""One run for each key: who has the key of a task that runs waits for its end (execution.md 4.5).

When the run has ended, the first of those who wait is sent as a *scout*: it is looked at again.
A hit of the scout calls all the others, for then the result is there.
If the scout misses it runs itself, and the others wait for it; if it does neither, the next one
is sent.
So a result that fails, or that cannot be stored, costs one look for each run and not one for each
of those who wait.
"""

from __future__ import annotations

from collections import OrderedDict


class Flights:
    """Keys in flight and those who wait for them; tasks are numbers.

    ``effort`` counts the tasks called so far, each of which will be looked at again.
    """

    def __init__(self) -> None:
        self.effort: int = 0
        self._owners: dict[str, int] = {}
        self._owned: dict[int, str] = {}
        self._waiting: dict[str, OrderedDict[int, None]] = {}
        self._wanted: dict[int, str] = {}  # the key for which a task waits
        self._scouted: dict[int, str] = {}

    def join(self, task: int, key: str) -> bool:
        """Wait for the task in flight that has this key; False when there is none."""
        if key not in self._owners:
            return False
        self._waiting.setdefault(key, OrderedDict())[task] = None
        self._wanted[task] = key
        return True

    def begin(self, task: int, key: str) -> None:
        """The task runs now and owns the key, which nobody else does."""
        self._owners[key] = task
        self._owned[task] = key

    def found(self, task: int) -> list[int]:
        """A look was a hit: who may be looked at again, because the task was their scout."""
        key = self._scouted.pop(task, None)
        called = list(self._waiting.pop(key, ())) if key is not None else []
        for other in called:
            del self._wanted[other]
        self.effort += len(called)
        return called

    def pass_on(self, task: int) -> list[int]:
        """A look was no hit: who scouts instead, unless the key is in flight (again).

        To be called after ``begin`` or ``join``.
        """
        key = self._scouted.pop(task, None)
        if key is None or key in self._owners:
            return []
        return self._send_scout(key)

    def end(self, task: int) -> list[int]:
        """The task settles, be it owner of a key, scout, one who waits or none: who is next."""
        wanted = self._wanted.pop(task, None)
        if wanted is not None:
            del self._waiting[wanted][task]
            if not self._waiting[wanted]:
                del self._waiting[wanted]
        if task not in self._owned:
            return self.pass_on(task)
        key = self._owned.pop(task)
        del self._owners[key]
        return self._send_scout(key)

    def clear(self) -> None:
        """Forget everybody who waits; the keys in flight stay."""
        self._waiting.clear()
        self._wanted.clear()
        self._scouted.clear()

    def _send_scout(self, key: str) -> list[int]:
        queue = self._waiting.get(key)
        if queue is None:
            return []
        scout, _ = queue.popitem(last=False)
        del self._wanted[scout]
        if not queue:
            del self._waiting[key]
        self._scouted[scout] = key
        self.effort += 1
        return [scout]
