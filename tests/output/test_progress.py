"""The status line: what it says, and that it is as if it had never been there."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.model.names import TaskId
from haz_trio.output.columns import display_width
from haz_trio.output.console import open_console
from haz_trio.output.palette import Drawing, Screen
from haz_trio.output.progress import LISTED, Progress, whole_seconds
from haz_trio.output.renderers import LiveRenderer
from haz_trio.output.status_line import (
    StatusStreams,
    cut,
    look_for_terminal,
    open_status_line,
    paint,
)
from haz_trio.output.writes import Target, Write
from haz_trio.plan.messages import (
    Event,
    Obstacle,
    RunFinished,
    RunStarted,
    TaskBegun,
    TaskSettled,
    TaskWaits,
)
from haz_trio.plan.outcome import Exited, Failed, RunReport
from tests.output.screen import Emulator, Terminal, open_terminal
from tests.output.support import FRESH, HIT, OUT, A, B, C, said

KEY = "0" * 64
BOTH = frozenset(Target)
FAILED = Failed(Exited(1))


def after(*events: tuple[float, Event], slots: int = 2) -> Progress:
    progress = Progress(slots)
    for at, event in events:
        progress.take(event, at)
    return progress


# -- what it says -----------------------------------------------------------------------------


def test_done_and_running_with_their_times() -> None:
    """Done of all, then who runs and since when; the one that began first is first."""
    progress = after(
        (0.0, RunStarted((A, B, C))),
        (0.1, TaskBegun(B, KEY)),
        (0.2, TaskBegun(A, KEY)),
    )
    assert progress.text(1.15) == "0/3 | p:b 1s, p:a 0s"
    progress.take(TaskSettled(B, FRESH), 2.0)
    assert progress.text(62.0) == "1/3 | p:a 1m 1s"


def test_what_was_cached_and_what_failed() -> None:
    """Both are counted among the done."""
    progress = after(
        (0.0, RunStarted((A, B, C))),
        (0.0, TaskSettled(A, HIT)),
        (0.0, TaskSettled(B, FAILED)),
    )
    assert progress.text(0.0) == "2/3, 1 cached, 1 failed"


def test_who_waits_for_a_mutex_does_not_run() -> None:
    """A task that has begun and waits is not named."""
    progress = after((0.0, RunStarted((A,))), (0.0, TaskBegun(A, KEY)))
    progress.take(TaskWaits(A, Obstacle.MUTEX), 1.0)
    assert progress.text(2.0) == "0/1"


def test_many_running_tasks_are_counted() -> None:
    """A terminal has room for a few names only."""
    tasks = tuple(TaskId("p", f"t{number}") for number in range(LISTED + 3))
    progress = after((0.0, RunStarted(tasks)), *((0.0, TaskBegun(t, KEY)) for t in tasks))
    text = progress.text(0.0)
    assert f"t{LISTED - 1} 0s, 3 more" in text
    assert f"t{LISTED} " not in text


def test_nothing_to_say_before_and_after() -> None:
    """Without a run, and when all is settled or the run is over, there is no line."""
    assert Progress(1).text(1.0) == ""
    begun: list[tuple[float, Event]] = [(0.0, RunStarted((A,))), (0.0, TaskBegun(A, KEY))]
    assert after(*begun, (1.0, TaskSettled(A, FRESH))).text(1.0) == ""
    assert after(*begun, (1.0, RunFinished(RunReport({}, ())))).text(1.0) == ""


def test_the_estimate() -> None:
    """What is left of those that run and all of those that wait, over the slots."""
    progress = after((0.0, RunStarted((A, B, C))), (0.0, TaskBegun(A, KEY)))
    progress.learn({A: 10.0, B: 4.0, C: 6.0})
    assert progress.remaining(2.0) == pytest.approx(9.0)
    assert ", about 9s left | p:a 2s" in progress.text(2.0)
    progress.take(TaskSettled(B, HIT), 3.0)
    assert progress.remaining(3.0) == pytest.approx(7.0)  # not less than what A needs
    assert progress.remaining(60.0) == pytest.approx(6.0)  # A is late, C has not begun
    progress.take(TaskBegun(C, KEY), 60.0)
    assert progress.remaining(63.0) == pytest.approx(3.0)
    assert "left" not in progress.text(65.5)  # less than a second


def test_no_estimate_without_all_durations() -> None:
    """A task that never ran makes every estimate a guess."""
    progress = after((0.0, RunStarted((A, B))))
    assert progress.remaining(0.0) is None
    progress.learn({A: 10.0})
    assert progress.remaining(0.0) is None
    progress.take(TaskSettled(B, FRESH), 1.0)
    assert progress.remaining(1.0) == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0s"), (0.99, "0s"), (59.9, "59s"), (61, "1m 1s"), (3600, "1h 0m"), (90061, "25h 1m")],
)
def test_whole_seconds(seconds: float, text: str) -> None:
    """Nothing that changes more than once a second."""
    assert whole_seconds(seconds) == text


# -- how it is cut ----------------------------------------------------------------------------


@given(st.text("ab 漢é̈", max_size=12), st.integers(0, 14), st.sampled_from(Drawing))
def test_a_cut_text_fits(text: str, columns: int, drawing: Drawing) -> None:
    """It never takes more columns than there are, and is whole whenever that is possible."""
    kept = cut(text, columns, drawing)
    assert display_width(kept) <= columns
    if display_width(text) <= columns:
        assert kept == text
    elif columns:
        assert text.startswith(kept[:-1])
        assert kept[-1] == ("…" if drawing is Drawing.UNICODE else "~")


@given(st.text("ab 漢", max_size=30), st.integers(1, 12))
def test_a_painted_line_stays_on_its_line(text: str, columns: int) -> None:
    """Nothing wraps, the cursor stays, and attributes that were set stay set."""
    emulator = Emulator(3, columns).feed(b"\x1b[31m")
    emulator.feed(paint(text, columns, Drawing.UNICODE))
    assert (emulator.x, emulator.y, emulator.look, emulator.wraps) == (0, 0, "31", True)
    assert emulator.wrapped == 0
    assert emulator.shown[1:] == ["", ""]
    assert all(cell.look == "" for cell in emulator.rows[0])


# -- on a terminal ----------------------------------------------------------------------------


def streams_on(terminal: Terminal) -> StatusStreams:
    here = dict.fromkeys(Target, terminal.line)
    return StatusStreams(BOTH, Drawing.UNICODE, here)


_pieces = st.lists(
    st.builds(
        Write,
        st.sampled_from(Target),
        st.sampled_from(
            [b"", b"one\n", b"two\nthree\n", b"no end", b"\n", b"\x1b[41mred\n", b"x" * 45 + b"\n"]
        ),
    ),
    max_size=3,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(_pieces, st.sampled_from(["", "short", "long " * 20])), max_size=12))
def test_the_final_screen_is_that_without_a_line(steps: list[list[Write] | str]) -> None:
    """Whatever was written and painted in between, in the end nothing of it can be seen."""
    with open_terminal() as terminal:
        streams, plain = streams_on(terminal), Emulator()
        seen = Emulator()
        for step in steps:
            if isinstance(step, str):
                streams.set_text(step)
                streams.refresh()
            else:
                streams.write(step)
                plain.feed(b"".join(w.data for w in step).replace(b"\n", b"\r\n"))
            seen.feed(terminal.read())
        streams.hide()
        assert seen.feed(terminal.read()).state == plain.state


def test_output_and_line_are_one_write() -> None:
    """Erasing, the output and painting go to the terminal at once: nothing can flicker."""
    reader, writer = os.pipe2(os.O_DIRECT)  # keeps apart what was written apart
    streams = StatusStreams(BOTH, descriptors=dict.fromkeys(Target, writer))
    streams.set_text("1/2")
    streams.refresh()
    emulator = Emulator().feed(os.read(reader, 4096))
    streams.write([Write(Target.STDERR, b"one\n"), Write(Target.STDERR, b"two\n")])
    emulator.feed(os.read(reader, 4096).replace(b"\n", b"\r\n"))
    assert emulator.shown[:3] == ["one", "two", "1/2"]
    os.close(reader)
    os.close(writer)


def test_the_same_text_is_painted_once() -> None:
    """A line that says what it said before costs nothing."""
    with open_terminal() as terminal:
        streams = streams_on(terminal)
        streams.set_text("1/2")
        streams.refresh()
        assert terminal.read()
        streams.refresh()
        assert terminal.read() == b""


def test_a_narrower_window() -> None:
    """The width is asked for every time; what the old line left behind the cursor goes."""
    with open_terminal(6, 40) as terminal:
        streams = streams_on(terminal)
        streams.set_text("12/40 | " + "long " * 10)
        streams.refresh()
        assert display_width(Emulator(6, 40).feed(terminal.read()).shown[0]) == 39
        terminal.resize(6, 10)
        streams.refresh()
        # A terminal that folds long lines has them in the rows behind the cursor.
        narrow = Emulator(6, 10).feed(b"\x1b712/40 | long long long long long\x1b8")
        assert narrow.shown[2] != ""
        assert narrow.feed(terminal.read()).shown == ["12/40 | …", "", "", "", "", ""]


def test_hidden_until_resumed() -> None:
    """While the shell has the screen, output goes on and the line does not come back."""
    with open_terminal() as terminal:
        streams, emulator = streams_on(terminal), Emulator()
        streams.set_text("1/2")
        streams.refresh()
        streams.hide()
        streams.write([Write(Target.STDERR, b"one\n")])
        streams.refresh()
        assert emulator.feed(terminal.read()).shown[:2] == ["one", ""]
        streams.resume()
        streams.refresh()
        assert emulator.feed(terminal.read()).shown[:2] == ["one", "1/2"]


def test_a_pipe_beside_the_terminal_gets_nothing() -> None:
    """Only the terminal has a line; the bytes of the pipe are those that were written."""
    reader, writer = os.pipe()
    with open_terminal() as terminal:
        here = {Target.STDOUT: writer, Target.STDERR: terminal.line}
        streams = StatusStreams(look_for_terminal({"TERM": "xterm"}, here), descriptors=here)
        streams.set_text("1/2")
        streams.refresh()
        streams.write([Write(Target.STDOUT, b"data\n"), Write(Target.STDERR, b"said\n")])
        streams.hide()
        assert os.read(reader, 100) == b"data\n"
        assert Emulator().feed(terminal.read()).shown[:2] == ["said", ""]
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"TERM": "xterm"}, BOTH),
        ({"TERM": "xterm", "CI": ""}, BOTH),
        ({"TERM": "xterm", "CI": "true"}, frozenset()),
        ({"TERM": "dumb"}, frozenset()),
        ({}, frozenset()),
    ],
)
def test_where_there_may_be_a_line(env: dict[str, str], expected: frozenset[Target]) -> None:
    """On a terminal that can move its cursor, and where a person looks at it."""
    with open_terminal() as terminal:
        assert look_for_terminal(env, dict.fromkeys(Target, terminal.line)) == expected
    with open(os.devnull, "wb") as nowhere:
        assert look_for_terminal(env, dict.fromkeys(Target, nowhere.fileno())) == frozenset()


def test_two_terminals_are_not_one() -> None:
    """The line stands on that of standard error; output on another one does not disturb it."""
    with open_terminal() as first, open_terminal() as second:
        here = {Target.STDOUT: first.line, Target.STDERR: second.line}
        assert look_for_terminal({"TERM": "xterm"}, here) == {Target.STDERR}


# -- with a console ---------------------------------------------------------------------------


def run_shown(terminal: Terminal, events: Iterable[Event], *, breaks: bool = False) -> bytes:
    """What the terminal got from a run that was seen with a line for a while."""
    got = bytearray()

    async def main() -> None:
        streams = streams_on(terminal)
        async with (
            open_console(LiveRenderer(Screen()), streams=streams) as console,
            open_status_line(Progress(2), streams) as line,
        ):
            for event in events:
                line.notice(event, 0.0)
                console.notice(event, 0.0)
            await console.drain()
            while b"/" not in got:
                got.extend(terminal.read())
                await trio.sleep(0.01)
            if breaks:
                raise KeyError("broken")

    trio.run(main)
    return bytes(got) + terminal.read()


def test_the_clock_paints_and_the_end_erases() -> None:
    """The line comes within a moment after the run began, below the output, and goes."""
    with open_terminal() as terminal:
        events: list[Event] = [RunStarted((A, B)), TaskBegun(A, KEY), said(A, OUT, b"hello\n")]
        data = run_shown(terminal, events)
        assert b"0/2 | p:a 0s" in data
        assert Emulator().feed(data).shown == ["[p:a] hello", "", "", "", "", ""]


def test_a_run_that_breaks_leaves_no_line() -> None:
    """The error comes through, and the screen is clean."""
    with open_terminal() as terminal:
        data = b""
        with pytest.raises(BaseExceptionGroup):
            run_shown(terminal, [RunStarted((A, B))], breaks=True)
        data += terminal.read()
        assert data.endswith(b"\x1b[J\x1b8")
