"""``haz-conformance``: tries a program, area by area, in several processes at once."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import attrs

from haz_trio.testing.areas.registry import AREAS
from haz_trio.testing.command.failures import unused, write_failure
from haz_trio.testing.command.progress import Progress
from haz_trio.testing.command.report import Report, as_html, as_json, as_text
from haz_trio.testing.command.session import Batch, Played, play
from haz_trio.testing.command.stopping import (
    asked,
    hurried,
    listen_in_worker,
    listening,
    pass_on,
    undisturbed,
)
from haz_trio.testing.command.turns import Turns
from haz_trio.testing.profile import load_profile
from haz_trio.testing.subject import Subject

EXAMPLES = 1000  # over all areas, when neither they nor the minutes are limited
EXIT_FINDINGS, EXIT_USAGE = 1, 2
_ANSWER = 10.0  # seconds
_LOOK = 0.2  # seconds between looks whether somebody wants this to stop


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 without findings, 1 with some, 2 for wrong arguments, 128 + N for a signal."""
    parser = _parser()
    options = parser.parse_args(arguments)
    with listening():
        return _judge(parser, options)


def _judge(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
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
    command = (os.path.abspath(program), *words[1:])
    sys.stderr.write(f"judging {shlex.join(command)} ({_version(command)})\n")
    base = Batch(
        area="",
        number=0,
        seed=options.seed,
        examples=0,
        subject=Subject(command, warm=not options.cold),
        known=frozenset(known - set(options.without)),
        muted=frozenset(),
        shrink_seconds=options.shrink,
        replay=options.replay,
    )
    chosen = [area for area in AREAS if not options.area or area.name in options.area]
    examples = 1 if options.replay else options.examples
    if examples is None and not options.minutes:
        examples = EXAMPLES
    turns = Turns(base, chosen, examples)
    report = Report(options.haz, options.seed)
    started = time.monotonic()
    deadline = started + 60 * options.minutes if options.minutes else float("inf")
    progress = Progress(turns.examples, sys.stderr)
    for played in _play_all(turns, options.jobs, deadline, report):
        before = len(report.findings)
        report.add(played)
        if len(report.findings) > before and played.finding is not None:
            key = (played.batch.area, *played.finding.rules)
            folder = Path(options.failures) / f"{len(report.findings):02}-{played.batch.area}"
            report.lines[key] = write_failure(unused(folder), played.finding, options.haz)
        report.seconds = time.monotonic() - started
        progress.show(report)
    progress.end()
    if asked():
        sys.stderr.write("interrupted: the report is of what was tried until then\n")
    sys.stdout.write(as_text(report, every_rule=options.rules))
    if options.report:
        write = as_html if options.report.endswith(".html") else as_json
        Path(options.report).write_text(write(report))
    if asked():
        return 128 + asked()
    return EXIT_FINDINGS if report.findings else 0


def _version(command: Sequence[str]) -> str:
    """What a program says of itself: several may be called haz."""
    try:
        said = subprocess.run(
            [*command, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ANSWER,
            check=False,
        ).stdout.split("\n")[0]
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    return said.strip() or "it does not say which version"


def _play_all(turns: Turns, jobs: int, deadline: float, report: Report) -> Iterator[Played]:
    """Play batches in several processes; what has been found is not looked for again.

    As many processes more are for areas whose examples mostly wait.
    """
    context = get_context("spawn")
    pool_of = partial(ProcessPoolExecutor, mp_context=context, initializer=listen_in_worker)
    told = False
    with pool_of(jobs) as busy, pool_of(jobs) as lazy:
        running: dict[Future[Played], bool] = {}
        while True:
            if asked() and not told:
                told = True
                pass_on()
            for waits, pool in ((False, busy), (True, lazy)):
                while list(running.values()).count(waits) < jobs and time.monotonic() < deadline:
                    batch = None if told else turns.next(waits=waits)
                    if batch is None:
                        break
                    with undisturbed():
                        running[pool.submit(play, _told(batch, report))] = waits
            if not running:
                return
            for future in wait(running, timeout=_LOOK, return_when=FIRST_COMPLETED).done:
                del running[future]
                try:
                    played = future.result()
                except BrokenExecutor:
                    if hurried():
                        return
                    raise
                turns.ended(played.batch, played.seconds)
                yield played


def _told(batch: Batch, report: Report) -> Batch:
    """A batch that does not look for what has been found in its area."""
    found = {rule for key in report.findings if key[0] == batch.area for rule in key}
    return attrs.evolve(batch, muted=frozenset(found - {batch.area}))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="haz-conformance",
        description="Draw workspaces, edits and command lines, and compare what a program does "
        "with what the rules of haz say.",
        epilog="Exit codes: 0 no findings, 1 findings, 2 wrong arguments, 130 Ctrl-C.",
    )
    names = [area.name for area in AREAS]
    add = parser.add_argument
    add("--haz", default="haz", metavar="CMD", help="the program, as a command line")
    add("--area", action="append", choices=names, help="only this area; may be repeated")
    add("--examples", type=int, metavar="N", help="how many, over all areas, each with its share; "
        f"{EXAMPLES:,} without --minutes")  # fmt: skip
    add("--seed", type=int, default=0, metavar="S", help="other examples for another number")
    add("--report", metavar="FILE", help="write a report, as HTML for .html, else as JSON")
    add("--rules", action="store_true", help="print every rule, also those that held")
    add("--profile", metavar="NAME", help="known differences: haz-0.2.0, or a TOML file")
    add("--without", action="append", default=[], metavar="NAME", help="a difference of the "
        "profile that is to be a finding all the same; may be repeated")  # fmt: skip
    add("--failures", default="haz-findings", metavar="DIR", help="where findings are put")
    add("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="how many at once")
    add("--minutes", type=float, default=0.0, metavar="M", help="begin nothing new after this; "
        "without --examples all areas get the same part of it")  # fmt: skip
    add("--cold", action="store_true", help="start an interpreter for every call of a Python "
        "program, instead of forking one that has imported it")  # fmt: skip
    add("--shrink", type=float, default=20.0, metavar="SECONDS", help="for making one smaller")
    add("--replay", default="", metavar="TEXT", help="one example, as a finding names it")
    return parser


if __name__ == "__main__":
    sys.exit(main())
