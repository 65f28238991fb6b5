"""Tests of haz_trio.output.renderers: events in, bytes out."""

from __future__ import annotations

import re
import time
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.model.names import TaskId
from haz_trio.model.workspace import OutputMode
from haz_trio.output.descriptors import PIECE
from haz_trio.output.palette import Palette, Screen
from haz_trio.output.renderers import RENDERERS, BufferedRenderer, LiveRenderer
from haz_trio.output.writes import Renderer, Target
from haz_trio.plan.messages import (
    Event,
    RunFinished,
    RunNote,
    RunStarted,
    Stream,
    TaskBegun,
    TaskNote,
    TaskOutput,
    TaskSettled,
    TaskStarted,
    TryFailed,
    ViolationFound,
)
from haz_trio.plan.outcome import (
    Cancelled,
    Errored,
    Exited,
    Failed,
    InFlight,
    Outcome,
    OutputOverlap,
    RunReport,
    Skipped,
    UpstreamFailed,
)
from tests.output.support import ERR, FRESH, HIT, OUT, A, B, C, play, said

BOTH = pytest.mark.parametrize("mode", list(OutputMode))
DONE = b"[p:a] \xe2\x9c\x93 done in 0ms\n"
SHARED = Screen(shared=True)


def streams(renderer: Renderer, *events: Event) -> tuple[bytes, bytes]:
    got = play(renderer, events)
    return got[Target.STDOUT], got[Target.STDERR]


def test_every_mode_has_a_renderer() -> None:
    """The table is complete, so that the option of the command line is."""
    assert set(RENDERERS) == set(OutputMode)


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ([b"one\n"], b"[p:a] one\n"),
        ([b"l1\n\nl2\r\nl3"], b"[p:a] l1\n[p:a] \n[p:a] l2\r\n[p:a] l3\n"),
        ([b"o", b"n", b"e\ntw", b"o\n"], b"[p:a] one\n[p:a] two\n"),
        ([b"\n"], b"[p:a] \n"),
        ([b"", b"x", b"", b"\n"], b"[p:a] x\n"),
        ([b"tail"], b"[p:a] tail\n"),
        ([b"\xff\x00\r\n\x1b[1mx"], b"[p:a] \xff\x00\r\n[p:a] \x1b[1mx\n"),
        ([b"a\x0bb\x0cc\x85d\xe2\x80\xa8e\n"], b"[p:a] a\x0bb\x0cc\x85d\xe2\x80\xa8e\n"),
        ([], b""),
    ],
)
def test_live_lines(chunks: list[bytes], lines: bytes) -> None:
    """Lines are cut at line feeds only, and get the task's name (execution.md 7.2, E50)."""
    events: list[Event] = [said(A, OUT, chunk) for chunk in chunks]
    assert streams(LiveRenderer(Screen()), *events, TaskSettled(A, FRESH)) == (lines, DONE)


def test_a_live_line_is_shown_when_it_is_complete() -> None:
    """A line does not wait for the task, its unterminated rest does (7.2, Better)."""
    renderer = LiveRenderer(Screen())
    assert streams(renderer, said(A, OUT, b"one\ntw")) == (b"[p:a] one\n", b"")
    assert streams(renderer, said(A, OUT, b"o")) == (b"", b"")
    assert streams(renderer, said(A, OUT, b"\nthree\nfo")) == (b"[p:a] two\n[p:a] three\n", b"")


def test_live_tasks_do_not_share_a_line() -> None:
    """The beginning of a line is kept for its own task and stream."""
    renderer = LiveRenderer(Screen())
    got = streams(
        renderer,
        said(A, OUT, b"a1"),
        said(B, OUT, b"b1"),
        said(A, ERR, b"ae"),
        said(A, OUT, b"a2\n"),
        said(B, OUT, b"b2\n"),
        said(A, ERR, b"\n"),
    )
    assert got == (b"[p:a] a1a2\n[p:b] b1b2\n", b"[p:a] ae\n")


@pytest.mark.parametrize(
    ("outcome", "end"),
    [
        (FRESH, "✓ done in 0ms"),
        (HIT, "◉ cached in 0ms"),
        (Failed(Exited(1)), "✗ failed in 0ms (exit 1)"),
        (Errored("no such output: x"), "✗ errored: no such output: x"),
        (Cancelled(InFlight()), "! cancelled in 0ms"),
    ],
)
def test_a_held_rest_comes_before_the_summary(outcome: Outcome, end: str) -> None:
    """However a task ends, what it said last is shown first (7.2, 7.3, Better)."""
    events: list[Event] = [said(A, OUT, b"o1"), said(A, ERR, b"e1"), TaskSettled(A, outcome)]
    live = streams(LiveRenderer(Screen()), *events)
    assert live == (b"[p:a] o1\n", f"[p:a] e1\n[p:a] {end}\n".encode())
    buffered = streams(BufferedRenderer(Screen()), *events)
    assert buffered == (b"o1", f"e1[p:a] {end}\n".encode())


