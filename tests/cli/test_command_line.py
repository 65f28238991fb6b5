"""The command line's grammar: rows A of cli.md 16, and what Typer alone would do otherwise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.core import TyperOption

from haz_trio.cli.app import make_app
from haz_trio.cli.faults import wants_json
from haz_trio.cli.main import carry_out, run_command_line
from haz_trio.cli.state import State
from haz_trio.errors import Diagnostic
from haz_trio.output.machine import to_json


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("", "expected `COMMAND ...`, pass `--help` for usage information"),
        ("bogus", "expected `COMMAND ...`, got `bogus`. Pass `--help` for usage information"),
        ("RUN", "expected `COMMAND ...`, got `RUN`. Pass `--help` for usage information"),
        ("--bogus", "expected `COMMAND ...`, got `--bogus`. Pass `--help` for usage information"),
        ("-x", "expected `COMMAND ...`, got `-x`. Pass `--help` for usage information"),
        ("chek", "no such command or positional: `chek`, did you mean `check`?"),
        ("runn", "no such command or positional: `runn`, did you mean `run`?"),
        (
            "--dry-run run",
            "flag `--dry-run` is not valid in this context, "
            "did you mean to pass it to command `run`?",
        ),
        ("check run", "`run` is not expected in this context"),
        ("check --dry-run", "`--dry-run` is not expected in this context"),
        ("check foo:bar", "`foo:bar` is not expected in this context"),
        ("check --all=true", "`true` is not expected in this context"),
        (
            "check --all --all",
            "argument `--all` cannot be used multiple times in this context",
        ),
        (
            "check --all --workspace",
            "couldn't parse: `--all` and `--workspace` are mutually exclusive",
        ),
        (
            "run --all a:b",
            "couldn't parse: `--all` cannot be combined with positional task references",
        ),
        (
            "run --workspace a:b",
            "couldn't parse: `--workspace` cannot be combined with positional task references",
        ),
        (
            "run --git-changed a:b",
            "couldn't parse: git-changeset filters cannot be combined with positional "
            "task references",
        ),
        (
            "run --git-changed --git-staged --all --workspace",
            "couldn't parse: git-changeset filters are mutually exclusive",
        ),
        ("run --git-changed-since", "`--git-changed-since` requires an argument `REV`"),
        ("run --git-changed-since --all", "`--git-changed-since` requires an argument `REV`"),
        (
            "run --git-changed-since -5",
            "`--git-changed-since` requires an argument `REV`, got a flag `-5`, "
            "try `--git-changed-since=-5` to use it as an argument",
        ),
        ("run --output-mode", "`--output-mode` requires an argument `MODE`"),
        (
            "run --output-mode x",
            "--output-mode: couldn't parse `x`: "
            "unknown output mode `x` (expected `live` or `buffered`)",
        ),
        (
            "run --output-mode=",
            'couldn\'t parse `--output-mode=""`: '
            "unknown output mode `` (expected `live` or `buffered`)",
        ),
        (
            "run --dry-run --dry-run a:b",
            "argument `--dry-run` cannot be used multiple times in this context",
        ),
        (
            "run -fk -k a:b",
            "argument `--keep-going` cannot be used multiple times in this context",
        ),
        ("run -fkf a:b", "argument `--force` cannot be used multiple times in this context"),
        ("-vv check", "argument `--verbose` cannot be used multiple times in this context"),
        ("-", "expected `COMMAND ...`, got `-`. Pass `--help` for usage information"),
        ("run --dryrun", "no such flag: `--dryrun`, did you mean `--dry-run`?"),
        ("run -n a:b", "`-n` is not expected in this context"),
        ("run :x", "couldn't parse `:x`: invalid project name: name is empty"),
        ("run [x", "couldn't parse `[x`: tag reference malformed: missing `]` or `:` after `]`"),
        (
            "run -- --dry-run",
            "couldn't parse `--dry-run`: name starts with invalid character '-'; "
            "must start with an ASCII alphanumeric character",
        ),
        (
            "--color sometimes run",
            "--color: couldn't parse `sometimes`: unknown colour choice `sometimes` "
            "(expected `auto`, `always` or `never`)",
        ),
        (
            "--diagnostics xml run",
            "--diagnostics: couldn't parse `xml`: unknown form `xml` "
            "(expected `pretty`, `narrated` or `json`)",
        ),
        ("-q -v run", "`--quiet` can't be combined with `--verbose`"),
    ],
)
def test_a_bad_line_gets_one_sentence(
    words: str, text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, nothing on stdout, one logical line on stderr, before any workspace."""
    assert run_command_line(words.split()) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert " ".join(err.split()) == " ".join(f"Error: {text}".split())


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("--diagnostics json", "expected `COMMAND ...`, pass `--help` for usage information"),
        ("--diagnostics=json --bogus", "got `--bogus`"),
        ("-q -v --diagnostics json run", "`--quiet` can't be combined with `--verbose`"),
        ("--diagnostics json chek", "did you mean `check`?"),
        ("--diagnostics json run --bogus", "`--bogus` is not expected in this context"),
        ("--diagnostics json run [x", "couldn't parse `[x`: tag reference malformed"),
        ("--diagnostics json cache clean --max-age 90", "max_age integer `90` has no unit"),
        ("--diagnostics json run --skip", "`--skip` requires an argument `TASK`"),
    ],
)
def test_a_bad_line_can_be_told_in_json(
    words: str, text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The same object as for any other error, alone on one line, with the sentence in it."""
    assert run_command_line(words.split()) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    found = json.loads(err)
    assert text in found.pop("message")
    known = json.loads(to_json([Diagnostic("")], cwd=""))
    assert {**found, "message": ""} == known


@pytest.mark.parametrize(
    "words",
    ["run --diagnostics json", "--diagnostics pretty run -x", "--color --diagnostics json"],
)
def test_a_bad_line_is_told_in_words_unless_it_asks(
    words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The option counts before the command, as the command line's grammar has it."""
    assert run_command_line(words.split()) == 2
    assert capfd.readouterr().err.startswith("Error: ")


def test_json_is_found_behind_every_option() -> None:
    """Values of other options before the command are no command."""
    options = [p for p in typer.main.get_command(make_app()).params if isinstance(p, TyperOption)]
    assert {"-C", "--root", "-q"} <= {name for option in options for name in option.opts}
    for option in options:
        for name in option.opts:
            value = [] if option.is_flag else ["word"]
            assert wants_json([name, *value, "--diagnostics", "json", "run"]), name


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("--help", "Usage: haz [OPTIONS] COMMAND"),
        ("-h", "Usage: haz [OPTIONS] COMMAND"),
        ("--help extra", "Usage: haz [OPTIONS] COMMAND"),
        ("--version --help", "Usage: haz [OPTIONS] COMMAND"),
        ("-hV", "Usage: haz [OPTIONS] COMMAND"),
        ("run --bogus --help", "Usage: haz run [OPTIONS] [TASK]..."),
        ("run [x --help", "Usage: haz run [OPTIONS] [TASK]..."),
        ("check --workspace -h", "Usage: haz check [OPTIONS]"),
        ("--version", "Version: "),
        ("-V extra", "Version: "),
        ("--version=1", "Version: "),
        ("-VV", "Version: "),
        ("--help=1", "Usage: haz [OPTIONS] COMMAND"),
        ("check --help=1", "Usage: haz check [OPTIONS]"),
        ("cache -h=1", "Usage: haz cache [OPTIONS] COMMAND"),
    ],
)
def test_help_and_version_win(words: str, first: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Help wins over every error of its level, and over version; both are a success."""
    assert run_command_line(words.split()) == 0
    out, err = capfd.readouterr()
    assert out.startswith(first)
    assert err == ""


def test_every_option_has_help_with_an_example(capfd: pytest.CaptureFixture[str]) -> None:
    """Each option of each command shows how it is written."""
    for words in (["run", "--help"], ["check", "--help"]):
        run_command_line(words)
        options = capfd.readouterr().out.partition("Options:")[2].partition("-h, --help")[0]
        rows = [line for line in options.splitlines() if line.lstrip().startswith("-")]
        assert len([row for row in rows if row.startswith("  -")]) == " ".join(
            options.split()
        ).count("Example: haz")


def test_an_empty_reference_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    """An empty word is shown as an empty string."""
    assert run_command_line(["run", ""]) == 2
    assert 'couldn\'t parse `""`: task reference is empty' in capfd.readouterr().err


def test_a_word_that_is_not_utf8_is_refused() -> None:
    """Bytes that are no text end in exit code 2 and one line, not in a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "haz_trio", "run", b"\xff\xfe:x"], capture_output=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(b"Error: couldn't parse")


