"""Time against size as an SVG picture: one panel for each scenario, one line for each runner."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

import attrs

from benchmarks.results import Cell, Key
from benchmarks.scenarios import Scenario
from benchmarks.tools import TOOLS

# The sizes that are one family: the same shape, only larger.
FAMILY = ("tiny", "small", "medium", "large", "huge")
COLORS = ("#0072b2", "#666666", "#d55e00", "#e69f00", "#009e73", "#cc79a7", "#56b4e9")
WIDTH, HEIGHT, MARGIN, GAP = 320, 230, 54, 26
COLUMNS = 2
LEGEND_HEIGHT = 40


@attrs.frozen
class Axis:
    """A logarithmic axis of whole decades, from ``first`` at pixel ``start`` on."""

    first: int
    last: int
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float) -> Axis:
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        return cls(low, max(high, low + 1), start, end)

    def at(self, value: float) -> float:
        share = (math.log10(value) - self.first) / (self.last - self.first)
        return self.start + share * (self.end - self.start)

    @property
    def decades(self) -> list[float]:
        return [10.0**power for power in range(self.first, self.last + 1)]


def draw(cells: Mapping[Key, Cell], place: str) -> str:
    """The picture of what was measured on one file system; empty panels are left out.

    Of wall, or of processor time where other work has stretched any of the walls.
    """
    busy = any(cell.busy for key, cell in cells.items() if key[0] == place and key[1] in FAMILY)
    panels = []
    for scenario in Scenario:
        lines = _lines(cells, place, scenario, busy=busy)
        if lines:
            panels.append((scenario, lines))
    rows = -(-len(panels) // COLUMNS)
    width = COLUMNS * (WIDTH + GAP) + GAP
    height = rows * (HEIGHT + GAP) + GAP + LEGEND_HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for number, (scenario, lines) in enumerate(panels):
        left = GAP + number % COLUMNS * (WIDTH + GAP)
        top = LEGEND_HEIGHT + GAP + number // COLUMNS * (HEIGHT + GAP)
        parts += _panel(scenario.value, lines, left, top)
    tools = [tool for tool in TOOLS if any(tool in lines for _, lines in panels)]
    clock = "processor seconds" if busy else "seconds"
    parts += _legend(tools, f"{clock} against tasks, {place}")
    return "\n".join([*parts, "</svg>"]) + "\n"


Points = list[tuple[float, float]]


def _lines(
    cells: Mapping[Key, Cell], place: str, scenario: Scenario, *, busy: bool
) -> dict[str, Points]:
    lines: dict[str, Points] = {}
    for tool in TOOLS:
        for size in FAMILY:
            cell = cells.get((place, size, tool, scenario.value))
            if cell is not None:
                lines.setdefault(tool, []).append((cell.tasks, cell.cpu if busy else cell.wall))
    return lines


def _panel(title: str, lines: Mapping[str, Points], left: float, top: float) -> list[str]:
    points = [point for line in lines.values() for point in line]
    across = Axis.over([x for x, _ in points], left + MARGIN, left + WIDTH)
    up = Axis.over([y for _, y in points], top + HEIGHT - MARGIN / 2, top + 16)
    parts = [_text(left + MARGIN, top + 8, title, weight="bold")]
    for value in across.decades:
        x = across.at(value)
        parts += [_line(x, up.start, x, up.end), _text(x, up.start + 14, f"{value:g}", "middle")]
    for value in up.decades:
        y = up.at(value)
        parts += [_line(across.start, y, across.end, y)]
        parts += [_text(across.start - 5, y + 4, f"{value:g} s", "end")]
    for tool, line in lines.items():
        color = color_of(tool)
        path = " ".join(f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        for x, y in line:
            name = escape(f"{tool}: {x:g} tasks, {y:.3g} s")
            parts.append(
                f'<circle cx="{across.at(x):.1f}" cy="{up.at(y):.1f}" r="3" fill="{color}">'
                f"<title>{name}</title></circle>"
            )
    return parts


def _legend(tools: Sequence[str], caption: str) -> list[str]:
    parts = [_text(GAP, 18, caption, weight="bold")]
    for number, tool in enumerate(tools):
        x = GAP + number * 92
        parts.append(f'<rect x="{x}" y="28" width="14" height="4" fill="{color_of(tool)}"/>')
        parts.append(_text(x + 19, 34, tool))
    return parts


def color_of(tool: str) -> str:
    return COLORS[list(TOOLS).index(tool) % len(COLORS)]


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        'stroke="#dddddd" stroke-width="1"/>'
    )


def _text(x: float, y: float, text: str, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">'
        f"{escape(text)}</text>"
    )
