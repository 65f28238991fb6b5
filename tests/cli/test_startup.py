"""What each command may import: start-up budgets as sets of modules (cli.md 14.5)."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import attrs
import pytest

# Looks at every import that is not answered from memory; `-X importtime` would not tell of what
# `importlib.import_module` imports, and haz ends without taking the interpreter down.
HAZ = """
import os, sys
told = os.open(sys.argv.pop(1), os.O_WRONLY)
class Teller:
    def find_spec(self, name, path=None, target=None):
        os.write(told, name.encode() + b"\\n")
sys.meta_path.insert(0, Teller())
from haz_trio.__main__ import main
main()
"""

# What the words of a command line never need, once they are understood.
PARSERS = {"typer", "click", "rich", "shellingham", "pygments", "pydantic", "argparse"}
# What nobody needs who starts no process and waits for nothing.
PROCESSES = {"subprocess", "asyncio", "logging", "concurrent", "multiprocessing"}
TRIO = {"trio", "trio_util", "sniffio", "outcome", "socket", "ssl"}
# What reads configuration files; `dataclasses` comes with cattrs, and `hashlib`, which brings
# OpenSSL along, with attrs and trio.
FILES = {"yaml", "cattrs"}
LOADER = FILES | {"dataclasses", "hashlib"}
# What is there for classes: each takes longer than an answer that needs none.
CLASSES = {"attr", "attrs", "enum", "typing", "inspect", "re", "functools", "collections"}
VERSION_LOOKUP = {"importlib.metadata", "email", "zipfile"}
ALWAYS = VERSION_LOOKUP | {"asyncio", "pydantic", "argparse", "rich", "pygments"}
NOTHING = PARSERS | PROCESSES | TRIO | LOADER | CLASSES | {"json", "signal", "contextlib"}


@attrs.frozen
class Budget:
    """A command line and the modules that it must do without.

    ``code`` is the exit code, so that a row cannot hold because the command failed early.
    """

    line: str
    without: frozenset[str]
    code: int = 0


def budget(line: str, *without: Iterable[str], code: int = 0) -> Budget:
    return Budget(line, frozenset(ALWAYS).union(*without), code)


# A row gets stricter when a command learns to do without more. The workspace is unchanged, so
# that there is a snapshot of its configuration; the memo has a test of its own.
BUDGETS = [
    budget("--version", NOTHING),
    budget("completions bash", NOTHING),
    budget("__suggest -- =ch", NOTHING),
    budget("__suggest -- run =--a", NOTHING),
    budget("__suggest -- run --output-mode =", NOTHING),
    budget("__suggest -- run =lib:", PARSERS, PROCESSES, TRIO, LOADER),
    budget("--help", TRIO, FILES, {"attr", "attrs"}),
    budget("run --help", TRIO, FILES, {"attr", "attrs"}),
    budget("check nonsense", TRIO, FILES, code=2),
    budget("run --jobs none", PARSERS, PROCESSES, TRIO, LOADER, code=2),
    budget("cache show nonsense", PARSERS, PROCESSES, TRIO, LOADER, code=2),
    budget("check", PARSERS, PROCESSES, TRIO, LOADER),
    budget("check --json", PARSERS, PROCESSES, TRIO, LOADER),
    budget("query", PARSERS, PROCESSES, TRIO, LOADER),
    budget("query --tasks build --format json", PARSERS, PROCESSES, TRIO, LOADER),
    budget("query --json", PARSERS, PROCESSES, TRIO),  # says where tasks stand: reads the files
    budget("graph", PARSERS, PROCESSES, TRIO, LOADER),
    budget("schema project", PARSERS, PROCESSES, TRIO),
    budget("why lib:build", PARSERS, PROCESSES, TRIO, LOADER),
    budget("why --diff lib:build", PARSERS, PROCESSES, TRIO, LOADER),
    budget("cache info", PARSERS, PROCESSES, TRIO, LOADER),
    budget("cache ls", PARSERS, PROCESSES, TRIO, LOADER),
    budget("run --workspace --dry-run", PARSERS, PROCESSES, TRIO, LOADER),
    budget("run --workspace", PARSERS, PROCESSES, TRIO, LOADER),
    budget("run --force --workspace", PARSERS, LOADER - {"hashlib"}),
]


def used(line: str, cwd: Path, **env: str) -> tuple[set[str], int]:
    """The modules that a command line imports, and its exit code."""
    with tempfile.NamedTemporaryFile("r") as told:
        done = subprocess.run(
            [sys.executable, "-c", HAZ, told.name, *line.split()],
            cwd=cwd,
            env={**os.environ, "HAZ_MEMO": "0", **env},
            capture_output=True,
            check=False,
        )
        names = set(told.read().split())
    assert "haz_trio.__main__" in names
    return names, done.returncode


def forbidden(names: Iterable[str], without: frozenset[str]) -> list[str]:
    """The names that are in a set themselves, or whose package is."""
    return sorted(
        name
        for name in names
        if any(name == each or name.startswith(f"{each}.") for each in without)
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which everything is a hit already."""
    root = tmp_path_factory.mktemp("place")
    (root / ".haz").mkdir()
    (root / ".haz/workspace.yml").write_text("projects: [/lib]\n")
    (root / "lib").mkdir()
    (root / "lib/a").write_text("a\n")
    task = "{command: [/bin/cp, a, b], inputs: [a], outputs: [b]}"
    (root / "lib/haz.yml").write_text(f"name: lib\ntasks:\n  build: {task}\n")
    assert used("run --workspace", root)[1] == 0
    return root


@pytest.mark.parametrize("row", BUDGETS, ids=lambda row: row.line)
def test_a_command_does_without(row: Budget, place: Path) -> None:
    """None of the row's modules is imported, nor anything in them."""
    names, code = used(row.line, place)
    assert (forbidden(names, row.without), code) == ([], row.code)


@pytest.mark.parametrize(
    ("line", "library"),
    [
        ("--help", "typer"),
        ("--help", "haz_trio.cli.run_options"),
        ("query --json", "attrs"),
        ("query --json", "yaml"),
        ("run -f --workspace", "trio"),
    ],
)
def test_an_import_would_be_noticed(line: str, library: str, place: Path) -> None:
    """What is imported is seen: a row that named it would fail."""
    names, _ = used(line, place)
    assert library in forbidden(names, frozenset({library}))


def test_a_memo_needs_no_class(place: Path) -> None:
    """A run that only says again what it said is over before anything is loaded for it.

    The first runs make the memo, as soon as the files are old enough for their times to be
    trusted.
    """
    for _ in range(20):
        names, code = used("run --workspace", place, HAZ_MEMO="1")
        assert code == 0
        if "haz_trio.cli" not in names:
            break
    else:
        pytest.skip("the times of this file system are too coarse for a memo")
    assert forbidden(names, frozenset(NOTHING)) == []


def test_the_lane_is_asked_before_anything_is_loaded(place: Path) -> None:
    """Understanding a line imports the lane and its table, and no module besides."""
    names, _ = used("--version", place)
    assert names == {
        "__future__",
        "errno",
        "gc",
        "haz_trio",
        "haz_trio.__main__",
        "haz_trio.cli",
        "haz_trio.cli.lane",
        "haz_trio.cli.lane_table",
        "haz_trio.cli.main",
        "haz_trio.cli.plain_call",
        "haz_trio.cli.state",
        "haz_trio.output",
        "haz_trio.output.descriptors",
    }
