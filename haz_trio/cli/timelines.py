"""What ``haz waits`` and ``haz simulate`` have in common: which run, and how times are shown."""

from __future__ import annotations

from collections.abc import Sequence

from haz_trio.cache.timelines import KeptTimeline, kept_timelines, read_timeline
from haz_trio.cli.cache_texts import moment_text
from haz_trio.cli.session import Session
from haz_trio.engine.timelines import revive
from haz_trio.errors import HazError
from haz_trio.plan.timeline import Timeline
from haz_trio.values import frozen


@frozen
class PastRun:
    """A run that was recorded; ``name`` is what calls for it on the command line."""

    name: str
    kept: KeptTimeline

    @property
    def title(self) -> str:
        """One line for people."""
        kept = self.kept
        tasks = _count(len(kept.ids), "task")
        slots = _count(kept.limits.slots, "slot")
        moment = moment_text(kept.started // 1000)
        return f"run {self.name} of {moment}: {tasks}, {slots}, {seconds(kept.ended - kept.began)}"

    def timeline(self, session: Session) -> Timeline:
        """The whole timeline; raises ``HazError`` when a task is gone."""
        return revive(self.kept, session.graph)


def past_runs(session: Session) -> list[PastRun]:
    """All runs that were recorded, the newest first."""
    root = session.workspace.root
    found = [(name, read_timeline(root, name)) for name in kept_timelines(root)]
    return [PastRun(name, kept) for name, kept in found if kept is not None]


def choose_run(session: Session, name: str | None) -> PastRun:
    """The run of a name, of which the end will do, or the last one.

    Raises ``HazError`` when there is none, or when several have the name.
    """
    runs = past_runs(session)
    if not runs:
        raise HazError("no run is recorded yet: `haz run` records those in which a command runs")
    if name is None:
        return runs[0]
    found = [run for run in runs if name and run.name.endswith(name.lower())]
    if len(found) == 1:
        return found[0]
    names = ", ".join(run.name for run in runs)
    problem = "no recorded run is" if not found else "several recorded runs are"
    raise HazError(f"{problem} called {name!r}; there are {names} (newest first)")


def seconds(time: float) -> str:
    """Seconds with milliseconds."""
    return f"{time:.3f}s"


def table(rows: Sequence[tuple[str, ...]], *, left: frozenset[int]) -> str:
    """Rows in columns, those of ``left`` to the left and all others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if number in left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip() + "\n")
    return "".join(lines)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
