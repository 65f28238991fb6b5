"""Signals in each phase of a run: one summary at most, the right code, nothing left, a good cache.

Until the loop listens a signal ends haz as it ends any program.
"""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cli.support import Home
from tests.engine.workspaces import sh
from tests.faults.support import Moment, assert_heals, assert_quiet, gone_soon, halted

INT, TERM, HUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
PRESSES = {
    "INT": (INT,),
    "TERM": (TERM,),
    "HUP": (HUP,),
    "INT INT": (INT, INT),
    "INT INT INT": (INT, INT, INT),
    "TERM INT": (TERM, INT),
}
GRACE = 0.5
SLACK = 4.0  # seconds: the pumps' two, the console's, and a machine that is busy
WAITING = "echo up; while [ ! -e ../go ]; do sleep 0.02; done"
MAKING = "cat in.txt; echo x > out.txt"


def tasks_of(phase: str) -> dict[str, object]:
    """A producer and a consumer, and for some phases what brings a run into them."""
    made: dict[str, object] = {
        "a": sh(MAKING, inputs=["in.txt"], outputs=["out.txt"]),
        "b": sh("exit 0", deps=["~:a"]),
    }
    if phase == "running":
        made["a"] = sh(f"{WAITING}; {MAKING}", inputs=["in.txt"], outputs=["out.txt"])
    if phase == "mutex":
        mutex = {"name": "m", "mode": "exclusive"}
        made = {name: sh(f"{WAITING}; echo {name}", mutex=mutex) for name in "ab"}
    if phase == "draining":
        holder = "[ -e ../go ] || { (exec setsid sh -c 'while :; do echo x; done') & echo up; }"
        made["a"] = sh(f"{holder}; {MAKING}", inputs=["in.txt"], outputs=["out.txt"])
    if phase == "cascade":
        made = {"f": sh("[ -e ../go ]"), "g": sh("true", deps=["~:f"]), "h": sh(WAITING)}
    return made


# What haz is about to do when it stands still; None: a task says "up" and goes on.
PHASES: dict[str, Moment | None] = {
    "import": Moment("import", ("haz_trio.cli.run'",)),
    "config load": Moment("open", ("p/haz.yml",)),
    "graph build": Moment("import", ("haz_trio.graph.build",)),
    "hashing": Moment("open", ("in.txt",)),
    "lookup": Moment("open", ("manifest.json",)),
    "restore": Moment("os.rename", ("00000000", "out.txt")),
    "mutex": None,
    "spawn": Moment("subprocess.Popen", ("cat in.txt",)),
    "running": None,
    "draining": None,
    "blob write": Moment("os.mkdir", ("outputs",)),
    "publish": Moment("os.rename", (".tmp-",)),
    "cascade": None,
    "end": Moment("os.rename", ("known.",)),
}
WARM = {"lookup", "restore", "end"}
ROWS_OF = {"restore": ["A13"], "blob write": ["A09"], "publish": ["A09", "A08"]}
CASES = [
    pytest.param(phase, id=phase, marks=pytest.mark.row("A01", *ROWS_OF.get(phase, [])))
    for phase in PHASES
]


def prepared(root: Path, phase: str) -> Home:
    home = Home.make(root, tasks_of(phase), execution={"cancel_grace": GRACE})
    (root / "p/in.txt").write_text("in\n")
    if phase in WARM:
        assert home.haz("run", "--workspace").code == 0
    if phase == "restore":
        (root / "p/out.txt").unlink()
    if phase == "end":
        (root / "p/in.txt").write_text("other\n")
    return home


def interrupt(root: Path, phase: str, press: str) -> None:
    """One case: the first signal decides the code; nothing hangs, nothing is left, all is well."""
    home = prepared(root, phase)
    moment = PHASES[phase]
    with halted(home, moment, "run", "--workspace") as running:
        if moment is None:
            running.wait_for(b"up\n")
        if phase == "cascade":
            running.wait_for(b"skipped")
        began = time.monotonic()
        running.press(PRESSES[press])
        running.go_on()
        code = running.end()
        took = time.monotonic() - began
        assert gone_soon(home)
    first = PRESSES[press][0]
    assert code in (128 + first, -first), running.heard
    assert took < GRACE + SLACK
    assert running.heard.count(b"Tasks:") <= 1
    assert_quiet(running.heard)
    (root / "go").touch()
    assert_heals(home, "--workspace", tidy=press != "INT INT INT")


@pytest.mark.parametrize("phase", CASES)
def test_signals_in_every_phase(tmp_path: Path, phase: str) -> None:
    """Six ways to press in each of fourteen phases, side by side: 84 cases in all.

    In "publish" a second press comes while a shield holds (A08).
    """
    with ThreadPoolExecutor(len(PRESSES)) as pool:
        cases = {
            press: pool.submit(interrupt, tmp_path / press, phase, press) for press in PRESSES
        }
    for press, case in cases.items():
        error = case.exception()
        assert error is None, f"{press}: {error}"
