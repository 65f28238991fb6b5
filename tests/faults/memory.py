"""``python -m tests.faults.memory --megabytes 300``: what haz holds while four tasks flood it.

Four tasks print that much each, at the same time, in live and in buffered mode; whoever reads is
quick. Prints the peak of the resident memory of haz itself and exits with 1 when it is over
``--limit`` megabytes. The kernel keeps that peak (``VmHWM``); ``ru_maxrss`` would be that of the
process that has started haz, if it is larger.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.cli.support import HAZ, Home
from tests.engine.workspaces import sh

TASKS = 4
LIMIT = 100  # megabytes


def peak(root: Path, mode: str, megabytes: int) -> float:
    """The megabytes that haz had in memory at most, while each task prints so many."""
    line = "'a line of sixty-four characters, as compilers and tests say them .'"
    script = f"yes {line} | head -c {megabytes << 20}"
    home = Home.make(root, {f"t{number}": sh(script) for number in range(TASKS)})
    with (root / "heard").open("wb") as heard:
        child = subprocess.Popen(
            [*HAZ, "run", "--workspace", "-j4", "--output-mode", mode],
            cwd=home.root,
            env=home.env,
            stdin=subprocess.DEVNULL,
            stdout=heard,
            stderr=subprocess.STDOUT,
        )
        found = peak_of(child)
    if child.returncode:
        raise RuntimeError(f"haz ended with {child.returncode}")
    if (root / "heard").stat().st_size < TASKS * megabytes << 20:
        raise RuntimeError("output was lost")
    return found


def peak_of(child: subprocess.Popen[bytes]) -> float:
    """The megabytes that a process had in memory at most, when it has ended."""
    found = 0
    while child.poll() is None:
        found = max(found, high_water(child.pid))
        time.sleep(0.01)
    return found / 1024


def high_water(pid: int) -> int:
    """The most that a process has had in memory so far, in kilobytes; 0 when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(n.split()[1]) for n in status.splitlines() if n.startswith("VmHWM")), 0)


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.memory")
    parser.add_argument("--megabytes", type=int, default=300, help="of output from each task")
    parser.add_argument("--limit", type=float, default=LIMIT, help="megabytes of memory")
    parser.add_argument("--place", type=Path, help="folder for the workspaces")
    options = parser.parse_args(words)
    worst = 0.0
    for mode in ("live", "buffered"):
        root = Path(tempfile.mkdtemp(prefix="haz-memory-", dir=options.place))
        try:
            found = peak(root, mode, options.megabytes)
        finally:
            shutil.rmtree(root, ignore_errors=True)
        print(f"mode={mode} tasks={TASKS} megabytes={options.megabytes} peak={found:.1f} MB")
        worst = max(worst, found)
    return int(worst > options.limit)


if __name__ == "__main__":
    sys.exit(main())