def test_what_a_dead_haz_showed_is_not_mixed_with_our_own() -> None:
    """A rest gets its line as the command has ended; a block is all of one command (7.2, 7.3)."""
    events: list[Event] = [
        TaskBegun(A, "k"),
        said(B, OUT, b"b"),
        said(A, ERR, b"e"),
        said(A, OUT, b"abc"),
        TaskBegun(A, "k"),
        said(A, OUT, b"abc"),
        said(A, OUT, b"end\n"),
        TaskSettled(A, FRESH),
        TaskSettled(B, FRESH),
    ]
    out, err = streams(LiveRenderer(Screen()), *events)
    assert out == b"[p:a] abc\n[p:a] abcend\n[p:b] b\n"
    assert err.startswith(b"[p:a] e\n" + DONE)
    out, err = streams(BufferedRenderer(Screen()), *events)
    assert out == b"abcend\nb"
    assert err.startswith(DONE)


def test_a_block_has_what_each_try_said() -> None:
    """All tries are the task's own, also when another haz was followed between them."""
    events: list[Event] = [
        TaskBegun(A, "k"),
        said(A, OUT, b"first\n"),
        TryFailed(A, Exited(3), 1, 3),
        TaskBegun(A, "k"),
        said(A, OUT, b"of another haz\n"),
        TaskBegun(A, "k"),
        said(A, OUT, b"second\n"),
        TryFailed(A, Exited(3), 2, 3),
        TaskBegun(A, "k"),
        said(A, OUT, b"third\n"),
        TaskSettled(A, FRESH),
    ]
    assert streams(BufferedRenderer(Screen(), quiet=True), *events)[0] == b"first\nsecond\nthird\n"


def test_live_colours() -> None:
    """Each stream has its own palette."""
    screen = Screen(stdout=Palette(colour=True))
    out, err = streams(LiveRenderer(screen), said(A, OUT, b"x\n"), said(A, ERR, b"y\n"))
    assert out == b"\x1b[1m\x1b[38;2;90;226;203m[p:a]\x1b[0m x\n"
    assert err == b"[p:a] y\n"


def test_buffered_is_stdout_then_stderr_then_the_summary() -> None:
    """Nothing is shown before the task settles, and then all in one go (execution.md 7.3)."""
    renderer = BufferedRenderer(Screen())
    events: list[Event] = [said(A, ERR, b"e1\n"), said(A, OUT, b"o1\n"), said(A, ERR, b"e2\n")]
    assert streams(renderer, *events) == (b"", b"")
    order = [(w.target, w.data) for w in renderer(TaskSettled(A, FRESH), 0.0)]
    assert order == [(Target.STDOUT, b"o1\n"), (Target.STDERR, b"e1\ne2\n"), (Target.STDERR, DONE)]


@pytest.mark.parametrize(
    ("out", "err", "inserted"),
    [
        (b"", b"e1", b"\n"),
        (b"", b"e1\n", b""),
        (b"o1", b"", b"\n"),
        (b"o1\n", b"", b""),
        (b"o1", b"e1\n", b""),
        (b"o1\n", b"e1", b"\n"),
        (b"", b"", b""),
    ],
)
def test_a_summary_starts_on_its_own_line_of_a_terminal(
    out: bytes, err: bytes, inserted: bytes
) -> None:
    """On one terminal a line end is added before the summary; a pipe gets what was written."""
    events: list[Event] = [said(A, OUT, out), said(A, ERR, err), TaskSettled(A, FRESH)]
    assert streams(BufferedRenderer(SHARED), *events) == (out, err + inserted + DONE)
    assert streams(BufferedRenderer(Screen()), *events) == (out, err + DONE)


@BOTH
def test_a_duration_counts_from_the_start_of_its_task(mode: OutputMode) -> None:
    """From started to settled, whatever else happens; a task that never started has none."""
    renderer = RENDERERS[mode](Screen())
    play(renderer, [TaskStarted(A)], 1.0)
    play(renderer, [TaskStarted(B)], 2.0)
    assert play(renderer, [TaskSettled(B, FRESH)], 2.5)[Target.STDERR].endswith(b" in 500ms\n")
    assert play(renderer, [TaskSettled(A, HIT)], 4.0)[Target.STDERR].endswith(b" in 3s 0ms\n")
    assert play(renderer, [TaskSettled(C, FRESH)], 9.0)[Target.STDERR].endswith(b" in 0ms\n")


