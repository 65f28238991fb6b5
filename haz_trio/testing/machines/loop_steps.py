"""Steps that are only played, in virtual time, and that look out for what must not be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import trio

from haz_trio.abc import Stop, Subject
from haz_trio.engine.jobs import Job
from haz_trio.graph.effective import Node
from haz_trio.model.names import TaskId
from haz_trio.model.tasks import Argv, Task
from haz_trio.model.workspace import Project
from haz_trio.plan.machine import PlannedTask
from haz_trio.plan.messages import Broke, Ended, Halted, Hit, Kept, Missed, Ran, Upstream
from haz_trio.plan.outcome import Exited, Record
from haz_trio.testing.trial import must


@attrs.frozen
class Script:
    """How one task goes; times are in seconds.

    ``breaks`` is a look that cannot be made, ``brief`` one that the loop may make itself.
    ``deaf`` is how long the command goes on after it was asked to end, ``slow`` how long its
    result takes to be stored.
    """

    hit: bool = False
    breaks: bool = False
    brief: bool = False
    look: float = 0.0
    run: float = 1.0
    code: int = 0
    deaf: float = 0.0
    slow: float = 0.0

    @property
    def verdict(self) -> str:
        """What becomes of the task if its turn comes."""
        if self.breaks:
            return "no look"
        return "hit" if self.hit else "fail" if self.code else "ok"


def job_of(id: TaskId) -> Job:
    """A job that has a name, and nothing else that played steps look at."""
    root = f"/{id.project}"
    node = Node(id, Task(id.task, Argv(("true",))), Project(id.project, root))
    return Job(id, ("true",), root, {}, (), Subject(id, root, ()), node)


def record_of(id: TaskId) -> Record:
    return Record(key=str(id).rjust(64, "0"), stdout=bytes(32), stderr=bytes(32))


class QuietSteps:
    """What steps have to do for a store, where there is none."""

    @property
    def must_store(self) -> bool:
        return False

    async def store(self) -> None:
        await trio.lowlevel.checkpoint()

    def hurry(self) -> None:
        """Nothing has been promised."""

    async def drop(self, id: TaskId) -> None:
        await trio.lowlevel.checkpoint()

    def give_way(self, id: TaskId) -> None:
        """Nobody else wants it."""

    async def finish(self) -> tuple[str, ...]:
        return ()


@attrs.define(eq=False)
class PlayedSteps(QuietSteps):
    """See ``haz_trio.engine.loop.Steps``; ``slots`` and ``caps`` are what the plan has.

    ``began`` is when commands were started, on trio's clock, and ``done`` who has a result.
    """

    tasks: Mapping[TaskId, PlannedTask]
    scripts: Mapping[TaskId, Script]
    slots: int
    caps: Mapping[str, int]
    began: dict[TaskId, float] = attrs.field(factory=dict)
    done: set[TaskId] = attrs.field(factory=set)
    running: set[TaskId] = attrs.field(factory=set)

    def look_nowait(
        self, job: Job, upstream: tuple[Upstream, ...], *, stop: Stop
    ) -> Missed | Broke | None:
        script = self.scripts[job.id]
        if script.hit or not script.brief or stop.ask.cancel_called:
            return None
        if script.breaks:
            return Broke(job.id, "no such input")
        return Missed(job.id, record_of(job.id).key)

    async def look(
        self, job: Job, upstream: tuple[Upstream, ...], *, stop: Stop
    ) -> Hit | Missed | Broke | Halted:
        script = self.scripts[job.id]
        with stop.ask:
            await trio.sleep(script.look)
            if script.breaks:
                return Broke(job.id, "no such input")
            if script.hit:
                self.done.add(job.id)
                return Hit(job.id, record_of(job.id))
            return Missed(job.id, record_of(job.id).key)
        return Halted(job.id)

    async def run(self, job: Job, *, stop: Stop) -> Ran | Ended | Broke | Halted:
        script = self.scripts[job.id]
        self._begin(job.id)
        try:
            with stop.ask:
                await trio.sleep(script.run)
            if stop.ask.cancelled_caught:
                with stop.tell, trio.move_on_after(stop.grace):
                    await trio.sleep(script.deaf)
                return Halted(job.id)
        finally:
            self.running.remove(job.id)
        return (
            Ended(job.id, Exited(script.code)) if script.code else Ran(job.id, record_of(job.id))
        )

    def _begin(self, id: TaskId) -> None:
        must(id not in self.began, "EXEC-007", f"{id} runs once")
        early = [each for each in self.tasks[id].hard if each not in self.done]
        must(not early, "EXEC-002", f"{id} runs after {early}")
        self.began[id] = trio.current_time()
        self.running.add(id)
        must(len(self.running) <= self.slots, "EXEC-004", f"{len(self.running)} tasks run at once")
        beside = [self.tasks[each] for each in self.running]
        for tag, cap in self.caps.items():
            load = sum(tag in task.tags for task in beside)
            must(load <= cap, "EXEC-005", f"{load} tasks with the tag {tag} run at once")
        holders = [task for task in beside if task.lock and task.lock == self.tasks[id].lock]
        alike = len(holders) <= 1 or all(task.shared for task in holders)
        must(alike, "MUTEX-003 MUTEX-004", f"{_names(holders)} hold one mutex")

    def keep_nowait(self, job: Job, foreign: frozenset[str]) -> Kept | None:
        if self.scripts[job.id].slow:
            return None
        self.done.add(job.id)
        return Kept(job.id)

    async def keep(self, job: Job, foreign: frozenset[str]) -> Kept:
        await trio.sleep(self.scripts[job.id].slow)
        self.done.add(job.id)
        return Kept(job.id)


def _names(tasks: Sequence[PlannedTask]) -> str:
    return ", ".join(sorted(str(task.id) for task in tasks))
