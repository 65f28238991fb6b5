"""Writes down when what happened to the tasks of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import assert_never

from haz_trio.model.names import TaskId
from haz_trio.plan.admission import Limits
from haz_trio.plan.messages import (
    Decision,
    Event,
    Obstacle,
    RunStarted,
    TaskBegun,
    TaskReady,
    TaskResumed,
    TaskSettled,
    TaskStarted,
    TaskWaits,
)
from haz_trio.plan.outcome import Cancelled, Completed, Errored, Failed, Outcome, Skipped, Source
from haz_trio.plan.selection import PlannedTask
from haz_trio.plan.timeline import End, Marks, Moment, Timeline

_STEPS = (TaskSettled, TaskReady, TaskStarted, TaskBegun, TaskResumed)
_MOMENTS = {
    TaskSettled: Moment.SETTLED,
    TaskReady: Moment.READY,
    TaskStarted: Moment.LOOKED,
    TaskBegun: Moment.BEGUN,
    TaskResumed: Moment.LOOKED,
}
_OBSTACLES = {Obstacle.MUTEX: Moment.LOCKED_OUT, Obstacle.KEY: Moment.DOUBLED}


class Recorder:
    """Listens to one run."""

    def __init__(self, tasks: Sequence[PlannedTask], limits: Limits) -> None:
        """``tasks`` are those of the run in canonical order."""
        self._tasks, self._limits = tuple(tasks), limits
        self._numbers = {task.id: number for number, task in enumerate(tasks)}
        self._began = 0.0
        self._marks = Marks()
        self._ends: dict[int, End] = {}
        self._keys: dict[int, str] = {}
        self._doubled: set[int] = set()
        self._pause = (0.0, 0.0)

    def notice(self, message: Event | Decision, at: float) -> None:
        """Write down what a message means, if anything; ``at`` is in seconds."""
        if isinstance(message, _STEPS):
            number = self._mark(at, _MOMENTS[type(message)], message.task)
            if isinstance(message, TaskSettled):
                self._ends[number] = _end(message.outcome)
            elif isinstance(message, TaskBegun):
                self._keys[number] = message.key
        elif isinstance(message, TaskWaits):
            number = self._mark(at, _OBSTACLES[message.obstacle], message.task)
            if message.obstacle is Obstacle.KEY:
                self._doubled.add(number)
        elif isinstance(message, RunStarted):
            self._began = at

    def pause(self, since: float, until: float) -> None:
        """Between these times nothing could go on, whatever was in flight."""
        self._pause = (since, until)

    def finish(self, at: float) -> Timeline:
        """The timeline of a run in which every task has settled, and which ends now."""
        ends = tuple(self._ends[number] for number in range(len(self._tasks)))
        twins = tuple(_twins(self._keys, self._doubled))
        return Timeline(
            self._tasks, self._limits, ends, self._marks, twins, self._began, at, *self._pause
        )

    def _mark(self, at: float, moment: Moment, task: TaskId) -> int:
        number = self._numbers[task]
        self._marks.add(at, moment, number)
        return number


def _end(outcome: Outcome) -> End:
    match outcome:
        case Completed(source):
            return End.HIT if source is Source.CACHE else End.FRESH
        case Failed():
            return End.FAILED
        case Errored():
            return End.ERRORED
        case Skipped():
            return End.SKIPPED
        case Cancelled():
            return End.CANCELLED
        case _:
            assert_never(outcome)


def _twins(keys: dict[int, str], doubled: Iterable[int]) -> Iterator[tuple[int, ...]]:
    """The tasks that had the key of one that waited for an equal task."""
    wanted = {keys[number] for number in doubled if number in keys}
    if not wanted:
        return
    groups: dict[str, list[int]] = {key: [] for key in sorted(wanted)}
    for number, key in keys.items():
        if key in wanted:
            groups[key].append(number)
    for group in groups.values():
        yield tuple(sorted(group))
