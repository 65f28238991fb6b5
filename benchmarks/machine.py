"""What the numbers were measured on: only ratios of one run carry over to another machine."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import attrs

from benchmarks.measure import measure

HERE = os.path.dirname(os.path.abspath(__file__))


@attrs.frozen
class Machine:
    """``bare_mib`` is the peak memory of a Python that does nothing."""

    cpus: int
    kernel: str
    python: str
    commit: str
    bare_mib: float

    def __str__(self) -> str:
        return (
            f"{self.cpus} processors, Linux {self.kernel}, Python {self.python} "
            f"({self.bare_mib:.0f} MiB), haz-trio {self.commit}"
        )


def this_machine() -> Machine:
    bare = measure([sys.executable, "-c", "pass"], cwd=HERE, env=os.environ)
    words = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(words, cwd=HERE, capture_output=True, text=True, check=False)
    return Machine(
        cpus=len(os.sched_getaffinity(0)),
        kernel=platform.release(),
        python=platform.python_version(),
        commit=commit.stdout.strip() or "unknown",
        bare_mib=bare.peak_kib / 1024,
    )
