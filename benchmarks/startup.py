"""How long each command takes to start, in milliseconds, beside an interpreter that does nothing.

    python -m benchmarks.startup [--runs N] [--haz PATH] [--python PATH] [--work DIR]

Runs every command in turn, N times, in a workspace where everything is a hit, and prints the
median of each with what it takes beyond `python -c pass`.
Measure a wheel that was compiled when it was installed, `pip install .` in a fresh environment:
an editable installation may leave no bytecode, and reads its sources at every start.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from statistics import median

from benchmarks.workspaces import make_workspace

LINES = [
    "--version",
    "completions bash",
    "__suggest -- run =--a",
    "__suggest -- run =p",
    "--help",
    "run --jobs none",
    "check",
    "query",
    "query --json",
    "graph",
    "run --workspace --dry-run",
    "why p0:build",
    "cache info",
    "run --workspace",
    "run --workspace --force",
]


def elapsed(command: Sequence[str], cwd: str) -> float:
    """Milliseconds from the start of a process to its end."""
    started = time.perf_counter()
    subprocess.run(
        command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    return (time.perf_counter() - started) * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    beside = os.path.join(os.path.dirname(sys.executable), "haz")
    parser.add_argument("--runs", type=int, default=15, help="runs of each command")
    parser.add_argument("--haz", default=beside, help="the program to measure")
    parser.add_argument("--python", default=sys.executable, help="its interpreter")
    parser.add_argument("--work", help="folder to work in, e.g. /dev/shm")
    arguments = parser.parse_args()
    root = tempfile.mkdtemp(prefix="haz-startup-", dir=arguments.work)
    try:
        make_workspace(root, 10)
        haz = arguments.haz
        subprocess.run([haz, "run", "--workspace"], cwd=root, check=True, capture_output=True)
        commands = {"python -c pass": [arguments.python, "-c", "pass"]}
        commands |= {f"haz {line}": [haz, *line.split()] for line in LINES}
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(arguments.runs):
            for name, command in commands.items():
                times[name].append(elapsed(command, root))
    finally:
        shutil.rmtree(root)
    bare = median(times["python -c pass"])
    width = max(map(len, times))
    print(f"{'':{width}}     ms  beyond")
    for name, each in times.items():
        print(f"{name:{width}} {median(each):6.1f} {median(each) - bare:7.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
