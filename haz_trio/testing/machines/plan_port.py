"""What a plan is to its supervisor: anything that decides what is to be done after each fact."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol

from haz_trio.model.names import TaskId
from haz_trio.plan.machine import Limits, PlannedTask, PlanStatistics
from haz_trio.plan.messages import Decision, Event, Fact
from haz_trio.plan.outcome import RunReport
from haz_trio.plan.violations import Consumers


class SupervisedPlan(Protocol):
    """What a plan can do: say what is to be done first, and what after each fact."""

    @property
    def finished(self) -> bool: ...

    def start(self) -> list[Decision | Event]: ...

    def feed(self, fact: Fact) -> list[Decision | Event]: ...

    def report(self) -> RunReport: ...

    def statistics(self) -> PlanStatistics: ...


class MakePlan(Protocol):
    """Makes one; ``consumers`` names the tasks that read a path."""

    def __call__(
        self,
        tasks: Iterable[PlannedTask],
        limits: Limits,
        *,
        consumers: Consumers,
        edges: Collection[tuple[TaskId, TaskId]],
        fail_fast: bool,
        retries: int,
    ) -> SupervisedPlan: ...