@BOTH
def test_a_run_says_violations_and_then_the_epilogue(mode: OutputMode) -> None:
    """Violations stand right above the closing lines; notes come when they come."""
    renderer = RENDERERS[mode](Screen())
    overlap = OutputOverlap(A, B, "/p/x")
    report = RunReport({A: FRESH, B: HIT}, (overlap,))
    assert streams(
        renderer,
        RunStarted((A, B)),
        RunNote("cache is off"),
        TaskNote(A, "not stored"),
        ViolationFound(overlap),
    ) == (b"", b"! note: cache is off\n[p:a] ! note: not stored\n")
    assert play(renderer, [RunFinished(report)], 1.5)[Target.STDERR].decode() == (
        "error: p:a and p:b both wrote /p/x (EXEC-020)\n"
        "\nTasks: 2 completed (1 cached)\n Time: 1s 500ms\n"
    )


@BOTH
def test_an_empty_run_says_nothing(mode: OutputMode) -> None:
    """There is no epilogue without tasks."""
    assert streams(RENDERERS[mode](Screen()), RunStarted(()), RunFinished(RunReport({}))) == (
        b"",
        b"",
    )


QUIET_STORY: tuple[Event, ...] = (
    *(TaskStarted(task) for task in (A, B, C)),
    said(A, OUT, b"from a\n"),
    said(A, ERR, b"and more\n"),
    TryFailed(A, Exited(3), 1, 2),
    TaskSettled(A, FRESH),
    TaskSettled(B, HIT),
)


@BOTH
def test_quiet_is_the_output_of_tasks_when_all_goes_well(mode: OutputMode) -> None:
    """Neither done, cached and tried tasks are told of, nor the end of the run."""
    report = RunReport({A: FRESH, B: HIT})
    out, err = streams(RENDERERS[mode](Screen(), quiet=True), *QUIET_STORY, RunFinished(report))
    assert b"from a\n" in out
    assert err.removeprefix(b"[p:a] ") == b"and more\n"


@BOTH
@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (Failed(Exited(3)), "[p:c] ✗ failed in 0ms (exit 3)\n"),
        (Errored("no program"), "[p:c] ✗ errored: no program\n"),
        (Skipped(UpstreamFailed(A)), ""),
        (Cancelled(InFlight()), ""),
    ],
)
def test_quiet_tells_what_went_wrong(mode: OutputMode, outcome: Outcome, line: str) -> None:
    """Failures have their line; the closing lines count them and what they kept from running."""
    events = [*QUIET_STORY, TaskSettled(C, outcome), RunNote("stopping")]
    report = RunReport({A: FRESH, B: HIT, C: outcome})
    err = streams(RENDERERS[mode](Screen(), quiet=True), *events, RunFinished(report))[1].decode()
    told, _, closing = err.partition("\nTasks: 2 completed (1 cached), 1 ")
    assert told.partition("and more\n")[2] == f"{line}! note: stopping\n"
    assert closing.endswith("\n Time: 0ms\n")


@BOTH
def test_quiet_tells_of_violations(mode: OutputMode) -> None:
    """A run in which every task was fine, and the run was not."""
    report = RunReport({A: FRESH, B: HIT}, (OutputOverlap(A, B, "/o/x"),))
    err = streams(RENDERERS[mode](Screen(), quiet=True), RunFinished(report))[1]
    assert err.startswith(b"error: p:a and p:b both wrote /o/x (EXEC-020)\n\nTasks: 2 completed")


TASKS = st.sampled_from([A, B, C])
CHUNKS = st.text(alphabet="xyz\n\n\r", max_size=5).map(str.encode)
OUTPUTS = st.lists(st.builds(TaskOutput, TASKS, st.sampled_from(Stream), CHUNKS), max_size=40)


def story(outputs: list[TaskOutput]) -> list[Event]:
    """A run in which each task settles right behind the last that it says."""
    events: list[Event] = []
    for number, event in enumerate(outputs):
        events.append(event)
        if all(later.task != event.task for later in outputs[number + 1 :]):
            events.append(TaskSettled(event.task, FRESH))
    return events


def written(outputs: list[TaskOutput], task: TaskId, stream: Stream) -> bytes:
    return b"".join(e.data for e in outputs if e.task == task and e.stream is stream)


@given(OUTPUTS)
def test_live_keeps_every_byte_of_every_stream(outputs: list[TaskOutput]) -> None:
    """Without its prefixes, each task's stream is what it wrote, with one line end at the end."""
    got = streams(LiveRenderer(Screen()), *story(outputs))
    for task in (A, B, C):
        for stream, text in zip((OUT, ERR), got, strict=True):
            prefix = f"[{task}] ".encode()
            lines = [line for line in text.split(b"\n") if line.startswith(prefix)]
            mine = [line.removeprefix(prefix) for line in lines if b" done in " not in line]
            wrote = written(outputs, task, stream)
            whole = wrote + b"\n" if wrote and not wrote.endswith(b"\n") else wrote
            assert b"".join(line + b"\n" for line in mine) == whole
    for line in got[0].split(b"\n")[:-1]:
        assert re.match(rb"\[p:[abc]\] ", line)


