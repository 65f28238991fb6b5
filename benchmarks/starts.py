"""Start-up of each command: its time over that of a bare Python, and what it imports."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from benchmarks.measure import Sample, measure
from benchmarks.sizes import SIZES
from benchmarks.tools import OURS, TOOLS, command_of, environment
from benchmarks.workspaces import generate

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "--version": ("--version",),
    "--help": ("--help",),
    "run, nothing changed": ("run", "--workspace"),
    "run, memo off": ("run", "--workspace"),
    "run --dry-run": ("run", "--workspace", "--dry-run"),
    "check": ("check",),
    "query": ("query",),
    "why": ("why", "p00000:build"),
    "graph": ("graph",),
    "cache info": ("cache", "info"),
    "schema": ("schema",),
    "completions": ("completions", "bash"),
    "an unknown option": ("run", "--no-such-option"),
}
REFUSED = "an unknown option"
PLAIN = "run, memo off"
# Packages that cost more than ten milliseconds to import (performance.md 4).
HEAVY = {"asyncio", "attr", "cattrs", "click", "dataclasses", "importlib.metadata", "logging"}
HEAVY |= {"rich", "subprocess", "trio", "typer", "typing", "yaml"}
BARE = "python -c pass"


@attrs.frozen
class StartRow:
    """Medians in seconds; ``bare`` is a Python that does nothing, in the same rounds.

    ``ratio`` is that of the smallest processor times: other work disturbs them least.
    ``modules`` counts imports beyond those of the bare Python, ``heavy`` names the dear ones.
    """

    command: str
    wall: float
    cpu: float
    bare: float
    ratio: float
    modules: int
    heavy: tuple[str, ...]


def measure_starts(
    folder: str, rounds: int, commands: Sequence[str] = tuple(COMMANDS)
) -> list[StartRow]:
    """Run each command in a small workspace where everything is cached, in turns.

    Raises ``RuntimeError`` when a command does not end as it should.
    """
    command = command_of(OURS)
    if command is None:
        raise RuntimeError("haz-trio is not there")
    with tempfile.TemporaryDirectory(prefix="haz-bench-", dir=folder) as work:
        root = os.path.join(work, "ws")
        home = os.path.join(work, "home")
        os.mkdir(home)
        generate(root, SIZES["small"], "haz")
        plain = environment(TOOLS[OURS], home)
        envs = {name: {**plain, **TOOLS[OURS].memo_off} for name in commands if name == PLAIN}
        lines = {name: [*command, *COMMANDS[name]] for name in commands}
        lines[BARE] = [sys.executable, "-c", "pass"]
        for _ in range(2):
            measure([*command, "run", "--workspace"], cwd=root, env=plain)
        samples: dict[str, list[Sample]] = {name: [] for name in lines}
        for _ in range(rounds):
            for name, words in lines.items():
                sample = measure(words, cwd=root, env=envs.get(name, plain))
                if sample.status != (2 if name == REFUSED else 0):
                    raise RuntimeError(f"haz {name}: exit status {sample.status}")
                samples[name].append(sample)
        bare = samples.pop(BARE)
        nothing = modules_of(["-c", "pass"], root, plain)
        rows = []
        for name, measured in samples.items():
            words = ["-m", "haz_trio", *COMMANDS[name]]
            modules = modules_of(words, root, envs.get(name, plain)) - nothing
            rows.append(
                StartRow(
                    command=name,
                    wall=statistics.median(sample.wall for sample in measured),
                    cpu=statistics.median(sample.cpu for sample in measured),
                    bare=statistics.median(sample.wall for sample in bare),
                    ratio=least_cpu(measured) / least_cpu(bare),
                    modules=len(modules),
                    heavy=tuple(sorted(modules & HEAVY)),
                )
            )
        return rows


def least_cpu(samples: Iterable[Sample]) -> float:
    return min(sample.cpu for sample in samples)


def modules_of(words: Sequence[str], cwd: str, env: Mapping[str, str]) -> set[str]:
    """The modules that a Python imports with these arguments, from ``-X importtime``."""
    python = [sys.executable, "-X", "importtime", *words]
    done = subprocess.run(
        python, cwd=cwd, env=dict(env), capture_output=True, text=True, check=False
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines[1:]}


def start_lines(rows: Iterable[StartRow]) -> Iterator[str]:
    rows = list(rows)
    yield "\n### Start-up\n"
    yield f"A bare Python takes {rows[0].bare * 1e3:.1f} ms.\n" if rows else ""
    yield "| command | wall | CPU | CPU × bare Python | modules | heavy ones |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        heavy = ", ".join(row.heavy) or "–"
        times = f"{row.wall * 1e3:.0f} ms | {row.cpu * 1e3:.0f} ms | {row.ratio:.1f}"
        yield f"| {row.command} | {times} | {row.modules} | {heavy} |"