@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_help_to_a_full_disk_says_so(words: list[str]) -> None:
    """A write error of help is one line and exit code 2."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "haz_trio", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert b"No space left on device" in done.stderr


@pytest.mark.parametrize("words", ["--help", "--version"])
def test_help_to_a_closed_stream_is_quiet(words: str) -> None:
    """With standard output closed from the start there is nobody to write to, and no error."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {words} >&-', "sh", sys.executable, "-m", "haz_trio"],
        stderr=subprocess.PIPE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("words", ["--help", "--version", "run --help"])
def test_help_to_a_reader_that_has_gone_is_quiet(words: str) -> None:
    """Whoever stops reading help has read enough: exit code 0 and no word (decisions.md 9)."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "haz_trio", *words.split()],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_fault_of_ours_is_reported_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """One error says what and where; the traceback is for `HAZ_DEBUG=1` (execution.md 9).

    The fault is named, and not the groups that nurseries wrap around it.
    """

    def broken(body: str, *_: object) -> int:
        try:
            raise ZeroDivisionError(body.partition(":")[2])
        except ZeroDivisionError as fault:
            group = BaseExceptionGroup("inner", [fault, KeyboardInterrupt()])
            raise BaseExceptionGroup("nursery", [group]) from None

    monkeypatch.delenv("HAZ_DEBUG", raising=False)
    assert carry_out(["run"], State(broken)) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert "has a fault, at test_command_line.py:" in err
    assert "ZeroDivisionError: run\n  help: please report" in err
    assert "Traceback" not in err
    assert carry_out(["--diagnostics", "json", "run"], State(broken)) == 2
    told = json.loads(capfd.readouterr().err)
    assert "has a fault, at test_command_line.py:" in told["message"]
    assert told["help"].startswith("please report")
    monkeypatch.setenv("HAZ_DEBUG", "1")
    assert carry_out(["run"], State(broken)) == 2
    assert "Traceback (most recent call last)" in capfd.readouterr().err
