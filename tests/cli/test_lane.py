"""The fast lane against Typer: whatever the lane takes, Typer makes the same calls for it."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs
import pytest
import typer
from hypothesis import example, given, settings
from hypothesis import strategies as st

from haz_trio.cli import app, lane_table
from haz_trio.cli.lane import match
from haz_trio.cli.lane_types import Call, Keywords
from haz_trio.cli.main import carry_out, run_command_line
from haz_trio.cli.state import State
from tests import tables

Capture = pytest.CaptureFixture[str]
TYPER = typer.main.get_command(app.make_app())
NOTHING: Mapping[str, str] = {}


@attrs.define
class Recorder:
    """Takes the calls of a command line and makes none."""

    calls: list[Call] = attrs.field(factory=list)

    def take(self, body: str, _: State, keywords: Keywords) -> int:
        self.calls.append((body, dict(keywords)))
        return 0


def calls_of_typer(argv: Sequence[str], environment: Mapping[str, str]) -> list[Call] | str:
    """The calls that Typer makes, or why it makes none."""
    recorder = Recorder()
    before = os.environ.pop("HAZ_ROOT", None)
    os.environ.update(environment)
    try:
        state = State(recorder.take)
        TYPER.main(args=list(argv), prog_name="haz", standalone_mode=False, obj=state)
    except Exception as problem:  # whatever Typer raises is an answer here
        return f"{type(problem).__name__}: {problem}"
    finally:
        os.environ.pop("HAZ_ROOT", None)
        if before is not None:
            os.environ["HAZ_ROOT"] = before
    return recorder.calls


def agreed(argv: Sequence[str], environment: Mapping[str, str] = NOTHING) -> bool:
    """Whether the lane takes a line; if it does, Typer makes the same calls."""
    found = match(argv, environment)
    if found is None:
        return False
    calls = calls_of_typer(argv, environment)
    assert isinstance(calls, list), calls
    assert list(found) == calls
    return True


# -- lines to try ------------------------------------------------------------------------------

VALUES = st.one_of(
    st.sampled_from(["lib:build", "4", "50%", "json", "a=b", "run", "cache", "-", "-5", "--all"]),
    st.sampled_from(["", " ", "\u00e9", "\u00a0", "\0", "\udcff", "a b", "--", "=", "-j4", "~"]),
    st.text(max_size=6),
)


def flags_of(flags: Mapping[str, tuple[str, str]]) -> st.SearchStrategy[list[str]]:
    """One flag as it should be written, in one of its two forms."""

    def written(name: str, value: str, joined: bool) -> list[str]:
        match flags[name][1]:
            case "switch":
                return [name]
            case "optional":
                return [f"{name}={value}"] if joined else [name]
            case _:
                return [f"{name}={value}"] if joined and name[1] == "-" else [name, value]

    plain = st.text("abc:/.=%", min_size=1, max_size=5)
    return st.builds(written, st.sampled_from(sorted(flags)), plain, st.booleans())


@st.composite
def well_formed(draw: st.DrawFn) -> list[str]:
    """A line that makes sense word by word, though a flag may be given twice."""
    path = draw(st.sampled_from(sorted(lane_table.COMMANDS)))
    _, positional, flags = lane_table.COMMANDS[path]
    words = [
        word for part in draw(st.lists(flags_of(lane_table.ROOT[0]), max_size=2)) for word in part
    ]
    words += path
    parts = draw(st.lists(flags_of(flags), max_size=4)) if flags else []
    if positional is not None:
        several = 3 if positional[1] else 1
        parts += [
            [word] for word in draw(st.lists(st.text("ab:~^[]", min_size=1), max_size=several))
        ]
    return words + [word for part in draw(st.permutations(parts)) for word in part]


@st.composite
def nearly_well_formed(draw: st.DrawFn) -> list[str]:
    """A line that made sense before words were put in, taken out, doubled or changed."""
    words = draw(well_formed())
    every = sorted({flag for _, _, flags in lane_table.COMMANDS.values() for flag in flags})
    extra = st.one_of(VALUES, st.sampled_from([*every, "--help", "-h", "-V", "-qv", "--version"]))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(words)))
        match draw(st.integers(0, 3)):
            case 0:
                words.insert(at, draw(extra))
            case 1:
                del words[at : at + 1]
            case 2:
                words[at:at] = words[at : at + 2]
            case _:
                words[at : at + 1] = [
                    draw(st.sampled_from(words[at : at + 1] or ["x"])) + draw(VALUES)
                ]
    return words


JUNK = st.lists(
    st.one_of(
        VALUES, st.sampled_from(["run", "check", "cache", "info", "-C", "--root", "-q", "-j"])
    ),
    max_size=6,
)
PLACES = st.sampled_from([NOTHING, {"HAZ_ROOT": "/somewhere"}, {"HAZ_ROOT": ""}])


@settings(deadline=None)
@given(well_formed(), PLACES)
@example(["run", "--arg=-v", "--arg=fast", "lib:test"], NOTHING)
@example(["run", "--args=-v 'a b'", "--arg", "c", "--args", "d", "lib:test"], NOTHING)
@example(["run", "--affected", "--affected=x"], NOTHING)
@example(["run", "-j", "4", "--jobs=4"], NOTHING)
@example(["--root=", "check"], {"HAZ_ROOT": "/somewhere"})
@example(["__suggest", "--", "run", "--", "=x"], NOTHING)
def test_well_formed_lines(words: list[str], environment: Mapping[str, str]) -> None:
    """The same calls with the same keywords come from both."""
    agreed(words, environment)


@settings(deadline=None)
@given(nearly_well_formed(), PLACES)
@example(["run", "-j=4"], NOTHING)
@example(["run", "-j4"], NOTHING)
@example(["check", "--all=true"], NOTHING)
@example(["cache info"], NOTHING)
def test_nearly_well_formed_lines(words: list[str], environment: Mapping[str, str]) -> None:
    """What is slightly wrong is left to Typer, or was not wrong."""
    agreed(words, environment)


@settings(deadline=None)
@given(JUNK, PLACES)
def test_junk(words: list[str], environment: Mapping[str, str]) -> None:
    """No heap of words is taken for something that Typer does not see in it."""
    agreed(words, environment)


@pytest.mark.parametrize(
    "line",
    [
        "run",
        "run lib:build [py]:test",
        "run --all -j 4 --fail-fast",
        "run --skip a:b --skip c:d --workspace --affected",
        "-C web -q run build --no-cache=read",
        "--root=/x --color never check --json",
        "query --tags rust&!lib --json",
        "why lib:test --diff",
        "cache clean --soft --max-age 2w",
        "cache show 3f2a9c01",
        "graph --format mermaid lib:test",
        "init --project web --project tools",
        "schema project",
        "completions bash",
        "doctor",
        "__suggest -- run =lib",
    ],
)
def test_the_commonest_lines_are_taken(line: str) -> None:
    """Lines as people and scripts write them need no Typer."""
    assert agreed(line.split())


@pytest.mark.parametrize("words", ["--version", "-V"])
def test_the_version(words: str, capfd: Capture) -> None:
    """Alone on the line it is the lane's, and Typer prints the same."""
    assert match([words], NOTHING) == ((app.VERSION, {}),)
    assert run_command_line([words]) == 0
    taken = capfd.readouterr()
    assert run_command_line([words, "extra"]) == 0
    assert capfd.readouterr() == taken
    assert taken.err == ""


