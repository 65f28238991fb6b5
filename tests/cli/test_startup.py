"""What each command may import: start-up budgets as sets of modules (cli.md 14.5)."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import attrs
import pytest

# `-X importtime` would not tell of what `importlib.import_module` imports.
TELL = "import sys; print(*sys.modules, sep='\\n', file=open(sys.argv[1], 'w'))"
HAZ = f"""
import sys
import haz_trio.__main__
from haz_trio.cli.main import run_command_line

code = run_command_line(sys.argv[2:])
{TELL}
sys.exit(code)
"""

# What the words of a command line never need, once they are understood.
PARSERS = {"typer", "click", "rich", "shellingham", "pygments", "pydantic", "argparse"}
# What nobody needs who starts no process and waits for nothing.
PROCESSES = {"subprocess", "asyncio", "logging", "concurrent", "multiprocessing"}
TRIO = {"trio", "trio_util", "sniffio", "outcome", "socket", "ssl"}
# What reads configuration files; `dataclasses` comes with cattrs.
FILES = {"yaml", "cattrs"}
LOADER = FILES | {"dataclasses"}
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


# A row gets stricter when a command learns to do without more: what a snapshot of the
# configuration spares is LOADER, what a run without an event loop spares is TRIO.
BUDGETS = [
    budget("--version", NOTHING),
    budget("completions bash", NOTHING),
    budget("__suggest -- =ch", NOTHING),
    budget("__suggest -- run =--a", NOTHING),
    budget("__suggest -- run --output-mode =", NOTHING),
    budget("__suggest -- run =lib:", PARSERS, PROCESSES, TRIO),
    budget("--help", TRIO, FILES, {"attr", "attrs"}),
    budget("run --help", TRIO, FILES, {"attr", "attrs"}),
    budget("check nonsense", TRIO, FILES, code=2),
    budget("run --jobs none", PARSERS, PROCESSES, TRIO, LOADER, code=2),
    budget("cache show nonsense", PARSERS, PROCESSES, TRIO, LOADER, code=2),
    budget("check", PARSERS, PROCESSES, TRIO),
    budget("check --json", PARSERS, PROCESSES, TRIO),
    budget("query", PARSERS, PROCESSES, TRIO),
    budget("query --tasks build --json", PARSERS, PROCESSES, TRIO),
    budget("graph", PARSERS, PROCESSES, TRIO),
    budget("schema project", PARSERS, PROCESSES, TRIO),
    budget("why lib:build", PARSERS, PROCESSES, TRIO),
    budget("why --diff lib:build", PARSERS, PROCESSES, TRIO),
    budget("cache info", PARSERS, PROCESSES, TRIO),
    budget("cache ls", PARSERS, PROCESSES, TRIO),
    budget("run --workspace --dry-run", PARSERS),
    budget("run --workspace", PARSERS),
]


def imported(program: str, line: str, cwd: Path) -> tuple[set[str], int]:
    """The modules that are there when a program ends, and its exit code."""
    with tempfile.NamedTemporaryFile("r") as told:
        command = [sys.executable, "-c", program, told.name, *line.split()]
        done = subprocess.run(command, cwd=cwd, capture_output=True, check=False)
        return set(told.read().split()), done.returncode


@cache
def bare() -> frozenset[str]:
    """What the interpreter itself imports here, with whatever is installed beside us."""
    return frozenset(imported(TELL, "", Path("/"))[0])


def used(line: str, cwd: Path) -> tuple[set[str], int]:
    """The modules that a command line imports beyond those, and its exit code."""
    names, code = imported(HAZ, line, cwd)
    assert "haz_trio.cli.main" in names
    return names - bare(), code


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
        ("check", "attrs"),
        ("check", "yaml"),
        ("run -f --workspace", "trio"),
    ],
)
def test_an_import_would_be_noticed(line: str, library: str, place: Path) -> None:
    """What is imported is seen: a row that named it would fail."""
    names, _ = used(line, place)
    assert library in forbidden(names, frozenset({library}))


def test_the_lane_is_asked_before_anything_is_loaded(tmp_path: Path) -> None:
    """Understanding a line imports the lane and its table, and nothing else."""
    code = "from haz_trio.cli.lane import match\nassert match(['run', '-j', '4', 'a:b'], {})\n"
    names, status = imported(code + TELL, "", tmp_path)
    assert status == 0
    assert names - bare() == {
        "__future__",
        "haz_trio",
        "haz_trio.cli",
        "haz_trio.cli.lane",
        "haz_trio.cli.lane_table",
    }
