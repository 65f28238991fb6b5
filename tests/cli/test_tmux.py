"""Walks on a real terminal, that of tmux: the screens of init, a run while the window changes.

What is on the screen is what a person would see; every wait is for a text, none for a time.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from haz_trio.config.load import load_workspace
from tests.cli.tmux import Window, open_window
from tests.engine.workspaces import Place

PACKAGE = Path(__file__).parents[2]
EXAMPLE = PACKAGE / "examples" / "monorepo"
PROMPT = "READY>"


@pytest.fixture(autouse=True)
def tmux() -> None:
    require("tmux")


def require(program: str) -> None:
    if shutil.which(program) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{program} is not installed")
        pytest.skip(f"{program} is not installed")


def environment(home: Path) -> dict[str, str]:
    """A small environment in which `haz` is on the path, and a home for the files of shells."""
    binary = home / "bin"
    binary.mkdir(parents=True)
    program = binary / "haz"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m haz_trio "$@"\n')
    program.chmod(0o755)
    return {
        "PATH": f"{binary}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "PYTHONPATH": str(PACKAGE),
    }


@contextmanager
def bash(tmp_path: Path, cwd: Path) -> Iterator[Window]:
    """An interactive bash that has written its prompt."""
    env = {**environment(tmp_path / "home"), "PS1": PROMPT}
    with open_window(["bash", "--norc", "--noprofile"], cwd, env) as window:
        window.wait_for(PROMPT)
        yield window


# -- haz init ---------------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The tree D of cli.md 13.4, in a small form."""
    root = tmp_path / "tree"
    for path in ("lib/src", "web", "pkgs/a", "pkgs/b", "pkgs/.h", ".git"):
        (root / path).mkdir(parents=True)
    return root


def terminal_settings(window: Window, path: Path) -> str:
    """What `stty` says about the terminal, by way of a file."""
    window.enter(f"stty -a > {path}; echo settings $?")
    window.wait_for("settings 0")
    window.enter("clear")
    window.wait_until(lambda screen: "settings" not in screen, "an empty screen")
    return path.read_text()


def test_init_by_keys(tmp_path: Path, tree: Path) -> None:
    """Every screen, there and back, with a smaller window in between; then it is written."""
    with bash(tmp_path, tree) as window:
        window.enter("echo before; haz init; echo code $?")
        window.wait_for("select directories", " □   ▶ lib", "(0 projects)", "q quit")
        window.press("?")
        window.wait_for("haz init — help", "any key goes back")
        window.press("x")
        window.wait_for("(0 projects)")
        window.press("Down", "Right")
        window.wait_for("▼ lib", "□     ▶ src")
        window.press("Left", "Space", "Down", "Space", "Space")
        window.wait_for(
            "■   ▶ lib    (project)", "▣   ▶ pkgs    (projects parent)", "(4 projects)"
        )
        window.resize(40, 10)
        narrow = window.wait_until(lambda screen: screen.endswith("q quit\n"), "the narrow screen")
        assert all(len(line) <= 40 for line in narrow.split("\n"))
        assert "(4 projects)" in narrow
        window.resize(80, 24)
        window.wait_for("H hidden  ? help  q quit")
        window.press("Enter")
        plan = window.wait_for("confirm scaffold", "Proceed?")
        assert "     - /pkgs/*" in plan
        assert "   /pkgs/.h        name: h" in plan
        assert not (tree / ".haz").exists()
        window.press("y")
        after = window.wait_for("code 0")
        assert "before" in after
        assert "Proceed?" not in after
        assert window.value("cursor_flag") == "1"
    assert sorted(load_workspace(tree).projects) == ["a", "b", "h", "lib"]


