"""The engine: a workspace, a store, a way to run programs, and observers, made into runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial

import attrs
import trio
from outcome import Error, Outcome, acapture

from haz_trio.abc import Observer, RunCommand
from haz_trio.engine.checks import check_grace, checked_task, checked_tasks, refuse
from haz_trio.engine.direct import Rest
from haz_trio.engine.feeds import Feeds
from haz_trio.engine.following import Follow, Following, follow_nobody
from haz_trio.engine.jobs import Job, Jobs
from haz_trio.engine.kit import Kit
from haz_trio.engine.loop import Announcer, Loop, nothing
from haz_trio.engine.stream import WELCOME, EventStream
from haz_trio.engine.threads import Threads, in_thread
from haz_trio.engine.worker import Worker
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import KeepOutputs, Workspace
from haz_trio.plan.machine import Plan, PlanStatistics
from haz_trio.plan.messages import Event, RunNote
from haz_trio.plan.outcome import ByCaller, RunReport, StopCause
from haz_trio.plan.recorder import Recorder
from haz_trio.process.guard import Guard, open_guard
from haz_trio.process.supervise import run_command as run_real_command

_CALLER = ByCaller()


@attrs.define(eq=False)
class Engine:
    """Runs selections of one workspace, one at a time; made by ``open_engine``."""

    _kit: Kit
    _worker: Worker
    _loop: Loop
    _announcer: Announcer
    _threads: Threads
    _guard: Guard | None = None
    _plan: Plan | None = None
    _jobs: Mapping[TaskId, Job] = attrs.field(factory=dict)
    _over: trio.Event | None = None  # set when the run that goes on has ended
    _is_closed: bool = False
    _streams: list[EventStream] = attrs.field(factory=list)

    @property
    def workspace(self) -> Workspace:
        return self._kit.workspace

    @property
    def graph(self) -> TaskGraph:
        return self._kit.graph

    async def run(self, targets: Iterable[TaskId] | None = None) -> RunReport:
        """Run targets and what they depend on, or everything; the report has all outcomes.

        Returns also when tasks fail or the run is stopped.
        When it returns or is cancelled, no process of the run is left.
        A cancelled caller asks the run to end, as ``stop`` does: the cancellation goes on when
        that has ended, with the grace of its tasks; ``stop(grace=0)`` kills them at once.

        Raises ``ArgumentError`` for a target that is no task, ``trio.BusyResourceError`` while
        another run goes on and ``trio.ClosedResourceError`` behind the engine's block; then
        nothing has been started.
        A block that is left while the run goes on stops it, and waits for its end.
        """
        graph = self._kit.graph
        tasks = graph.ids if targets is None else checked_tasks("targets", targets, graph)
        return await self._run(graph.closure(tasks))

    async def run_only(self, tasks: Iterable[TaskId]) -> RunReport:
        """Run just these tasks, as if those left out were satisfied.

        The key of a task that lacks a dependency says so: no other run uses its result.
        All else is as with ``run``.
        """
        return await self._run(checked_tasks("tasks", tasks, self._kit.graph))

    async def _run(self, tasks: Iterable[TaskId]) -> RunReport:
        with self._running():
            self._plan, self._jobs = self._kit.plan(tasks)
            await self._worker.recover()
            self._announcer.recorder = Recorder(self._plan.tasks, self._plan.limits)
            return await self._carry_out(self._plan, self._jobs)

    async def take_over(
        self,
        plan: Plan,
        jobs: Jobs,
        rest: Rest,
        told: Iterable[tuple[Event, float]] | None = None,
        paused: float = 0.0,
    ) -> RunReport:
        """Go on with a plan that ``direct.drive`` has carried as far as it could.

        ``told`` are the events so far, with their times; ``paused`` is when it got no further,
        in seconds of the run. Without them the report has no timeline.
        """
        with self._running():
            self._plan, self._jobs = plan, jobs
            self._announcer.recorder = None
            if told is not None:
                recorder = self._announcer.recorder = Recorder(plan.tasks, plan.limits)
                for event, at in told:
                    recorder.notice(event, at)
                recorder.pause(paused, self._announcer.now)
            self._worker.take_over()
            return await self._carry_out(plan, jobs, rest)

    @contextmanager
    def _running(self) -> Iterator[None]:
        """One run at a time; whatever becomes of it, nothing that was asked of it stays.

        Nobody waits for more of its events either.
        """
        if self._is_closed:
            raise trio.ClosedResourceError("the block of open_engine has been left")
        if self._over is not None:
            raise trio.BusyResourceError("the engine carries out another run: open a second one")
        over = self._over = trio.Event()
        try:
            yield
        finally:
            self._over = None
            self._loop.forget()
            self._end_streams()
            over.set()

    async def _carry_out(self, plan: Plan, jobs: Jobs, rest: Rest | None = None) -> RunReport:
        """Run the loop to its end; a caller who is cancelled asks for that, as ``stop`` does."""
        await trio.lowlevel.checkpoint_if_cancelled()
        over = trio.Event()
        ended: Outcome[RunReport] | None = None
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._stop_with_caller, over)
                # The shield ends as a run ends that was stopped: with the grace of its tasks.
                with trio.CancelScope(shield=True):
                    # What it raises is not to be wrapped in a group by this nursery as well.
                    ended = await acapture(self._run_loop, plan, jobs, rest)
                over.set()
        finally:
            if isinstance(ended, Error):
                ended.unwrap()
        assert ended is not None, "the nursery has not been cancelled"
        return ended.unwrap()

    async def _stop_with_caller(self, over: trio.Event) -> None:
        """Tasks of a cancelled caller get what they get at a signal: SIGTERM, grace, SIGKILL."""
        try:
            await over.wait()
        except trio.Cancelled:
            self._loop.stop()
            raise

    async def _run_loop(self, plan: Plan, jobs: Jobs, rest: Rest | None) -> RunReport:
        report = await self._loop.run(plan, jobs, rest)
        await in_thread(self._threads.stores, self._kit.save, report.timeline)
        return report

    def stop(self, *, grace: float | None = None, cause: StopCause = _CALLER) -> None:
        """Ask the run to end (EXEC-013, EXEC-014); ``grace=0`` ends the grace period at once.

        The first ``cause`` is told to the observers.
        May be called at any time and again; between two runs it holds for the one to come.
        Raises ``ArgumentError`` for another grace.
        """
        check_grace(grace)
        self._loop.stop(grace=grace, cause=cause)
        if self._guard is not None:
            self._guard.foresee_end()

    def cancel(self, task: TaskId, *, grace: float | None = None) -> None:
        """Ask one task of the run that goes on to end: SIGTERM, the grace, SIGKILL for it alone.

        It ends as ``Cancelled(ByCaller())``, also when it has not been started, and what depends
        on it as ``Cancelled(UpstreamCancelled(task))``; all others go on.
        What has succeeded already, or ends in some other way at this moment, keeps its outcome.
        ``grace=0`` kills at once, and so ends a grace that goes on.
        May be called at any time and again; does nothing unless a run with this task goes on.
        Raises ``ArgumentError`` for what is no task of the graph, and for another grace.
        """
        checked_task("task", task, self._kit.graph)
        check_grace(grace)
        if self._over is not None and task in self._jobs:
            self._loop.cancel(task, grace=grace)

    @contextmanager
    def events(self, *, most: int = WELCOME) -> Iterator[EventStream]:
        """The events of the run that goes on, or else of the next one, as an async iterator.

        ``most`` is how many bytes of output may wait for the reader before tasks have to.
        Raises ``ArgumentError`` for less than 1, ``trio.ClosedResourceError`` as ``run`` does.
        """
        if not isinstance(most, int) or most < 1:
            raise refuse("most", most, "a number of bytes, at least 1")
        if self._is_closed:
            raise trio.ClosedResourceError("the block of open_engine has been left")
        stream = EventStream(most)
        self._streams.append(stream)
        self._announcer.observers.append(stream)
        try:
            yield stream
        finally:
            stream.close()
            observers = self._announcer.observers
            self._announcer.observers = [each for each in observers if each is not stream]
            self._streams.remove(stream)

    def pause(self) -> None:
        """Stop what runs where it stands (SIGSTOP); the run itself goes on, and so does its time.

        Does nothing where commands are not run by this library.
        """
        if self._guard is not None:
            self._guard.pause()

    def resume(self) -> None:
        """Let go on what ``pause`` has stopped (SIGCONT)."""
        if self._guard is not None:
            self._guard.resume()

    def tell(self, event: Event) -> None:
        """Pass an event on to the observers, with the time of the run."""
        self._announcer.tell(event)

    def statistics(self) -> PlanStatistics | None:
        """How many tasks wait, run and have settled; ``None`` before the first run."""
        return self._plan.statistics() if self._plan is not None else None

    async def aclose(self) -> None:
        """Run nothing any more; called when the block of ``open_engine`` is left.

        A run that goes on, as a child of a nursery around the block, is stopped and waited for.
        """
        self._is_closed = True
        if self._over is not None:
            self.stop()
            # The shield ends as a run ends that was stopped: with the grace of its tasks.
            with trio.CancelScope(shield=True):
                await self._over.wait()
        self._end_streams()

    def _end_streams(self) -> None:
        for stream in self._streams:
            stream.end()


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
    announcer = Announcer(list(observers), trio.current_time() - elapsed)
    feeds = None
    if kit.tools.disk is not None:
        feeds = Feeds(kit.workspace.root)
        announcer.observers.append(feeds)
    guard = None
    if run_command is None:
        containment = settings.containment
        guard = open_guard(
            lambda text: announcer.tell(RunNote(text)),
            containment=containment,
            adopts=adopts,
            names_survivors=names_survivors,
            journal=kit.tools.disk.claims if kit.tools.disk is not None else None,
        )
        run_command = partial(run_real_command, containment=containment, guard=guard)
    threads = Threads()
    backups = None
    if settings.outputs is KeepOutputs.ROLLBACK:
        # Imported here: most workspaces keep outputs as their tasks leave them.
        from haz_trio.cache.backups import Backups

        backups = Backups(kit.workspace.root, *(() if guard is None else (guard.share,)))
    worker = Worker(
        kit.tools.store,
        kit.tools.keys,
        kit.tools.looker,
        run_command,
        announcer,
        threads,
        task_timeout=kit.policy.task_timeout,
        backups=backups,
        # Other stores may wait for whatever they like.
        brief=kit.tools.disk is not None and backups is None,
        follow=follow_nobody if feeds is None else _follow(kit, announcer, threads, feeds),
        uses=kit.policy.cache.looks,
        shares=kit.policy.cache.looks and kit.policy.cache.stores,
    )
    beside = nothing if feeds is None else feeds.serve
    loop = Loop(worker, announcer, grace=settings.cancel_grace, beside=beside)
    engine = Engine(kit, worker, loop, announcer, threads, guard)
    try:
        try:
            yield engine
        finally:
            await engine.aclose()
    except BaseException as problem:  # raised on, and says what would be lost with it
        for error in announcer.errors:
            problem.add_note(f"an observer had raised {error!r}")
        raise
    finally:
        # The shield ends with a few small files removed.
        with trio.CancelScope(shield=True):
            await in_thread(threads.stores, worker.close)
        threads.close()
        kit.close()
        if guard is not None:
            guard.close()
    if announcer.errors:
        raise ExceptionGroup("observers raised; runs went on without them", announcer.errors)


def _follow(kit: Kit, announcer: Announcer, threads: Threads, feeds: Feeds) -> Follow:
    """A way to show what the commands of other runs print."""

    async def others() -> tuple[int, ...]:
        return await in_thread(threads.stores, kit.tools.looker.others)

    return Following(kit.workspace.root, announcer, others, feeds.leave_out).follow
