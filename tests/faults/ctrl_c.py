"""``python -m tests.faults.ctrl_c --runs 200 --seed S``: from Ctrl-C to the prompt.

Each run is a graph of 50 stubborn tasks that is interrupted once at a random instant, from before
haz has imported anything until long after everything runs. Tasks ignore SIGTERM, hand it on or
not, fork, and leave their session; in every fifth run some who have left hold a pipe. In every
other run containment is strict, and some become daemons. In every tenth they do so without that,
and no task succeeds: what may come from one that did is spared (decisions.md 7).

The last line is ``runs=… p50=… p90=… p99=… worst=… held: … left=…`` in seconds beyond the grace
period (below zero where everybody obeyed sooner). The exit code is 1 if 1 of 100 takes more than
0.1 s longer where nobody outside of a group holds a pipe, if any takes more than 2.5 s longer, if
a descendant is left, or if haz ends in another way than by the signal or with 130. An interpreter
that is interrupted while it makes itself ready (it imports ``site`` or ``runpy``, it opens its
streams) ends with 1 and words of its own before a line of haz is executed: that is not odd.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import attrs

from tests.cli.support import HAZ, Home
from tests.engine.workspaces import sh

GRACE = 0.5  # seconds
SOON, LATE = 0.1, 2.5  # seconds beyond the grace
TASKS = 50
UNREADY = (b"Fatal Python error: init_", b"Could not import runpy module\n")  # says CPython
LONG = "while :; do sleep 0.3; done"
KINDS = {
    "deaf": f"trap '' TERM; {LONG}",
    "deaf family": f"trap '' TERM; sh -c '{LONG}' & sh -c '{LONG}' & wait; {LONG}",
    "wrapper that leaves": f"sh -c \"trap '' TERM; {LONG}\" & trap exit TERM; wait",
    "stopped": f"trap '' TERM; (sleep 0.05; kill -STOP $$) & {LONG}",
    "emigrant": f"setsid sh -c '{LONG}' >/dev/null 2>&1 & trap '' TERM; {LONG}",
    "talker": "trap '' TERM; while :; do echo a line of words; sleep 0.02; done",
    "obedient": "exec sleep 60",
    "quick": "sleep 0.1; exit 0",
    "failing": "sleep 0.05; exit 1",
}
DAEMON = f"(setsid sh -c '{LONG}' >/dev/null 2>&1 &); trap '' TERM; {LONG}"
HOLDER = f"(setsid sh -c '{LONG}' &); trap '' TERM; {LONG}"


@attrs.frozen
class Ended:
    """One interrupted run: seconds beyond the grace, the exit code, how many are left."""

    beyond: float
    code: int
    left: int
    names: tuple[str, ...]
    said: bytes = b""  # to stderr

    @property
    def is_odd(self) -> bool:
        """It ended neither by the signal nor with 130, and haz had begun."""
        unborn = self.code == 1 and self.said.startswith(UNREADY)
        return self.code not in (130, -signal.SIGINT) and not unborn


@attrs.frozen
class Way:
    """How the tasks of one run behave, and how they are contained."""

    held: bool = False  # some who have left hold a pipe
    strict: bool = False
    barren: bool = False  # no task succeeds, and some leave daemons

    @classmethod
    def of(cls, number: int) -> Way:
        return cls(number % 5 == 4, number % 2 == 1, number % 10 == 2)


def tasks_of(chance: random.Random, way: Way) -> dict[str, object]:
    """Fifty tasks; most of them have nobody to wait for, some depend on quick ones."""
    quick = "failing" if way.barren else "quick"
    made: dict[str, object] = {"root": sh(KINDS[quick])}
    names = [name for name in KINDS if name not in {"failing", "quick"}] * 6
    names += [quick] * 6 + ["failing"] * 2
    chance.shuffle(names)
    for number, name in enumerate(names[: TASKS - 1]):
        script = KINDS[name]
        if number % 10 == 0 and way != Way():
            script = HOLDER if way.held else DAEMON
        deps = ["~:root"] if chance.random() < 0.3 and not way.barren else []
        made[f"t{number}"] = sh(script, deps=deps)
    return made


def interrupt(root: Path, chance: random.Random, way: Way) -> Ended:
    """Start the graph, press Ctrl-C once, wait for the prompt."""
    execution = {"cancel_grace": GRACE, "containment": "strict" if way.strict else "group"}
    home = Home.make(root, tasks_of(chance, way), execution=execution)
    errors = root / "stderr"
    with errors.open("wb") as stderr:
        child = subprocess.Popen(
            [*HAZ, "run", "--workspace", "-j", str(TASKS), "--no-cache"],
            cwd=home.root,
            env=home.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )
    try:
        time.sleep(chance.uniform(0, 1.5))
        began = time.monotonic()
        child.send_signal(signal.SIGINT)
        await_end(child, GRACE + 30)
        beyond = time.monotonic() - began - GRACE
        code = child.wait(0)
        left = home.place.processes()
        names = tuple(map(command_of, left))
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
    return Ended(beyond, code, len(left), names, errors.read_bytes())


def await_end(child: subprocess.Popen[bytes], seconds: float) -> None:
    """Return at the instant of its end: ``Popen.wait`` with a timeout looks every 50 ms only."""
    number = os.pidfd_open(child.pid)
    try:
        select.select([number], [], [], seconds)
    finally:
        os.close(number)


def command_of(pid: int) -> str:
    """What a process is, as it calls itself."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")[:60]
    except OSError:
        return "gone by now"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so large a share does not exceed; 0 for none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.ctrl_c")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--place", type=Path, help="folder for the workspaces")
    options = parser.parse_args(words)
    print(f"seed={options.seed}")
    free: list[Ended] = []
    held: list[Ended] = []
    for number in range(options.runs):
        chance = random.Random(f"{options.seed}.{number}")
        root = Path(tempfile.mkdtemp(prefix="haz-ctrl-c-", dir=options.place))
        try:
            ended = interrupt(root, chance, way := Way.of(number))
        finally:
            shutil.rmtree(root, ignore_errors=True)
        (held if way.held else free).append(ended)
        if ended.left or ended.is_odd or ended.beyond > LATE:
            print(f"run {number}: {ended}")
    beyond = [ended.beyond for ended in free]
    worst_held = max((ended.beyond for ended in held), default=0.0)
    left = sum(ended.left for ended in (*free, *held))
    odd = sum(ended.is_odd for ended in (*free, *held))
    print(
        f"runs={options.runs} p50={percentile(beyond, 0.5):.3f} p90={percentile(beyond, 0.9):.3f}"
        f" p99={percentile(beyond, 0.99):.3f} worst={max(beyond, default=0.0):.3f}"
        f" held: worst={worst_held:.3f} left={left} odd={odd}"
    )
    late = max([*beyond, worst_held]) > LATE
    return int(percentile(beyond, 0.99) > SOON or late or left > 0 or odd > 0)


if __name__ == "__main__":
    sys.exit(main())
