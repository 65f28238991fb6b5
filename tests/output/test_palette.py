"""Tests of haz_trio.output.palette and haz_trio.output.terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
from collections.abc import Iterator

import pytest

from haz_trio.model.names import TaskId
from haz_trio.output.palette import (
    ColorChoice,
    Drawing,
    Palette,
    Tone,
    colour_choice,
    task_colour,
)
from haz_trio.output.terminal import look_at_screen, look_at_stream, shows_unicode, terminal_width
from haz_trio.output.writes import Target

AUTO, ALWAYS, NEVER = ColorChoice.AUTO, ColorChoice.ALWAYS, ColorChoice.NEVER


@pytest.mark.parametrize(
    ("choice", "env", "terminal", "pipe"),
    [
        (AUTO, {}, True, False),
        (AUTO, {"TERM": "xterm-256color", "COLORTERM": "truecolor"}, True, False),
        (AUTO, {"NO_COLOR": "1"}, False, False),
        (AUTO, {"NO_COLOR": "0"}, False, False),
        (AUTO, {"NO_COLOR": ""}, True, False),
        (AUTO, {"FORCE_COLOR": "1"}, True, True),
        (AUTO, {"FORCE_COLOR": "3"}, True, True),
        (AUTO, {"FORCE_COLOR": ""}, True, True),
        (AUTO, {"FORCE_COLOR": "0"}, True, False),
        (AUTO, {"CLICOLOR_FORCE": "1"}, True, True),
        (AUTO, {"CLICOLOR_FORCE": "0"}, True, False),
        (AUTO, {"FORCE_COLOR": "0", "CLICOLOR_FORCE": "1"}, True, True),
        (AUTO, {"CLICOLOR": "0"}, False, False),
        (AUTO, {"CLICOLOR": "1"}, True, False),
        (AUTO, {"TERM": "dumb"}, False, False),
        (AUTO, {"TERM": ""}, True, False),
        (AUTO, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
        (AUTO, {"FORCE_COLOR": "1", "CLICOLOR": "0", "TERM": "dumb"}, True, True),
        (ALWAYS, {"NO_COLOR": "1", "TERM": "dumb"}, True, True),
        (NEVER, {"FORCE_COLOR": "1"}, False, False),
    ],
)
def test_colour_choice(
    choice: ColorChoice, env: dict[str, str], terminal: bool, pipe: bool
) -> None:
    """The flag, then the variables in their order, then what the stream is (cli.md 4, Better)."""
    assert colour_choice(choice, env, terminal=True) is terminal
    assert colour_choice(choice, env, terminal=False) is pipe


@pytest.mark.parametrize(
    ("task", "colour"),
    [
        ("a", (90, 226, 203)),
        ("b", (183, 226, 90)),
        ("c", (226, 90, 117)),
        ("f", (192, 226, 90)),
        ("y", (90, 226, 221)),
        ("z", (165, 226, 90)),
    ],
)
def test_task_colour(task: str, colour: tuple[int, int, int]) -> None:
    """The vectors of execution.md 7.6 and cli.md 4."""
    assert task_colour(TaskId("p", task)) == colour


def test_paint() -> None:
    """Colour is bytes around the text, and nothing without colour."""
    assert Palette(colour=True).paint("x", Tone.GOOD) == "\x1b[32mx\x1b[0m"
    assert Palette().paint("x", Tone.GOOD) == "x"


def test_prefix() -> None:
    """The prefix is bold and in the task's colour; the blank behind it is not."""
    task = TaskId("p", "a")
    assert Palette().prefix(task) == "[p:a] "
    coloured = "\x1b[1m\x1b[38;2;90;226;203m[p:a]\x1b[0m "
    assert Palette(colour=True).prefix(task) == coloured