@given(OUTPUTS)
def test_buffered_keeps_every_byte_of_every_stream(outputs: list[TaskOutput]) -> None:
    """Each task's two streams come whole, in the order in which the tasks settle."""
    events = story(outputs)
    ended = [event.task for event in events if isinstance(event, TaskSettled)]
    out, err = streams(BufferedRenderer(Screen()), *events)
    assert out == b"".join(written(outputs, task, OUT) for task in ended)
    assert err == b"".join(
        written(outputs, task, ERR) + f"[{task}] ✓ done in 0ms\n".encode() for task in ended
    )


@given(st.lists(CHUNKS, max_size=12), st.lists(CHUNKS, max_size=12))
def test_chunking_does_not_matter(first: list[bytes], second: list[bytes]) -> None:
    """Where the chunks are cut shows nowhere, in either mode."""
    for factory in RENDERERS.values():
        cut = [said(A, OUT, chunk) for chunk in first] + [said(A, ERR, c) for c in second]
        whole = [said(A, OUT, b"".join(first)), said(A, ERR, b"".join(second))]
        end = TaskSettled(A, FRESH)
        assert streams(factory(Screen()), *cut, end) == streams(factory(Screen()), *whole, end)


CHUNK = b"x" * 65536


def test_one_line_of_any_length_stays_whole() -> None:
    """A line that went to a file and back is written as one, prefix first, in small pieces."""
    renderer = LiveRenderer(Screen())
    for _ in range(32):
        assert list(renderer(said(A, OUT, CHUNK), 0.0)) == []
    writes = renderer(said(A, OUT, b"end\nnext"), 0.0)
    # What is rendered meanwhile does not disturb what is still to be read back.
    assert streams(renderer, said(A, OUT, b" line\n")) == (b"[p:a] next line\n", b"")
    pieces = list(writes)
    assert all(len(piece.data) <= PIECE for piece in pieces)
    assert b"".join(piece.data for piece in pieces) == b"[p:a] " + CHUNK * 32 + b"end\n"


def test_many_short_lines_come_in_pieces() -> None:
    """The prefixes of 64 KiB of empty lines are many bytes; no single write is large."""
    writes = list(LiveRenderer(Screen())(said(A, OUT, b"\n" * 65536), 0.0))
    assert all(len(write.data) <= PIECE for write in writes)
    assert b"".join(write.data for write in writes) == b"[p:a] \n" * 65536


@pytest.mark.parametrize("factory", [LiveRenderer, BufferedRenderer])
def test_memory_is_bounded(factory: Callable[[Screen], Renderer]) -> None:
    """50 MB without a line end, and 50 MB to hold back, take a few megabytes and no long time."""
    renderer = factory(Screen())
    tracemalloc.start()
    try:
        start = time.monotonic()
        for _ in range(800):
            assert not list(renderer(said(A, OUT, CHUNK), 0.0))
        size = sum(len(write.data) for write in renderer(TaskSettled(A, FRESH), 0.0))
        seconds = time.monotonic() - start
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size >= 800 * len(CHUNK)
    assert peak < 4 * 1024 * 1024
    assert seconds < 5


@BOTH
def test_nothing_is_kept_of_a_task_that_settled(mode: OutputMode) -> None:
    """After thousands of tasks a renderer is no larger than before."""
    renderer = RENDERERS[mode](Screen())

    def run(number: int) -> None:
        task = TaskId("p", f"t{number}")
        events: list[Event] = [
            TaskStarted(task),
            said(task, OUT, b"one\nrest"),
            TaskSettled(task, FRESH),
        ]
        play(renderer, events)

    run(0)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(2000):
            run(number)
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert after - before < 50_000


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 600_000), min_size=1, max_size=6))
def test_large_outputs_survive_in_both_modes(sizes: list[int]) -> None:
    """Around the size at which bytes go to a file, none is lost, doubled or moved."""
    data = [bytes([97 + number % 26]) * size for number, size in enumerate(sizes)]
    events: list[Event] = [said(A, OUT, chunk) for chunk in data]
    whole = b"".join(data)
    assert streams(BufferedRenderer(Screen()), *events, TaskSettled(A, FRESH)) == (whole, DONE)
    live = streams(LiveRenderer(Screen()), *events, TaskSettled(A, FRESH))
    assert live == (b"[p:a] " + whole + b"\n", DONE)
