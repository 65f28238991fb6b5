"""``haz completions``: what is offered, and the scripts in the shells that are installed."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import attrs
import pytest

from haz_trio.cli.completions import SCRIPTS
from haz_trio.cli.main import run_command_line
from haz_trio.cli.suggest import WORDS
from haz_trio.cli.suggest_files import Named, read_file_names
from haz_trio.cli.suggest_table import COMMANDS
from haz_trio.config.snapshot import find_snapshot
from haz_trio.model.workspace import OutputMode
from haz_trio.output.palette import ColorChoice
from tests.cli.pseudo_terminal import on_terminal

Capture = pytest.CaptureFixture[str]
PACKAGE = Path(__file__).parents[2]

FILES: Mapping[str, object] = {
    ".haz/workspace.yml": {"projects": ["/lib", "/web"]},
    ".haz/tasks/lint.yml": {"tagsFilter": ["c"], "tasks": {"lint": {"command": ["true"]}}},
    "lib/haz.yml": {
        "name": "lib",
        "tags": ["c"],
        "tasks": {"build": {"command": ["true"]}, "test": {"command": ["true"]}},
    },
    "web/haz.yml": {"name": "web", "tags": ["js"], "tasks": {"bundle": {"command": ["true"]}}},
}


@attrs.frozen
class Place:
    """A workspace, and the Tab key in one of its folders."""

    root: Path
    _capture: Capture

    def tab(self, *words: str, cwd: str = "") -> list[str]:
        """The candidates for the last word, without what is said about them."""
        *before, current = words
        start = ["-C", str(self.root / cwd)]
        line = ["__suggest", "--", *start, *before, f"={current}"]
        assert run_command_line(line) == 0
        out, err = self._capture.readouterr()
        assert err == ""
        return [each.partition("\t")[0] for each in out.splitlines()]


@pytest.fixture
def place(tmp_path: Path, capfd: Capture) -> Place:
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    return Place(tmp_path, capfd)


ALL = ["lib:build", "lib:lint", "lib:test", "web:bundle"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["que"], ["query"]),
        (["ca"], ["cache"]),
        (["cache", "cl"], ["clear", "clean"]),
        (["nothing", "che"], ["check"]),
        (["--co"], ["--color"]),
        (["--color", "a"], ["auto", "always"]),
        (["--color=n"], ["--color=never"]),
        (["--diagnostics", ""], ["pretty", "narrated", "json"]),
        (["run", "--git"], ["--git-changed", "--git-staged", "--git-changed-since"]),
        (["run", "--all", "--al"], []),
        (["run", "--skip", "web:bundle", "--sk"], ["--skip"]),
        (["run", "--output-mode", ""], ["live", "buffered"]),
        (["run", "--output-mode=b"], ["--output-mode=buffered"]),
        (["run", "--all="], []),
        (["run", "--no-cache="], ["--no-cache=read", "--no-cache=write"]),
        (["run", "--no-cache", ""], ALL),
        (["run", ""], ALL),
        (["run", "-j", "4", "web"], ["web:bundle"]),
        (["run", "-j4", "web"], ["web:bundle"]),
        (["run", "-j", ""], []),
        (["run", "--skip", "lib:t"], ["lib:test"]),
        (["run", "--", "lib:l"], ["lib:lint"]),
        (["run", "--", "--al"], []),
        (["run", "lib:build", "lib:t"], ["lib:test"]),
        (["run", "^"], ["^:build", "^:bundle", "^:lint", "^:test"]),
        (["run", "[c"], ["[c]:build", "[c]:lint", "[c]:test"]),
        (["run", "~"], []),
        (["why", "lib:b"], ["lib:build"]),
        (["why", "lib:build", "lib:"], []),
        (["graph", "--format", "m"], ["mermaid"]),
        (["graph", "lib:l"], ["lib:lint"]),
        (["schema", ""], ["workspace", "project", "overlay"]),
        (["schema", "project", ""], []),
        (["completions", "p"], ["powershell"]),
        (["check", ""], []),
        (["cache", "info", "--j"], ["--json"]),
        (["init", "--project", ""], [""]),
        (["run", "--summary=x"], [""]),
        (["run", "--events", "x"], [""]),
    ],
)
def test_what_is_offered(place: Place, words: list[str], expected: list[str]) -> None:
    """Commands, flags, their values and tasks are offered where they fit, and nothing else."""
    assert place.tab(*words) == expected


def test_a_project_offers_its_own_tasks(place: Place) -> None:
    """Inside of a project bare names and the forms around the own project are offered."""
    assert place.tab("run", "", cwd="lib") == ["build", "lint", "test", *ALL]
    assert place.tab("run", "~", cwd="lib") == ["~:build", "~:lint", "~:test"]
    assert "^~:bundle" in place.tab("run", "^", cwd="lib")
    assert "[js]~:bundle" in place.tab("run", "[js", cwd="lib")
    assert place.tab("-C", str(place.root / "web"), "run", "b") == ["bundle"]


def test_names_are_remembered(place: Place) -> None:
    """A run leaves the names behind for the next press of the key, until a file changes."""
    lines: list[tuple[tuple[str, ...], str]]
    lines = [(("run", ""), ""), (("run", ""), "lib"), (("run", "^"), "web"), (("run", "["), "lib")]
    read = [place.tab(*words, cwd=cwd) for words, cwd in lines]
    assert find_snapshot(str(place.root)) is None
    run = [sys.executable, "-m", "haz_trio", "run", "--workspace"]
    subprocess.run(run, cwd=place.root, capture_output=True, check=False)
    assert find_snapshot(str(place.root)) is not None
    assert [place.tab(*words, cwd=cwd) for words, cwd in lines] == read
    (place.root / "web/haz.yml").write_text("{name: web, tasks: {other: {command: [a]}}}")
    assert place.tab("run", "web:") == ["web:other"]


def test_hidden_commands_are_not_offered(place: Place) -> None:
    """The command behind the scripts is no command for people."""
    assert "__suggest" not in place.tab("")
    assert "run" in place.tab("")


def test_broken_files_still_have_names(place: Place) -> None:
    """While somebody edits, names are offered from what can be read."""
    broken = "name: lib\ntags: [c]\ntasks:\n  build:\n    command: [a\n  test: {\n   x: ]\n"
    (place.root / "lib/haz.yml").write_text(broken)
    (place.root / "web/haz.yml").write_text("name: web\ntasks: {bundle: {nonsense: 1}}\nbad: 1\n")
    assert place.tab("run", "") == ALL


def test_without_files_nothing_is_offered(place: Place) -> None:
    """Missing, unreadable and foreign files are no trouble."""
    (place.root / "lib/haz.yml").write_bytes(b"\xff\xfe")
    (place.root / "web/haz.yml").unlink()
    assert place.tab("run", "") == []
    (place.root / ".haz/workspace.yml").write_text("projects: [")
    assert place.tab("run", "") == []
    assert place.tab("-C", "/nonexistent/folder", "run", "") == []


def test_a_guess_agrees_with_the_parser(tmp_path: Path) -> None:
    """A file that loses its last bracket loses no name."""
    good = "name: 'a'\ntags:\n  - x\n  - y # c\ntasks:\n  t1:\n    shell: x\n  t2: {shell: y}\n"
    (tmp_path / "good.yml").write_text(good)
    (tmp_path / "bad.yml").write_text(good + "x-end: [\n")
    found = read_file_names(str(tmp_path / "good.yml"))
    assert found == Named("a", frozenset({"x", "y"}), ("t1", "t2"))
    assert read_file_names(str(tmp_path / "bad.yml")) == found


def test_every_list_of_words_belongs_to_an_option() -> None:
    """No list of words is for an option or an argument that is not there any more."""
    for command, name in WORDS:
        _, arguments, options = COMMANDS[(command,) if command else ()]
        spelled = {each for spellings, *_ in options for each in spellings}
        assert name in spelled | {metavar for metavar, _ in arguments}, (command, name)


def test_the_words_are_those_that_are_understood() -> None:
    """The lists are the enumerations that read the words."""
    assert WORDS["run", "--output-mode"] == tuple(each.value for each in OutputMode)
    assert WORDS["", "--color"] == tuple(each.value for each in ColorChoice)
    assert WORDS["completions", "SHELL"] == tuple(SCRIPTS)


@pytest.mark.parametrize(
    ("words", "value"),
    [(key, value) for key, values in WORDS.items() for value in values],
)
def test_the_command_line_takes_each_word(
    words: tuple[str, str], value: str, tmp_path: Path, capfd: Capture
) -> None:
    """What is offered is not refused as a bad value."""
    command, name = words
    argument = f"{name}={value}" if name.startswith("-") else value
    line = ["-C", str(tmp_path)]
    run_command_line([*line, argument, "check"] if not command else [*line, command, argument])
    assert "couldn't parse" not in capfd.readouterr().err


def test_trio_is_not_imported(place: Place) -> None:
    """Neither for a flag nor for a task."""
    code = (
        "import sys; from haz_trio.cli.main import run_command_line as r; "
        "r(['__suggest', '--', 'run', '=']); r(['__suggest', '--', 'run', '=--']); "
        "assert 'trio' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=place.root, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"lib:test" in done.stdout


def test_an_unknown_shell_is_refused(capfd: Capture) -> None:
    """The message names the shells."""
    assert run_command_line(["completions", "tcsh"]) == 2
    assert "`bash`" in capfd.readouterr().err


@pytest.mark.parametrize("shell", SCRIPTS)
def test_a_script_is_printed(shell: str, capfd: Capture) -> None:
    """The script goes to stdout and calls back."""
    assert run_command_line(["completions", shell]) == 0
    out, err = capfd.readouterr()
    assert (out, err) == (SCRIPTS[shell], "")
    assert "__suggest" in out


# -- real shells ------------------------------------------------------------------------------


def environment(place: Place, name: str) -> dict[str, str]:
    """A small environment in which `haz` is on the path; skips where the shell is missing."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    binary = place.root / "bin"
    binary.mkdir(exist_ok=True)
    program = binary / "haz"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m haz_trio "$@"\n')
    program.chmod(0o755)
    return {
        "PATH": f"{binary}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(place.root),
        "PYTHONPATH": str(PACKAGE),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
    }


