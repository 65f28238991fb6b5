"""``python -m tests.faults.together``: several processes in one workspace, counted (cache.md A11).

Each scenario of the table is done again: processes that run the same tasks at once, and runs while
somebody cleans or clears the cache in a loop. The table tells, for each, how often it was done and
what went wrong: runs that failed, commands that ran more often than once for a key, outputs that
were not whole, complaints of the collector, temporary folders that were left, and damage that
``haz cache verify`` finds afterwards. All of it has to be zero.

Options: ``--rounds`` multiplies the rounds of each scenario (1 by default), ``--seed`` draws when
collectors pause. The exit code is 1 if anything is not zero.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs

from haz_trio.cache.audit import audit
from haz_trio.model.workspace import HashName
from tests.cli.support import LIMIT, Home
from tests.engine.workspaces import sh
from tests.process.support import TOKEN

FILES = 200  # outputs of the task that is restored while somebody collects
_COLUMNS = ("runs", "failed", "repeated", "torn", "complaints", "left", "damage")


@attrs.define
class Row:
    """What was counted of one scenario; all but ``runs`` has to be zero."""

    name: str
    runs: int = 0
    failed: int = 0
    repeated: int = 0
    torn: int = 0
    complaints: int = 0
    left: int = 0
    damage: int = 0

    @property
    def counts(self) -> tuple[int, ...]:
        return tuple(getattr(self, name) for name in _COLUMNS)

    @property
    def is_clean(self) -> bool:
        return self.runs > 0 and not any(self.counts[1:])


@attrs.define
class Stage:
    """A workspace with two tasks: one with a slow output, and one with many files."""

    home: Home
    row: Row
    seed: int
    said: list[str] = attrs.field(factory=list)

    @classmethod
    def make(cls, root: Path, name: str, seed: int) -> Stage:
        script = "echo $(cat in) >> log; cat in > out; sleep 0.02; cat in >> out"
        many = f"mkdir -p d; for i in $(seq {FILES}); do cat in > d/$i; done; echo said"
        tasks = {
            "slow": sh(script, inputs=["in"], outputs=["out"]),
            "many": sh(many, inputs=["in"], outputs=["d/*"]),
        }
        stage = cls(Home.make(root, tasks), Row(name), seed)
        stage.home.env["HAZ_MEMO"] = "0"
        return stage

    def edit(self, number: int) -> None:
        self.home.place.write("p/in", f"{number}\n")

    def delete(self) -> None:
        for path in (self.home.place.p / "d").glob("*"):
            path.unlink()
        (self.home.place.p / "out").unlink(missing_ok=True)

    def run(self, processes: int, number: int, *, task: str = "p:many") -> None:
        """Run at once, and look at what is there afterwards."""
        with contextlib.ExitStack() as stack:
            lines = [stack.enter_context(self.home.started("run", task)) for _ in range(processes)]
            for done in [each.end() for each in lines]:
                self.row.runs += 1
                if done.code:
                    self.row.failed += 1
                    self.said.append(done.err.decode())
        wanted = f"{number}\n"
        if task == "p:slow":
            self.row.torn += (self.home.place.p / "out").read_text() != wanted * 2
        else:
            found = [path.read_text() for path in (self.home.place.p / "d").iterdir()]
            self.row.torn += found != [wanted] * FILES

    @contextlib.contextmanager
    def collecting(self, *words: str) -> Iterator[None]:
        """``haz cache`` with these words, at once and again, about 20 times a second."""
        over, pauses = threading.Event(), random.Random(self.seed)
        # Not one of those that end with a run: by the token ``started`` finds whom to end.
        collector = attrs.evolve(self.home, env={**self.home.env, TOKEN: ""})

        def work() -> None:
            while not over.is_set():
                done = collector.haz("cache", *words)
                if done.code or done.said("failed"):
                    self.row.complaints += 1
                    self.said.append(f"{done.code}: {done.err.decode()}")
                over.wait(pauses.uniform(0, 0.05))

        with ThreadPoolExecutor(1) as pool:
            collects = pool.submit(work)
            try:
                yield
            finally:
                over.set()
            collects.result(LIMIT)

    def close(self) -> Row:
        """Count what is left."""
        self.row.left = len(self.home.place.litter())
        found = audit(str(self.home.root), HashName.BLAKE3)
        self.row.damage = len(found.faults) + len(found.strangers)
        log = self.home.place.p / "log"
        if log.exists():
            counts = Counter(log.read_text().split())
            self.row.repeated = sum(counts.values()) - len(counts)
        return self.row


def same_missing_task(stage: Stage, rounds: int) -> None:
    """4 processes, same missing task, 60 rounds: 220 executions for 60 keys, 40 of 240 failed."""
    for number in range(rounds):
        stage.edit(number)
        stage.run(4, number, task="p:slow")


def all_hits(stage: Stage, rounds: int) -> None:
    """4 processes, all hits, 40 rounds: 0 failures."""
    stage.edit(0)
    stage.run(1, 0)
    for _ in range(rounds):
        stage.run(4, 0)


def runs_while_cleaning(stage: Stage, rounds: int) -> None:
    """Run with 200 outputs while `clean --soft` loops: 15 of 15 runs failed."""
    with stage.collecting("clean", "--soft"):
        for number in range(rounds):
            stage.edit(number)
            stage.run(1, number)


def hits_while(*words: str) -> Callable[[Stage, int], None]:
    """Hits that have to restore everything while a collector loops."""

    def scenario(stage: Stage, rounds: int) -> None:
        stage.edit(0)
        stage.run(1, 0)
        with stage.collecting(*words):
            for _ in range(rounds):
                stage.delete()
                stage.run(1, 0)

    return scenario


SCENARIOS: dict[str, tuple[Callable[[Stage, int], None], int]] = {
    "4 processes, same missing task": (same_missing_task, 60),
    "4 processes, all hits": (all_hits, 40),
    "run (200 outputs) while `clean --soft` loops": (runs_while_cleaning, 15),
    "hit while `clear` loops": (hits_while("clear"), 15),
    "hit while `clean --max-size=0` loops": (hits_while("clean", "--max-size=0"), 15),
}


def measure(name: str, rounds: int, root: Path, seed: int) -> Stage:
    """Do one scenario; its row is ready."""
    stage = Stage.make(root, name, seed)
    SCENARIOS[name][0](stage, rounds)
    stage.close()
    return stage


def table(rows: Sequence[Row]) -> str:
    """The rows as text, under a head."""
    width = max(len(name) for name in SCENARIOS)
    lines = [f"{'':{width}}  " + "  ".join(f"{name:>10}" for name in _COLUMNS)]
    for row in rows:
        lines.append(f"{row.name:{width}}  " + "  ".join(f"{count:>10}" for count in row.counts))
    return "\n".join(lines)


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.together")
    parser.add_argument("--rounds", type=float, default=1.0, help="times the usual number")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args(words)
    began, rows = time.monotonic(), []
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="haz-together-") as place:
        for number, (name, (_, usual)) in enumerate(SCENARIOS.items()):
            rounds = max(1, round(usual * options.rounds))
            stage = measure(name, rounds, Path(place) / str(number), options.seed)
            rows.append(stage.row)
            print("\n".join(stage.said), end="", flush=True)
    print(table(rows))
    print(f"{time.monotonic() - began:.0f} s")
    return 0 if all(row.is_clean for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
