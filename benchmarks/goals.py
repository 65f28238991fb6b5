"""What haz-trio aims at, case by case, and how far it is: ratios of one run and hard limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from benchmarks.results import Cell, Key
from benchmarks.scenarios import Scenario
from benchmarks.tools import OURS

HIT, MISS = "✓", "✗"
MEMORY_SIZE, MEMORY_MIB = "large", 80.0


@attrs.frozen
class Goal:
    """One case; each field None where nothing is promised.

    ``turbo`` and ``haz``: so many times as fast as they are. ``floor`` and ``ninja``: at most so
    many times as long as they take. ``seconds``: at most that long on the machine of reference.
    ``over_plain``: at most so many seconds longer than a no-op with the memo off.
    """

    size: str
    scenario: Scenario
    turbo: float | None = None
    haz: float | None = None
    floor: float | None = None
    ninja: float | None = None
    seconds: float | None = None
    over_plain: float | None = None


GOALS = (
    Goal("tiny", Scenario.NOOP, 1.0, 0.25, 0.6, seconds=0.020),
    Goal("small", Scenario.NOOP, 1.2, 4, 0.6, seconds=0.020),
    Goal("medium", Scenario.NOOP, 4, 200, 0.6, seconds=0.030),
    Goal("medium", Scenario.NOOP_PLAIN, 1.3, 60, 2.2, seconds=0.095),
    Goal("medium", Scenario.RESTORE, 2.5, 50, 1.6, seconds=0.5),
    Goal("medium", Scenario.COLD, 1.2, 8, 1.4, ninja=1.5),
    Goal("medium", Scenario.FAIL, over_plain=0.050),
    Goal("large", Scenario.NOOP, 7, 4000, 0.8, seconds=0.15),
    Goal("large", Scenario.NOOP_PLAIN, 3.5, 2000, 1.5, seconds=0.30),
    Goal("large", Scenario.CHANGE, 3, 1000, 1.6, seconds=0.45),
    Goal("large", Scenario.RESTORE, 2.5, 500, 1.6, seconds=0.5),
    Goal("large", Scenario.COLD, 1.3, 100, 1.4, ninja=1.5),
    Goal("big", Scenario.NOOP, 1.0, 40, 1.0),
    Goal("glob-heavy", Scenario.NOOP, 8, 5, 0.8),
    Goal("wide", Scenario.COLD, 1.5, 5, 1.4),
    Goal("wide", Scenario.NOOP, 4, 40, 1.0),
    Goal("chain", Scenario.COLD, 1.5, 1.7, 1.4),
    Goal("chain", Scenario.NOOP, 4, 4, 1.0),
    Goal("mutex", Scenario.COLD, None, 3, 1.4, ninja=1.5),
    Goal("mutex", Scenario.NOOP, 4, 4, 1.0),
)


def goal_lines(cells: Mapping[Key, Cell], place: str) -> Iterator[str]:
    """A table of the cases that were measured there: what is, what was aimed at, reached or not.

    On a busy machine (†) it is the processor time that is compared.
    A no-op with the memo off is compared with the plain no-op of the others.
    """
    rows = []
    for goal in GOALS:
        ours = cells.get((place, goal.size, OURS, goal.scenario.value))
        if ours is not None:
            words = [f"{goal.size} {goal.scenario.value}"]
            words.append(f"{_time(ours) * 1e3:.0f} ms" + "†" * ours.busy)
            for tool, aim in (("turbo", goal.turbo), ("haz", goal.haz)):
                words.append(_faster(ours, _other(cells, place, goal, tool), aim))
            for tool, aim in (("floor", goal.floor), ("ninja", goal.ninja)):
                words.append(_slower(ours, _other(cells, place, goal, tool), aim))
            words.append(_limit(ours, goal, cells, place))
            rows.append("| " + " | ".join(words) + " |")
    memory = cells.get((place, MEMORY_SIZE, OURS, Scenario.NOOP.value))
    if rows:
        yield f"\n### Goals, {place}\n"
        yield "| case | haz-trio | × as fast as turbo | as haz | × floor | × ninja | limit |"
        yield "|---|---|---|---|---|---|---|"
        yield from rows
    if memory is not None:
        peak = max(
            cell.peak_mib
            for key, cell in cells.items()
            if (key[0], key[1], key[2]) == (place, MEMORY_SIZE, OURS)
        )
        yield (
            f"\nPeak memory at {MEMORY_SIZE}: {peak:.0f} MiB (at most {MEMORY_MIB:.0f}) "
            + _mark(peak <= MEMORY_MIB)
        )


def _other(cells: Mapping[Key, Cell], place: str, goal: Goal, tool: str) -> Cell | None:
    scenario = goal.scenario
    if scenario is Scenario.NOOP_PLAIN:
        scenario = Scenario.NOOP
    return cells.get((place, goal.size, tool, scenario.value))


def _faster(ours: Cell, other: Cell | None, aim: float | None) -> str:
    if other is None:
        return "–"
    ratio, mark = _over(other, ours)
    return f"{ratio:.3g}{mark}" + ("" if aim is None else f" ({aim:g}) {_mark(ratio >= aim)}")


def _slower(ours: Cell, other: Cell | None, aim: float | None) -> str:
    if other is None:
        return "–"
    ratio, mark = _over(ours, other)
    return f"{ratio:.3g}{mark}" + ("" if aim is None else f" ({aim:g}) {_mark(ratio <= aim)}")


def _over(one: Cell, other: Cell) -> tuple[float, str]:
    """The ratio of walls; where other work stretched one of them that of processor times, †."""
    if one.busy or other.busy:
        return one.cpu / other.cpu, "†"
    return one.wall / other.wall, ""


def _limit(ours: Cell, goal: Goal, cells: Mapping[Key, Cell], place: str) -> str:
    most = goal.seconds
    if goal.over_plain is not None:
        plain = cells.get((place, goal.size, OURS, Scenario.NOOP_PLAIN.value))
        most = None if plain is None else _time(plain) + goal.over_plain
    if most is None:
        return "–"
    return f"{most * 1e3:.0f} ms{'†' * ours.busy} {_mark(_time(ours) <= most)}"


def _time(cell: Cell) -> float:
    return cell.cpu if cell.busy else cell.wall


def _mark(reached: bool) -> str:
    return HIT if reached else MISS