@pytest.mark.parametrize(
    ("line", "environment"),
    [
        ("", {}),
        ("run --help", {}),
        ("run -h", {}),
        ("--help", {}),
        ("bogus", {}),
        ("cache", {}),
        ("cache bogus", {}),
        ("cache --help info", {}),
        ("why", {}),
        ("why a:b c:d", {}),
        ("check x", {}),
        ("check --all --all", {}),
        ("check --al", {}),
        ("check --all=true", {}),
        ("run -j4", {}),
        ("run -j=4", {}),
        ("run -j", {}),
        ("run --jobs -4", {}),
        ("run -kf", {}),
        ("run - a:b", {}),
        ("-- run", {}),
        ("--version run", {}),
        ("--dry-run run", {}),
        ("run --affected --affected=x", {}),
        ("check", {"_HAZ_COMPLETE": "bash_source"}),
    ],
)
def test_other_lines_are_left_to_typer(line: str, environment: Mapping[str, str]) -> None:
    """Help, mistakes, what is short or doubled: the lane does not guess."""
    assert match(line.split(), environment) is None


@pytest.mark.parametrize("word", ["", "\udcff", "a\0", "a\n", "\u200b"])
def test_words_that_cannot_be_printed_are_left_to_typer(word: str) -> None:
    """Also those that are no UTF-8, and empty ones."""
    assert match(["run", word], NOTHING) is None


