"""``python -m tests.faults.campaign``: SIGKILLs at random instants, judged after each cycle.

A cycle edits a small workspace, starts 1 to 8 ``haz`` in it, kills tasks, haz, or both at instants
that its seed has drawn, and asks: is nobody left after a second; is nothing lost that was there;
are files and words those of a reference computed without haz; does the next run succeed, and is
the one after it all hits without a remark.

The last line is ``cycles=… lost=… wrong=… orphans=…``; the exit code is 1 if any of the last three
is not zero. Ctrl-C ends it after the cycles that are under way.
What a cycle does depends on ``--seed`` alone; when its instants come is measured in the length of
a run on this machine.
"""

from __future__ import annotations

import argparse
import itertools
import random
import shlex
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Collection, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path

from tests.cli.support import HAZ
from tests.faults.campaign_lane import Lane, Tally
from tests.faults.campaign_plan import plan

FRESH = 150  # cycles after which a lane begins with an empty cache
PROGRESS = 10.0  # seconds


def arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.campaign")
    parser.add_argument("--minutes", type=float, default=30.0, help="how long (default 30)")
    parser.add_argument("--cycles", type=int, help="end after so many, if that is earlier")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--processes", type=int, default=8, help="at most so many haz (default 8)")
    parser.add_argument("--lanes", type=int, default=3, help="workspaces at once (default 3)")
    parser.add_argument(
        "--patience", type=float, default=1.0, help="seconds until an orphan is one"
    )
    parser.add_argument("--place", type=Path, help="folder for the workspaces")
    parser.add_argument("--haz", default=shlex.join(HAZ), help="the program to be tried")
    return parser.parse_args(words)


def work(lane: int, options: argparse.Namespace, root: Path, turn: Turn) -> None:
    """Cycle after cycle, until the turns are over."""
    current: Lane | None = None
    for number in itertools.count():
        if not turn.take():
            return
        since = number % FRESH
        if current is None or since == 0:
            tally = turn.tallies[lane]
            argv = shlex.split(options.haz)
            current = Lane.make(root / str(lane), lane, argv, tally, options.patience)
        name = f"seed {options.seed} lane {lane} cycle {number}"
        series = f"{options.seed}.{number // FRESH}"
        before = len(current.findings)
        current.run(plan(series, lane, since, options.processes), name)
        if len(current.findings) > before:
            kept = root / f"finding-{lane}-{number}"
            shutil.copytree(root / str(lane), kept, symlinks=True)
            print(f"{name}: kept in {kept}", flush=True)


class Turn:
    """Hands out cycles to the lanes, and keeps what they found."""

    def __init__(self, lanes: int, minutes: float, cycles: int | None) -> None:
        self.tallies = [Tally() for _ in range(lanes)]
        self._end = time.monotonic() + 60 * minutes
        self._left = cycles
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Whether there is another cycle to be done."""
        with self._lock:
            if self._left is not None:
                self._left -= 1
                if self._left < 0:
                    return False
            return time.monotonic() < self._end

    def stop(self) -> None:
        """Hand out no more."""
        with self._lock:
            self._left = 0

    @property
    def total(self) -> Tally:
        names = ("cycles", "struck", "lost", "wrong", "orphans")
        return Tally(*(sum(getattr(t, name) for t in self.tallies) for name in names))


def follow(lanes: Sequence[Future[None]], turn: Turn, began: float) -> None:
    """Say now and then how far it is, until the lanes end; raises what one stumbled over."""
    left: Collection[Future[None]] = lanes
    while left:
        ended, left = wait(left, timeout=PROGRESS, return_when=FIRST_EXCEPTION)
        for lane in ended:
            lane.result()
        if left:
            total = turn.total
            print(f"{time.monotonic() - began:.0f} s: {total} (struck {total.struck})", flush=True)


def main(words: Sequence[str]) -> int:
    options = arguments(words)
    print(f"seed {options.seed}", flush=True)
    turn = Turn(options.lanes, options.minutes, options.cycles)
    root = options.place or Path(tempfile.mkdtemp(prefix="haz-campaign-"))
    root.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with ThreadPoolExecutor(options.lanes) as pool:
        lanes = [pool.submit(work, lane, options, root, turn) for lane in range(options.lanes)]
        try:
            try:
                follow(lanes, turn, began)
            except KeyboardInterrupt:
                print("asked to stop: the lanes end their cycles", flush=True)
                turn.stop()
                follow(lanes, turn, began)
        finally:
            turn.stop()
    total = turn.total
    if total.is_clean:
        shutil.rmtree(root, ignore_errors=True)
    print(f"{time.monotonic() - began:.0f} s, {total.struck} of the cycles with a victim")
    print(total)
    return 0 if total.is_clean else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
