"""The books of a supervisor: who looks, runs, holds and waits, and what follows from that.

Plain sets, walked as often as it takes, so that they share no idea with a plan but the rules.
"""

from __future__ import annotations

from collections.abc import Iterable

from haz_trio.model.names import TaskId
from haz_trio.plan.machine import Limits, PlannedTask
from haz_trio.plan.outcome import Completed, Outcome, RunReport, Violation


class Books:
    """What a plan has said and was told so far."""

    def __init__(self, tasks: Iterable[PlannedTask], limits: Limits) -> None:
        self.tasks: dict[TaskId, PlannedTask] = {
            task.id: task for task in sorted(tasks, key=lambda t: t.id)
        }
        self.limits: Limits = limits
        self.failed: dict[TaskId, int] = {}  # tries that were not the last
        self.told_ready: set[TaskId] = set()
        self.looking: set[TaskId] = set()
        self.running: dict[TaskId, str] = {}  # with their keys
        self.keeping: dict[TaskId, str] = {}
        self.halted: set[TaskId] = set()
        self.unwanted: set[TaskId] = set()  # whose cancellation was asked for before they settled
        self.seen: list[TaskId] = []
        self.outcomes: dict[TaskId, Outcome] = {}
        self.violations: list[Violation] = []
        self.lines: dict[str, list[TaskId]] = {}  # who may want a lock, in order of admission
        self.waiters: dict[TaskId, str] = {}  # who waits for a key, or was called from there
        self.finished: RunReport | None = None

    def end(self, report: RunReport) -> None:
        self.finished = report

    @property
    def steps(self) -> set[TaskId]:
        """Those with a step that a halt can reach."""
        return self.looking | self.running.keys()

    @property
    def flying(self) -> set[TaskId]:
        """Those that hold a slot and their tags."""
        return self.looking | self.running.keys() | self.keeping.keys()

    def load(self, tag: str) -> int:
        return sum(tag in self.tasks[id].tags for id in self.flying)

    def holders(self, lock: str | None) -> list[PlannedTask]:
        holding = (self.tasks[id] for id in (*self.running, *self.keeping))
        return [task for task in holding if lock is not None and task.lock == lock]

    def blockers(self, task: PlannedTask) -> list[PlannedTask]:
        return [other for other in self.holders(task.lock) if not (task.shared and other.shared)]

    def untouched(self) -> list[PlannedTask]:
        """Tasks whose predecessors are satisfied and that nobody has looked at yet."""
        return [
            task
            for id, task in self.tasks.items()
            if id not in self.seen
            and id not in self.outcomes
            and self.outcomes.keys() >= {*task.hard, *task.weak}
            and all(isinstance(self.outcomes[before], Completed) for before in task.hard)
        ]

    def fits(self, task: PlannedTask) -> bool:
        return len(self.flying) < self.limits.slots and all(
            self.load(tag) < self.limits.tags.get(tag, 10**9) for tag in task.tags
        )

    def due(self) -> int:
        """How many of the parked must have been called at least, so that nothing sleeps on."""
        heads = [
            self.tasks[line[0]]
            for line in self.lines.values()
            if line and line[0] not in self.looking
        ]
        orphans = set(self.waiters.values()) - {*self.running.values(), *self.keeping.values()}
        return sum(not self.blockers(head) for head in heads) + len(orphans)
