"""The part of ``haz run`` that waits: processes, signals, the time limit, the status line."""

from __future__ import annotations

import gc
import math
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import trio

from haz_trio.abc import Observer
from haz_trio.cache.receipts import add_receipts
from haz_trio.cli.faults import report_shortage  # loaded while there is room
from haz_trio.cli.options import RootOptions
from haz_trio.cli.run_choices import RunChoices
from haz_trio.cli.scarcity import shortage
from haz_trio.cli.signals import StopSignals, heeded
from haz_trio.cli.suspending import PausableClock, heed_suspension
from haz_trio.engine.direct import Rest
from haz_trio.engine.engine import Engine, open_engine_with
from haz_trio.engine.jobs import Jobs
from haz_trio.engine.kit import Kit
from haz_trio.output.console import Console, open_console
from haz_trio.output.receipt_book import ReceiptBook
from haz_trio.output.summary import format_duration
from haz_trio.output.writes import Target
from haz_trio.plan.exit_codes import EXIT_SUCCESS, EXIT_TASK_FAILURE
from haz_trio.plan.machine import Plan
from haz_trio.plan.messages import Event, RunClosed, RunNote, TaskBegun
from haz_trio.plan.outcome import BySignal, ByTimeLimit, RunReport, exit_code_for
from haz_trio.process.signals import shed_inherited_signals

if TYPE_CHECKING:
    from haz_trio.cli.run import Start
    from haz_trio.output.status_line import StatusStreams

Watchers: TypeAlias = AbstractAsyncContextManager[Sequence[Observer]]

# A reader that has stopped reading must not hold up a run that was told to stop; seconds.
DRAIN_AFTER_STOP = 0.8  # comes on top of the two seconds that the pumps give (DRAIN_LIMIT)
EXIT_TIMED_OUT = 124  # the run as a whole had no time left (``--timeout``)


def run_loop(
    start: Start,
    kit: Kit,
    plan: Plan,
    jobs: Jobs,
    rest: Rest | None,
    root: RootOptions,
    choices: RunChoices,
) -> int:
    """Carry out a plan, or the rest of one that has been begun; the exit code."""
    # What lives until the end has been made by now; what comes and goes with each task is to go.
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()
    running = _Running(start, kit, plan, jobs, rest, root=root, choices=choices)
    try:
        return trio.run(
            running.run, clock=running.clock, restrict_keyboard_interrupt_to_checkpoints=True
        )
    except Exception as problem:  # a fault of ours goes on to where faults are told
        scarce = shortage(problem)
        if scarce is None or not running.has_begun:
            raise
        return report_shortage(scarce, sys.argv[1:], EXIT_TASK_FAILURE)


