"""Markdown from cells: one table for each file system and size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from benchmarks.goals import goal_lines
from benchmarks.results import Cell, Key, Row, cells_of
from benchmarks.scenarios import NOTHING_CHANGED, Scenario
from benchmarks.tools import TOOLS

LEGEND = (
    "Wall · CPU, medians, of the whole process and all that it waited for; peak of the largest "
    "process. † other work kept the machine busy: trust the CPU. ¹ a single run."
)


def result_lines(rows: Iterable[Row]) -> Iterator[str]:
    """Everything that was measured, the goals, and the runs that went wrong."""
    rows = list(rows)
    cells = cells_of(rows)
    places = list(dict.fromkeys(row.place for row in rows))
    yield LEGEND
    for place in places:
        for size in dict.fromkeys(row.size for row in rows if row.place == place):
            yield from _table(cells, place, size)
        yield from goal_lines(cells, place)
    wrong = [row for row in rows if row.why]
    if wrong:
        yield "\n### Runs that went wrong, not in the tables\n"
        for row in wrong:
            yield f"- {row.place}, {row.size}, {row.tool}, {row.scenario}: {row.why}"


def _table(cells: Mapping[Key, Cell], place: str, size: str) -> Iterator[str]:
    here = {key[2:]: cell for key, cell in cells.items() if key[:2] == (place, size)}
    if not here:
        return
    shown = [scenario for scenario in Scenario if any(key[1] == scenario.value for key in here)]
    tasks = next(iter(here.values())).tasks
    yield f"\n### {size}: {tasks} tasks, {place}\n"
    heads = [scenario.value for scenario in shown]
    yield "| runner | " + " | ".join([*heads, "peak MiB", "written on no-op"]) + " |"
    yield "|---" * (len(heads) + 3) + "|"
    for tool in TOOLS:
        own = {key[1]: cell for key, cell in here.items() if key[0] == tool}
        if own:
            words = [times(own.get(scenario.value)) for scenario in shown]
            words += [f"{max(cell.peak_mib for cell in own.values()):.0f}", _wrote(own)]
            yield f"| {tool} | " + " | ".join(words) + " |"


def _wrote(own: Mapping[str, Cell]) -> str:
    counts = [own[s.value].wrote for s in NOTHING_CHANGED if s.value in own]
    return str(max(counts)) if counts else "–"


def times(cell: Cell | None) -> str:
    if cell is None:
        return "–"
    marks = "†" * cell.busy + "¹" * (cell.runs == 1)
    return f"{seconds(cell.wall)}{marks} · {seconds(cell.cpu)}"


def seconds(value: float) -> str:
    if value < 0.1:
        return f"{value * 1e3:.1f} ms"
    return f"{value * 1e3:.0f} ms" if value < 1 else f"{value:.2f} s"
