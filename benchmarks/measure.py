"""One command, run and measured."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

import attrs

LAUNCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "launch.py")


@attrs.frozen
class Sample:
    """What one process and all that it waited for took; times in seconds.

    ``others`` is the mean number of processors that anything else kept busy meanwhile.
    """

    status: int
    wall: float
    user: float
    system: float
    peak_kib: int
    others: float

    @property
    def cpu(self) -> float:
        return self.user + self.system


def measure(
    words: Sequence[str],
    *,
    cwd: str,
    env: Mapping[str, str],
    log: str = os.devnull,
    timeout: float = 600.0,
) -> Sample:
    """Run a command, ``words[0]`` being a path; both its streams go to the file ``log``.

    A command that outlives ``timeout`` seconds is ended, and its status is that of the signal.
    Raises ``OSError`` when it cannot be started.
    """
    reading, writing = os.pipe()
    machine = busy_seconds()
    try:
        if os.path.isfile(log):
            os.truncate(log, 0)
        # Appending, for commands that share the descriptor and write at once.
        with open(log, "ab") as streams:
            launcher = [sys.executable, "-I", "-S", LAUNCH, str(writing), str(timeout), *words]
            subprocess.run(
                launcher,
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=streams,
                stderr=streams,
                pass_fds=[writing],
                check=False,
            )
    finally:
        os.close(writing)
    with open(reading, "rb") as report:
        line = report.read().split()
    if not line:
        raise OSError(f"{words[0]} could not be started; see {log}")
    machine = busy_seconds() - machine
    status, wall, user, system, peak = line
    used = float(user) + float(system)
    return Sample(
        int(status),
        float(wall),
        float(user),
        float(system),
        int(peak),
        max(0.0, machine - used) / float(wall),
    )


def busy_seconds() -> float:
    """Processor time that the whole machine has spent so far."""
    with open("/proc/stat") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    idle_and_waiting = ticks[3] + ticks[4]
    return (sum(ticks) - idle_and_waiting) / os.sysconf("SC_CLK_TCK")
