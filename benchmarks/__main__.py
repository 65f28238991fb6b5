"""Benchmarks of haz-trio beside a floor and its peers: `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from benchmarks import linear
from benchmarks.arena import Choices, compete, default_folders
from benchmarks.gate import Standing, short, verdict_lines
from benchmarks.limits import LIMITS, START_LIMITS
from benchmarks.machine import Machine, this_machine
from benchmarks.planning import PLAN_SIZES, PlanRow, measure_plans, plan_lines
from benchmarks.plot import draw
from benchmarks.results import Row, cells_of, from_lines, to_line
from benchmarks.scenarios import Scenario
from benchmarks.sizes import SIZES
from benchmarks.slope import STEPS, slope_lines
from benchmarks.starts import StartRow, measure_starts, start_lines
from benchmarks.tables import result_lines
from benchmarks.tools import TOOLS

START, PLAN, LINEAR = "start", "plan", "linear"
DEFAULT_SIZES = ("tiny", "small", "medium")
RUNS = tuple(scenario.value for scenario in Scenario)

DESCRIPTION = f"""\
Measure haz-trio beside a floor and beside the peers that are installed, and print Markdown.

scenarios: {", ".join(RUNS)};
           {START} (every command over a bare Python), {PLAN} (facts and decisions alone),
           {LINEAR} (operations of each phase at growing sizes)
sizes:     {", ".join(SIZES)}
tools:     {", ".join(TOOLS)}

A tool is looked for beside this Python and on PATH; BENCH_HAZ, BENCH_TURBO, BENCH_NINJA, and so on
name another program. Two of the sizes {", ".join(STEPS)} also give the report on slopes.
--short is the form for CI: ratios to a floor of the same run against the table in
benchmarks/limits.py; the exit code is 1 when a limit is broken.
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--short", action="store_true", help="the form for CI, below 90 s")
    parser.add_argument("--sizes", type=_names(SIZES), metavar="LIST")
    everything = (*RUNS, START, PLAN, LINEAR)
    parser.add_argument("--scenarios", type=_names(everything), metavar="LIST")
    parser.add_argument("--tools", type=_names(TOOLS), metavar="LIST")
    parser.add_argument(
        "--work", metavar="LIST", help="folders to work in; else memory (/dev/shm) and disk"
    )
    parser.add_argument("--rounds", type=int, default=5, help="turns of each runner (5)")
    parser.add_argument(
        "--budget", type=float, default=60, help="seconds that end the turns of one case (60)"
    )
    parser.add_argument("--timeout", type=float, default=300, help="seconds of one run (300)")
    parser.add_argument("--out", metavar="FILE", help="write each run as a line of JSON")
    parser.add_argument("--plot", metavar="FILE", help="draw time against size as SVG")
    parser.add_argument("--report", metavar="FILE", help="run nothing: tables of such a file")
    arguments = parser.parse_args()
    if arguments.report:
        with open(arguments.report) as file:
            rows, machine = from_lines(file)
        _show(rows, machine or this_machine(), arguments.plot)
        return 0
    return _short(arguments) if arguments.short else _full(arguments)


def _names(known: Iterable[str]) -> Callable[[str], list[str]]:
    """A parser of lists with commas, for argparse; it names what is not known."""

    def parse(text: str) -> list[str]:
        names = text.split(",")
        unknown = sorted(set(names).difference(known))
        if unknown:
            raise argparse.ArgumentTypeError(f"not known: {', '.join(unknown)}")
        return names

    return parse


def _short(arguments: argparse.Namespace) -> int:
    """Ratios against limits, then operation counts.

    1 when anything has grown too much, 2 when nothing would be looked at.
    """
    chosen = arguments.scenarios or (*RUNS, START, LINEAR)
    sizes = arguments.sizes or tuple(SIZES)
    limits = [one for one in LIMITS if one.size in sizes and one.scenario.value in chosen]
    starts = START_LIMITS if START in chosen else ()
    if not (limits or starts or LINEAR in chosen):
        print("no limit is about this choice", file=sys.stderr)
        return 2
    with _lines(arguments.out) as keep:
        folder = _folders(arguments)[0]
        verdicts = list(short(folder, limits=limits, starts=starts, keep=keep))
    print("\n".join(verdict_lines(verdicts)), flush=True)
    flat = linear.run(base=linear.SHORT, work=folder) if LINEAR in chosen else True
    held = all(verdict.standing is Standing.HELD for verdict in verdicts)
    return 0 if held and flat else 1


def _full(arguments: argparse.Namespace) -> int:
    """Everything that was asked for; 1 when a run went wrong or operations are not flat."""
    chosen = arguments.scenarios or [*RUNS, START, PLAN]
    machine = this_machine()
    rows: list[Row] = []
    more: list[str] = []
    folders = _folders(arguments)
    with _lines(arguments.out) as keep:
        keep(machine)
        choices = Choices(
            sizes=arguments.sizes or DEFAULT_SIZES,
            scenarios=[Scenario(name) for name in chosen if name in RUNS],
            tools=arguments.tools or tuple(TOOLS),
            rounds=arguments.rounds,
            timeout=arguments.timeout,
            budget=arguments.budget,
            asked=arguments.tools or (),
        )
        for folder in folders if choices.scenarios else ():
            for row in compete(choices, folder):
                rows.append(row)
                keep(row)
        if START in chosen:
            starts = measure_starts(folders[0], arguments.rounds)
            more += start_lines(starts)
            for start in starts:
                keep(start)
        if PLAN in chosen:
            plans = list(measure_plans(PLAN_SIZES))
            more += plan_lines(plans)
            for plan in plans:
                keep(plan)
    _show(rows, machine, arguments.plot)
    print("\n".join(more), flush=True)
    flat = linear.run(base=linear.LONG, work=folders[0]) if LINEAR in chosen else True
    return 0 if flat and not any(row.why for row in rows) else 1


def _folders(arguments: argparse.Namespace) -> list[str]:
    return arguments.work.split(",") if arguments.work else default_folders()


def _show(rows: Sequence[Row], machine: Machine, plot: str | None) -> None:
    """Tables and slopes on standard output, the picture into its file."""
    print(machine)
    if not rows:
        return
    print("\n".join(result_lines(rows)))
    cells = cells_of(rows)
    places = list(dict.fromkeys(row.place for row in rows))
    for place in places:
        for line in slope_lines(cells, place, machine.bare_mib):
            print(line)
    if plot:
        with open(plot, "w") as file:
            file.write(draw(cells, places[0]))


@contextmanager
def _lines(path: str | None) -> Iterator[Callable[[Row | Machine | PlanRow | StartRow], None]]:
    """A function that appends a row to the file, at once: a long run may be broken off."""
    with open(path or os.devnull, "a", buffering=1) as file:

        def keep(row: Row | Machine | PlanRow | StartRow) -> None:
            file.write(to_line(row))

        yield keep


if __name__ == "__main__":
    sys.exit(main())
