"""The short form, for CI: has anything become slower, compared with the floor of the same run?

Never an absolute time: a limit is a ratio between haz-trio and ``benchmarks.floor``, which does
the same stats, reads, processes and copies in the same minute on the same machine, or between
haz-trio and a Python that does nothing. Smallest times are compared, for noise only ever adds.
What breaks a limit is measured again, and then both looks count together.
A run that did not do what it should leaves its case without a ratio, which fails too.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import attrs

from benchmarks.arena import Choices, compete
from benchmarks.limits import LIMITS, START_LIMITS, Limit, Quantity, StartLimit
from benchmarks.results import Cell, Row, cells_of
from benchmarks.scenarios import Scenario
from benchmarks.starts import StartRow, measure_starts
from benchmarks.tools import OURS

FLOOR = "floor"
ROUNDS = 3
AGAIN = 6


class Standing(enum.Enum):
    HELD = "✓"
    BROKEN = "✗"
    UNKNOWN = "no good run"


@attrs.frozen
class Verdict:
    """One limit and what was measured; ``ratio`` is None when there is nothing to compare."""

    name: str
    ratio: float | None
    most: float

    @property
    def standing(self) -> Standing:
        if self.ratio is None:
            return Standing.UNKNOWN
        return Standing.HELD if self.ratio <= self.most else Standing.BROKEN

    def __str__(self) -> str:
        ratio = "–" if self.ratio is None else f"{self.ratio:.2f}"
        return f"| {self.name} | {ratio} | {self.most:g} | {self.standing.value} |"


def judge(rows: Iterable[Row], limits: Iterable[Limit]) -> list[Verdict]:
    """Compare ours with the floor, limit by limit; one wrong run spoils its case."""
    rows = list(rows)
    wrong = {(row.size, row.tool, row.scenario) for row in rows if row.why}
    cells = {key[1:]: cell for key, cell in cells_of(rows).items() if key[1:] not in wrong}
    return [
        Verdict(
            limit.name,
            _ratio(
                cells.get((limit.size, OURS, limit.scenario.value)),
                cells.get((limit.size, FLOOR, limit.floor_scenario.value)),
                limit.quantity,
            ),
            limit.most,
        )
        for limit in limits
    ]


def judge_starts(rows: Iterable[StartRow], limits: Iterable[StartLimit]) -> list[Verdict]:
    ratios: Mapping[str, float] = {row.command: row.ratio for row in rows}
    return [Verdict(limit.name, ratios.get(limit.command), limit.most) for limit in limits]


def _ratio(ours: Cell | None, floor: Cell | None, quantity: Quantity) -> float | None:
    if ours is None or floor is None:
        return None
    match quantity:
        case Quantity.WALL:
            return ours.least_wall / floor.least_wall
        case Quantity.CPU:
            return ours.least_cpu / floor.least_cpu
        case Quantity.PEAK:
            return ours.peak_mib / floor.peak_mib


def measure_limits(limits: Sequence[Limit], folder: str, rounds: int) -> list[Row]:
    """The runs that these limits are about, size by size."""
    rows: list[Row] = []
    for size in dict.fromkeys(limit.size for limit in limits):
        scenarios: set[Scenario] = set()
        for limit in limits:
            if limit.size == size:
                scenarios |= {limit.scenario, limit.floor_scenario}
        choices = Choices([size], scenarios, (OURS, FLOOR), rounds=rounds, timeout=60.0)
        rows += compete(choices, folder)
    return rows


def short(
    folder: str,
    *,
    limits: Sequence[Limit] = LIMITS,
    starts: Sequence[StartLimit] = START_LIMITS,
    keep: Callable[[Row], None],
    rounds: int = ROUNDS,
    again: int = AGAIN,
) -> Iterator[Verdict]:
    """The verdict on every limit, after a second look at those that were broken."""
    rows = measure_limits(limits, folder, rounds)
    broken = [
        limit
        for limit, verdict in zip(limits, judge(rows, limits), strict=True)
        if verdict.standing is not Standing.HELD
    ]
    if broken:
        rows += measure_limits(broken, folder, again)
    for row in rows:
        keep(row)
    yield from judge(rows, limits)
    if starts:
        commands = [limit.command for limit in starts]
        verdicts = judge_starts(measure_starts(folder, rounds, commands), starts)
        if any(verdict.standing is not Standing.HELD for verdict in verdicts):
            verdicts = judge_starts(measure_starts(folder, again, commands), starts)
        yield from verdicts


def verdict_lines(verdicts: Iterable[Verdict]) -> Iterator[str]:
    yield "| case | ratio | at most | |"
    yield "|---|---|---|---|"
    yield from map(str, verdicts)
