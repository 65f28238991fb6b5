"""What a run would have taken under other limits: its plan again, under a virtual clock.

Looks and commands take as long as they took; everything else follows from the plan, which is the
one that drives real runs.  Two tasks do not slow each other down here, as they do where processors
are scarce: what comes out for more slots than there are processors is the best case.
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush
from typing import TypeAlias

from haz_trio.model.names import TaskId
from haz_trio.plan.admission import Limits
from haz_trio.plan.machine import Plan
from haz_trio.plan.messages import (
    Broke,
    Ended,
    Hit,
    Keep,
    Kept,
    Look,
    Messages,
    Missed,
    Ran,
    Run,
    RunStarted,
    TaskBegun,
)
from haz_trio.plan.outcome import Exited, Record
from haz_trio.plan.recorder import Recorder
from haz_trio.plan.selection import PlannedTask
from haz_trio.plan.timeline import End, Moment, Timeline
from haz_trio.values import evolve, frozen

_Answer: TypeAlias = Hit | Missed | Ran | Kept | Ended | Broke
_STREAM = bytes(32)


@frozen
class Step:
    """A task on the critical path: in flight from ``since`` to ``until`` (seconds)."""

    task: TaskId
    since: float
    until: float


@frozen
class Simulation:
    """A run that might have been.

    ``critical`` are tasks of which each could start only when the one before had settled; the
    last one ends the run.
    """

    timeline: Timeline
    critical: tuple[Step, ...]

    @property
    def makespan(self) -> float:
        """Seconds."""
        return self.timeline.makespan


@frozen
class Change:
    """Other limits for a run: ``slots`` and ``tags`` as in ``Limits``.

    ``None`` and tags that are not named stay as they were; a tag with ``None`` has no cap.
    ``unlocked`` are mutexes that nobody has to wait for.
    """

    slots: int | None = None
    tags: Mapping[str, int | None] = {}
    unlocked: frozenset[str] = frozenset()


UNCHANGED = Change()


def simulate(timeline: Timeline, change: Change = UNCHANGED) -> Simulation:
    """The run of a timeline again, with a change.

    Raises ``ValueError`` when a cap is below 1, and for a run in which tasks were cancelled: how
    long those would have taken nobody knows.
    """
    if End.CANCELLED in timeline.ends:
        raise ValueError("the run was stopped: how long its cancelled tasks take is not known")
    limits = timeline.limits
    caps = {**limits.tags, **change.tags}
    slots = limits.slots if change.slots is None else change.slots
    tags = {tag: cap for tag, cap in caps.items() if cap is not None}
    tasks = [
        evolve(task, lock=None) if task.lock in change.unlocked else task
        for task in timeline.tasks
    ]
    return _Clockwork(timeline, tasks, Limits(slots=slots, tags=tags)).run()


class _Durations:
    """How long the last look and the command of each task took; who began at all."""

    def __init__(self, timeline: Timeline) -> None:
        self.looks, self.runs = [0.0] * len(timeline.tasks), [0.0] * len(timeline.tasks)
        self.begun: dict[int, float] = {}
        since: dict[int, float] = {}
        for mark in timeline.marks:
            task = mark.task
            if mark.moment is Moment.LOOKED:
                since[task] = mark.at
            elif task in since:
                looked = since.pop(task)
                paused = timeline.paused_between(looked, mark.at)
                self.looks[task] = mark.at - looked - paused
            if mark.moment is Moment.BEGUN:
                self.begun.setdefault(task, mark.at)
            elif mark.moment is Moment.SETTLED and task in self.begun:
                self.runs[task] = mark.at - self.begun[task]
        self.replays = [
            time if end is End.HIT else 0.0
            for time, end in zip(self.runs, timeline.ends, strict=True)
        ]


@frozen
class _Stay:
    """A task in flight since a moment, and whose news had let it in."""

    task: TaskId
    since: float
    behind: _Stay | None


class _Clockwork:
    """A plan under a clock that jumps from one fact to the next.

    What came before the first mark and after the last one is the runner's, and stays; so does
    its pause, which now comes before all looks.
    """

    def __init__(self, timeline: Timeline, tasks: list[PlannedTask], limits: Limits) -> None:
        self._timeline = timeline
        self._plan = Plan(tasks, limits)
        self._numbers = {task.id: number for number, task in enumerate(tasks)}
        self._durations = _Durations(timeline)
        self._keys = {number: f"={group[0]}" for group in timeline.twins for number in group}
        self._made: set[str] = set()
        self._recorder = Recorder(tasks, limits)
        self._pause = timeline.resumed - timeline.paused
        self._now = timeline.began
        self._agenda: list[tuple[float, int, _Answer]] = []
        self._count = 0
        self._stays: dict[TaskId, _Stay] = {}
        self._news: _Stay | None = None

    def run(self) -> Simulation:
        first, *messages = self._plan.start()
        assert isinstance(first, RunStarted)
        self._recorder.notice(first, self._now)
        marks = self._timeline.marks
        self._now = marks[0].at + self._pause if marks else self._timeline.ended
        self._perform(messages)
        while not self._plan.finished:
            self._now, _, fact = heappop(self._agenda)
            self._news = self._stays[fact.task]
            self._perform(self._plan.feed(fact))
        tail = self._timeline.ended - marks[-1].at if marks else 0.0
        timeline = self._recorder.finish(self._now + tail)
        return Simulation(evolve(timeline, twins=self._timeline.twins), self._critical())

    def _perform(self, messages: Messages) -> None:
        for message in messages:
            match message:
                case Look(id):
                    self._stays[id] = _Stay(id, self._now, self._news)
                    number = self._numbers[id]
                    fact, delay = self._found(number), self._durations.looks[number]
                    if isinstance(fact, Hit):
                        delay += self._durations.replays[number]
                    self._say(delay, fact)
                case Run(id):
                    number = self._numbers[id]
                    self._recorder.notice(TaskBegun(id, self._key(number)), self._now)
                    self._say(self._durations.runs[number], self._ended(number))
                case Keep(id):
                    self._made.add(self._key(self._numbers[id]))
                    self._say(0.0, Kept(id))
                case _:
                    self._recorder.notice(message, self._now)

    def _say(self, delay: float, fact: _Answer) -> None:
        self._count += 1
        heappush(self._agenda, (self._now + delay, self._count, fact))

    def _key(self, number: int) -> str:
        return self._keys.get(number, str(number))

    def _found(self, number: int) -> _Answer:
        """The answer to a look."""
        id, key = self._timeline.tasks[number].id, self._key(number)
        end = self._timeline.ends[number]
        if key in self._made or (end is End.HIT and number not in self._keys):
            return Hit(id, Record(key, _STREAM, _STREAM))
        if end is End.ERRORED and number not in self._durations.begun:
            return Broke(id, "")
        return Missed(id, key)

    def _ended(self, number: int) -> _Answer:
        """The answer to a run."""
        id = self._timeline.tasks[number].id
        match self._timeline.ends[number]:
            case End.FAILED:
                return Ended(id, Exited(1))
            case End.ERRORED:
                return Broke(id, "")
            case _:
                return Ran(id, Record(self._key(number), _STREAM, _STREAM))

    def _critical(self) -> tuple[Step, ...]:
        steps: list[Step] = []
        stay, until = self._news, self._now
        while stay is not None:
            steps.append(Step(stay.task, stay.since, until))
            until, stay = stay.since, stay.behind
        return tuple(reversed(steps))
