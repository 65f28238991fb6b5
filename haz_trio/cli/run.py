"""``haz run``: select, then either print the plan or carry it out."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from haz_trio.cli.options import RootOptions, RunOptions, is_on
from haz_trio.cli.printing import Printer
from haz_trio.cli.run_choices import RunChoices
from haz_trio.cli.run_selection import choose
from haz_trio.cli.run_views import (
    annotates,
    encoder_for,
    make_renderer,
    reasons_for,
    summary_path,
    write_whole,
)
from haz_trio.cli.session import open_session
from haz_trio.config.snapshot import Origin
from haz_trio.engine.direct import drive
from haz_trio.engine.jobs import Jobs
from haz_trio.engine.kit import Kit, make_kit, processors
from haz_trio.errors import HazError
from haz_trio.memo import CLOCK, LONGEST, held_below, is_memorable, write_memo
from haz_trio.output.streams import Streams
from haz_trio.output.summary import format_duration
from haz_trio.output.writes import Renderer, Write
from haz_trio.plan.exit_codes import EXIT_SUCCESS, EXIT_TASK_FAILURE
from haz_trio.plan.machine import Plan
from haz_trio.plan.messages import Event, RunClosed, RunFinished, RunNote, RunStarted, TaskNote
from haz_trio.plan.outcome import exit_code_for
from haz_trio.values import evolve

if TYPE_CHECKING:
    from haz_trio.cli.run_events import EventSink, Recording
    from haz_trio.output.events import SummaryBook

_NOTES = (RunNote, TaskNote)
GATHERED = 64 * 1024  # bytes that are written together while nothing is waited for


def run_command(root: RootOptions, options: RunOptions, choices: RunChoices) -> int:
    """Run what the options select; the exit code is that of execution.md 9.

    Raises ``ConfigError``, ``SelectionError`` and ``ChangesetError`` before anything has run.
    """
    session = open_session(root, places=annotates(choices.annotations, os.environ))
    printer = Printer(root)
    chosen = choose(session, options, choices, printer)
    graph = session.graph
    if choices.arguments:
        # Imported here and below: most runs need none of it (cli.md 14.5).
        from haz_trio.graph.arguments import with_arguments

        graph = with_arguments(graph, chosen.named, choices.arguments)
    if options.dry_run:
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
        if not choices.json and choices.events is None and summary is None:
            return EXIT_SUCCESS
    slots = choices.jobs.slots(processors()) if choices.jobs is not None else None
    slots = slots or session.workspace.settings.concurrency or processors()
    sink = None
    if choices.events is not None:
        from haz_trio.cli.run_events import open_events

        sink = open_events(root, choices.events)
    with reasons_for(choices, session) as why_missed:
        kit = make_kit(
            session.workspace,
            graph,
            policy=evolve(choices.policy, slots=slots),
            why_missed=why_missed,
            # A snapshot says nothing of actions with further arguments.
            origin=Origin() if choices.arguments else session.origin,
            strict=is_on("HAZ_CACHE_STRICT"),
            durable=is_on("HAZ_CACHE_DURABLE"),
            held=held_below(session.workspace.root),
        )
        kit.look_ahead()
        encode = partial(
            encoder_for,
            *(session, graph, chosen.tasks, slots, time.time()),
            fail_fast=choices.policy.fail_fast,
        )
        book = recording = None
        if summary is not None:
            from haz_trio.output.events import SummaryBook

            book = SummaryBook(encode())
        if sink is not None:
            from haz_trio.cli.run_events import Recording

            recording = Recording(encode(), sink)
        renderer = make_renderer(root, options, choices, session, encode)
        start = Start(renderer, book, recording)
        plain = options.git is None and choices.is_plain and not root.verbose
        code = _carry_out(
            start,
            kit,
            *kit.plan(chosen.tasks),
            root,
            choices,
            memorable=plain and is_memorable(sys.argv[1:]),
        )
    return _end_files(printer, code, sink, summary, book)


def _end_files(
    printer: Printer,
    code: int,
    sink: EventSink | None,
    summary: str | None,
    book: SummaryBook | None,
) -> int:
    """End what was written for programs; the exit code, which is not 0 when some of it is lost."""
    if sink is not None and (lost := sink.close()) is not None:
        printer.error(HazError(lost))
        code = code or EXIT_TASK_FAILURE
    if summary is not None and book is not None:
        try:
            write_whole(summary, book.document())
        except OSError as problem:
            reason = problem.strerror or problem
            printer.error(HazError(f"cannot write the summary to {summary}: {reason}"))
            return code or EXIT_TASK_FAILURE
    return code


def _memorize(start: Start, kit: Kit, jobs: Jobs) -> None:
    """Keep what was said, for as long as nothing moves; a memo that cannot be kept is none."""
    with suppress(OSError):
        memo = kit.memo_of(jobs)
        if memo is None or start.pieces is None:
            return
        grounds, variables = memo
        write_memo(
            kit.workspace.root,
            sys.argv[1:],
            os.getcwd(),
            rows=grounds.rows,
            folders=grounds.folders,
            variables=variables,
            pieces=start.pieces,
        )


def _carry_out(
    start: Start,
    kit: Kit,
    plan: Plan,
    jobs: Jobs,
    root: RootOptions,
    choices: RunChoices,
    *,
    memorable: bool,
) -> int:
    """Go as far as there is nothing to do, then let the loop do the rest."""
    rest = None
    if kit.works_directly:
        kit.begin()
        start.remarks = kit.cut_off()
        try:
            rest = drive(plan, jobs, kit.recall.recall, kit.looker, start.tell)
        finally:
            kit.recall.look_alone()
        if plan.finished:
            code = start.finish(kit, plan)
            kit.save()
            if start.recording is not None:
                start.recording.write(start.told)
            if memorable and start.pieces is not None and code == EXIT_SUCCESS:
                _memorize(start, kit, jobs)
            return code
    start.paused = start.elapsed
    # Imported here: where there is nothing to do, nothing waits (cli.md 14.5).
    from haz_trio.cli.run_loop import run_loop

    return run_loop(start, kit, plan, jobs, rest, root, choices)


class Start:
    """The beginning of a run, told while nothing runs yet; and all of it when nothing has to."""

    def __init__(
        self, renderer: Renderer, book: SummaryBook | None, recording: Recording | None
    ) -> None:
        self.renderer: Renderer = renderer
        self.book: SummaryBook | None = book
        self.recording: Recording | None = recording
        """What ``--events`` wants; it is given what was told when there is nothing to hold up."""
        self.streams: Streams = Streams()
        self.told: list[tuple[Event, float]] = []
        """The events so far, for who only comes to watch when something runs."""
        self.pieces: list[tuple[bytes, bytes]] | None = []
        """What was said, for a memo; ``None`` when it is not to be said again."""
        self.remarks: tuple[str, ...] = ()
        """What is told as soon as the run has started."""
        self.paused: float = 0.0
        """When nothing more could be done without a loop, in seconds of the run."""
        self._began = time.perf_counter()
        self._gathered: list[Write] = []
        self._size = 0
        self._kept = 0

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.perf_counter() - self._began

    def tell(self, event: Event) -> None:
        at = self.elapsed
        self.told.append((event, at))
        if self.book is not None:
            self.book.notice(event, at)
        if isinstance(event, _NOTES):
            self.pieces = None  # what is worth a note is worth another look
        for write in self.renderer(event, at):
            self._keep(write, event, at)
            self._gathered.append(write)
            self._size += len(write.data)
            if self._size >= GATHERED:
                self.flush()
        if isinstance(event, RunStarted):
            for remark in self.remarks:
                self.tell(RunNote(remark))

    def _keep(self, write: Write, event: Event, at: float) -> None:
        """Remember what is said; the time that it took is another one the next time."""
        if self.pieces is None:
            return
        kind = b"%d" % write.target
        if isinstance(event, RunFinished):
            before, time_taken, after = write.data.rpartition(format_duration(at).encode())
            if time_taken:
                self.pieces += [(kind, before), (CLOCK, b""), (kind, after)]
                return
        self._kept += len(write.data)
        self.pieces.append((kind, write.data))
        if self._kept > LONGEST:
            self.pieces = None

    def flush(self) -> None:
        """Write what has been gathered."""
        if self._gathered:
            self.streams.write(self._gathered)
            self._gathered.clear()
            self._size = 0

    def finish(self, kit: Kit, plan: Plan) -> int:
        """Say the last words of a run that had nothing to do; its exit code."""
        for remark in kit.finish():
            self.tell(RunNote(remark))
        report = plan.report()
        self.tell(RunFinished(report))
        code = exit_code_for(report, None)
        self.tell(RunClosed(code))
        self.flush()
        return EXIT_TASK_FAILURE if self.streams.failed and code == EXIT_SUCCESS else code