@pytest.mark.parametrize(
    ("env", "unicode"),
    [
        ({"LANG": "en_US.UTF-8"}, True),
        ({"LANG": "de_DE.utf8"}, True),
        ({"LANG": "de_DE.UTF-8@euro"}, True),
        ({"LC_CTYPE": "C.UTF-8"}, True),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, False),
        ({"LC_ALL": "", "LANG": "en_US.UTF-8"}, True),
        ({"LC_CTYPE": "C", "LANG": "en_US.UTF-8"}, False),
        ({"LANG": "C"}, False),
        ({"LANG": "de_DE.ISO-8859-1"}, False),
        ({}, False),
        ({"LANG": "en_US.UTF-8", "TERM": "linux"}, False),
    ],
)
def test_shows_unicode(env: dict[str, str], unicode: bool) -> None:
    """LC_ALL stands over LC_CTYPE, and that over LANG; the Linux console lacks the signs."""
    assert shows_unicode(env, utf8_mode=False) is unicode


@pytest.mark.parametrize(
    ("env", "unicode"),
    [
        ({"LC_CTYPE": "C.UTF-8", "LANG": "C"}, False),
        ({"LC_CTYPE": "C.UTF-8"}, False),
        ({"LC_CTYPE": "C.UTF-8", "LANG": "en_US.UTF-8"}, True),
        ({"LC_CTYPE": "C.UTF-8", "PYTHONUTF8": "1"}, True),
    ],
)
def test_what_python_added_to_the_locale_does_not_count(
    env: dict[str, str], unicode: bool
) -> None:
    """In the C locale, Python writes an LC_CTYPE of its own into the environment (PEP 538)."""
    assert shows_unicode(env, utf8_mode=True) is unicode


@pytest.fixture
def terminal() -> Iterator[int]:
    """The descriptor of a real terminal of 100 columns."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    yield follower
    os.close(leader)
    os.close(follower)


@pytest.fixture
def pipe() -> Iterator[int]:
    """The descriptor of the writing end of a pipe."""
    reader, writer = os.pipe()
    yield writer
    os.close(reader)
    os.close(writer)


def test_only_a_terminal_falls_back_to_ascii(terminal: int, pipe: int) -> None:
    """A pipe gets the same bytes in every locale."""
    assert look_at_stream(AUTO, {"LC_ALL": "C"}, terminal).drawing is Drawing.ASCII
    assert look_at_stream(AUTO, {"LC_ALL": "C.UTF-8"}, terminal).drawing is Drawing.UNICODE
    assert look_at_stream(AUTO, {"LC_ALL": "C"}, pipe).drawing is Drawing.UNICODE


def test_a_screen_is_looked_at_stream_by_stream(terminal: int, pipe: int) -> None:
    """A redirected stream has no colour, the other one keeps it; shared means one terminal."""
    both = {Target.STDOUT: terminal, Target.STDERR: terminal}
    screen = look_at_screen(AUTO, {"LANG": "C.UTF-8"}, descriptors=both)
    assert (screen.stdout.colour, screen.stderr.colour, screen.shared) == (True, True, True)
    piped = {Target.STDOUT: pipe, Target.STDERR: terminal}
    screen = look_at_screen(AUTO, {"LANG": "C.UTF-8"}, descriptors=piped)
    assert (screen.stdout.colour, screen.stderr.colour, screen.shared) == (False, True, False)
    pipes = {Target.STDOUT: pipe, Target.STDERR: pipe}
    assert look_at_screen(AUTO, {}, descriptors=pipes).shared is False


def test_two_terminals_are_not_shared(terminal: int) -> None:
    """A terminal each for the two streams is as good as two files."""
    leader, other = pty.openpty()
    try:
        descriptors = {Target.STDOUT: terminal, Target.STDERR: other}
        assert look_at_screen(AUTO, {}, descriptors=descriptors).shared is False
    finally:
        os.close(leader)
        os.close(other)


def test_terminal_width(terminal: int, pipe: int) -> None:
    """The first terminal counts; without one, or with one of no width, it is 80."""
    assert terminal_width((pipe, terminal)) == 100
    assert terminal_width((pipe,)) == 80
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 0, 0, 0, 0))
    assert terminal_width((terminal,)) == 80
