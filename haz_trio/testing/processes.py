"""Processes of the program on trial that are still there, told by their working directory."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path


def processes_in(root: Path, but: Collection[int] = ()) -> list[int]:
    """Processes whose working directory is in a workspace, zombies excluded, after a moment."""
    for _ in range(50):
        found = [process for process in _processes_in(root) if process not in but]
        if not found:
            return []
        time.sleep(0.02)
    return found


def kill_processes_in(root: Path, but: Collection[int] = ()) -> None:
    for process in _processes_in(root):
        if process not in but:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def _processes_in(root: Path) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                inside = os.readlink(f"/proc/{name}/cwd").startswith(f"{root}/")
                state = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if inside and state != "Z":
                found.append(int(name))
    return found
