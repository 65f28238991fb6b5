"""Runners take turns, round after round, so that other work on the machine meets all alike."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence

import attrs

from benchmarks.results import Row, row_of
from benchmarks.scenarios import GROUPS, Bench, Scenario
from benchmarks.sizes import SIZES
from benchmarks.tools import TOOLS, command_of


@attrs.frozen
class Choices:
    """What to run. ``budget`` seconds of one tool in one scenario end its rounds.

    ``asked`` are the tools that were named by the user: they run whatever the size.
    """

    sizes: Sequence[str]
    scenarios: Collection[Scenario]
    tools: Sequence[str]
    rounds: int = 5
    timeout: float = 300.0
    budget: float = 60.0
    asked: Collection[str] = ()


def compete(choices: Choices, folder: str) -> Iterator[Row]:
    """Run everything in a temporary folder below ``folder``, which is removed at the end."""
    place = file_system(folder)
    with tempfile.TemporaryDirectory(prefix="haz-bench-", dir=folder) as work:
        os.mkdir(os.path.join(work, "home"))
        for size in choices.sizes:
            benches = make_benches(choices, size, work, on_disk=place != "tmpfs")
            settled = False
            for group in GROUPS:
                chosen = [scenario for scenario in group if scenario in choices.scenarios]
                if chosen and not settled and Scenario.COLD not in chosen:
                    # Every later group leaves all up to date.
                    for bench in benches:
                        bench.settle(choices.timeout)
                    settled = True
                yield from _rounds(choices, place, size, benches, chosen)
            for bench in benches:
                bench.remove()


def make_benches(choices: Choices, size: str, work: str, *, on_disk: bool) -> list[Bench]:
    """A workspace for each runner that is installed and can take this size."""
    benches = []
    for name in choices.tools:
        command = command_of(name)
        tasks = SIZES[size].task_count
        if command is None:
            say(f"{name} is not installed: left out")
        elif tasks > TOOLS[name].most_tasks and name not in choices.asked:
            say(f"{name} would take too long at {size}: left out; name it in --tools")
        else:
            benches.append(Bench(work, name, size, command, on_disk=on_disk))
    return benches


def _rounds(
    choices: Choices,
    place: str,
    size: str,
    benches: list[Bench],
    scenarios: list[Scenario],
) -> Iterator[Row]:
    """The rounds of one group; who begins rotates."""
    entries = [(b, s) for s in scenarios for b in benches if b.takes_part(s)]
    left = dict.fromkeys(entries, choices.budget)
    for number in range(choices.rounds):
        turn = number % len(entries) if entries else 0
        for entry in entries[turn:] + entries[:turn]:
            if left[entry] <= 0:
                continue
            bench, scenario = entry
            run = bench.run(scenario, choices.timeout)
            left[entry] -= run.sample.wall
            yield row_of(
                run,
                place=place,
                size=size,
                tasks=bench.size.task_count,
                tool=bench.name,
                scenario=scenario,
                round=number,
            )
            if not run.ok:
                say(f"{bench.name}, {size}, {scenario.value}: {run.why}\n{tail(bench.log)}")
                left[entry] = 0.0


def file_system(folder: str) -> str:
    """The kind of file system that a folder is on, as ``stat`` calls it: tmpfs, ext2/ext3, …"""
    words = ["stat", "-f", "-c", "%T", folder]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def tail(path: str) -> str:
    """The last words of a log, for the message about a run that went wrong."""
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - 600))
        return file.read().decode(errors="replace")


def say(text: str) -> None:
    print(f"-- {text}", file=sys.stderr, flush=True)


def default_folders() -> list[str]:
    """Memory and disk: after many deletes ext4 is slow to create files, whoever asks."""
    folders = [folder for folder in ("/dev/shm", tempfile.gettempdir()) if os.path.isdir(folder)]
    seen: dict[str, str] = {}
    for folder in folders:
        seen.setdefault(file_system(folder), folder)
    return list(seen.values())
