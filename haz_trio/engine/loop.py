"""The loop: carries out what the plan decides, and tells it what happened.

It reads one memory channel and awaits nothing else: not the terminal, not the disk, no process.
Each admitted step is a nursery child under scopes of its own; ``Loop.stop`` and the caller's
scope around ``Loop.run`` are the only two ways to end a run early (EXEC-013, EXEC-014), and
``Loop.cancel`` ends one task.
A look that is short and misses is no step yet: the loop makes it itself, which spares a child and
two turns of trio's loop between two commands.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

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
GLANCES = 2  # looks in a row that are short; others get a turn of trio's loop then


@attrs.define
class Announcer:
    """Stamps events with the time and hands them to every observer, in order.

    ``recorder`` comes before them all.
    An observer that raises is told nothing more, and ``errors`` has what it raised.
    """

    observers: list[Observer] = attrs.field(factory=list)
    started: float = attrs.field(factory=trio.current_time)
    recorder: Recorder | None = None
    errors: list[Exception] = attrs.field(factory=list)

    @property
    def now(self) -> float:
        """Seconds since the run began."""
        return trio.current_time() - self.started

    def tell(self, event: Event) -> None:
        at = self.now
        if self.recorder is not None:
            self.recorder.notice(event, at)
        broken = []
        for observer in tuple(self.observers):  # it may call back, and come and go
            try:
                observer.notice(event, at)
            except Exception as problem:  # whatever it is, no result is to be lost for it
                broken.append((observer, problem))
        for observer, error in broken:
            self._drop(observer, error, is_over=isinstance(event, RunFinished))

    def _drop(self, observer: Observer, error: Exception, *, is_over: bool = False) -> None:
        if not any(each is observer for each in self.observers):
            return
        self.observers = [each for each in self.observers if each is not observer]
        self.errors.append(error)
        if not is_over:
            name = type(observer).__name__
            self.tell(RunNote(f"observer {name} is told nothing more: it raised {error!r}"))

    def finish(self, report: RunReport) -> RunReport:
        """Tell that the run has ended; its report, with what was recorded."""
        if self.recorder is not None:
            timeline = self.recorder.finish(self.now)
            report = evolve(report, timeline=timeline)
        self.tell(RunFinished(report))
        return report

    async def wait_ready(self) -> None:
        for observer in tuple(self.observers):
            try:
                await observer.wait_ready()
            except Exception as problem:  # see above
                self._drop(observer, problem)


async def nothing() -> None:
    """Nothing is done beside a plan."""


class Steps(Protocol):
    """What one task can do to the world; the worker is the real one."""

    def look_nowait(
        self, job: Job, upstream: tuple[Upstream, ...], *, stop: Stop
    ) -> Missed | Broke | None: ...

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


def _want_end(stop: Stop) -> None:
    """Say that a step is to end; one whose time is over already is not halted, but timed out.

    Said at once, so that a step that ends before the plan has decided is not taken for complete.
    """
    stop.halted = stop.halted or not stop.ask.cancel_called


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
        self._overtaking = False  # a stop of which the plan has not been told
        self._answers = 0  # facts that were sent while messages were carried out
        self._stops: dict[TaskId, Stop] = {}
        self._hurried: set[TaskId] = set()  # who gets no grace
        # Unbounded, and never more than one fact for each step in flight plus what callers ask.
        self._send, self._receive = trio.open_memory_channel[Fact](math.inf)

    def stop(self, *, grace: float | None = None, cause: StopCause = _CALLER) -> None:
        """Ask the run to end: nothing new starts, what runs gets SIGTERM and then the grace.

        May be called at any time, also before ``run``, and again; ``grace=0`` ends a grace
        period that is going on, so that what still runs gets SIGKILL at once.
        The first ``cause`` is told.
        """
        if not self._stopping:
            self._stopping = True
            self._announcer.tell(RunStopping(cause))
        self._overtaking = True
        self._send.send_nowait(StopRequested())  # a loop that waits wakes up
        for stop in self._stops.values():
            _want_end(stop)
        if grace == 0:
            self._hurry = True
            for stop in self._stops.values():
                stop.hurry()

    def cancel(self, task: TaskId, *, grace: float | None = None) -> None:
        """Ask one task of the run to end as ``stop`` asks them all; the others go on.

        May be called before ``run``, and again, for every task of its plan.
        """
        self._send.send_nowait(CancelRequested(task))
        if task in self._stops:
            _want_end(self._stops[task])
        if grace == 0:
            self._hurried.add(task)
            if task in self._stops:
                self._stops[task].hurry()

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
                messages: Sequence[Decision | Event]
                messages = plan.start(stopped=self._stopping) if rest is None else rest.looks
                for fact in () if rest is None else rest.facts:
                    self._fresh_stop(fact.task)  # a stop may come before the fact is read
                    self._send.send_nowait(fact)
                while True:
                    for message in messages:
                        self._perform(message, jobs, nursery)
                    if plan.finished:
                        break
                    messages = plan.feed(await self._next_fact())
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

    async def _next_fact(self) -> Fact:
        """The next fact; one that need not be waited for costs no turn of trio's loop.

        A stop comes first: each fact that waits could start another task.
        """
        if self._overtaking:
            self._overtaking = False
            return StopRequested()
        if self._answers:
            self._answers -= 1
            return self._receive.receive_nowait()
        return await self._receive.receive()

    def forget(self) -> None:
        """Let nothing of a run that is over, be it late stops or unread facts, reach the next."""
        self._hurry = self._stopping = self._overtaking = False
        self._answers = 0
        self._stops.clear()
        self._hurried.clear()
        with suppress(trio.WouldBlock):
            while True:
                self._receive.receive_nowait()

    def _perform(
        self, message: Decision | Event, jobs: Mapping[TaskId, Job], nursery: trio.Nursery
    ) -> None:
        match message:
            case Look(id, upstream):
                stop = self._fresh_stop(id)
                fact = self._glance(jobs[id], upstream, stop)
                if fact is None:
                    nursery.start_soon(self._look, jobs[id], upstream, stop)
                else:
                    self._answer(fact)
            case Run(id):
                nursery.start_soon(self._run, jobs[id], self._fresh_stop(id))
            case Keep(id, foreign):
                kept = self._worker.keep_nowait(jobs[id], foreign)
                if kept is None:
                    nursery.start_soon(self._keep, jobs[id], foreign)
                else:
                    self._answer(kept)
                    if self._worker.must_store:
                        nursery.start_soon(self._worker.store)
            case Drop(id):
                nursery.start_soon(self._worker.drop, id)
            case Halt(id):
                self._halt(self._stops[id])
            case RunFinished():
                pass  # told by ``run``, when the store has said its last word
            case TaskWaits(id) | TaskSettled(id):
                self._worker.give_way(id)
                self._announcer.tell(message)
            case _:
                self._announcer.tell(message)

    def _glance(
        self, job: Job, upstream: tuple[Upstream, ...], stop: Stop
    ) -> Missed | Broke | None:
        """Look without a child, where that is short and few wait for their answers."""
        if self._answers >= GLANCES:
            return None
        return self._worker.look_nowait(job, upstream, stop=stop)

    def _answer(self, fact: Fact) -> None:
        """Send a fact that a decision has led to at once."""
        self._answers += 1
        self._send.send_nowait(fact)

    def _halt(self, stop: Stop) -> None:
        """End a step.

        Who reads what is replayed has as much time for it as a process for its end, and so has
        the reading of what a command has left.
        """
        _want_end(stop)
        stop.ask.cancel()
        stop.limit(trio.current_time() + stop.grace)

    def _fresh_stop(self, id: TaskId) -> Stop:
        """The handles by which ``Halt`` and ``stop(grace=0)`` reach this step of the task."""
        ask, tell, rest = trio.CancelScope(), trio.CancelScope(), trio.CancelScope()
        stop = Stop(ask, tell, self._grace, rest=rest)
        if self._hurry or id in self._hurried:
            stop.hurry()
        self._stops[id] = stop
        return stop

    # The children. Each does one step and says what came of it; ``send_nowait`` because the
    # step may have been cancelled, and a fact must not be lost for that.

    async def _look(self, job: Job, upstream: tuple[Upstream, ...], stop: Stop) -> None:
        self._send.send_nowait(await self._worker.look(job, upstream, stop=stop))

    async def _run(self, job: Job, stop: Stop) -> None:
        self._send.send_nowait(await self._worker.run(job, stop=stop))

    async def _keep(self, job: Job, foreign: frozenset[str]) -> None:
        self._send.send_nowait(await self._worker.keep(job, foreign))
        await self._worker.store()