class _Running:
    """One run with its watchers, and what may end it early: signals and the time limit."""

    def __init__(
        self,
        start: Start,
        kit: Kit,
        plan: Plan,
        jobs: Jobs,
        rest: Rest | None,
        *,
        root: RootOptions,
        choices: RunChoices,
    ) -> None:
        self._start, self._kit, self._plan, self._jobs, self._rest = start, kit, plan, jobs, rest
        self._quiet, self._verbose, self._choices = root.quiet, root.verbose, choices
        self._over = self._expired = False
        self.has_begun = False
        """Whether a command has been started, or a result has been shown."""
        self.clock = PausableClock()

    def notice(self, event: Event, at: float) -> None:
        self.has_begun = self.has_begun or isinstance(event, TaskBegun)

    async def wait_ready(self) -> None:
        """Nobody is slowed down by this."""

    async def run(self) -> int:
        """Carry the plan out; the exit code."""
        start = self._start
        listened = heeded()
        shed_inherited_signals()
        start.flush()
        screen, progress = self._progress()
        receipts = ReceiptBook(time.time() - start.elapsed, self._choices.policy.fail_fast)
        books = [start.book, receipts] if start.book is not None else [receipts]
        self._kit.keepers.append(partial(self._keep, receipts))
        signals = StopSignals()
        for number in listened:  # what the receiver leaves behind, and what it has not taken
            signal.signal(number, signals.take_late)
        # There is no receiver of nothing: whoever started us may want all of them ignored (L07).
        with trio.open_signal_receiver(*listened) if listened else nullcontext() as arriving:
            signals.count(listened)
            async with (
                open_console(start.renderer, streams=screen or start.streams) as console,
                self._recorders() as recorders,
                progress as lines,
                open_engine_with(
                    self._kit,
                    observers=[*lines, console, *recorders, *books, self],
                    elapsed=start.elapsed,
                    adopts=True,
                    names_survivors=self._verbose,
                ) as engine,
                trio.open_nursery() as nursery,
            ):
                consoles = [console, *recorders]
                watchers: tuple[Observer, ...] = (receipts, self, *lines)
                for watcher in watchers:
                    for event, at in start.told:
                        watcher.notice(event, at)
                signals.ask = partial(self._ask, engine, consoles)
                signals.tell = partial(engine.stop, grace=0)
                if arriving is not None:
                    nursery.start_soon(signals.listen, arriving)
                nursery.start_soon(self._expire, engine)
                held = [(engine.pause, engine.resume)]
                if screen is not None:
                    held.append((screen.hide, screen.resume))
                nursery.start_soon(heed_suspension, self.clock, *held)
                report = await self._carry_out(engine)
                self._over = True
                code = self._exit_code(report, signals.first)
                engine.tell(RunClosed(code))
                # Signals are heard also now: a reader may have stopped reading for ever.
                hurried = signals.first is not None or self._expired
                limit = DRAIN_AFTER_STOP if hurried else math.inf
                async with trio.open_nursery() as last_words:
                    for each in consoles:
                        last_words.start_soon(each.drain, limit)
                nursery.cancel_scope.cancel()
        lost = console.failed or start.streams.failed or self._kit.failed
        if lost and code == EXIT_SUCCESS:
            return EXIT_TASK_FAILURE
        return exit_code_for(report, signals.first) if signals.first is not None else code

    async def _carry_out(self, engine: Engine) -> RunReport:
        if self._rest is None:
            return await engine.run_only(self._jobs)
        start = self._start
        told, start.told = start.told, []
        return await engine.take_over(self._plan, self._jobs, self._rest, told, start.paused)

    def _keep(self, book: ReceiptBook) -> None:
        """Write down for ``haz why --receipt`` who did not succeed; raises ``OSError``."""
        tasks = frozenset(map(str, self._kit.graph.ids))
        root, at = self._kit.workspace.root, round(time.time(), 3)
        add_receipts(root, book.receipts, book.completed, at=at, tasks=tasks)

    def _progress(
        self,
    ) -> tuple[StatusStreams | None, AbstractAsyncContextManager[Sequence[Observer]]]:
        """The streams with a status line and what keeps it up to date, if it can be seen."""
        terminal = os.isatty(Target.STDOUT) or os.isatty(Target.STDERR)
        if self._quiet or not terminal:
            return None, nullcontext(())
        # Imported here: without a terminal there is no line (cli.md 14.5).
        from haz_trio.cli.run_progress import open_progress, status_streams

        screen = status_streams(os.environ)
        slots = self._kit.limits.slots
        return screen, open_progress(screen, self._kit.workspace, tuple(self._jobs), slots)

    @asynccontextmanager
    async def _recorders(self) -> AsyncIterator[Sequence[Console]]:
        """A console of its own for ``--events``, so that its reader holds up no other one."""
        recording = self._start.recording
        if recording is None:
            yield ()
            return
        async with open_console(recording.render, streams=recording.sink) as console:
            for event, at in self._start.told:
                console.notice(event, at)
            yield (console,)

    def _ask(self, engine: Engine, consoles: Sequence[Console], number: int) -> None:
        """The first signal."""
        engine.stop(cause=BySignal(number))
        if self._over:
            for console in consoles:
                console.give_up()
        elif os.isatty(Target.STDERR):
            engine.tell(RunNote("stopping; press Ctrl-C again to kill at once"))

    async def _expire(self, engine: Engine) -> None:
        """Stop the run when its time is over."""
        await trio.sleep(self._choices.timeout)
        if not self._over:
            self._expired = True
            limit = format_duration(self._choices.timeout)
            engine.tell(RunNote(f"stopping: the run has used up its {limit} (--timeout)"))
            engine.stop(cause=ByTimeLimit(self._choices.timeout))

    def _exit_code(self, report: RunReport, signal: int | None) -> int:
        if signal is None and self._expired:
            return EXIT_TIMED_OUT
        return exit_code_for(report, signal)
