"""The engine: a workspace, a store, a way to run programs, and observers, made into runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

import attrs
import trio

from haz_trio.abc import Observer, RunCommand, Store
from haz_trio.engine.direct import Rest
from haz_trio.engine.jobs import Jobs
from haz_trio.engine.kit import Kit, make_kit
from haz_trio.engine.looker import WhyMissed
from haz_trio.engine.loop import Announcer, Loop
from haz_trio.engine.threads import Threads, in_thread
from haz_trio.engine.worker import Worker
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import Workspace
from haz_trio.plan.machine import Plan, PlanStatistics
from haz_trio.plan.messages import Event, RunNote
from haz_trio.plan.outcome import RunReport
from haz_trio.plan.policy import Policy
from haz_trio.process.guard import open_guard
from haz_trio.process.supervise import run_command as run_real_command

_DEFAULT = Policy()


@attrs.define
class Engine:
    """Runs selections of one workspace, one at a time; made by ``open_engine``."""

    _kit: Kit
    _worker: Worker
    _loop: Loop
    _announcer: Announcer
    _threads: Threads
    _plan: Plan | None = None

    async def run(self, targets: Iterable[TaskId]) -> RunReport:
        """Run targets and what they depend on; the report has an outcome for each task.

        Returns also when tasks fail or the run is stopped.
        When it returns or is cancelled, no process of the run is left.
        """
        return await self.run_only(self._kit.graph.closure(targets))

    async def run_only(self, tasks: Iterable[TaskId]) -> RunReport:
        """Run just these tasks, as if those left out were satisfied.

        The key of a task that lacks a dependency says so: no other run uses its result.
        Returns also when tasks fail or the run is stopped.
        When it returns or is cancelled, no process of the run is left.
        """
        await self._worker.recover()
        self._plan, jobs = self._kit.plan(tasks)
        return await self._finish(await self._loop.run(self._plan, jobs))

    async def take_over(self, plan: Plan, jobs: Jobs, rest: Rest) -> RunReport:
        """Go on with a plan that ``direct.drive`` has carried as far as it could."""
        self._plan = plan
        self._worker.take_over()
        return await self._finish(await self._loop.run(plan, jobs, rest))

    async def _finish(self, report: RunReport) -> RunReport:
        # The shield ends when a few state files are written.
        with trio.CancelScope(shield=True):
            await in_thread(self._threads.stores, self._kit.save)
        return report

    def stop(self, *, grace: float | None = None) -> None:
        """Ask the run to end (EXEC-013, EXEC-014); ``grace=0`` ends the grace period at once."""
        self._loop.stop(grace=grace)

    def tell(self, event: Event) -> None:
        """Pass an event on to the observers, with the time of the run."""
        self._announcer.tell(event)

    def statistics(self) -> PlanStatistics | None:
        """How many tasks wait, run and have settled; ``None`` before the first run."""
        return self._plan.statistics() if self._plan is not None else None


@asynccontextmanager
async def open_engine(
    workspace: Workspace,
    graph: TaskGraph,
    *,
    store: Store | None = None,
    run_command: RunCommand | None = None,
    observers: Sequence[Observer] = (),
    host: Mapping[str, str] | None = None,
    policy: Policy = _DEFAULT,
    why_missed: WhyMissed | None = None,
) -> AsyncIterator[Engine]:
    """An engine for a workspace; nothing of it is left when the block is left.

    ``store`` defaults to the cache below the workspace root, ``host`` to the environment of
    this process (execution.md 5.4).
    ``policy`` is for every run of the engine.
    ``why_missed`` gives the reason that a ``TaskMissed`` tells; ``open_reasons`` has a good one.
    """
    kit = make_kit(workspace, graph, store=store, host=host, policy=policy, why_missed=why_missed)
    async with open_engine_with(kit, run_command=run_command, observers=observers) as engine:
        yield engine


@asynccontextmanager
async def open_engine_with(
    kit: Kit,
    *,
    run_command: RunCommand | None = None,
    observers: Sequence[Observer] = (),
    elapsed: float = 0.0,
    adopts: bool = False,
    names_survivors: bool = False,
) -> AsyncIterator[Engine]:
    """The same from a kit, for a run that began ``elapsed`` seconds ago.

    ``adopts`` is for a program of its own, and ``names_survivors`` needs it: see ``Guard``.
    """
    settings = kit.workspace.settings
    announcer = Announcer(tuple(observers), trio.current_time() - elapsed)
    guard = None
    if run_command is None:
        containment = settings.containment
        guard = open_guard(
            lambda text: announcer.tell(RunNote(text)),
            containment=containment,
            adopts=adopts,
            names_survivors=names_survivors,
        )
        run_command = partial(run_real_command, containment=containment, guard=guard)
    threads = Threads()
    worker = Worker(
        kit.tools.store,
        kit.tools.keys,
        kit.tools.looker,
        run_command,
        announcer,
        threads,
        task_timeout=kit.policy.task_timeout,
    )
    loop = Loop(worker, announcer, grace=settings.cancel_grace)
    try:
        yield Engine(kit, worker, loop, announcer, threads)
    finally:
        # The shield ends with a few small files removed.
        with trio.CancelScope(shield=True):
            await in_thread(threads.stores, worker.close)
        kit.close()
        if guard is not None:
            guard.close()
