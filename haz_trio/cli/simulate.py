"""``haz simulate``: a recorded run again, under other limits, by its plan and a virtual clock."""

from __future__ import annotations

import json

from haz_trio.cli.options import RootOptions
from haz_trio.cli.printing import Printer
from haz_trio.cli.session import open_session
from haz_trio.cli.simulate_call import SimulateOptions
from haz_trio.cli.timelines import PastRun, choose_run, seconds, table
from haz_trio.engine.kit import processors
from haz_trio.errors import HazError
from haz_trio.plan.advice import best_changes
from haz_trio.plan.simulation import UNCHANGED, Change, Simulation, simulate
from haz_trio.plan.timeline import End, Timeline
from haz_trio.values import frozen

_VERSION = 1


@frozen
class _Found:
    measured: float
    unchanged: Simulation
    changed: Simulation | None
    change: Change
    best: list[tuple[Change, Simulation]]


def simulate_command(root: RootOptions, options: SimulateOptions) -> int:
    """Print what was reckoned; raises ``ConfigError``, and ``HazError`` for a run that tells
    nothing, and for tags and mutexes that no task of it has."""
    session = open_session(root)
    run = choose_run(session, options.run)
    timeline = run.timeline(session)
    if End.CANCELLED in timeline.ends:
        raise HazError(
            f"run {run.name} was stopped: how long its cancelled tasks take is not known; "
            "choose another one (`haz waits --list`)"
        )
    slots = None if options.jobs is None else options.jobs.slots(processors())
    change = Change(slots, dict(options.tags), frozenset(options.unlocked))
    _check(change, timeline)
    found = _Found(
        timeline.makespan,
        simulate(timeline),
        None if change == UNCHANGED else simulate(timeline, change),
        change,
        best_changes(timeline),
    )
    return Printer(root).out(_json(run, found) if options.json else _text(run, found))


def _check(change: Change, timeline: Timeline) -> None:
    """Raise ``HazError`` for names that no task of the run knows."""
    tags = {tag for task in timeline.tasks for tag in task.tags}
    locks = {task.lock for task in timeline.tasks if task.lock is not None}
    for kind, named, known in (("tag", change.tags, tags), ("mutex", change.unlocked, locks)):
        for name in named:
            if name not in known:
                there = ", ".join(sorted(known)) or "none"
                raise HazError(f"no task of the run has the {kind} {name!r}; there are: {there}")


def _text(run: PastRun, found: _Found) -> str:
    base = found.unchanged.makespan
    rows = [
        ("measured", seconds(found.measured), ""),
        ("simulated", seconds(base), ""),
    ]
    if found.changed is not None:
        rows.append((f"with {change_text(found.change)}", *_gain(found.changed, base)))
    parts = [f"{run.title}\n", table(rows, left=frozenset({0}))]
    steps = (found.changed or found.unchanged).critical
    lines = [("critical path", "from", "to")]
    lines += [(str(step.task), seconds(step.since), seconds(step.until)) for step in steps]
    parts.append(table(lines, left=frozenset({0})))
    if found.best:
        lines = [("what would help most", "", "")]
        lines += [(change_text(change), *_gain(each, base)) for change, each in found.best]
        parts.append(table(lines, left=frozenset({0})))
    else:
        parts.append("no other slot, cap or mutex would save as much as 1 %\n")
    return "\n".join(parts)


def _gain(simulation: Simulation, base: float) -> tuple[str, str]:
    part = simulation.makespan / base - 1 if base else 0.0
    return seconds(simulation.makespan), f"{part:+.1%}"


def change_text(change: Change) -> str:
    """A change in the words of ``--set``."""
    words = [] if change.slots is None else [f"concurrency.default={change.slots}"]
    for tag, cap in sorted(change.tags.items()):
        words.append(f"concurrency.tags.{tag}={'none' if cap is None else cap}")
    words += [f"mutex.{mutex}=none" for mutex in sorted(change.unlocked)]
    return ", ".join(words)


def _json(run: PastRun, found: _Found) -> str:
    document: dict[str, object] = {
        "v": _VERSION,
        "run": run.name,
        "measured": round(found.measured, 6),
        "simulated": _simulated(found.unchanged),
    }
    if found.changed is not None:
        changed = {"set": change_text(found.change).split(", "), **_simulated(found.changed)}
        document["changed"] = changed
    document["best"] = [
        {"set": change_text(change).split(", "), "duration": round(each.makespan, 6)}
        for change, each in found.best
    ]
    return json.dumps(document, indent=2) + "\n"


def _simulated(simulation: Simulation) -> dict[str, object]:
    return {
        "duration": round(simulation.makespan, 6),
        "critical": [str(step.task) for step in simulation.critical],
    }
