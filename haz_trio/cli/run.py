"""``haz run``: select, then either print the plan or carry it out."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial

import attrs
import trio

from haz_trio.abc import Observer
from haz_trio.cli.options import RootOptions, RunOptions, is_on
from haz_trio.cli.printing import Printer
from haz_trio.cli.run_choices import RunChoices
from haz_trio.cli.run_selection import Chosen, choose
from haz_trio.cli.run_views import (
    encoder_for,
    make_renderer,
    reasons_for,
    summary_path,
    write_whole,
)
from haz_trio.cli.session import Session, open_session
from haz_trio.cli.signals import StopSignals, heeded
from haz_trio.engine.engine import Engine, disk_store, open_engine, processors
from haz_trio.errors import HazError
from haz_trio.graph.arguments import with_arguments
from haz_trio.graph.graph import TaskGraph
from haz_trio.output.console import Console, Sink, open_console
from haz_trio.output.events import SummaryBook
from haz_trio.output.summary import format_duration
from haz_trio.output.writes import Target
from haz_trio.plan.exit_codes import EXIT_SUCCESS, EXIT_TASK_FAILURE
from haz_trio.plan.messages import RunClosed, RunNote
from haz_trio.plan.outcome import RunReport, exit_code_for
from haz_trio.process.signals import shed_inherited_signals

# A reader that has stopped reading must not hold up a run that was told to stop; seconds.
DRAIN_AFTER_STOP = 0.8  # comes on top of the two seconds that the pumps give (DRAIN_LIMIT)
EXIT_TIMED_OUT = 124  # the run as a whole had no time left (``--timeout``)


def run_command(root: RootOptions, options: RunOptions, choices: RunChoices) -> int:
    """Run what the options select; the exit code is that of execution.md 9.

    Raises ``ConfigError``, ``SelectionError`` and ``ChangesetError`` before anything has run.
    """
    session = open_session(root)
    printer = Printer(root)
    chosen = choose(session, options, choices, printer)
    graph = with_arguments(session.graph, chosen.named, choices.arguments)
    if options.dry_run:
        # Imported here: a run that is not dry predicts nothing (cli.md 14.5).
        from haz_trio.cli.run_dry import dry_run_json, dry_run_text

        if choices.json:
            return printer.out(dry_run_json(session.workspace, graph, chosen.tasks, choices))
        return printer.out(dry_run_text(chosen.tasks))
    summary = summary_path(root, choices)
    if not chosen.tasks:
        if options.git is not None:
            printer.say("nothing to run: no task has an input that changed")
        elif choices.filters:
            printer.say("nothing to run: no task of the scope fits the filters")
        if not choices.json and summary is None:
            return EXIT_SUCCESS
    running = _Running(root, options, choices, session, graph, chosen)
    code = trio.run(running.run, restrict_keyboard_interrupt_to_checkpoints=True)
    if summary is not None:
        try:
            write_whole(summary, running.book.document())
        except OSError as problem:
            reason = problem.strerror or problem
            printer.error(HazError(f"cannot write the summary to {summary}: {reason}"))
            return code or EXIT_TASK_FAILURE
    return code


class _Running:
    """One run with its watchers, and what may end it early: signals and the time limit."""

    def __init__(
        self,
        root: RootOptions,
        options: RunOptions,
        choices: RunChoices,
        session: Session,
        graph: TaskGraph,
        chosen: Chosen,
    ) -> None:
        self._quiet = root.quiet
        self._choices, self._session, self._graph, self._chosen = choices, session, graph, chosen
        slots = choices.jobs.slots(processors()) if choices.jobs is not None else None
        self._policy = attrs.evolve(choices.policy, slots=slots)
        slots = self._slots = slots or session.workspace.settings.concurrency or processors()
        encoder = partial(encoder_for, session, graph, chosen.tasks, slots)
        self._renderer = make_renderer(root, options, choices, session, encoder)
        self.book = SummaryBook(encoder())
        self._over = self._expired = False

    async def run(self) -> int:
        """Carry the plan out; the exit code."""
        store = disk_store(self._session.workspace, strict=is_on("HAZ_CACHE_STRICT"))
        listened = heeded()
        shed_inherited_signals()
        screen, progress = self._progress()
        books = [self.book] if self._choices.summary else []
        with (
            reasons_for(self._choices, self._session) as why_missed,
            trio.open_signal_receiver(*listened) as arriving,
        ):
            async with (
                open_console(self._renderer, streams=screen) as console,
                progress as lines,
                open_engine(
                    self._session.workspace,
                    self._graph,
                    store=store,
                    observers=[*lines, console, *books],
                    policy=self._policy,
                    why_missed=why_missed,
                ) as engine,
                trio.open_nursery() as nursery,
            ):
                ask = partial(self._ask, engine, console)
                signals = StopSignals(ask, partial(engine.stop, grace=0))
                nursery.start_soon(signals.listen, arriving)
                nursery.start_soon(self._expire, engine)
                report = await engine.run_only(self._chosen.tasks)
                self._over = True
                code = self._exit_code(report, signals.first)
                engine.tell(RunClosed(code))
                # Signals are heard also now: a reader may have stopped reading for ever.
                hurried = signals.first is not None or self._expired
                await console.drain(DRAIN_AFTER_STOP if hurried else math.inf)
                nursery.cancel_scope.cancel()
        if (console.failed or store.failures) and code == EXIT_SUCCESS:
            return EXIT_TASK_FAILURE
        return exit_code_for(report, signals.first) if signals.first is not None else code

    def _progress(self) -> tuple[Sink | None, AbstractAsyncContextManager[Sequence[Observer]]]:
        """The streams with a status line and what keeps it up to date, if it can be seen."""
        terminal = os.isatty(Target.STDOUT) or os.isatty(Target.STDERR)
        if self._quiet or not terminal:
            return None, nullcontext(())
        # Imported here: without a terminal there is no line (cli.md 14.5).
        from haz_trio.cli.run_progress import open_progress, status_streams

        screen = status_streams(os.environ)
        workspace, tasks = self._session.workspace, self._chosen.tasks
        return screen, open_progress(screen, workspace, tasks, self._slots)

    def _ask(self, engine: Engine, console: Console) -> None:
        """The first signal."""
        engine.stop()
        if self._over:
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
            engine.stop()

    def _exit_code(self, report: RunReport, signal: int | None) -> int:
        if signal is None and self._expired:
            return EXIT_TIMED_OUT
        return exit_code_for(report, signal)
