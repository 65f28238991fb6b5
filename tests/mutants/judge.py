"""Which wrong implementations the kit finds, and with how many examples.

``python -m tests.mutants.judge --minutes 5`` tries all of them, some at a time, each until the
first finding; the exit code is 1 when fewer than 95 % are found.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import attrs

from haz_trio.testing.areas.registry import AREAS
from haz_trio.testing.command.main import plan
from haz_trio.testing.command.session import Batch, play
from haz_trio.testing.subject import Subject
from tests.mutants.every import EVERY
from tests.mutants.patches import MUTANTS, Mutant

PROGRAM = str(Path(__file__).with_name("haz.py"))
WANTED = 0.95  # part of the mutants
MOST = 4000  # examples for one mutant
_SHARE = 3.0  # of the time that is left for each mutant: most are found at once


@attrs.frozen
class Verdict:
    """``rules`` are those that were seen broken; none: the mutant was not found."""

    name: str
    examples: int
    seconds: float
    rules: tuple[str, ...] = ()
    area: str = ""


def judge(mutant: Mutant, seed: int, deadline: float) -> Verdict:
    """Try examples of all areas by turns until one differs; ``deadline`` is of the clock
    ``time.time``."""
    started, examples = time.time(), 0
    subject = Subject((sys.executable, PROGRAM, mutant.name), warm=True, prelude=PROGRAM)
    base = Batch("", 0, seed, 0, subject, frozenset(), frozenset(), shrink_seconds=0.0)
    for batch in plan(base, AREAS, MOST):
        if time.time() > deadline:
            break
        played = play(attrs.evolve(batch, examples=min(batch.examples, _first(batch.number))))
        if played.finding is not None:
            found = played.finding
            return Verdict(
                mutant.name,
                examples + found.examples,
                time.time() - started,
                found.rules,
                found.area,
            )
        examples += played.examples
    return Verdict(mutant.name, examples, time.time() - started)


def _first(number: int) -> int:
    """A few examples of every area first, then more and more of each."""
    return 6 << number


def judge_all(
    mutants: Sequence[Mutant], *, seed: int, seconds: float, jobs: int
) -> Iterator[Verdict]:
    """All verdicts as they come, within some seconds; those that are hard to find get most."""
    end = time.time() + seconds
    each = seconds * jobs / len(mutants) * _SHARE
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(_timed, mutant, seed, each, end) for mutant in mutants]
        for future in as_completed(futures):
            yield future.result()


def _timed(mutant: Mutant, seed: int, each: float, end: float) -> Verdict:
    return judge(mutant, seed, min(time.time() + each, end))


def main() -> int:
    parser = argparse.ArgumentParser(description="Try the kit on wrong implementations.")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("names", nargs="*", help="only these")
    options = parser.parse_args()
    chosen = [m for m in EVERY if m.name in options.names] if options.names else list(MUTANTS)
    started = time.time()
    missed = []
    for verdict in judge_all(
        chosen, seed=options.seed, seconds=60 * options.minutes, jobs=options.jobs
    ):
        said = "MISSED" if verdict.examples else "not tried: no time was left"
        if verdict.rules:
            said = f"{verdict.area}: {' '.join(verdict.rules)}"
        row = f"{verdict.name:36} {verdict.examples:6,} examples {verdict.seconds:6.1f} s  {said}"
        print(row, flush=True)
        if not verdict.rules:
            missed.append(verdict.name)
    found = len(chosen) - len(missed)
    print(f"{found} of {len(chosen)} mutants found in {time.time() - started:.0f} s")
    if missed:
        print("missed: " + ", ".join(sorted(missed)))
    return int(found < WANTED * len(chosen))


if __name__ == "__main__":
    sys.exit(main())
