"""The machine as far as runs depend on it: versions, git, clock, limits, pidfd, containment."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from importlib import metadata

from haz_trio import __version__
from haz_trio.cli.doctor_findings import Finding, attention, good, note
from haz_trio.process import proc
from haz_trio.process.cells import Cell, open_cell

PACKAGES = ("attrs", "blake3", "cattrs", "pyyaml", "trio", "trio-util", "typer", "xxhash")
FILES = 256  # open files that a run with a few dozens of tasks takes
PROCESSES = 256
_TICK = 0.001  # seconds between two values of a clock that still tells tasks apart
_WAIT = 10.0  # seconds that git may take to say its version


def look_at_machine(*, repository: bool) -> Iterator[Finding]:
    """Everything about this machine; ``repository`` says whether git is wanted here."""
    yield good("haz", __version__)
    yield good("python", f"{platform.python_version()} ({platform.python_implementation()})")
    yield good("system", f"{platform.system()} {platform.release()} {platform.machine()}")
    yield look_at_packages()
    yield look_at_git(repository=repository)
    yield look_at_clock(time.get_clock_info("monotonic").resolution)
    yield look_at_limit(
        "open files", resource.getrlimit(resource.RLIMIT_NOFILE)[0], FILES, "ulimit -n 4096"
    )
    yield look_at_limit(
        "processes", resource.getrlimit(resource.RLIMIT_NPROC)[0], PROCESSES, "ulimit -u 4096"
    )
    yield look_at_pidfd(os.pidfd_open)
    yield look_at_containment(open_cell, sees=proc.is_ours())


def look_at_packages() -> Finding:
    found = {name: _version(name) for name in PACKAGES}
    missing = [name for name, version in found.items() if not version]
    if missing:
        value = f"not installed: {', '.join(missing)}"
        return attention("packages", value, f"pip install {' '.join(missing)}")
    return good("packages", ", ".join(f"{name} {version}" for name, version in found.items()))


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def look_at_git(*, repository: bool) -> Finding:
    """The git on PATH; without it there are no git filters."""
    try:
        done = subprocess.run(
            ["git", "--version"],  # noqa: S607  # the user's git, found as the user finds it
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_WAIT,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        way_out = "install git, or put it on PATH: --git-changed, --affected and others ask it"
        reason = problem.strerror if isinstance(problem, OSError) else "it does not answer"
        report = attention if repository else note
        return report("git", f"cannot be run: {reason}", way_out)
    text = done.stdout.decode("utf-8", "replace").strip()
    if done.returncode != 0:
        return attention("git", f"ends with status {done.returncode}", "repair git")
    return good("git", text.removeprefix("git version "))


def look_at_clock(resolution: float) -> Finding:
    """How fine the clock is by which durations are measured; seconds."""
    value = f"resolution {resolution:.0e} s"
    if resolution <= _TICK:
        return good("clock", value)
    way_out = "durations and time limits are rough; choose a finer clock source for this machine"
    return attention("clock", value, way_out)


def look_at_limit(topic: str, soft: int, enough: int, command: str) -> Finding:
    """A limit of this process and its children."""
    if soft == resource.RLIM_INFINITY:
        return good(topic, "no limit")
    if soft >= enough:
        return good(topic, f"at most {soft}")
    way_out = f"raise the limit with `{command}`, or run fewer tasks at once with --jobs"
    return attention(topic, f"at most {soft}, which is little", way_out)


def look_at_pidfd(open_pidfd: Callable[[int], int]) -> Finding:
    """Whether the kernel hands out descriptors of processes."""
    try:
        os.close(open_pidfd(os.getpid()))
    except OSError as problem:
        way_out = (
            "a thread waits for each task instead; Linux 5.3 or newer without a filter has it"
        )
        return note("pidfd", f"is not to be had: {problem.strerror}", way_out)
    return good("pidfd", "works")


def look_at_containment(open_cell: Callable[[], Cell | None], *, sees: bool) -> Finding:
    """How far a run reaches to end what its tasks have started; ``open_cell`` makes a cell.

    ``sees`` says whether there is a ``/proc`` to find processes in.
    """
    if not sees:
        value = (
            "no /proc of this PID namespace: who leaves the process group of a task is neither "
            "found nor ended"
        )
        return attention("containment", value, "mount it: mount -t proc proc /proc")
    always = "a session for each task, orphans adopted, a watchdog"
    cell = open_cell()
    if cell is not None:
        cell.remove()
        return good("containment", f"{always}; control groups for containment: strict")
    way_out = (
        "with containment: strict, who daemonizes is found through its parents and adoption; "
        "for control groups, let haz write to its own (systemd-run --user --scope has that)"
    )
    return note("containment", f"{always}; no control groups", way_out)