@pytest.mark.parametrize(
    ("name", "keys", "shown"),
    [
        ("the tree", [], "(0 projects)"),
        ("the tree with choices", ["Down", "Space"], "(1 project)"),
        ("the help", ["?"], "any key goes back"),
        ("the confirmation", ["Down", "Space", "Enter"], "Proceed?"),
    ],
)
def test_ctrl_c_in_init_leaves_nothing(
    tmp_path: Path, tree: Path, name: str, keys: Sequence[str], shown: str
) -> None:
    """Exit code 130, no file, the screen and the settings of the terminal as they were."""
    before = sorted(tree.rglob("*"))
    with bash(tmp_path, tree) as window:
        settings = terminal_settings(window, tmp_path / "before")
        window.enter("echo untouched; haz init; echo code $?")
        window.wait_for("select directories", "(0 projects)")
        assert window.value("alternate_on") == "1"
        for key in keys:
            window.press(key)
        window.wait_for(shown)
        window.press("C-c")
        screen = window.wait_for("code 130", "untouched")
        assert "haz init —" not in screen
        assert (window.value("alternate_on"), window.value("cursor_flag")) == ("0", "1")
        assert terminal_settings(window, tmp_path / "after") == settings
    assert sorted(tree.rglob("*")) == before, name


# -- haz run ----------------------------------------------------------------------------------


def test_the_example_runs_on_a_terminal(tmp_path: Path) -> None:
    """From the first task to the closing lines, with the line of progress in between."""
    require("cc")
    root = tmp_path / "monorepo"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("cache", "out", "site"))
    # Until this file is there a task waits: long enough to see the line.
    (root / "data/haz.yml").write_text(
        (root / "data/haz.yml")
        .read_text()
        .replace("mkdir -p", "until [ -e go ]; do :; done\n      mkdir -p")
    )
    with bash(tmp_path, root) as window:
        window.enter("clear; haz run --workspace; echo code $?")
        window.wait_until(
            lambda screen: re.search(r"^\d+/\d+ \| .*data:sample \d+s", screen, re.M) is not None,
            "the line of progress",
        )
        (root / "data/go").touch()
        window.wait_for("code 0")
        told = window.history
    assert "[stats:test] mean 10.5\n" in told
    assert re.search(r"^Tasks: \d+ completed$", told, re.M)
    assert not re.search(r"^\d+/\d+ \|", told, re.M)


def test_nothing_of_the_line_is_in_the_history(tmp_path: Path) -> None:
    """Also when the line was the first of the screen: tmux keeps what is erased from there on."""
    root = tmp_path / "workspace"
    wait = {"shell": "until [ -e ../go ]; do sleep 0.02; done", "env": {"from_host": ["PATH"]}}
    Place.make(root, {"a": wait})
    with bash(tmp_path, root) as window:
        window.enter("clear; haz run p:a; echo code $?")
        window.wait_until(lambda screen: screen.startswith("0/1 | p:a"), "the line at the top")
        (root / "go").touch()
        window.wait_for("code 0", "Tasks: 1 completed")
        assert "0/1 |" not in window.history


NAMES = ("first-of-three-long-names", "second-of-three-long-names", "third-of-three-long-names")


def test_the_window_changes_during_a_run(tmp_path: Path) -> None:
    """The line of progress fits each width, is there once, and no output is torn or lost."""
    long = "word " * 30
    tasks = {
        name: {
            "shell": f"echo {long}{name}; until [ -e ../go{at} ]; do sleep 0.02; done; echo end",
            "env": {"from_host": ["PATH"]},
        }
        for at, name in enumerate(NAMES)
    }
    root = tmp_path / "workspace"
    Place.make(root, tasks)

    def bottom(screen: str) -> str:
        return screen.rstrip("\n").rpartition("\n")[2]

    def wait_for_line(window: Window, start: str, end: str) -> None:
        screen = window.wait_until(
            lambda screen: bottom(screen).startswith(start) and bottom(screen).endswith(end),
            f"{start}...{end}",
        )
        assert len(re.findall(r"^\d/3 \|", screen, re.M)) == 1

    with bash(tmp_path, root) as window:
        window.enter("clear; haz run --workspace -j3 --output-mode live; echo code $?")
        window.wait_until(lambda screen: all(name in screen for name in NAMES), "three tasks")
        wait_for_line(window, "0/3 | p:", "…")
        for at, (columns, lines, end) in enumerate(((44, 16, "…"), (120, 20, "s"))):
            window.resize(columns, lines)
            wait_for_line(window, f"{at}/3 | p:", end)
            (root / f"go{at}").touch()
            wait_for_line(window, f"{at + 1}/3 | p:", "…" if columns == 44 else "s")
        window.resize(20, 10)
        wait_for_line(window, "2/3 | p:", "…")
        window.resize(80, 24)
        wait_for_line(window, "2/3 | p:", "s")
        (root / "go2").touch()
        window.wait_for("code 0", "Tasks: 3 completed")
        told = window.history.split("\n")
    for name in NAMES:
        assert f"[p:{name}] {long}{name}" in told
        assert f"[p:{name}] end" in told
    assert not [line for line in told if re.match(r"\d/3 \|", line)]


