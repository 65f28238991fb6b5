"""Memory is flat in what tasks print (D09, D11): ``python -m tests.faults.memory``."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest

from tests.cli.support import Home
from tests.engine.workspaces import sh
from tests.faults.memory import LIMIT, high_water, peak
from tests.faults.support import halted


@pytest.mark.row("D09")
@pytest.mark.parametrize("mode", ["live", "buffered"])
@pytest.mark.parametrize("megabytes", [16, pytest.param(300, marks=pytest.mark.deep)])
def test_four_tasks_that_flood(tmp_path: Path, mode: str, megabytes: int) -> None:
    """Whatever four tasks print at once, haz stays below a hundred megabytes."""
    assert peak(tmp_path, mode, megabytes) < LIMIT


@pytest.mark.row("D11")
def test_many_tasks_that_flood_a_slow_reader(tmp_path: Path) -> None:
    """They have to wait, haz holds little, and a stop ends them although nobody reads on."""
    tasks = {f"t{number}": sh(f"yes; : {number}") for number in range(64)}
    home = Home.make(tmp_path, tasks, execution={"cancel_grace": 5})
    with halted(home, None, "run", "--workspace", "-j64") as running:
        running.wait_for(b"[p:t9] y\n")
        pipe = running.child.stdout
        assert pipe is not None
        for _ in range(30):
            assert os.read(pipe.fileno(), 1000)  # 10 KB in a second
            time.sleep(0.05)
        before = ticks(home)
        time.sleep(0.3)
        assert ticks(home) <= before + 5, "who floods stands still"
        assert high_water(running.child.pid) < LIMIT << 10
        began = time.monotonic()
        running.press([signal.SIGTERM])
        assert running.child.wait(LIMIT) == 143
        assert time.monotonic() - began < 5 + 3
    assert home.place.processes() == []


def ticks(home: Home) -> int:
    """Hundredths of seconds that the commands of all tasks have worked so far."""
    total = 0
    for pid in home.place.processes():
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total
