"""Drives a plan without an event loop, as long as all that it asks for is in the cache.

The plan is the one that the loop would drive, and the loop takes over when a command has to run.
What has been decided until then stands.
A signal ends the process, as it does before a run: a restore that it cuts off is undone by the
next run (cache.md C7.9).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from haz_trio.abc import Miss
from haz_trio.engine.found import NO_ENTRY, Busy, Found
from haz_trio.engine.jobs import Jobs
from haz_trio.errors import TaskError
from haz_trio.model.names import TaskId
from haz_trio.plan.machine import Plan
from haz_trio.plan.messages import (
    Drop,
    Event,
    Halt,
    Hit,
    Keep,
    Look,
    Missed,
    Run,
    RunFinished,
    TaskBegun,
    TaskMissed,
    TaskOutput,
    Upstream,
)
from haz_trio.values import frozen

if TYPE_CHECKING:
    from haz_trio.engine.looker import Looker

Recall: TypeAlias = Callable[[TaskId, Sequence[Upstream]], Found | None]
# Seconds for which a task that must run waits while others are found proven. What is left to the
# loop costs more there, as files may change once a command runs: so many tasks have more time.
PATIENCE = 0.1
MOST_PATIENCE = 0.4
PER_TASK = 80e-6  # twice what it takes


@frozen
class Rest:
    """What the loop has to do: looks that need more, and facts that the plan was not told yet."""

    looks: tuple[Look, ...] = ()
    facts: tuple[Missed, ...] = ()


def drive(
    plan: Plan,
    jobs: Jobs,
    recall: Recall,
    looker: Callable[[], Looker],
    tell: Callable[[Event], None],
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Rest:
    """Start a plan and carry it as far as it goes without running anything.

    ``looker`` is asked for only if some look is not answered by ``recall``.

    All is done when the plan is finished; then its last event, ``RunFinished``, is still untold.
    """
    driver = _Driver(jobs, recall, looker, tell, clock)
    todo = deque(plan.start())
    while todo:
        message = todo.popleft()
        match message:
            case Look():
                fact = driver.look(message)
                if fact is not None:
                    todo += plan.feed(fact)
            case RunFinished():
                pass
            case Run() | Keep() | Drop() | Halt():
                raise AssertionError(f"{message}, but no miss has been told")
            case _:
                tell(message)
    return Rest(tuple(driver.looks), tuple(driver.facts))


class _Driver:
    def __init__(
        self,
        jobs: Jobs,
        recall: Recall,
        looker: Callable[[], Looker],
        tell: Callable[[Event], None],
        clock: Callable[[], float],
    ) -> None:
        self.jobs, self.recall, self.looker = jobs, recall, looker
        self.tell, self.clock = tell, clock
        self.looks: list[Look] = []
        self.facts: list[Missed] = []
        self._until: float | None = None
        self._equipped = False

    def look(self, look: Look) -> Hit | None:
        """A hit that needs nothing, or ``None`` when the loop has to see to the task."""
        if self._until is not None and self.clock() > self._until:
            self.looks.append(look)
            return None
        try:
            found = self._find(look)
        except TaskError:
            found = None  # the loop comes to the same, and says so
        match found:
            case None | Busy():
                self.looks.append(look)
            case Found(record, replay):
                self.tell(TaskBegun(look.task, record.key))
                for stream, data in chain(replay.ahead, replay.rest or ()):
                    self.tell(TaskOutput(look.task, stream, data))
                return Hit(look.task, record)
            case Miss(reason):
                key = self.looker().looked[look.task].key
                self.tell(TaskMissed(look.task, key, reason or NO_ENTRY))
                self.facts.append(Missed(look.task, key))
        if self._until is None:
            patience = min(max(PATIENCE, len(self.jobs) * PER_TASK), MOST_PATIENCE)
            self._until = self.clock() + patience
        return None

    def _find(self, look: Look) -> Found | Miss | Busy | None:
        proven = self._recall(look)
        if proven is not None:
            return proven
        if self._until is not None:
            return None
        looker = self.looker()
        if not self._equipped:
            self._equipped = True
            proven = self._recall(look)  # who begins to look forgets what was certain
            if proven is not None:
                return proven
        mended = looker.mend(look.task)
        if mended is not None:
            return mended
        return looker.look_closely(self.jobs[look.task], look.upstream)

    def _recall(self, look: Look) -> Found | None:
        return None if self.jobs.absent(look.task) else self.recall(look.task, look.upstream)