def test_ctrl_c_in_a_run_gives_the_terminal_back(tmp_path: Path) -> None:
    """The task is ended, the epilogue is the last that is said, and the shell goes on."""
    root = tmp_path / "workspace"
    Place.make(root, {"a": {"shell": "echo up; exec sleep 100", "env": {"from_host": ["PATH"]}}})
    with bash(tmp_path, root) as window:
        settings = terminal_settings(window, tmp_path / "before")
        window.enter("clear; haz run p:a; echo code $?")
        window.wait_for("[p:a] up", "0/1 | p:a")
        window.press("C-c")
        screen = window.wait_for("code 130")
        assert "Tasks: 0 completed, 1 cancelled" in screen
        assert "0/1 |" not in screen
        assert terminal_settings(window, tmp_path / "after") == settings


# -- the Tab key ------------------------------------------------------------------------------


def install_bash(home: Path) -> list[str]:
    (home / ".bashrc").write_text(f"PS1='{PROMPT}'\neval \"$(haz completions bash)\"\n")
    return ["bash", "--noprofile", "-i"]


def install_zsh(home: Path) -> list[str]:
    (home / ".zshrc").write_text(
        f"PS1='{PROMPT}'\nautoload -U compinit && compinit -u -D\n"
        'eval "$(haz completions zsh)"\n'
    )
    return ["zsh", "-d", "-i"]


def install_fish(home: Path) -> list[str]:
    folder = home / ".config/fish/completions"
    folder.mkdir(parents=True)
    words = [sys.executable, "-m", "haz_trio", "completions", "fish"]
    (folder / "haz.fish").write_bytes(subprocess.check_output(words, cwd=PACKAGE))
    (home / ".config/fish/config.fish").write_text(
        f"function fish_prompt; echo -n '{PROMPT}'; end\nset -g fish_greeting\n"
    )
    return ["fish", "-i"]


# Install as `haz completions --help` says; the words that start the shell.
INSTALL = {"bash": install_bash, "zsh": install_zsh, "fish": install_fish}


@pytest.mark.parametrize("shell", INSTALL)
def test_the_tab_key_completes_task_names(tmp_path: Path, shell: str) -> None:
    """One candidate is put in, several are listed, and the line that comes out of it runs."""
    require(shell)
    root = tmp_path / "workspace"
    Place.make(root, {name: {"command": ["true"]} for name in ("build", "lint", "unit")})
    env = environment(tmp_path / "home")
    with open_window(INSTALL[shell](tmp_path / "home"), root, env) as window:
        window.wait_for(PROMPT)
        window.type("haz run p:")
        window.press(*["Tab"] * (2 if shell == "bash" else 1))
        window.wait_for("build", "lint", "unit")
        window.type("un")
        window.press("Tab")
        window.wait_until(
            lambda screen: re.search(r"haz run p:unit\b", screen) is not None, "p:unit"
        )
        window.type("p:li")
        window.press("Tab")
        window.wait_for("haz run p:unit p:lint")
        window.press("Enter")
        screen = window.wait_for("Tasks: 2 completed")
        assert "[p:unit] " in screen
        assert "[p:lint] " in screen
        assert "[p:build]" not in screen
