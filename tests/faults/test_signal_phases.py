"""Signals in each phase of a run: one summary at most, the right code, nothing left, a good cache.

Until the loop listens a signal ends haz as it ends any program.
"""

from __future__ import annotations

import signal
import time
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
ROWS_OF = {"restore": "A13", "blob write": "A09", "publish": "A09"}


def marks(phase: str, press: str) -> list[pytest.MarkDecorator]:
    """The rows that a case shows; one press in each phase is for every commit."""
    rows = [ROWS_OF[phase]] if phase in ROWS_OF else []
    if phase == "publish" and press == "INT INT":  # a second press while a shield holds
        return [pytest.mark.row("A08", *rows)]
    return [pytest.mark.row(*rows), *([] if press == "INT" else [pytest.mark.deep])]


CASES = [
    pytest.param(phase, press, id=f"{phase}-{press}", marks=marks(phase, press))
    for phase in PHASES
    for press in PRESSES
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


@pytest.mark.row("A01")
@pytest.mark.parametrize(("phase", "press"), CASES)
def test_signals_in_every_phase(tmp_path: Path, phase: str, press: str) -> None:
    """The first signal decides the code; no hang, no orphan, no traceback; the cache is good."""
    home = prepared(tmp_path, phase)
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
    (tmp_path / "go").touch()
    assert_heals(home, "--workspace", tidy=press != "INT INT INT")
