"""What a run is doing, in one line: tasks done, those that run and for how long, what is left.

Knows neither a clock nor a terminal; ``status_line`` shows it.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from haz_trio.model.names import TaskId
from haz_trio.plan.messages import (
    Event,
    RunFinished,
    RunStarted,
    TaskBegun,
    TaskSettled,
    TaskWaits,
)
from haz_trio.plan.outcome import Cancelled, Completed, Skipped, Source

LISTED = 8  # running tasks that are named; a terminal has hardly room for more


@attrs.define
class Progress:
    """Follows the events of one run; times are seconds since it began.

    ``slots`` is how many tasks can run at a time.
    """

    slots: int
    _left: set[TaskId] = attrs.field(factory=set, init=False)
    _total: int = attrs.field(default=0, init=False)
    _cached: int = attrs.field(default=0, init=False)
    _failed: int = attrs.field(default=0, init=False)
    _running: dict[TaskId, float] = attrs.field(factory=dict, init=False)
    _durations: Mapping[TaskId, float] = attrs.field(factory=dict, init=False)
    _unknown: int = attrs.field(default=0, init=False)  # of those that are left
    _known: float = attrs.field(default=0.0, init=False)  # seconds of all the others that are
    _longest: list[TaskId] = attrs.field(factory=list, init=False)  # the longest one last

    def learn(self, durations: Mapping[TaskId, float]) -> None:
        """How long tasks took the last time, in seconds; what is not there is not known."""
        self._durations = durations
        self._reckon()

    def take(self, event: Event, at: float) -> None:
        """Note an event."""
        match event:
            case RunStarted(tasks):
                self._left = set(tasks)
                self._total = len(tasks)
                self._reckon()
            case TaskBegun(task):
                self._running[task] = at
            case TaskWaits(task):
                self._running.pop(task, None)
            case TaskSettled(task, outcome):
                self._running.pop(task, None)
                self._settle(task)
                self._cached += isinstance(outcome, Completed) and outcome.source is Source.CACHE
                self._failed += not isinstance(outcome, Completed | Skipped | Cancelled)
            case RunFinished():
                self._left.clear()
                self._running.clear()
            case _:
                pass

    def text(self, at: float) -> str:
        """The line at a moment, most important first; empty when nothing is going on."""
        if not self._left:
            return ""
        parts = [f"{self._total - len(self._left)}/{self._total}"]
        if self._cached:
            parts.append(f"{self._cached} cached")
        if self._failed:
            parts.append(f"{self._failed} failed")
        remaining = self.remaining(at)
        if remaining is not None and remaining >= 1:
            parts.append(f"about {whole_seconds(remaining)} left")
        # The one that began first is first: a task that hangs stays in sight.
        tasks = [f"{id} {whole_seconds(at - since)}" for id, since in self._running.items()]
        if len(tasks) > LISTED:
            tasks[LISTED:] = [f"{len(tasks) - LISTED} more"]
        return " | ".join(filter(None, [", ".join(parts), ", ".join(tasks)]))

    def remaining(self, at: float) -> float | None:
        """The seconds that are still to come, if all that is left is known from earlier runs.

        What waits for each other is not looked at: it is the time of perfect parallelism.
        """
        if self._unknown or not self._durations:
            return None
        longest, total = 0.0, self._known
        for task, since in self._running.items():
            known = self._durations[task]
            rest = max(known - (at - since), 0.0)
            longest, total = max(longest, rest), total + rest - known
        # Whatever has begun or ended never comes back: each name is passed over once.
        while self._longest and not self._waits(self._longest[-1]):
            self._longest.pop()
        if self._longest:
            longest = max(longest, self._durations[self._longest[-1]])
        return max(longest, total / self.slots)

    def _waits(self, task: TaskId) -> bool:
        return task in self._left and task not in self._running

    def _settle(self, task: TaskId) -> None:
        if task in self._left:
            self._left.remove(task)
            known = self._durations.get(task)
            self._unknown -= known is None
            self._known -= known or 0.0

    def _reckon(self) -> None:
        known = [task for task in self._left if task in self._durations]
        self._unknown = len(self._left) - len(known)
        self._known = sum(self._durations[task] for task in known)
        self._longest = sorted(known, key=lambda task: (self._durations[task], task))


def whole_seconds(seconds: float) -> str:
    """``7s``, ``1m 1s`` or ``1h 23m``: no more than changes once a second."""
    minutes, rest = divmod(max(int(seconds), 0), 60)
    if minutes == 0:
        return f"{rest}s"
    hours, left = divmod(minutes, 60)
    return f"{left}m {rest}s" if hours == 0 else f"{hours}h {left}m"