def shell(place: Place, name: str, *words: str) -> str:
    """What a shell prints."""
    done = subprocess.run(
        [name, *words],
        cwd=place.root,
        env=environment(place, name),
        capture_output=True,
        text=True,
        timeout=25,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


def bash(place: Place, line: str) -> list[str]:
    """What bash would put in the place of the last piece of a line, cut as readline cuts it."""
    pieces = re.findall(r"'[^']*'?|[:=]|[^\s:=']+", line)
    if line.endswith(" "):
        pieces.append("")
    script = "\n".join(
        [
            SCRIPTS["bash"],
            f"COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)}",
            f"COMP_WORDS=({shlex.join(pieces)}) COMP_CWORD={len(pieces) - 1}",
            "_haz",
            'printf "%s\\n" "${COMPREPLY[@]}"',
        ]
    )
    return shell(place, "bash", "-c", script).split("\n")[:-1]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("haz que", ["query"]),
        ("haz run ", ALL),
        ("haz run lib", ALL[:3]),
        ("haz run lib:", ["build", "lint", "test"]),
        ("haz run lib:te", ["test"]),
        ("haz run lib:build web:b", ["bundle"]),
        ("haz run --output-mode b", ["buffered"]),
        ("haz run --output-mode=", ["live", "buffered"]),
        ("haz run --output-mode=b", ["buffered"]),
        ("haz run --skip=lib:te", ["test"]),
        ("haz run '[c]:b", ["[c]:build"]),
        ("haz run ^:bu", ["build", "bundle"]),
        ("haz check x", [""]),
    ],
)
def test_bash(place: Place, line: str, expected: list[str]) -> None:
    """Words that bash cuts at colons and equals signs are put together and cut again."""
    assert bash(place, line) == expected


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("haz que", "haz query "),
        ("haz run lib:te", "haz run lib:test "),
        ("haz run --output-mode=b", "haz run --output-mode=buffered "),
        ("haz run '[c]:b", "haz run '[c]:build' "),
        ("haz run [c]:b", "haz run [c]:build "),
        ("haz run \\[c\\]:b", "haz run \\[c\\]:build "),
        ("haz run ^:bun", "haz run ^:bundle "),
        ("haz -C we", "haz -C web/"),
        ("haz --root=we", "haz --root=web/"),
    ],
)
def test_the_tab_key_in_bash(place: Place, typed: str, completed: str) -> None:
    """In an interactive bash the line becomes what was meant, with nothing lost or doubled."""
    env = environment(place, "bash")
    rc = place.root / "rc"
    rc.write_text(
        "PS1='READY>'\nbind 'set enable-bracketed-paste off'\n"
        + SCRIPTS["bash"]
        + 'accept() { printf "<<%s>>\\n" "$READLINE_LINE"; }\n'
        "bind -x '\"\\C-x\": accept'\n"
    )
    line = ["bash", "--noprofile", "--rcfile", str(rc), "-i"]
    with on_terminal(line, place.root, env) as terminal:
        terminal.wait_for("READY>")
        terminal.press(typed.encode() + b"\t\x18")
        terminal.wait_for(">>")
    found = re.search(r"<<(.*)>>", terminal.text)
    assert found is not None
    assert found[1] == completed


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("haz que", ["query"]),
        ("haz run ", ALL),
        ("haz run lib:te", ["lib:test"]),
        ("haz run --output-mode=b", ["--output-mode=buffered"]),
        ("haz -C lib run t", ["test"]),
        ("haz init --project l", ["lib/"]),
    ],
)
def test_fish(place: Place, line: str, expected: list[str]) -> None:
    """Fish itself says what it would offer."""
    script = SCRIPTS["fish"] + f"complete -C {shlex.quote(line)}\n"
    out = shell(place, "fish", "--no-config", "-c", script)
    assert [each.partition("\t")[0] for each in out.splitlines()] == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("haz que", "query"),
        ("haz run lib:te", "lib:test"),
        ("haz run --output-mode=b", "--output-mode=buffered"),
        ("haz init --project we", "web/"),
        ("haz run [c]:b", "\\[c\\]:build"),
    ],
)
def test_zsh(place: Place, line: str, expected: str) -> None:
    """An interactive zsh completes a line at the press of the Tab key."""
    (place.root / ".zshrc").write_text(
        "PS1='READY>'\nautoload -U compinit && compinit -u -D\n"
        + SCRIPTS["zsh"]
        + 'accept() { print -r -- "<<$BUFFER>>"; BUFFER=exit; zle accept-line }\n'
        "zle -N accept\nbindkey '^X' accept\n"
    )
    script = (
        "zmodload zsh/zpty; zpty tested zsh -d -i; local out line\n"
        "zpty -r tested out '*READY>*'\n"
        f"zpty -w -n tested {shlex.quote(line)}$'\\t\\x18'\n"
        "zpty -r tested line '*>>*'; print -r -- $line\n"
    )
    out = shell(place, "zsh", "-f", "-c", script)
    found = re.search(r"<<(.*)>>", out)
    assert found is not None, out
    before = line.rpartition(" ")[0]
    assert found[1].rstrip() == f"{before} {expected}"
