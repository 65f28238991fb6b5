"""The runners that are compared: how each is found, called, and brought back to its start."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping

import attrs

from benchmarks.sizes import Size

FLOOR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "floor.py")
GOALS = "GOALS"
NPM = '#!/bin/sh\nexec sh ".tasks/$2"\n'


@attrs.frozen
class Tool:
    """One runner, two tasks at a time.

    ``words`` follow the program; ``GOALS`` stands for the task names to ask for. ``state`` are
    globs of what a cold run starts without. ``caches``: deleted outputs can be brought back.
    ``keep_going``: more words, so that one failure does not stop the rest; None when there is no
    such thing. ``memo_off``: an environment in which nothing is replayed. ``clean``: a no-op that
    writes outputs is an error of this runner.
    ``failure``: the exit statuses of a run in which a task failed.
    ``most_tasks``: larger workspaces only when the tool is asked for by name.
    """

    program: str
    words: tuple[str, ...]
    dialect: str
    state: tuple[str, ...] = ()
    caches: bool = False
    keep_going: tuple[str, ...] | None = None
    memo_off: Mapping[str, str] = attrs.field(factory=dict)
    clean: bool = False
    stub_npm: bool = False
    failure: tuple[int, ...] = (1,)
    most_tasks: int = sys.maxsize

    def argv(self, command: tuple[str, ...], size: Size) -> list[str]:
        words = [size.goals if word == GOALS else (word,) for word in self.words]
        return [*command, *(word for group in words for word in group)]


OURS = "haz-trio"
TOOLS: Mapping[str, Tool] = {
    OURS: Tool(
        "haz-trio",
        ("run", "--workspace"),
        "haz",
        state=(".haz/cache",),
        caches=True,
        keep_going=(),
        memo_off={"HAZ_MEMO": "0"},
        clean=True,
    ),
    "floor": Tool(
        sys.executable,
        (FLOOR,),
        "floor",
        state=(".floor",),
        caches=True,
        keep_going=(),
        clean=True,
    ),
    # The original is quadratic in tasks with globs: ten minutes for one run of `large`.
    "haz": Tool(
        "haz",
        ("run", "--workspace"),
        "haz",
        state=(".haz/cache",),
        caches=True,
        keep_going=(),
        most_tasks=1000,
    ),
    "turbo": Tool(
        "turbo",
        ("run", GOALS, "--concurrency=2", "--no-daemon", "--ui=stream", "--no-color"),
        "turbo",
        state=(".turbo", "*/.turbo", "node_modules/.cache"),
        caches=True,
        keep_going=("--continue",),
        stub_npm=True,
    ),
    "ninja": Tool(
        "ninja", ("-j2", "--quiet"), "ninja", state=(".ninja_*",), keep_going=("-k", "0")
    ),
    "doit": Tool(
        "doit", ("-n", "2"), "doit", state=(".doit.db*",), keep_going=("-c",), failure=(1, 2, 3)
    ),
    "gotask": Tool("task", ("-C", "2", "all"), "gotask", state=(".task",)),
}


def command_of(name: str) -> tuple[str, ...] | None:
    """The words that start a runner, the first being a path; None when it is not installed.

    ``BENCH_HAZ_TRIO``, ``BENCH_TURBO`` and so on name another program, split as a shell would.
    Else the programs beside this Python come before those on PATH; haz-trio is the ``haz`` of
    this Python, and the original is never taken from there.
    """
    here = os.path.dirname(sys.executable)
    given = os.environ.get(f"BENCH_{name.upper().replace('-', '_')}")
    if given is not None:
        words = tuple(shlex.split(given))
        found = shutil.which(words[0]) if words else None
        return (os.path.abspath(found), *words[1:]) if found else None
    if name == OURS:
        script = os.path.join(here, "haz")
        return (script,) if os.path.exists(script) else (sys.executable, "-m", "haz_trio")
    program = TOOLS[name].program
    if name == "haz":
        return _original(here)
    found = shutil.which(program, path=f"{here}{os.pathsep}{os.environ.get('PATH', '')}")
    return (os.path.abspath(found),) if found else None


def _original(here: str) -> tuple[str, ...] | None:
    """The first ``haz`` on PATH that is a binary: ours is a script."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        found = shutil.which("haz", path=folder) if folder and folder != here else None
        if found:
            with open(found, "rb") as file:
                if file.read(4) == b"\x7fELF":
                    return (os.path.abspath(found),)
    return None


def environment(tool: Tool, home: str) -> dict[str, str]:
    """What a runner sees: this process's environment without CI's influence, and an empty home.

    A Python that may not keep its bytecode would compile haz-trio anew for each run.
    """
    dropped = ("CI", "MAKEFLAGS", "GITHUB_ACTIONS", "PYTHONDONTWRITEBYTECODE")
    own = {
        name: value
        for name, value in os.environ.items()
        if name not in dropped and not name.startswith(("HAZ_", "npm_"))
    }
    own |= {"HOME": home, "NO_COLOR": "1", "DO_NOT_TRACK": "1", "TURBO_TELEMETRY_DISABLED": "1"}
    if tool.stub_npm:
        own["PATH"] = f"{write_npm(home)}{os.pathsep}{own.get('PATH', '')}"
    return own


def write_npm(home: str) -> str:
    """A folder with an ``npm`` that only runs the task's command: npm itself costs 170 ms."""
    folder = os.path.join(home, "stub")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "npm")
    with open(path, "w") as file:
        file.write(NPM)
    os.chmod(path, 0o755)
    return folder
