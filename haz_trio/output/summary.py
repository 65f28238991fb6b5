"""What a run says about itself: summary lines, notes, violations and the epilogue.

All of it goes to standard error; every function returns a text without its last line end.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Sequence
from typing import assert_never

from haz_trio.model.names import TaskId
from haz_trio.output.palette import Palette, Tone
from haz_trio.output.text import escape, one_line
from haz_trio.plan.outcome import (
    ByCaller,
    CancelCause,
    Cancelled,
    Completed,
    Errored,
    ExitStatus,
    Failed,
    InFlight,
    InRuntimeCycle,
    Outcome,
    OutputOverlap,
    RunCancelled,
    RunReport,
    RuntimeCycle,
    Sent,
    SkipCause,
    Skipped,
    Source,
    UpstreamCancelled,
    UpstreamErrored,
    UpstreamFailed,
    Violation,
)

_ROUNDING = 1e-6  # milliseconds: differences of clock readings fall short of whole numbers


def format_duration(seconds: float) -> str:
    """``176ms``, ``1s 4ms``, ``1m 1s`` or ``1h 23m``: truncated, but never to zero."""
    if seconds <= 0:
        return "0ms"
    total = max(int(seconds * 1000 + _ROUNDING), 1)
    whole, milliseconds = divmod(total, 1000)
    if whole == 0:
        return f"{milliseconds}ms"
    minutes, rest = divmod(whole, 60)
    if minutes == 0:
        return f"{rest}s {milliseconds}ms"
    hours, left = divmod(minutes, 60)
    return f"{left}m {rest}s" if hours == 0 else f"{hours}h {left}m"


def summary_line(task: TaskId, outcome: Outcome, seconds: float, palette: Palette) -> str:
    """How a task ended, ``seconds`` after it had started (execution.md 7.4 and 7.5 Better)."""
    return palette.prefix(task) + _ending(outcome, seconds, palette)


def _ending(outcome: Outcome, seconds: float, palette: Palette) -> str:
    glyphs = palette.glyphs
    in_time = f" in {palette.paint(format_duration(seconds), Tone.DIM)}"
    match outcome:
        case Completed(source=Source.FRESH):
            return palette.paint(f"{glyphs.done} done", Tone.GOOD) + in_time
        case Completed():
            return palette.paint(f"{glyphs.cached} cached", Tone.GOOD) + in_time
        case Failed(status):
            return palette.paint(f"{glyphs.failed} failed", Tone.BAD) + f"{in_time} ({status})"
        case Errored(reason):
            errored = palette.paint(f"{glyphs.failed} errored", Tone.BAD)
            return f"{errored}: {one_line(reason)}"
        case Skipped(cause):
            skipped = palette.paint(f"{glyphs.skipped} skipped", Tone.ODD)
            return f"{skipped} ({palette.paint(_skip_cause(cause), Tone.DIM)})"
        case Cancelled(InFlight()):
            return palette.paint(f"{glyphs.cancelled} cancelled", Tone.ODD) + in_time
        case Cancelled(cause):
            cancelled = palette.paint(f"{glyphs.skipped} cancelled", Tone.ODD)
            return f"{cancelled} ({palette.paint(_cancel_cause(cause), Tone.DIM)})"
        case _:
            assert_never(outcome)


def _skip_cause(cause: SkipCause) -> str:
    match cause:
        case UpstreamFailed(upstream):
            return f"upstream {upstream} failed"
        case UpstreamErrored(upstream):
            return f"upstream {upstream} errored"
        case InRuntimeCycle():
            return "in runtime cycle"
        case _:
            assert_never(cause)


def _cancel_cause(cause: CancelCause) -> str:
    match cause:
        case UpstreamCancelled(upstream):
            return f"upstream {upstream} cancelled"
        case RunCancelled() | InFlight():
            return "run cancelled"
        case ByCaller():
            return "by the caller"
        case _:
            assert_never(cause)


def cause_text(cause: SkipCause | CancelCause) -> str:
    """Why a task was skipped or cancelled, in words."""
    match cause:
        case UpstreamFailed() | UpstreamErrored() | InRuntimeCycle():
            return _skip_cause(cause)
        case _:
            return _cancel_cause(cause)


def violation_line(violation: Violation, palette: Palette) -> str:
    """What a run broke (EXEC-019, EXEC-020), with the tasks and the file."""
    return f"{palette.paint('error', Tone.BAD)}: {violation_text(violation)}"


def violation_text(violation: Violation) -> str:
    """The same without its label."""
    match violation:
        case OutputOverlap(first, second, path):
            return f"{first} and {second} both wrote {escape(path)} (EXEC-020)"
        case RuntimeCycle(nodes, producer, consumer, path):
            chain = " -> ".join(str(node) for node in nodes)
            return (
                f"run-time cycle {chain}: {producer} wrote {escape(path)}, "
                f"which {consumer} reads (EXEC-019)"
            )
        case _:
            assert_never(violation)


def try_line(task: TaskId, status: ExitStatus, number: int, tries: int, palette: Palette) -> str:
    """How a try ended that was not the last; ``number`` counts from 1."""
    failed = palette.paint(f"{palette.glyphs.failed} try {number} of {tries} failed", Tone.ODD)
    return f"{palette.prefix(task)}{failed} ({status})"


def miss_line(task: TaskId, reason: str, palette: Palette) -> str:
    """Why a task has to run (``--explain``)."""
    return f"{palette.prefix(task)}miss: {one_line(reason)}"


def task_note(task: TaskId, text: str, palette: Palette) -> str:
    """A remark about one task."""
    return palette.prefix(task) + run_note(text, palette)


def killed_text(sent: Sequence[Sent]) -> str:
    """That a command did not end when it was asked to, or an empty text."""
    match sent:
        case [Sent(signal=signal.SIGTERM, at=asked), Sent(signal=signal.SIGKILL, at=killed)]:
            return f"was killed {format_duration(killed - asked)} after it was asked to end"
        case _:
            return ""


def run_note(text: str, palette: Palette) -> str:
    """A remark about the run."""
    return f"{palette.paint('! note', Tone.ODD)}: {one_line(text)}"


def epilogue(report: RunReport, seconds: float, palette: Palette) -> str:
    """The three closing lines of a run that took ``seconds`` (execution.md 7.5)."""
    counts: Counter[type[Outcome]] = Counter()
    cached = 0
    for _, outcome in report:
        counts[type(outcome)] += 1
        cached += isinstance(outcome, Completed) and outcome.source is Source.CACHE
    completed = palette.paint(f"{counts[Completed]} completed", Tone.GOOD)
    if cached:
        completed += " " + palette.paint(f"({cached} cached)", Tone.GOOD)
    others = (
        (counts[Failed] + counts[Errored], "failed", Tone.BAD),
        (counts[Skipped], "skipped", Tone.ODD),
        (counts[Cancelled], "cancelled", Tone.ODD),
    )
    parts = [completed, *(palette.paint(f"{n} {word}", tone) for n, word, tone in others if n)]
    time = palette.paint(format_duration(seconds), Tone.DIM)
    return f"\nTasks: {', '.join(parts)}\n Time: {time}"
