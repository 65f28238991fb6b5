"""When each task of a run became ready, was looked at, waited, ran and settled.

A ``Recorder`` writes down one *mark* for each change; from the marks alone follow what the tasks
waited for (``haz_trio.plan.waits``) and what another cap would have meant
(``haz_trio.plan.simulation``).
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import overload

from haz_trio.plan.admission import Limits
from haz_trio.plan.selection import PlannedTask
from haz_trio.values import frozen


class Moment(enum.IntEnum):
    """What happens to a task at a mark."""

    READY = 0  # its predecessors are satisfied
    LOOKED = 1  # it has a slot and its tags, and is looked at
    LOCKED_OUT = 2  # the look missed, the mutex is taken; slot and tags are given back
    DOUBLED = 3  # the look missed, an equal task runs; slot and tags are given back
    BEGUN = 4  # its command starts, or what was recorded is shown
    SETTLED = 5


class End(enum.IntEnum):
    """What became of a task, as far as times are concerned."""

    HIT = 0
    FRESH = 1
    FAILED = 2
    ERRORED = 3
    SKIPPED = 4
    CANCELLED = 5


@frozen
class Mark:
    """One change: ``at`` seconds after the run began, of the task with this number."""

    at: float
    moment: Moment
    task: int


class Marks(Sequence[Mark]):
    """Marks as columns, because a run makes some for each of its thousands of tasks."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.moments: bytearray = bytearray()
        self.tasks: list[int] = []

    @classmethod
    def of(cls, marks: Sequence[Mark]) -> Marks:
        """These marks, as columns unless they are already."""
        if isinstance(marks, cls):
            return marks
        made = cls()
        for mark in marks:
            made.add(mark.at, mark.moment, mark.task)
        return made

    def add(self, at: float, moment: Moment, task: int) -> None:
        """One more mark."""
        self.times.append(at)
        self.moments.append(moment)
        self.tasks.append(task)

    @overload
    def __getitem__(self, place: int) -> Mark: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Mark]: ...

    def __getitem__(self, place: int | slice) -> Mark | Sequence[Mark]:
        if isinstance(place, slice):
            return [self[each] for each in range(len(self))[place]]
        return Mark(self.times[place], Moment(self.moments[place]), self.tasks[place])

    def __len__(self) -> int:
        return len(self.times)


@frozen
class Timeline:
    """The marks of a run in the order in which they happened.

    ``tasks`` are in canonical order, ``ends`` is what became of each; ``limits`` held for all.
    ``twins`` are groups of tasks that had one key, where that made one of them wait.
    ``began`` and ``ended`` are seconds, like the times of all marks.
    From ``paused`` to ``resumed`` the runner was busy with itself: it started what runs commands.
    """

    tasks: tuple[PlannedTask, ...]
    limits: Limits
    ends: tuple[End, ...]
    marks: Sequence[Mark]
    twins: tuple[tuple[int, ...], ...]
    began: float
    ended: float
    paused: float = 0.0
    resumed: float = 0.0

    @property
    def makespan(self) -> float:
        """Seconds from the first to the last moment of the run."""
        return self.ended - self.began

    def paused_between(self, since: float, until: float) -> float:
        """Seconds of a span in which the runner was busy with itself."""
        return max(0.0, min(until, self.resumed) - max(since, self.paused))
