"""``haz run``: select, then either print the plan or carry it out."""

from __future__ import annotations

import math
import os
from collections.abc import Collection
from functools import partial

import trio

from haz_trio.cli.options import RootOptions, RunOptions, Scope
from haz_trio.cli.printing import Printer
from haz_trio.cli.session import Session, open_session
from haz_trio.cli.signals import StopSignals, heeded
from haz_trio.engine.engine import open_engine
from haz_trio.graph.selection import (
    All,
    Default,
    Everything,
    Named,
    Targets,
    affected,
    select,
)
from haz_trio.model.names import TaskId
from haz_trio.output.console import open_console
from haz_trio.output.renderers import RENDERERS
from haz_trio.output.terminal import look_at_screen
from haz_trio.output.writes import Target
from haz_trio.plan.messages import RunNote
from haz_trio.plan.outcome import EXIT_SUCCESS, EXIT_TASK_FAILURE, exit_code_for
from haz_trio.process import shed_inherited_signals
from haz_trio.vcs import changed_paths

# A reader that has stopped reading must not hold up a run that was told to stop; seconds.
DRAIN_AFTER_STOP = 2.0


def run_command(root: RootOptions, options: RunOptions) -> int:
    """Run what the options select; the exit code is that of execution.md 9.

    Raises ``ConfigError``, ``SelectionError`` and ``ChangesetError`` before anything has run.
    """
    session = open_session(root)
    printer = Printer(root)
    selected = session.graph.closure(choose(session, options, printer))
    if options.dry_run:
        return printer.out(dry_run_text(selected))
    if not selected:
        if options.git is not None:
            printer.say("nothing to run: no task has an input that changed")
        return EXIT_SUCCESS
    return trio.run(
        partial(_carry_out, root, options, session, selected),
        restrict_keyboard_interrupt_to_checkpoints=True,
    )


def choose(session: Session, options: RunOptions, printer: Printer) -> Collection[TaskId]:
    """The tasks that the options name, before what they depend on (execution.md 2, 3.2)."""
    graph, workspace, bearing = session.graph, session.workspace, session.bearing
    seeds = select(graph, workspace, _targets(options), bearing)
    if options.git is None:
        return seeds
    changes = changed_paths(workspace.root, options.git)
    for note in changes.notes:
        printer.say(note)
    return affected(graph, seeds, changes.paths)


def _targets(options: RunOptions) -> Targets:
    if options.references:
        return Named(options.references)
    match options.scope:
        case Scope.WORKSPACE:
            return Everything()
        case Scope.ALL:
            return All()
        case Scope.DEFAULT:
            # A git filter looks at all tasks of the scope, not at the default one.
            return Default() if options.git is None else All()


def dry_run_text(tasks: Collection[TaskId]) -> str:
    """What ``--dry-run`` prints (EXEC-030); the tasks come in canonical order."""
    if not tasks:
        return "would run 0 tasks.\n"
    noun = "task" if len(tasks) == 1 else "tasks"
    return f"would run {len(tasks)} {noun}:\n" + "".join(f"  - {id}\n" for id in tasks)


async def _carry_out(
    root: RootOptions, options: RunOptions, session: Session, selected: Collection[TaskId]
) -> int:
    mode = options.output_mode or session.workspace.settings.output_mode
    screen = look_at_screen(root.color, os.environ)
    interactive = os.isatty(Target.STDERR)
    listened = heeded()
    shed_inherited_signals()
    with trio.open_signal_receiver(*listened) as arriving:
        async with (
            open_console(RENDERERS[mode](screen)) as console,
            open_engine(session.workspace, session.graph, observers=[console]) as engine,
            trio.open_nursery() as nursery,
        ):
            over = False

            def ask() -> None:
                engine.stop()
                if over:
                    console.give_up()
                elif interactive:
                    engine.tell(RunNote("stopping; press Ctrl-C again to kill at once"))

            signals = StopSignals(ask, partial(engine.stop, grace=0))
            nursery.start_soon(signals.listen, arriving)
            report = await engine.run(selected)
            over = True
            # Signals are heard also now: a reader may have stopped reading for ever.
            await console.drain(DRAIN_AFTER_STOP if report.stopped else math.inf)
            nursery.cancel_scope.cancel()
    if console.failed and signals.first is None and report.succeeded:
        return EXIT_TASK_FAILURE
    return exit_code_for(report, signals.first)
