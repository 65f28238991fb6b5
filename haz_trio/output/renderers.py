"""Events into bytes: live (lines with the task's name) or buffered (a task's output as a block).

Neither knows a clock, a terminal or the task graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Protocol, assert_never

from haz_trio.model.names import TaskId
from haz_trio.model.workspace import OutputMode
from haz_trio.output import summary
from haz_trio.output.descriptors import PIECE
from haz_trio.output.palette import Palette, Screen
from haz_trio.output.spool import Spool
from haz_trio.output.writes import Renderer, Target, Write
from haz_trio.plan.messages import (
    CommandEnded,
    Event,
    RunClosed,
    RunFinished,
    RunNote,
    RunStarted,
    RunStopping,
    Stream,
    TaskBegun,
    TaskMissed,
    TaskNote,
    TaskOutput,
    TaskReady,
    TaskResumed,
    TaskSettled,
    TaskStarted,
    TaskWaits,
    TryFailed,
    ViolationFound,
)
from haz_trio.plan.outcome import Completed, Errored, Failed, RunReport

# What nobody narrates: two of three events of a run, so they are told from the others first.
_SILENT = frozenset(
    {
        RunStarted,
        TaskReady,
        TaskWaits,
        TaskResumed,
        TaskBegun,
        ViolationFound,
        RunClosed,
        RunStopping,
    }
)
_TARGETS = {Stream.STDOUT: Target.STDOUT, Stream.STDERR: Target.STDERR}


class Narrator:
    """Everything on standard error that is not a task's own: summaries, notes, the epilogue.

    With ``explain`` there is a line for the first miss of each task.
    With ``quiet`` only what went wrong is told, and nothing of a run in which nothing did.
    Violations are told at the end, where they are not lost among the lines of other tasks.
    """

    def __init__(self, palette: Palette, explain: bool = False, quiet: bool = False) -> None:
        self.palette: Palette = palette
        self.explain: bool = explain
        self.quiet: bool = quiet
        self._missed: set[TaskId] = set()
        self._started: dict[TaskId, float] = {}

    def __call__(self, event: Event, at: float) -> list[Write]:
        if type(event) in _SILENT:
            return []
        match event:
            case TaskStarted(task):
                self._started[task] = at
                return []
            case TaskSettled(task, outcome):
                seconds = at - self._started.pop(task, at)
                if self.quiet and not isinstance(outcome, Failed | Errored):
                    return []  # the epilogue counts those that were skipped or cancelled
                return _say(summary.summary_line(task, outcome, seconds, self.palette))
            case CommandEnded(task, _, sent):
                killed = summary.killed_text(sent)
                return _say(summary.task_note(task, killed, self.palette)) if killed else []
            case TaskNote(task, text):
                return _say(summary.task_note(task, text, self.palette))
            case RunNote(text):
                return _say(summary.run_note(text, self.palette))
            case RunFinished(report):
                if not report.outcomes or (self.quiet and _all_well(report)):
                    return []
                broken = [summary.violation_line(v, self.palette) for v in report.violations]
                return _say("\n".join([*broken, summary.epilogue(report, at, self.palette)]))
            case TryFailed() if self.quiet:
                return []
            case TryFailed(task, status, number, tries):
                return _say(summary.try_line(task, status, number, tries, self.palette))
            case TaskMissed(task, _, reason) if self.explain and task not in self._missed:
                self._missed.add(task)  # a task that had to wait is looked at again
                return _say(summary.miss_line(task, reason, self.palette))
            case (
                RunStarted()
                | TaskReady()
                | TaskWaits()
                | TaskResumed()
                | TaskMissed()
                | TaskBegun()
                | TaskOutput()
                | ViolationFound()
                | RunStopping()
                | RunClosed()
            ):
                return []
            case _:
                assert_never(event)


def _all_well(report: RunReport) -> bool:
    completed = all(isinstance(outcome, Completed) for _, outcome in report)
    return completed and not report.violations


class LiveRenderer:
    """Prints a line as soon as it is complete, behind the task's name (execution.md 7.2).

    A line ends at a line feed only; what has no end yet is held until the command has ended.
    """

    def __init__(self, screen: Screen, explain: bool = False, quiet: bool = False) -> None:
        self.screen = screen
        self._narrate = Narrator(screen.stderr, explain, quiet)
        self._prefixes: dict[tuple[TaskId, Stream], bytes] = {}
        self._rests: dict[tuple[TaskId, Stream], Spool] = {}

    def __call__(self, event: Event, at: float) -> Iterable[Write]:
        if type(event) in _SILENT:
            if self._rests and isinstance(event, TaskBegun):
                # Of the command of another haz, which has died: it was followed so far.
                return _join(self._end(event.task))
            return []
        match event:
            case TaskOutput(task, stream, data):
                return self._lines(task, stream, data)
            case TaskSettled(task) | TryFailed(task):
                if not self._prefixes and not self._rests:
                    return self._narrate(event, at)  # nobody has said anything
                return _join([*self._end(task), self._narrate(event, at)])
            case _:
                return self._narrate(event, at)

    def _end(self, task: TaskId) -> list[Iterable[Write]]:
        return [self._rest(task, stream) for stream in _TARGETS]

    def _lines(self, task: TaskId, stream: Stream, data: bytes) -> Iterable[Write]:
        cut = data.rfind(b"\n") + 1
        if cut == 0:
            if data:
                self._rests.setdefault((task, stream), Spool()).append(data)
            return []
        prefix, target = self._prefix(task, stream), _TARGETS[stream]
        held = self._rests.pop((task, stream), None)
        if cut < len(data):
            rest = self._rests[task, stream] = Spool()
            rest.append(data[cut:])
        lines = data[: cut - 1].replace(b"\n", b"\n" + prefix) + b"\n"
        if held is None:
            return _cut(target, prefix + lines)
        return _join([_held(target, held, prefix), _cut(target, lines)])

    def _rest(self, task: TaskId, stream: Stream) -> Iterable[Write]:
        held = self._rests.pop((task, stream), None)
        prefix = self._prefix(task, stream) if held is not None else b""
        self._prefixes.pop((task, stream), None)
        if held is None:
            return []
        target = _TARGETS[stream]
        return _join([_held(target, held, prefix), [Write(target, b"\n")]])

    def _prefix(self, task: TaskId, stream: Stream) -> bytes:
        known = self._prefixes.get((task, stream))
        if known is None:
            palette = self.screen.stdout if stream is Stream.STDOUT else self.screen.stderr
            known = self._prefixes[task, stream] = palette.prefix(task).encode()
        return known


class BufferedRenderer:
    """Prints all that a task wrote when it settles: stdout, then stderr, as they are (7.3).

    What the command of another haz wrote counts only if no other command began after it.
    """

    def __init__(self, screen: Screen, explain: bool = False, quiet: bool = False) -> None:
        self.screen = screen
        self._narrate = Narrator(screen.stderr, explain, quiet)
        self._held: dict[tuple[TaskId, Stream], Spool] = {}
        self._tried: dict[tuple[TaskId, Stream], list[Spool]] = {}

    def __call__(self, event: Event, at: float) -> Iterable[Write]:
        match event:
            case TaskOutput(task, stream, data):
                if data:
                    self._held.setdefault((task, stream), Spool()).append(data)
                return []
            case TaskSettled(task):
                return _join([*self._blocks(task), self._narrate(event, at)])
            case TaskBegun(task) if self._held:
                self._take(task)
            case TryFailed(task):
                for key, spool in self._take(task):
                    self._tried.setdefault(key, []).append(spool)
            case _:
                pass
        return self._narrate(event, at)

    def _take(self, task: TaskId) -> list[tuple[tuple[TaskId, Stream], Spool]]:
        """What the command wrote that began last; it is not held any more."""
        keys = [(task, stream) for stream in Stream if (task, stream) in self._held]
        return [(key, self._held.pop(key)) for key in keys]

    def _blocks(self, task: TaskId) -> Iterator[Iterable[Write]]:
        last = b""
        for stream in Stream:
            spools = self._tried.pop((task, stream), [])
            held = self._held.pop((task, stream), None)
            if held is not None:
                spools.append(held)
            for spool in spools:
                last = spool.last
                yield _held(_TARGETS[stream], spool)
        if self.screen.shared and last not in (b"", b"\n"):
            yield [Write(Target.STDERR, b"\n")]


class MakeRenderer(Protocol):
    """How a renderer is made: for a screen, with reasons of misses, with nothing but trouble."""

    def __call__(self, screen: Screen, explain: bool = False, quiet: bool = False) -> Renderer: ...


RENDERERS: Mapping[OutputMode, MakeRenderer] = {
    OutputMode.LIVE: LiveRenderer,
    OutputMode.BUFFERED: BufferedRenderer,
}


def _say(text: str) -> list[Write]:
    return _cut(Target.STDERR, text.encode() + b"\n")


def _cut(target: Target, data: bytes) -> list[Write]:
    if len(data) <= PIECE:
        return [Write(target, data)]
    return [Write(target, data[at : at + PIECE]) for at in range(0, len(data), PIECE)]


def _held(target: Target, spool: Spool, prefix: bytes = b"") -> Iterable[Write]:
    """What a spool holds, behind a prefix; a list unless it has to be read from a file."""
    writes = (Write(target, piece) for piece in spool.pieces())
    first = [Write(target, prefix)] if prefix else []
    return [*first, *writes] if spool.in_memory else chain(first, writes)


def _join(parts: list[Iterable[Write]]) -> Iterable[Write]:
    """Several writes as one, which nothing may come between; lazy as soon as one part is."""
    if all(isinstance(part, list) for part in parts):
        return [write for part in parts for write in part]
    return chain.from_iterable(parts)
