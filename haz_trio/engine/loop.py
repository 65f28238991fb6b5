"""The loop: carries out what the plan decides, and tells it what happened.

Facts wait in one queue. Whoever adds one tells the plan, carries out what it decides, and goes on
with the first step of that: a task whose look has missed is running one turn of trio's loop later.
Nothing is awaited meanwhile: not the terminal, not the disk, no process.
Each admitted step is a nursery child under scopes of its own; ``Loop.stop`` and the caller's
scope around ``Loop.run`` are the only two ways to end a run early (EXEC-013, EXEC-014), and
``Loop.cancel`` ends one task.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Protocol, TypeAlias

import attrs
import trio

from haz_trio.abc import Observer, Stop
from haz_trio.engine.direct import Rest
from haz_trio.engine.jobs import Job
from haz_trio.model.names import TaskId
from haz_trio.plan.machine import Plan
from haz_trio.plan.messages import (
    Broke,
    CancelRequested,
    Decision,
    Drop,
    Ended,
    Event,
    Fact,
    Halt,
    Halted,
    Hit,
    Keep,
    Kept,
    Look,
    Missed,
    Ran,
    Run,
    RunFinished,
    RunNote,
    RunStopping,
    StopRequested,
    TaskSettled,
    TaskWaits,
    Upstream,
)
from haz_trio.plan.outcome import ByCaller, RunReport, StopCause
from haz_trio.plan.recorder import Recorder
from haz_trio.values import evolve

_CALLER = ByCaller()


@attrs.define
class Announcer:
    """Stamps events with the time and hands them to every observer, in order.

    ``recorder`` comes before them all.
    """

    observers: list[Observer] = attrs.field(factory=list)
    started: float = attrs.field(factory=trio.current_time)
    recorder: Recorder | None = None

    @property
    def now(self) -> float:
        """Seconds since the run began."""
        return trio.current_time() - self.started

    def tell(self, event: Event) -> None:
        at = self.now
        if self.recorder is not None:
            self.recorder.notice(event, at)
        for observer in self.observers:
            observer.notice(event, at)

    def finish(self, report: RunReport) -> RunReport:
        """Tell that the run has ended; its report, with what was recorded."""
        if self.recorder is not None:
            timeline = self.recorder.finish(self.now)
            report = evolve(report, timeline=timeline)
        self.tell(RunFinished(report))
        return report

    async def wait_ready(self) -> None:
        for observer in self.observers:
            await observer.wait_ready()


async def nothing() -> None:
    """Nothing is done beside a plan."""


class Steps(Protocol):
    """What one task can do to the world; the worker is the real one."""

    async def look(
        self, job: Job, upstream: tuple[Upstream, ...], *, stop: Stop
    ) -> Hit | Missed | Broke | Halted: ...

    async def run(self, job: Job, *, stop: Stop) -> Ran | Ended | Broke | Halted: ...

    def keep_nowait(self, job: Job, foreign: frozenset[str]) -> Kept | None: ...

    async def keep(self, job: Job, foreign: frozenset[str]) -> Kept: ...

    @property
    def must_store(self) -> bool: ...

    async def store(self) -> None: ...

    def hurry(self) -> None: ...

    async def drop(self, id: TaskId) -> None: ...

    def give_way(self, id: TaskId) -> None: ...

    async def finish(self) -> tuple[str, ...]: ...


_Step: TypeAlias = Callable[[], Awaitable[Fact]]


@attrs.define(eq=False)
class _Going:
    """A plan that is being carried out.

    ``is_free`` says that a child tells a fact and has nothing to do afterwards but ``next``.
    """

    plan: Plan
    jobs: Mapping[TaskId, Job]
    nursery: trio.Nursery
    is_free: bool = False
    next: _Step | None = None


class Loop:
    """Runs one plan; see the module's docstring for how it is stopped."""

    def __init__(
        self,
        worker: Steps,
        announcer: Announcer,
        *,
        grace: float,
        beside: Callable[[], Awaitable[None]] = nothing,
    ) -> None:
        """``beside`` is done while a plan is carried out, and cancelled at its end."""
        self._worker = worker
        self._announcer = announcer
        self._grace = grace
        self._beside = beside
        self._hurry = self._stopping = False
        self._asked = trio.Event()  # there are facts of which nobody has told the plan
        self._stops: dict[TaskId, Stop] = {}
        self._hurried: set[TaskId] = set()  # who gets no grace
        # Unbounded, and never more than one fact for each step in flight plus what callers ask.
        self._facts: deque[Fact] = deque()

    def stop(self, *, grace: float | None = None, cause: StopCause = _CALLER) -> None:
        """Ask the run to end: nothing new starts, what runs gets SIGTERM and then the grace.

        May be called at any time, also before ``run``, and again; ``grace=0`` ends a grace
        period that is going on, so that what still runs gets SIGKILL at once.
        The first ``cause`` is told.
        """
        if not self._stopping:
            self._stopping = True
            self._announcer.tell(RunStopping(cause))
        self._ask(StopRequested())
        if grace == 0:
            self._hurry = True
            for stop in self._stops.values():
                stop.tell.cancel()

    def cancel(self, task: TaskId, *, grace: float | None = None) -> None:
        """Ask one task of the run to end as ``stop`` asks them all; the others go on.

        May be called before ``run``, and again, for every task of its plan.
        """
        self._ask(CancelRequested(task))
        if grace == 0:
            self._hurried.add(task)
            if task in self._stops:
                self._stops[task].tell.cancel()

    async def run(
        self, plan: Plan, jobs: Mapping[TaskId, Job], rest: Rest | None = None
    ) -> RunReport:
        """Carry the plan out; returns also when tasks fail or the run is stopped.

        ``rest`` is what is left to do of a plan that has been started elsewhere.
        When it returns, is cancelled or raises, no process of the run is left.
        """
        try:
            async with trio.open_nursery() as nursery:
                beside = trio.CancelScope()
                nursery.start_soon(self._do_beside, beside)
                going = _Going(plan, jobs, nursery)
                for fact in () if rest is None else rest.facts:
                    self._fresh_stop(fact.task)  # a stop may come before the fact is told
                    self._facts.append(fact)
                for message in plan.start() if rest is None else rest.looks:
                    self._perform(message, going)
                self._go_on(going)
                while not plan.finished:
                    await self._asked.wait()
                    self._asked = trio.Event()
                    self._go_on(going)
                self._worker.hurry()
                beside.cancel()
        finally:
            self.forget()
        for remark in await self._worker.finish():
            self._announcer.tell(RunNote(remark))
        return self._announcer.finish(plan.report())

    async def _do_beside(self, scope: trio.CancelScope) -> None:
        with scope:
            await self._beside()

    def _ask(self, fact: Fact) -> None:
        """Have the plan told of what a caller wants, by the task that runs it."""
        self._facts.append(fact)
        self._asked.set()

    def _go_on(self, going: _Going) -> None:
        """Tell the plan of all facts, in their order, and carry out what it decides."""
        while self._facts and not going.plan.finished:
            for message in going.plan.feed(self._facts.popleft()):
                self._perform(message, going)
        if going.plan.finished:
            self._asked.set()

    def forget(self) -> None:
        """Let nothing of a run that is over, be it late stops or unread facts, reach the next."""
        self._hurry = self._stopping = False
        self._asked = trio.Event()
        self._stops.clear()
        self._hurried.clear()
        self._facts.clear()

    def _perform(self, message: Decision | Event, going: _Going) -> None:
        match message:
            case Look(id, upstream):
                stop = self._fresh_stop(id)
                self._begin(partial(self._worker.look, going.jobs[id], upstream, stop=stop), going)
            case Run(id):
                stop = self._fresh_stop(id)
                self._begin(partial(self._worker.run, going.jobs[id], stop=stop), going)
            case Keep(id, foreign):
                kept = self._worker.keep_nowait(going.jobs[id], foreign)
                if kept is None:
                    going.nursery.start_soon(self._keep, going.jobs[id], foreign, going)
                else:
                    self._facts.append(kept)
                    if self._worker.must_store:
                        going.nursery.start_soon(self._worker.store)
            case Drop(id):
                going.nursery.start_soon(self._worker.drop, id)
            case Halt(id):
                self._halt(self._stops[id])
            case RunFinished():
                pass  # told by ``run``, when the store has said its last word
            case TaskWaits(id) | TaskSettled(id):
                self._worker.give_way(id)
                self._announcer.tell(message)
            case _:
                self._announcer.tell(message)

    def _halt(self, stop: Stop) -> None:
        """End a step; one whose time is over already is not halted, but timed out.

        Who reads what is replayed has as much time for it as a process for its end.
        """
        stop.halted = not stop.ask.cancel_called
        stop.ask.cancel()
        stop.tell.deadline = min(stop.tell.deadline, trio.current_time() + stop.grace)

    def _fresh_stop(self, id: TaskId) -> Stop:
        """The handles by which ``Halt`` and ``stop(grace=0)`` reach this step of the task."""
        stop = Stop(ask=trio.CancelScope(), tell=trio.CancelScope(), grace=self._grace)
        if self._hurry or id in self._hurried:
            stop.tell.cancel()
        self._stops[id] = stop
        return stop

    # The children. Each does one step, says what came of it, and goes on with a step that follows
    # from that; a step that has been cancelled returns a fact as well, which must not be lost.

    def _begin(self, step: _Step, going: _Going) -> None:
        """Have a step done, by the child whose fact it follows from if that has nothing to do."""
        if going.is_free:
            going.is_free, going.next = False, step
        else:
            going.nursery.start_soon(self._work, step, going)

    async def _work(self, step: _Step | None, going: _Going) -> None:
        rested = True  # others have had their turn since the last look
        while step is not None:
            fact = await step()
            self._facts.append(fact)
            going.is_free = True
            self._go_on(going)
            going.is_free, step, going.next = False, going.next, None
            if isinstance(fact, Ran):
                rested = True
            elif rested and isinstance(fact, Missed):
                rested = False  # what follows is a command most of the time
            elif step is not None:
                await trio.lowlevel.checkpoint()
                rested = True

    async def _keep(self, job: Job, foreign: frozenset[str], going: _Going) -> None:
        self._facts.append(await self._worker.keep(job, foreign))
        self._go_on(going)
        await self._worker.store()
