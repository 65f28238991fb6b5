"""A scripted worker for the loop: steps that take virtual time and touch nothing."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import trio
import trio.lowlevel

from haz_trio.abc import Stop, Subject
from haz_trio.engine.jobs import Job
from haz_trio.graph.effective import Node
from haz_trio.model.names import TaskId
from haz_trio.model.tasks import Argv, Task
from haz_trio.model.workspace import Project
from haz_trio.plan.messages import (
    Broke,
    Ended,
    Event,
    Halted,
    Hit,
    Kept,
    Missed,
    Ran,
    Upstream,
)
from haz_trio.plan.outcome import Exited, Record
from haz_trio.testing.machines.loop_steps import QuietSteps


def task_id(name: str) -> TaskId:
    return TaskId("p", name)


def record(name: str) -> Record:
    return Record(key=name.rjust(64, "0"), stdout=bytes(32), stderr=bytes(32))


def job(name: str) -> Job:
    """A job that only has a name: the scripted worker looks at nothing else."""
    id = task_id(name)
    node = Node(id, Task(name, Argv(("true",))), Project("p", "/p"))
    return Job(id, ("true",), "/", {}, (), Subject(id, "/p", ()), node)


def jobs(*names: str) -> dict[TaskId, Job]:
    """Such jobs by their ids."""
    return {task_id(name): job(name) for name in names}


@attrs.frozen
class Script:
    """How one task goes: hit or not, how long each step takes, how the process ends.

    ``brief`` is a look that misses, and that the loop makes itself if it likes.
    ``grace_used`` is how long the process takes to end after it was asked to.
    """

    hit: bool = False
    brief: bool = False
    look: float = 0.0
    run: float = 1.0
    code: int = 0
    breaks: bool = False
    grace_used: float = 0.0


@attrs.define
class ScriptedWorker(QuietSteps):
    """Plays scripts by name, and writes down when each process ran."""

    scripts: Mapping[str, Script]
    running: set[str] = attrs.field(factory=set)
    most: int = 0
    spans: dict[str, tuple[float, float]] = attrs.field(factory=dict)
    looks: list[str] = attrs.field(factory=list)
    glances: list[str] = attrs.field(factory=list)  # those that the loop made itself

    def look_nowait(
        self, job: Job, upstream: tuple[Upstream, ...], *, stop: Stop
    ) -> Missed | Broke | None:
        name = job.id.task
        script = self.scripts[name]
        if script.hit or not script.brief or stop.ask.cancel_called:
            return None
        self.looks.append(name)
        self.glances.append(name)
        if script.breaks:
            return Broke(job.id, "no such input")
        return Missed(job.id, record(name).key)

    async def look(
        self, job: Job, upstream: tuple[Upstream, ...], *, stop: Stop
    ) -> Hit | Missed | Broke | Halted:
        name = job.id.task
        self.looks.append(name)
        script = self.scripts[name]
        with stop.ask:
            await trio.sleep(script.look)
            if script.breaks:
                return Broke(job.id, "no such input")
            if script.hit:
                return Hit(job.id, record(name))
            return Missed(job.id, record(name).key)
        return Halted(job.id)

    async def run(self, job: Job, *, stop: Stop) -> Ran | Ended | Broke | Halted:
        name = job.id.task
        script = self.scripts[name]
        started = trio.current_time()
        self.running.add(name)
        self.most = max(self.most, len(self.running))
        try:
            with stop.ask:
                await trio.sleep(script.run)
            if stop.ask.cancelled_caught:
                with stop.tell, trio.move_on_after(stop.grace):
                    await trio.sleep(script.grace_used)
                return Halted(job.id)
        finally:
            self.running.remove(name)
            self.spans[name] = (started, trio.current_time())
        if script.code:
            return Ended(job.id, Exited(script.code))
        return Ran(job.id, record(name))

    def keep_nowait(self, job: Job, foreign: frozenset[str]) -> Kept | None:
        return None

    async def keep(self, job: Job, foreign: frozenset[str]) -> Kept:
        await trio.lowlevel.checkpoint()
        return Kept(job.id)


@attrs.define
class Recorder:
    """An observer that keeps every event with its time."""

    events: list[tuple[float, Event]] = attrs.field(factory=list)

    def notice(self, event: Event, at: float) -> None:
        self.events.append((at, event))

    async def wait_ready(self) -> None:
        await trio.lowlevel.checkpoint()

    def of(self, *kinds: type) -> list[Event]:
        return [event for _, event in self.events if isinstance(event, kinds)]
