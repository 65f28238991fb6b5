"""`haz cache verify`: whether everything in the cache is what it was when it was stored."""

from __future__ import annotations

from haz_trio.cache.audit import Audit, Fault, audit
from haz_trio.cache.problems import Problem
from haz_trio.cache.repair import Repair, repair
from haz_trio.cli.cache import failure, open_place
from haz_trio.cli.cache_reports import json_text, short_name
from haz_trio.cli.options import RootOptions
from haz_trio.cli.printing import Printer
from haz_trio.output.text import escape
from haz_trio.plan.exit_codes import EXIT_CONFIGURATION, EXIT_SUCCESS, EXIT_TASK_FAILURE


def verify_command(options: RootOptions, *, mend: bool, as_json: bool) -> int:
    """Print what is right and what is not; the exit code is 1 when damage is left.

    It is 2 when a part of the cache could not be read, or not be changed.
    """
    printer = Printer(options)
    place = open_place(options, printer)
    hash_name = place.settings.hash
    try:
        found = audit(place.root, hash_name)
        done = repair(place.root, hash_name, found) if mend else None
    except OSError as problem:
        raise failure("cache verify failed", place, problem) from None
    code = printer.out(_json(found, done) if as_json else _text(found, done))
    if code:
        return code
    problems = found.problems + (done.problems if done is not None else ())
    for each in problems:
        printer.say(f"cache verify: {escape(each.path)}: {each.reason}")
    if not as_json:
        _advise(found, done, printer)
    if problems:
        return EXIT_CONFIGURATION
    left = len(found.faults) - (len(done.mended) if done is not None else 0)
    return EXIT_TASK_FAILURE if left or found.strangers else EXIT_SUCCESS


def _advise(found: Audit, done: Repair | None, printer: Printer) -> None:
    """Say the ways out."""
    if found.faults and done is None:
        printer.say("no run uses what is damaged; `haz cache verify --repair` moves it away")
    if found.strangers:
        printer.say("haz wrote none of what is strange and leaves it alone; move it away yourself")
    if done is not None and done.busy:
        printer.say(f"left alone, because a run works there now: {len(done.busy)}")


def _text(found: Audit, done: Repair | None) -> str:
    blobs = sum(fault.is_blob for fault in found.faults)
    lines = [
        f"cache root: {found.path}",
        f"entries verified: {found.entries}",
        f"entries of another schema: {found.others}",
        f"blobs verified: {found.blobs}",
        f"damaged entries: {len(found.faults) - blobs}",
        f"damaged blobs: {blobs}",
        f"strange files: {len(found.strangers)}",
        f"quarantined entries: {found.quarantined}",
    ]
    if done is not None:
        removed = sum(fault.is_blob for fault in done.mended)
        lines += [f"entries set aside: {len(done.mended) - removed}", f"blobs removed: {removed}"]
    lines += [f"damaged {_name(fault)}: {escape(fault.reason)}" for fault in found.faults]
    lines += [f"strange {escape(place)}" for place in found.strangers]
    return "".join(line + "\n" for line in lines)


def _name(fault: Fault) -> str:
    _, _, name = fault.place.partition("/")
    shown = short_name(name) if name and not fault.is_blob else escape(fault.place)
    return f"{shown} ({escape(fault.task)})" if fault.task else shown


def _json(found: Audit, done: Repair | None) -> str:
    """The same for programs; ``repair`` is null where none was asked for."""
    return json_text(
        {
            "root": found.path,
            "entries": found.entries,
            "otherSchema": found.others,
            "blobs": found.blobs,
            "damaged": [_fault(fault) for fault in found.faults],
            "strangers": list(found.strangers),
            "quarantined": found.quarantined,
            "problems": _problems(found.problems),
            "repair": None
            if done is None
            else {
                "mended": [fault.place for fault in done.mended],
                "busy": [fault.place for fault in done.busy],
                "problems": _problems(done.problems),
            },
        }
    )


def _fault(fault: Fault) -> dict[str, str | None]:
    return {"place": fault.place, "task": fault.task or None, "reason": fault.reason}


def _problems(problems: tuple[Problem, ...]) -> list[dict[str, str]]:
    return [{"path": problem.path, "reason": problem.reason} for problem in problems]
