"""Which wrong implementations the kit finds, and with how many examples.

``python -m tests.mutants.judge --minutes 5`` tries all of them by turns, each until its first
finding; the exit code is 1 when fewer than 95 % are found, or when the program without a change is
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import partial
from multiprocessing import get_context

import attrs

from haz_trio.testing.areas.registry import AREAS
from haz_trio.testing.subject import heed_signals
from tests.mutants.every import EVERY
from tests.mutants.haz import UNCHANGED
from tests.mutants.patches import MUTANTS
from tests.mutants.turn import Turn, play_turn

WANTED = 0.95  # part of the mutants
_FIRST_TURNS = 0.4  # of the time, in which each mutant has had a turn, if none were found
BUSY = tuple(area.name for area in AREAS if not area.waits)
WAITING = tuple(area.name for area in AREAS if area.waits)


@attrs.define
class Trialled:
    """How far a mutant has been tried; without ``area`` it was not found."""

    name: str
    seconds: float = 0.0
    examples: int = 0
    turns: dict[tuple[str, ...], float] = attrs.field(factory=dict)  # seconds by kinds of areas
    running: set[tuple[str, ...]] = attrs.field(factory=set)
    next: Mapping[str, int] = attrs.field(factory=dict)  # the next example of each area
    area: str = ""
    rules: tuple[str, ...] = ()
    doubtful: int = 0  # differences that were not there when the same example was played again

    def add(self, turn: Turn, areas: tuple[str, ...]) -> None:
        self.running.discard(areas)
        self.seconds += turn.seconds
        self.turns[areas] = self.turns.get(areas, 0.0) + turn.seconds
        self.examples += turn.examples
        self.doubtful += turn.doubtful
        self.next = {**self.next, **turn.next}
        if turn.area and not self.area:
            self.area, self.rules = turn.area, turn.rules

    def __str__(self) -> str:
        said = f"{self.area}: {' '.join(self.rules)}" if self.area else "MISSED"
        if not self.examples and not self.area:
            said = "not tried: no time was left"
        if self.doubtful:
            said += f" ({self.doubtful} by chance)"
        return f"{self.name:36} {self.examples:6,} examples {self.seconds:6.1f} s  {said}"


def judge_all(names: Sequence[str], *, seed: int, seconds: float, jobs: int) -> Iterator[Trialled]:
    """All verdicts as they come, within some seconds.

    Who has had the least time is next, so that none is left out, and those that are hard to find
    share what the others leave. Areas whose examples mostly wait are tried beside the others.
    """
    end = time.time() + seconds
    slice_ = seconds * jobs * _FIRST_TURNS / len(names)
    trialled = [Trialled(name) for name in names]
    context = get_context("spawn")
    more = jobs + jobs // 2  # a third of an example is waiting for its commands
    pool_of = partial(ProcessPoolExecutor, mp_context=context, initializer=heed_signals)
    with pool_of(more) as busy, pool_of(jobs) as lazy:
        lanes = ((busy, BUSY, more), (lazy, WAITING, jobs))
        tasks: dict[Future[Turn], tuple[Trialled, tuple[str, ...]]] = {}
        while True:
            for pool, areas, workers in lanes:
                for _ in range(workers - sum(each is areas for _, each in tasks.values())):
                    free = [it for it in trialled if not it.area and areas not in it.running]
                    if not free or time.time() > end:
                        break
                    mutant = min(free, key=lambda it: it.turns.get(areas, 0.0))
                    mutant.running.add(areas)
                    task = pool.submit(
                        play_turn, mutant.name, seed, areas, mutant.next, slice_, end
                    )
                    tasks[task] = mutant, areas
            if not tasks:
                break
            for task in wait(tasks, return_when=FIRST_COMPLETED).done:
                mutant, areas = tasks.pop(task)
                known = mutant.area
                mutant.add(task.result(), areas)
                if mutant.area and not known:
                    yield mutant
    yield from (it for it in trialled if not it.area)


def main() -> int:
    parser = argparse.ArgumentParser(description="Try the kit on wrong implementations.")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--every", action="store_true", help="also those of every.py")
    parser.add_argument("names", nargs="*", help="only these")
    options = parser.parse_args()
    some = EVERY if options.every or options.names else MUTANTS
    known = [UNCHANGED, *(mutant.name for mutant in some)]
    chosen = [name for name in known if not options.names or name in options.names]
    started = time.time()
    missed, wronged = [], False
    for it in judge_all(
        chosen, seed=options.seed, seconds=60 * options.minutes, jobs=options.jobs
    ):
        print(f"{time.time() - started:5.0f} s  {it}", flush=True)
        if it.name == UNCHANGED:
            wronged = bool(it.area)
        elif not it.area:
            missed.append(it.name)
    wrong = [name for name in chosen if name != UNCHANGED]
    found = len(wrong) - len(missed)
    used = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    seconds = f"{time.time() - started:.0f} s, {used:.0f} s of processors"
    print(f"{found} of {len(wrong)} mutants found in {seconds}")
    if missed:
        print("missed: " + ", ".join(sorted(missed)))
    if wronged:
        print("The program without a change was found wrong: some verdicts are chance.")
    return int(wronged or found < WANTED * len(wrong))


if __name__ == "__main__":
    sys.exit(main())