def test_a_root_in_the_environment_is_heeded() -> None:
    """``HAZ_ROOT`` stands in for ``--root``, unless it is empty."""
    assert agreed(["check"], {"HAZ_ROOT": "/somewhere"})
    taken = match(["check"], {"HAZ_ROOT": "/somewhere"})
    assert taken is not None
    assert taken[0][1]["workspace_root"] == "/somewhere"
    assert match(["check"], {"HAZ_ROOT": ""}) == match(["check"], {})


# -- the bodies --------------------------------------------------------------------------------


def test_the_tables_are_up_to_date() -> None:
    """`python -m tests.tables` would change nothing."""
    assert (tables.HERE / "lane_table.py").read_text() == tables.lane_table()
    assert (tables.HERE / "suggest_table.py").read_text() == tables.suggest_table()


@pytest.mark.parametrize("path", sorted(lane_table.COMMANDS), ids=" ".join)
def test_a_body_takes_what_is_declared(path: tuple[str, ...]) -> None:
    """A body has the keywords of its declaration, and none of them has a default of its own."""
    body, positional, flags = lane_table.COMMANDS[path]
    module, _, name = body.partition(":")
    function = getattr(__import__(module, fromlist=(name,)), name)
    state, *keywords = inspect.signature(function).parameters.values()
    assert state.name == "state"
    expected = {key for key, _ in flags.values()} | ({positional[0]} if positional else set())
    assert {each.name for each in keywords} == expected
    assert {(each.kind, each.default) for each in keywords} <= {
        (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.empty)
    }


@pytest.mark.parametrize(
    "line",
    [
        "run :x",
        "run --jobs none",
        "run --all a:b",
        "run --no-cache=all",
        "run --query (",
        "run a:b --args 'x",
        "check --all --workspace",
        "query --format xml",
        "query --tags (",
        "why a",
        "graph --format xml",
        "graph --json --format dot",
        "cache show xyz",
        "cache clean --max-age 90",
        "init --json",
        "init --project=",
        "schema other",
        "completions tcsh",
        "-q -v check",
        "--color sometimes check",
        "--diagnostics xml check",
        "-C nowhere check",
    ],
)
def test_mistakes_are_told_alike(line: str, tmp_path: Path) -> None:
    """The same exit code and the same bytes come from the lane and, for the same words, Typer."""
    words = line.split()
    assert match(words, NOTHING) is not None
    ends = []
    # The words are the same; the second process is told to leave them to Typer.
    for way in ("carry_out(words, State())", "through_typer(words)"):
        program = (
            "import sys\n"
            "from haz_trio.cli.app import run_app\n"
            "from haz_trio.cli.faults import report\n"
            "from haz_trio.cli.main import carry_out\n"
            "from haz_trio.cli.state import State\n"
            "def through_typer(words):\n"
            "    state = State()\n"
            "    try:\n"
            "        return run_app(words, state)\n"
            "    except Exception as problem:\n"
            "        return report(problem, state, words)\n"
            f"words = sys.argv[1:]\nsys.exit({way})\n"
        )
        command = [sys.executable, "-c", program, *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        ends.append((done.returncode, done.stdout, done.stderr))
    assert ends[0] == ends[1]
    assert ends[0][0] == 2
    assert ends[0][2] != b""


def test_calls_are_made_in_order_and_stop_at_the_first_error() -> None:
    """The options before the command come first; what a call raises ends the line."""
    recorder = Recorder()
    assert carry_out(["-q", "check"], State(recorder.take)) == 0
    assert [body for body, _ in recorder.calls] == [app.START, "haz_trio.cli.check_call:check"]

    def refuse(body: str, state: State, keywords: Keywords) -> int:
        recorder.take(body, state, keywords)
        raise OSError(28, "No space left on device")

    recorder.calls.clear()
    assert carry_out(["-q", "check"], State(refuse)) == 2
    assert [body for body, _ in recorder.calls] == [app.START]
