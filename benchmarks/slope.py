"""Is it linear? Time and memory for each further task, from size to size of one family."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

import attrs

from benchmarks.results import Cell, Key
from benchmarks.scenarios import Scenario
from benchmarks.tools import OURS

# The same shape at ten times the size each: 300, 3,000 and 30,000 tasks.
STEPS = ("medium", "large", "huge")
SLOPES_WITHIN = 0.15
KIB_A_TASK = 10.0


@attrs.frozen
class Step:
    """From one size to the next, for each task more: seconds, and KiB of peak memory."""

    seconds: float
    kib: float

    @classmethod
    def between(cls, small: Cell, large: Cell, *, busy: bool = False) -> Step:
        """Of wall, or of processor time where other work has stretched the wall."""
        more = large.tasks - small.tasks
        longer = large.cpu - small.cpu if busy else large.wall - small.wall
        return cls(longer / more, (large.peak_mib - small.peak_mib) * 1024 / more)


def slope_lines(cells: Mapping[Key, Cell], place: str, bare_mib: float) -> Iterator[str]:
    """A table for every scenario that haz-trio ran at two of the steps; the floor beside it."""
    rows = []
    for scenario in Scenario:
        for tool in (OURS, "floor"):
            found = [cells.get((place, size, tool, scenario.value)) for size in STEPS]
            measured = [cell for cell in found if cell is not None]
            if len(measured) > 1:
                rows.append(_row(f"{tool} {scenario.value}", measured, bare_mib))
    if rows:
        yield f"\n### Linear in tasks, {place}\n"
        yield (
            "Microseconds and KiB for each task more, from step to step; the second slope over "
            f"the first (within {SLOPES_WITHIN:.0%}, else ✗), and the largest peak over a bare "
            f"Python, a task (at most {KIB_A_TASK:.0f} KiB, else ✗). † processor time.\n"
        )
        yield "| runner and scenario | tasks | µs a task | ratio | KiB a task | over Python |"
        yield "|---|---|---|---|---|---|"
        yield from rows


def _row(name: str, cells: list[Cell], bare_mib: float) -> str:
    busy = any(cell.busy for cell in cells)
    steps = [Step.between(small, large, busy=busy) for small, large in pairwise(cells)]
    ratio = "–"
    if len(steps) > 1:
        value = steps[1].seconds / steps[0].seconds
        ratio = f"{value:.2f} {'✓' if is_straight(steps) else '✗'}"
    over = over_python(cells[-1], bare_mib)
    words = [
        name,
        " → ".join(f"{cell.tasks}" for cell in cells),
        " → ".join(f"{step.seconds * 1e6:.0f}" for step in steps) + "†" * busy,
        ratio,
        " → ".join(f"{step.kib:.1f}" for step in steps),
        f"{over:.1f} {'✓' if over <= KIB_A_TASK else '✗'}",
    ]
    return "| " + " | ".join(words) + " |"


def is_straight(steps: list[Step]) -> bool:
    """Does a task cost the same in every step, within the tolerance?"""
    first = steps[0].seconds
    return all(abs(step.seconds / first - 1) <= SLOPES_WITHIN for step in steps[1:])


def over_python(cell: Cell, bare_mib: float) -> float:
    """KiB of peak memory over a bare Python, for each task."""
    return (cell.peak_mib - bare_mib) * 1024 / cell.tasks
