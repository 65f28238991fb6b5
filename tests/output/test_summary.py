"""Tests of haz_trio.output.summary: every line of execution.md 7.4 and 7.5, byte for byte."""

from __future__ import annotations

import pytest

from haz_trio.model.names import TaskId
from haz_trio.output.palette import Drawing, Palette
from haz_trio.output.summary import (
    epilogue,
    format_duration,
    run_note,
    summary_line,
    task_note,
    violation_line,
)
from haz_trio.plan.outcome import (
    Cancelled,
    Completed,
    Errored,
    Exited,
    Failed,
    InFlight,
    InRuntimeCycle,
    Outcome,
    OutputOverlap,
    Record,
    RunCancelled,
    RunReport,
    RuntimeCycle,
    Signalled,
    Skipped,
    Source,
    UpstreamCancelled,
    UpstreamErrored,
    UpstreamFailed,
    Violation,
)

A, B, C = (TaskId("p", name) for name in "abc")
RECORD = Record("0" * 64, bytes(32), bytes(32))
FRESH, HIT = Completed(Source.FRESH, RECORD), Completed(Source.CACHE, RECORD)
PLAIN, COLOUR = Palette(), Palette(colour=True)
PREFIX = "\x1b[1m\x1b[38;2;90;226;203m[p:a]\x1b[0m "


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (-1.0, "0ms"),
        (1e-9, "1ms"),
        (0.0009, "1ms"),
        (0.0019, "1ms"),
        (0.004, "4ms"),
        (0.176, "176ms"),
        (0.9999, "999ms"),
        (1.0, "1s 0ms"),
        (1.004, "1s 4ms"),
        (59.9999, "59s 999ms"),
        (60.0, "1m 0s"),
        (61.0, "1m 1s"),
        (83.9, "1m 23s"),
        (3599.9, "59m 59s"),
        (3600.0, "1h 0m"),
        (4980.0, "1h 23m"),
        (360_000.0, "100h 0m"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    """Parts are truncated and not padded; what took time never takes none."""
    assert format_duration(seconds) == text


def test_differences_of_clock_readings_are_exact() -> None:
    """A difference that falls short of whole milliseconds by a rounding error is not cut."""
    start = 1234.567
    for milliseconds in range(1, 1000):
        assert format_duration(start + milliseconds / 1000 - start) == f"{milliseconds}ms"


LINES: list[tuple[Outcome, str, str]] = [
    (FRESH, "✓ done in 4ms", "\x1b[32m✓ done\x1b[0m in \x1b[2m4ms\x1b[0m"),
    (HIT, "◉ cached in 4ms", "\x1b[32m◉ cached\x1b[0m in \x1b[2m4ms\x1b[0m"),
    (
        Failed(Exited(3)),
        "✗ failed in 4ms (exit 3)",
        "\x1b[31m✗ failed\x1b[0m in \x1b[2m4ms\x1b[0m (exit 3)",
    ),
    (
        Failed(Signalled(9)),
        "✗ failed in 4ms (signal 9)",
        "\x1b[31m✗ failed\x1b[0m in \x1b[2m4ms\x1b[0m (signal 9)",
    ),
    (
        Errored("no such program: foo"),
        "✗ errored: no such program: foo",
        "\x1b[31m✗ errored\x1b[0m: no such program: foo",
    ),
    (
        Skipped(UpstreamFailed(B)),
        "- skipped (upstream p:b failed)",
        "\x1b[33m- skipped\x1b[0m (\x1b[2mupstream p:b failed\x1b[0m)",
    ),
    (
        Skipped(UpstreamErrored(B)),
        "- skipped (upstream p:b errored)",
        "\x1b[33m- skipped\x1b[0m (\x1b[2mupstream p:b errored\x1b[0m)",
    ),
    (
        Skipped(InRuntimeCycle()),
        "- skipped (in runtime cycle)",
        "\x1b[33m- skipped\x1b[0m (\x1b[2min runtime cycle\x1b[0m)",
    ),
    (
        Cancelled(InFlight()),
        "! cancelled in 4ms",
        "\x1b[33m! cancelled\x1b[0m in \x1b[2m4ms\x1b[0m",
    ),
    (
        Cancelled(UpstreamCancelled(B)),
        "- cancelled (upstream p:b cancelled)",
        "\x1b[33m- cancelled\x1b[0m (\x1b[2mupstream p:b cancelled\x1b[0m)",
    ),
    (
        Cancelled(RunCancelled()),
        "- cancelled (run cancelled)",
        "\x1b[33m- cancelled\x1b[0m (\x1b[2mrun cancelled\x1b[0m)",
    ),
]


@pytest.mark.parametrize(("outcome", "plain", "coloured"), LINES)
def test_summary_lines(outcome: Outcome, plain: str, coloured: str) -> None:
    """The table of execution.md 7.4, with the bytes of 7.6."""
    assert summary_line(A, outcome, 0.0045, PLAIN) == "[p:a] " + plain
    assert summary_line(A, outcome, 0.0045, COLOUR) == PREFIX + coloured


@pytest.mark.parametrize(
    ("outcome", "text"), [(FRESH, "+ done"), (HIT, "= cached"), (Failed(Exited(1)), "x failed")]
)
def test_ascii_glyphs(outcome: Outcome, text: str) -> None:
    """A terminal that shows no UTF-8 gets other signs and the same words."""
    line = summary_line(A, outcome, 1.0, Palette(drawing=Drawing.ASCII))
    assert line.startswith(f"[p:a] {text} in 1s 0ms")
    assert line.isascii()


def test_a_reason_takes_one_line_and_moves_no_cursor() -> None:
    """Whatever a path or the system says, the errored line is one line of printable text."""
    line = summary_line(A, Errored("cannot read:\n /x\x1b[2J\udcff\nis gone"), 0.0, PLAIN)
    assert line == "[p:a] ✗ errored: cannot read: /x\\u{1b}[2J\\xff; is gone"


@pytest.mark.parametrize(
    ("violation", "text"),
    [
        (
            OutputOverlap(A, B, "/p/out/r.txt"),
            "error: p:a and p:b both wrote /p/out/r.txt (EXEC-020)",
        ),
        (
            RuntimeCycle((A, C, B, A), A, B, "/p/x\ny"),
            "error: run-time cycle p:a -> p:c -> p:b -> p:a: "
            "p:a wrote /p/x\\ny, which p:b reads (EXEC-019)",
        ),
    ],
)
def test_violations(violation: Violation, text: str) -> None:
    """A violation names its tasks, the file and the rule on one line."""
    assert violation_line(violation, PLAIN) == text
    assert violation_line(violation, COLOUR) == "\x1b[31merror\x1b[0m" + text[5:]


def test_notes() -> None:
    """Remarks are marked as such; those about a task have its prefix."""
    assert task_note(A, "not stored:\ndisk full", PLAIN) == "[p:a] ! note: not stored: disk full"
    assert run_note("the cache is\x07 off", PLAIN) == "! note: the cache is\\u{7} off"
    assert run_note("x", COLOUR) == "\x1b[33m! note\x1b[0m: x"


def report(*outcomes: Outcome) -> RunReport:
    return RunReport({TaskId("p", f"t{n}"): outcome for n, outcome in enumerate(outcomes)})


@pytest.mark.parametrize(
    ("outcomes", "line"),
    [
        ([FRESH], "Tasks: 1 completed"),
        ([FRESH, HIT], "Tasks: 2 completed (1 cached)"),
        ([Failed(Exited(1)), Errored("x")], "Tasks: 0 completed, 2 failed"),
        ([HIT, Skipped(InRuntimeCycle())], "Tasks: 1 completed (1 cached), 1 skipped"),
        ([Cancelled(InFlight()), Cancelled(RunCancelled())], "Tasks: 0 completed, 2 cancelled"),
        (
            [
                FRESH,
                HIT,
                Failed(Exited(1)),
                Skipped(UpstreamFailed(A)),
                Skipped(UpstreamFailed(A)),
                Cancelled(RunCancelled()),
            ],
            "Tasks: 2 completed (1 cached), 1 failed, 2 skipped, 1 cancelled",
        ),
    ],
)
def test_epilogue(outcomes: list[Outcome], line: str) -> None:
    """Completed is always counted, the others when there are any; errored counts as failed."""
    assert epilogue(report(*outcomes), 83.0, PLAIN) == f"\n{line}\n Time: 1m 23s"


def test_epilogue_in_colour() -> None:
    """The bytes that the original writes to a terminal (execution.md 7.6)."""
    outcomes: list[Outcome] = [FRESH, HIT, Errored("x")]
    outcomes += [Skipped(InRuntimeCycle()), Cancelled(InFlight())]
    assert epilogue(report(*outcomes), 0.0071, COLOUR) == (
        "\nTasks: \x1b[32m2 completed\x1b[0m \x1b[32m(1 cached)\x1b[0m, \x1b[31m1 failed\x1b[0m, "
        "\x1b[33m1 skipped\x1b[0m, \x1b[33m1 cancelled\x1b[0m\n Time: \x1b[2m7ms\x1b[0m"
    )
