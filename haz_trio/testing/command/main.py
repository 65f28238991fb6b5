"""``haz-conformance``: tries a program, area by area, in several processes at once."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path

import attrs

from haz_trio.testing.areas.area import Area
from haz_trio.testing.areas.registry import AREAS
from haz_trio.testing.command.failures import write_failure
from haz_trio.testing.command.report import Report, as_html, as_json, as_text
from haz_trio.testing.command.session import Batch, Played, play
from haz_trio.testing.profile import load_profile
from haz_trio.testing.subject import Subject

BATCH = 40  # examples; small, so that every area is tried early
SLOW_BATCH = 12  # of areas with a small share, whose examples take long
EXIT_FINDINGS, EXIT_USAGE = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 without findings, 1 with some, 2 for wrong arguments."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        known = {it.name for it in load_profile(options.profile)} if options.profile else set()
    except (OSError, ValueError) as problem:
        parser.error(f"--profile {options.profile}: {problem}")
    unknown = set(options.without) - known
    if unknown:
        parser.error(f"--without: no difference of the profile: {', '.join(sorted(unknown))}")
    words = shlex.split(options.haz)
    program = shutil.which(words[0]) if words else None
    if program is None:
        parser.error(f"--haz {options.haz}: no such program")
    base = Batch(
        area="",
        number=0,
        seed=options.seed,
        examples=BATCH,
        subject=Subject((os.path.abspath(program), *words[1:]), warm=not options.cold),
        known=frozenset(known - set(options.without)),
        muted=frozenset(),
        shrink_seconds=options.shrink,
        replay=options.replay,
    )
    chosen = [area for area in AREAS if not options.area or area.name in options.area]
    batches = list(plan(base, chosen, 1 if options.replay else options.examples))
    report = Report(options.haz, options.seed)
    started = time.monotonic()
    deadline = started + 60 * options.minutes if options.minutes else float("inf")
    for played in _play_all(batches, options.jobs, deadline, report):
        before = len(report.findings)
        report.add(played)
        if len(report.findings) > before and played.finding is not None:
            key = (played.batch.area, *played.finding.rules)
            folder = Path(options.failures) / f"{len(report.findings):02}-{played.batch.area}"
            report.lines[key] = write_failure(folder, played.finding, options.haz)
        report.seconds = time.monotonic() - started
        _progress(report, batches)
    _end_progress()
    sys.stdout.write(as_text(report, every_rule=options.rules))
    if options.report:
        write = as_html if options.report.endswith(".html") else as_json
        Path(options.report).write_text(write(report))
    return EXIT_FINDINGS if report.findings else 0


def plan(base: Batch, areas: Sequence[Area], examples: int) -> Iterator[Batch]:
    """Batches of all areas by turns, each area with its share of the examples."""
    total = sum(area.share for area in areas)
    left = {area.name: max(1, round(examples * area.share / total)) for area in areas}
    number = 0
    while any(left.values()):
        for area in areas:
            count = min(BATCH if area.share >= 1 else SLOW_BATCH, left[area.name])
            if count:
                left[area.name] -= count
                yield attrs.evolve(base, area=area.name, number=number, examples=count)
        number += 1


def _play_all(
    batches: Sequence[Batch], jobs: int, deadline: float, report: Report
) -> Iterator[Played]:
    """Play batches in several processes; what has been found is not looked for again."""
    if jobs == 1:
        for batch in batches:
            if time.monotonic() < deadline:
                yield play(_told(batch, report))
        return
    waiting = list(reversed(batches))
    running: set[Future[Played]] = set()
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        while waiting or running:
            while waiting and len(running) < jobs:
                batch = waiting.pop()
                if time.monotonic() > deadline:
                    waiting.clear()
                    break
                running.add(pool.submit(play, _told(batch, report)))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()


def _told(batch: Batch, report: Report) -> Batch:
    """A batch that does not look for what has been found in its area."""
    found = {rule for key in report.findings if key[0] == batch.area for rule in key}
    return attrs.evolve(batch, muted=frozenset(found - {batch.area}))


def _progress(report: Report, batches: Sequence[Batch]) -> None:
    total, done = sum(batch.examples for batch in batches), sum(report.examples.values())
    text = f"{done:,} of {total:,} examples, {len(report.findings)} findings"
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{text}, {report.seconds:.0f} s ")
        sys.stderr.flush()


def _end_progress() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="haz-conformance",
        description="Draw workspaces, edits and command lines, and compare what a program does "
        "with what the rules of haz say.",
        epilog="Exit codes: 0 no findings, 1 findings, 2 wrong arguments.",
    )
    names = [area.name for area in AREAS]
    add = parser.add_argument
    add("--haz", default="haz", metavar="CMD", help="the program, as a command line")
    add("--area", action="append", choices=names, help="only this area; may be repeated")
    add("--examples", type=int, default=1000, metavar="N", help="how many, over all areas")
    add("--seed", type=int, default=0, metavar="S", help="other examples for another number")
    add("--report", metavar="FILE", help="write a report, as HTML for .html, else as JSON")
    add("--rules", action="store_true", help="print every rule, also those that held")
    add("--profile", metavar="NAME", help="known differences: haz-0.2.0, or a TOML file")
    add("--without", action="append", default=[], metavar="NAME", help="a difference of the "
        "profile that is to be a finding all the same; may be repeated")  # fmt: skip
    add("--failures", default="haz-findings", metavar="DIR", help="where findings are put")
    add("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="how many at once")
    add("--minutes", type=float, default=0.0, metavar="M", help="begin nothing new after this")
    add("--cold", action="store_true", help="start an interpreter for every call of a Python "
        "program, instead of forking one that has imported it")  # fmt: skip
    add("--shrink", type=float, default=20.0, metavar="SECONDS", help="for making one smaller")
    add("--replay", default="", metavar="TEXT", help="one example, as a finding names it")
    return parser


if __name__ == "__main__":
    sys.exit(main())
