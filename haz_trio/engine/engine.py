"""The engine: a workspace, a store, a way to run programs, and observers, made into runs."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

import attrs
import trio

from haz_trio.abc import Observer, RunCommand, Store
from haz_trio.cache.inputs import InputReader
from haz_trio.cache.store import DiskStore
from haz_trio.engine.cache_use import limit
from haz_trio.engine.jobs import jobs_for, known_edges, planned_tasks
from haz_trio.engine.keys import Keys
from haz_trio.engine.loop import Announcer, Loop
from haz_trio.engine.threads import Threads, in_thread
from haz_trio.engine.worker import WhyMissed, Worker
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import Workspace
from haz_trio.plan.machine import Limits, Plan, PlanStatistics
from haz_trio.plan.messages import Event
from haz_trio.plan.outcome import RunReport
from haz_trio.plan.policy import Policy
from haz_trio.process.environment import host_environment
from haz_trio.process.supervise import run_command as run_real_command

_DEFAULT = Policy()


@attrs.define
class Engine:
    """Runs selections of one workspace, one at a time; made by ``open_engine``."""

    _workspace: Workspace
    _graph: TaskGraph
    _host: Mapping[str, str]
    _limits: Limits
    _worker: Worker
    _loop: Loop
    _announcer: Announcer
    _policy: Policy
    _plan: Plan | None = None

    async def run(self, targets: Iterable[TaskId]) -> RunReport:
        """Run targets and what they depend on; the report has an outcome for each task.

        Returns also when tasks fail or the run is stopped.
        When it returns or is cancelled, no process of the run is left.
        """
        return await self.run_only(self._graph.closure(targets))

    async def run_only(self, tasks: Iterable[TaskId]) -> RunReport:
        """Run just these tasks, as if those left out were satisfied.

        The key of a task that lacks a dependency says so: no other run uses its result.
        Returns also when tasks fail or the run is stopped.
        When it returns or is cancelled, no process of the run is left.
        """
        await self._worker.recover()
        selected = self._graph.in_order(frozenset(tasks))
        jobs = jobs_for(self._graph, selected, self._workspace, self._host)
        self._plan = Plan(
            planned_tasks(self._graph, selected),
            self._limits,
            consumers=self._graph.consumers_of,
            edges=known_edges(self._graph, selected),
            fail_fast=self._policy.fail_fast,
            retries=self._policy.retries,
        )
        return await self._loop.run(self._plan, jobs)

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
    if host is None:
        host = host_environment()
    settings = workspace.settings
    if run_command is None:
        run_command = partial(run_real_command, containment=settings.containment)
    if store is None:
        store = disk_store(workspace)
    announcer, threads = Announcer(tuple(observers)), Threads()
    reader = InputReader(workspace.root, settings.hash)
    keys = Keys(reader, settings.hash, host, graph.producers_of)
    worker = Worker(
        limit(store, policy.cache),
        keys,
        run_command,
        announcer,
        threads,
        task_timeout=policy.task_timeout,
        why_missed=why_missed,
    )
    loop = Loop(worker, announcer, grace=settings.cancel_grace)
    slots = policy.slots or settings.concurrency or processors()
    limits = Limits(slots=slots, tags=settings.tag_caps)
    try:
        yield Engine(workspace, graph, host, limits, worker, loop, announcer, policy)
    finally:
        # The shield ends with a few small files removed.
        with trio.CancelScope(shield=True):
            await in_thread(threads.stores, worker.close)


def disk_store(workspace: Workspace, *, strict: bool = False) -> DiskStore:
    """The cache below the workspace root, for one run that begins now (cache.md C4).

    ``strict`` counts results that could not be stored in ``failures`` (decisions.md 14).
    """
    now = int(time.time())
    return DiskStore(workspace.root, workspace.settings.hash, created_at=now, strict=strict)


def processors() -> int:
    """How many processors this process may use; at least 1 (EXEC-004)."""
    return max(1, len(os.sched_getaffinity(0)))
