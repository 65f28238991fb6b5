"""The line that says how far a run is: one on a terminal, elsewhere a new one now and then."""

from __future__ import annotations

from typing import TextIO

from haz_trio.testing.command.report import Report

_EACH = 15.0  # seconds between lines where none can be written over


class Progress:
    """Writes to a stream; ``examples`` is how many there are to be, or infinite."""

    def __init__(self, examples: float, stream: TextIO) -> None:
        self.examples: float = examples
        self.stream: TextIO = stream
        self.live: bool = stream.isatty()
        self.due: float = _EACH

    def show(self, report: Report) -> None:
        done = sum(report.examples.values())
        total = f" of {self.examples:,.0f}" if self.examples < float("inf") else ""
        rate = done / max(0.001, report.seconds)
        text = f"{done:,}{total} examples, {rate:.1f} a second, {len(report.findings)} findings"
        text += f", {report.seconds:.0f} s"
        if self.live:
            self.stream.write(f"\r{text} ")
        elif report.seconds >= self.due:
            self.due = report.seconds + _EACH
            self.stream.write(f"{text}\n")
        self.stream.flush()

    def end(self) -> None:
        if self.live:
            self.stream.write("\n")
