"""What every task of a run waited for, by name and to the moment.

From the start of a run to its end each task is at one time in exactly one of these: it waits
for predecessors, for a slot, for a tag, for a mutex, for an equal task, or for the runner itself;
it is looked at; its command runs.  So the spans of a task add up to the time at which it settled.

The marks of a timeline are replayed once.  A task that has been called for its mutex is ready
again, and from then on waits for what the others wait for; no mark tells that moment, so it is
taken to be the one at which the lock came free.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias, assert_never

from haz_trio.model.names import TaskId
from haz_trio.plan.timeline import End, Moment, Timeline
from haz_trio.values import frozen


@frozen
class ForDependency:
    """The predecessor that was the last one to settle."""

    task: TaskId

    def __str__(self) -> str:
        return f"dependency {self.task}"


@frozen
class ForSlot:
    """All slots were taken."""

    def __str__(self) -> str:
        return "slots"


@frozen
class ForTag:
    """As many tasks with this tag were in flight as may be."""

    tag: str

    def __str__(self) -> str:
        return f"tag {self.tag}"


@frozen
class ForMutex:
    """Somebody held the mutex."""

    mutex: str

    def __str__(self) -> str:
        return f"mutex {self.mutex}"


@frozen
class ForEqual:
    """An equal task ran, whose result would do."""

    def __str__(self) -> str:
        return "an equal task"


@frozen
class ForRunner:
    """Nothing was missing: the runner itself was busy."""

    def __str__(self) -> str:
        return "the runner"


Reason: TypeAlias = ForDependency | ForSlot | ForTag | ForMutex | ForEqual | ForRunner


@frozen
class Wait:
    """So many seconds for one reason."""

    reason: Reason
    seconds: float


@frozen
class Spent:
    """How one task spent a run; all times in seconds.

    ``waits`` has each reason once, in the order in which they came up.
    ``looked`` is the time of its looks, ``ran`` that from the start of its command (or of the
    replay) until it settled; ``settled`` is the sum of all.
    """

    task: TaskId
    end: End
    waits: tuple[Wait, ...]
    looked: float
    ran: float

    @property
    def waited(self) -> float:
        return sum(wait.seconds for wait in self.waits)

    @property
    def settled(self) -> float:
        """When the task settled, seconds after the run began."""
        return self.waited + self.looked + self.ran


def account(timeline: Timeline) -> tuple[Spent, ...]:
    """How each task spent the run, in canonical order."""
    ledger = _Ledger(timeline)
    for mark in timeline.marks:
        ledger.advance(mark.at)
        ledger.take(mark.moment, mark.task)
    return ledger.spent()


def totals(spent: Iterable[Spent]) -> Mapping[Reason, float]:
    """Seconds that all tasks together waited for each reason but predecessors; longest first."""
    sums: dict[Reason, float] = {}
    for each in spent:
        for wait in each.waits:
            if not isinstance(wait.reason, ForDependency):
                sums[wait.reason] = sums.get(wait.reason, 0.0) + wait.seconds
    return dict(sorted(sums.items(), key=lambda item: (-item[1], str(item[0]))))


_NEVER = float("inf")


class _Queue:
    """All tasks that want the same: they wait for the same reason at every moment.

    ``passed`` is how long each reason has held so far while somebody was waiting.
    """

    def __init__(self, tags: tuple[str, ...], lock: str | None, shared: bool) -> None:
        self.tags, self.lock, self.shared = tags, lock, shared
        self.members = 0
        self.passed: dict[Reason, float] = {}


class _Ledger:
    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._ends, self._tasks, self._limits = timeline.ends, timeline.tasks, timeline.limits
        self._numbers = {task.id: number for number, task in enumerate(timeline.tasks)}
        self._now = timeline.began
        count = len(timeline.tasks)
        self._since = [timeline.began] * count
        self._moment: list[Moment | None] = [None] * count
        self._waits: list[dict[Reason, float]] = [{} for _ in range(count)]
        self._looked = [0.0] * count
        self._ran = [0.0] * count
        self._settled_at: dict[int, float] = {}
        self._slots = 0
        self._tags: dict[str, int] = dict.fromkeys(timeline.limits.tags, 0)
        self._locks: dict[str | None, set[int]] = {}
        self._queues: dict[tuple[tuple[str, ...], str | None, bool], _Queue] = {}
        self._waiting: set[_Queue] = set()
        self._place: dict[int, tuple[_Queue, dict[Reason, float]]] = {}

    # -- time passes ---------------------------------------------------------------------------

    def advance(self, at: float) -> None:
        """Let every queue wait until ``at`` for what is missing now."""
        if at > self._now:
            for queue in self._waiting:
                reason = self._missing(queue)
                queue.passed[reason] = queue.passed.get(reason, 0.0) + at - self._now
            self._now = at

    def _missing(self, queue: _Queue) -> Reason:
        if queue.lock is not None and self._is_locked(queue.lock, queue.shared):
            return ForMutex(queue.lock)
        if self._slots >= self._limits.slots:
            return ForSlot()
        for tag in queue.tags:
            if self._tags[tag] >= self._limits.tags[tag]:
                return ForTag(tag)
        return ForRunner()

    def _is_locked(self, lock: str, shared: bool) -> bool:
        suitors = self._locks.get(lock, ())
        return any(not shared or not self._tasks[other].shared for other in suitors)

    # -- marks ---------------------------------------------------------------------------------

    def take(self, moment: Moment, task: int) -> None:
        self._end_span(task)
        match moment:
            case Moment.READY:
                self._line_up(task, None)
            case Moment.LOOKED:
                self._hold(task, 1)
                self._suitors(task).add(task)
            case Moment.LOCKED_OUT:
                self._hold(task, -1)
                self._suitors(task).discard(task)
                self._line_up(task, self._tasks[task].lock)
            case Moment.DOUBLED:
                self._hold(task, -1)
                self._suitors(task).discard(task)
            case Moment.BEGUN:
                if self._ends[task] is End.HIT:
                    self._suitors(task).discard(task)
            case Moment.SETTLED:
                self._settle(task)
            case _:
                assert_never(moment)
        self._moment[task] = moment
        self._since[task] = self._now

    def _end_span(self, task: int) -> None:
        """Book the time since the last mark of the task."""
        passed = self._now - self._since[task]
        match self._moment[task]:
            case None:
                self._wait(task, self._held_back_by(task), passed)
            case Moment.READY | Moment.LOCKED_OUT:
                self._leave_line(task)
            case Moment.LOOKED:
                paused = self._timeline.paused_between(self._since[task], self._now)
                self._wait(task, ForRunner(), paused)
                self._looked[task] += passed - paused
            case Moment.DOUBLED:
                self._wait(task, ForEqual(), passed)
            case Moment.BEGUN:
                self._ran[task] += passed
            case Moment.SETTLED:
                raise ValueError(f"{self._tasks[task].id} goes on after it has settled")
            case never:
                assert_never(never)

    def _held_back_by(self, task: int) -> Reason:
        """The predecessor that settles last; the runner, for who has none."""
        planned = self._tasks[task]
        before = [self._numbers[id] for id in (*planned.hard, *planned.weak)]
        if not before:
            return ForRunner()
        last = max(before, key=lambda other: self._settled_at.get(other, _NEVER))
        return ForDependency(self._tasks[last].id)

    def _wait(self, task: int, reason: Reason, seconds: float) -> None:
        if seconds > 0:
            waits = self._waits[task]
            waits[reason] = waits.get(reason, 0.0) + seconds

    def _line_up(self, task: int, lock: str | None) -> None:
        planned = self._tasks[task]
        tags = tuple(sorted(tag for tag in planned.tags if tag in self._tags))
        kind = (tags, lock, planned.shared)
        queue = self._queues.setdefault(kind, _Queue(*kind))
        queue.members += 1
        self._waiting.add(queue)
        self._place[task] = (queue, dict(queue.passed))

    def _leave_line(self, task: int) -> None:
        queue, before = self._place.pop(task)
        for reason, seconds in queue.passed.items():
            self._wait(task, reason, seconds - before.get(reason, 0.0))
        queue.members -= 1
        if not queue.members:
            self._waiting.discard(queue)

    def _hold(self, task: int, units: int) -> None:
        self._slots += units
        for tag in self._tasks[task].tags:
            if tag in self._tags:
                self._tags[tag] += units

    def _settle(self, task: int) -> None:
        self._settled_at[task] = self._now
        if self._moment[task] in (Moment.LOOKED, Moment.BEGUN):
            self._hold(task, -1)
        self._suitors(task).discard(task)

    def _suitors(self, task: int) -> set[int]:
        """Who holds the lock of a task, or is looked at and may come before those who wait."""
        return self._locks.setdefault(self._tasks[task].lock, set())

    def spent(self) -> tuple[Spent, ...]:
        return tuple(
            Spent(
                task.id,
                self._ends[number],
                tuple(Wait(reason, seconds) for reason, seconds in self._waits[number].items()),
                self._looked[number],
                self._ran[number],
            )
            for number, task in enumerate(self._tasks)
        )
