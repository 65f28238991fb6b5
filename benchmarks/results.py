"""Rows of measured runs: as JSON lines, and as medians."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import attrs

from benchmarks.machine import Machine
from benchmarks.planning import PlanRow
from benchmarks.scenarios import Run, Scenario
from benchmarks.starts import StartRow

BUSY = 0.5
# Below this the ticks of the machine say nothing about the time of one run.
BRIEF = 0.03


@attrs.frozen
class Row:
    """One run, as it stands in a line of the file; seconds, MiB."""

    place: str
    size: str
    tasks: int
    tool: str
    scenario: str
    round: int
    status: int
    wall: float
    cpu: float
    peak_mib: float
    others: float
    missing: int
    wrote: int
    printed: int
    why: str


KINDS: Mapping[type, str] = {Row: "run", Machine: "machine", PlanRow: "plan", StartRow: "start"}


@attrs.frozen
class Cell:
    """The medians of the good runs of one tool in one scenario, the peak being the largest.

    ``least_wall`` and ``least_cpu`` are the smallest: noise only ever adds.
    """

    runs: int
    tasks: int
    wall: float
    cpu: float
    least_wall: float
    least_cpu: float
    peak_mib: float
    wrote: int
    busy: bool


Place: TypeAlias = str
Key: TypeAlias = tuple[Place, str, str, str]


def row_of(
    run: Run, *, place: str, size: str, tasks: int, tool: str, scenario: Scenario, round: int
) -> Row:
    sample = run.sample
    return Row(
        place=place,
        size=size,
        tasks=tasks,
        tool=tool,
        scenario=scenario.value,
        round=round,
        status=sample.status,
        wall=sample.wall,
        cpu=sample.cpu,
        peak_mib=sample.peak_kib / 1024,
        others=sample.others,
        missing=run.missing,
        wrote=run.wrote,
        printed=run.printed,
        why=run.why,
    )


def to_line(row: Row | Machine | PlanRow | StartRow) -> str:
    """One line of the file; its ``kind`` says which of the four it is."""
    return json.dumps({"kind": KINDS[type(row)], **attrs.asdict(row)}) + "\n"


def from_lines(lines: Iterable[str]) -> tuple[list[Row], Machine | None]:
    """The measured runs of a file and where they were made; other rows are passed over."""
    found: list[Row] = []
    machine = None
    for line in filter(str.strip, lines):
        fields = json.loads(line)
        kind = fields.pop("kind")
        if kind == KINDS[Row]:
            found.append(Row(**fields))
        elif kind == KINDS[Machine]:
            machine = Machine(**fields)
    return found, machine


def cells_of(rows: Iterable[Row]) -> dict[Key, Cell]:
    """Medians by place, size, tool and scenario; runs that went wrong are not in them."""
    groups: dict[Key, list[Row]] = {}
    for row in rows:
        if not row.why:
            groups.setdefault((row.place, row.size, row.tool, row.scenario), []).append(row)
    return {key: _cell(group) for key, group in groups.items()}


def _cell(rows: list[Row]) -> Cell:
    wall = statistics.median(row.wall for row in rows)
    return Cell(
        runs=len(rows),
        tasks=rows[0].tasks,
        wall=wall,
        cpu=statistics.median(row.cpu for row in rows),
        least_wall=min(row.wall for row in rows),
        least_cpu=min(row.cpu for row in rows),
        peak_mib=max(row.peak_mib for row in rows),
        wrote=max(row.wrote for row in rows),
        busy=wall > BRIEF and statistics.median(row.others for row in rows) > BUSY,
    )
