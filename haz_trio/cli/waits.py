"""``haz waits``: what the tasks of a run waited for, by name."""

from __future__ import annotations

import json

from haz_trio.cli.cache_texts import moment_text
from haz_trio.cli.options import RootOptions
from haz_trio.cli.printing import Printer
from haz_trio.cli.session import open_session
from haz_trio.cli.timelines import PastRun, choose_run, past_runs, seconds, table
from haz_trio.cli.waits_call import WaitsOptions
from haz_trio.plan.timeline import Timeline
from haz_trio.plan.waits import ForDependency, Spent, account, totals

_MOST = 20  # tasks that are shown unless all are wanted
_LEAST = 0.0005  # seconds; less is not worth a word
_VERSION = 1


def waits_command(root: RootOptions, options: WaitsOptions) -> int:
    """Print the waits of a run; raises ``ConfigError``, and ``HazError`` without such a run."""
    session = open_session(root)
    printer = Printer(root)
    if options.list:
        runs = past_runs(session)
        return printer.out(_runs_json(runs) if options.json else _runs_text(runs))
    run = choose_run(session, options.run)
    timeline = run.timeline(session)
    if options.json:
        return printer.out(_json(run, timeline))
    return printer.out(_text(run, timeline, most=None if options.all else _MOST))


def _runs_text(runs: list[PastRun]) -> str:
    return "".join(f"{run.title}\n" for run in runs)


def _runs_json(runs: list[PastRun]) -> str:
    return json.dumps({"v": _VERSION, "runs": [_head(run) for run in runs]}, indent=2) + "\n"


def _head(run: PastRun) -> dict[str, object]:
    kept = run.kept
    return {
        "run": run.name,
        "started": moment_text(kept.started // 1000),
        "duration": round(kept.ended - kept.began, 6),
        "jobs": kept.limits.slots,
        "tag_caps": dict(sorted(kept.limits.tags.items())),
    }


def _text(run: PastRun, timeline: Timeline, *, most: int | None) -> str:
    spent = account(timeline)
    parts = [run.title + "\n"]
    sums = {why: time for why, time in totals(spent).items() if time >= _LEAST}
    if sums:
        rows = [("waited for", "all tasks", "longest")]
        for reason, time in sums.items():
            longest, task = max(
                (wait.seconds, str(each.task))
                for each in spent
                for wait in each.waits
                if wait.reason == reason
            )
            rows.append((str(reason), seconds(time), f"{seconds(longest)} {task}"))
        parts.append(table(rows, left=frozenset({0, 2})))
    ranked = sorted(spent, key=lambda each: -_held_up(each))
    shown = ranked if most is None else ranked[:most]
    lines: list[tuple[str, ...]] = [
        ("task", "waited", "looked", "ran", "settled at", "waited for")
    ]
    for each in shown:
        times = (each.waited, each.looked, each.ran, each.settled)
        lines.append((str(each.task), *map(seconds, times), _reasons(each)))
    parts.append(table(lines, left=frozenset({0, 5})))
    if len(shown) < len(ranked):
        parts.append(f"and {len(ranked) - len(shown)} more (--all)\n")
    return "\n".join(parts)


def _held_up(spent: Spent) -> float:
    """Seconds for which a task waited although its predecessors had settled."""
    return sum(w.seconds for w in spent.waits if not isinstance(w.reason, ForDependency))


def _reasons(spent: Spent) -> str:
    told = [f"{w.reason} {seconds(w.seconds)}" for w in spent.waits if w.seconds >= _LEAST]
    return ", ".join(told)


def _json(run: PastRun, timeline: Timeline) -> str:
    tasks = [
        {
            "task": str(each.task),
            "end": each.end.name.lower(),
            "waits": [{"for": str(w.reason), "seconds": round(w.seconds, 6)} for w in each.waits],
            "looked": round(each.looked, 6),
            "ran": round(each.ran, 6),
            "settled": round(each.settled, 6),
        }
        for each in account(timeline)
    ]
    return json.dumps({"v": _VERSION, **_head(run), "tasks": tasks}, indent=2) + "\n"
