"""How long each command takes to start, in milliseconds, beside an interpreter that does nothing.

    python -m benchmarks.startup [--runs N] [--work DIR] [HAZ ...]

Runs every command in turn, N times, in a workspace where everything is a hit, and prints the
median of each: from start to end, and of processor time, which other work on the machine
disturbs less. Several programs are measured in one interleaved run, to be compared.
Measure a wheel that was compiled when it was installed, `pip install .` in a fresh environment:
an editable installation may leave no bytecode, and reads its sources at every start.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from statistics import median

from benchmarks.workspaces import make_workspace

AGAIN = "  "  # the same words, for another row
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
    "why p00000:build",
    "cache info",
    "run --workspace",  # after a forced one: everything is a hit, but there is no memo yet
    f"run --workspace{AGAIN}",
    "run --workspace --force",
]


def measure(command: Sequence[str], cwd: str) -> tuple[float, float]:
    """Milliseconds from the start of a process to its end, and of the processor."""
    used, started = _processor(), time.perf_counter()
    subprocess.run(
        command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    return (time.perf_counter() - started) * 1000, (_processor() - used) * 1000


def _processor() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    beside = os.path.join(os.path.dirname(sys.executable), "haz")
    parser.add_argument("--runs", type=int, default=15, help="runs of each command")
    parser.add_argument("--work", help="folder to work in, e.g. /dev/shm")
    parser.add_argument("programs", nargs="*", default=[beside], help="the programs to measure")
    arguments = parser.parse_args()
    bare = [os.path.join(os.path.dirname(each), "python") for each in arguments.programs]
    rows = {"python -c pass": [[each, "-c", "pass"] for each in bare]}
    for line in LINES:
        rows[f"haz {line}"] = [[each, *line.split()] for each in arguments.programs]
    times: dict[str, list[list[tuple[float, float]]]] = {
        name: [[] for _ in commands] for name, commands in rows.items()
    }
    root = tempfile.mkdtemp(prefix="haz-startup-", dir=arguments.work)
    try:
        make_workspace(root, 10)
        for program in arguments.programs:
            filling = [program, "run", "--workspace"]
            subprocess.run(filling, cwd=root, check=True, capture_output=True)
        for _ in range(arguments.runs):
            for name, commands in rows.items():
                for taken, command in zip(times[name], commands, strict=True):
                    taken.append(measure(command, root))
    finally:
        shutil.rmtree(root)
    width = max(map(len, times))
    print(" " * width, *(f"{'wall':>8} {'cpu':>7}" for _ in arguments.programs))
    for name, columns in times.items():
        medians = [[median(each) for each in zip(*taken, strict=True)] for taken in columns]
        print(f"{name:{width}}", *(f"{wall:8.1f} {cpu:7.1f}" for wall, cpu in medians))
    return 0


if __name__ == "__main__":
    sys.exit(main())
