"""Tables, goals, slopes and the picture, from made-up numbers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import attrs
import pytest

from benchmarks.goals import goal_lines
from benchmarks.machine import Machine
from benchmarks.planning import drive, planned
from benchmarks.plot import draw
from benchmarks.results import Cell, Key, to_line
from benchmarks.scenarios import Scenario
from benchmarks.sizes import SIZES
from benchmarks.slope import slope_lines
from benchmarks.tables import result_lines
from benchmarks.tools import OURS
from tests.benchmarks.test_scenarios import row

SVG = "{http://www.w3.org/2000/svg}"


def cell(wall: float, tasks: int = 1, peak_mib: float = 20.0) -> Cell:
    return Cell(
        runs=3,
        tasks=tasks,
        wall=wall,
        cpu=wall,
        least_wall=wall,
        least_cpu=wall,
        peak_mib=peak_mib,
        wrote=0,
        busy=False,
    )


def test_on_a_busy_machine_processor_time_decides() -> None:
    """Where other work has stretched the wall, the ratio of CPU is shown, and marked."""
    ours, theirs = cell(0.010), attrs.evolve(cell(0.500), busy=True, cpu=0.011)
    cells = {noop("small"): ours, noop("small", "turbo"): theirs}
    (line,) = (line for line in goal_lines(cells, "tmpfs") if line.startswith("| small"))
    assert "1.1† (1.2) ✗" in line


def noop(size: str, tool: str = OURS) -> Key:
    return ("tmpfs", size, tool, Scenario.NOOP.value)


@pytest.mark.parametrize(("wall", "mark"), [(0.010, "✓"), (0.030, "✗")])
def test_a_goal_is_reached_or_missed(wall: float, mark: str) -> None:
    """`small` unchanged must be 1.2 times as fast as Turborepo and take 20 ms at most."""
    cells = {noop("small"): cell(wall), noop("small", "turbo"): cell(0.024)}
    (line,) = (line for line in goal_lines(cells, "tmpfs") if line.startswith("| small"))
    assert line.count(mark) == 2
    assert f"{0.024 / wall:.3g} (1.2) {mark}" in line


@pytest.mark.parametrize(("peak", "mark"), [(79.0, "✓"), (81.0, "✗")])
def test_memory_has_a_goal(peak: float, mark: str) -> None:
    """At `large` 80 MiB are the limit."""
    lines = list(goal_lines({noop("large"): cell(0.1, 3000, peak)}, "tmpfs"))
    assert lines[-1].endswith(mark)


@pytest.mark.parametrize(("last", "mark"), [(30.1, "✓"), (60.0, "✗")])
def test_a_bent_slope_is_noticed(last: float, mark: str) -> None:
    """A task costs 1 ms from 300 to 3,000; it must cost about as much up to 30,000."""
    cells = {
        noop("medium"): cell(0.4, 300),
        noop("large"): cell(3.1, 3000),
        noop("huge"): cell(last, 30000),
    }
    (line,) = (line for line in slope_lines(cells, "tmpfs", 10.0) if line.startswith("| haz"))
    assert line.split("|")[4].strip().endswith(mark)


def test_a_stretched_wall_is_no_slope() -> None:
    """Where one size met other work, processor times are compared at all of them."""
    cells = {
        noop("medium"): cell(0.4, 300),
        noop("large"): attrs.evolve(cell(99.0, 3000), cpu=3.1, busy=True),
        noop("huge"): cell(30.1, 30000),
    }
    (line,) = (line for line in slope_lines(cells, "tmpfs", 10.0) if line.startswith("| haz"))
    assert "| 1000 → 1000† | 1.00 ✓ |" in line


@pytest.mark.parametrize(("peak", "mark"), [(300.0, "✓"), (310.0, "✗")])
def test_memory_for_each_task_is_noticed(peak: float, mark: str) -> None:
    """30,000 tasks may take 10 KiB each over the 10 MiB of a bare Python."""
    cells = {noop("large"): cell(3, 3000), noop("huge"): cell(30, 30000, peak)}
    (line,) = (line for line in slope_lines(cells, "tmpfs", 10.0) if line.startswith("| haz"))
    assert line.endswith(f"{mark} |")


def test_runs_that_went_wrong_are_told_and_not_counted() -> None:
    """The table holds the median of the good runs; the bad one is listed with its reason."""
    rows = [row(wall=0.5), row(wall=0.7), row(wall=0.001, why="exit status 1")]
    text = "\n".join(result_lines(rows))
    assert "| haz-trio | 600 ms · 1.00 s |" in text
    assert "- tmpfs, tiny, haz-trio, no-op: exit status 1" in text


def test_the_picture_has_a_point_for_each_measurement() -> None:
    """It is well-formed SVG, slower is higher, and larger is further right."""
    cells = {
        noop("small"): cell(0.01, 30),
        noop("medium"): cell(0.1, 300),
        noop("medium", "ninja"): cell(0.001, 300),
    }
    root = ElementTree.fromstring(draw(cells, "tmpfs"))
    places = {
        str(circle.findtext(f"{SVG}title")): (
            float(circle.attrib["cx"]),
            float(circle.attrib["cy"]),
        )
        for circle in root.iter(f"{SVG}circle")
    }
    small, medium = places["haz-trio: 30 tasks, 0.01 s"], places["haz-trio: 300 tasks, 0.1 s"]
    assert len(places) == 3
    assert small[0] < medium[0]
    assert small[1] > medium[1]
    assert places["ninja: 300 tasks, 0.001 s"][1] > medium[1]


def test_the_picture_of_a_busy_machine_is_of_processor_time() -> None:
    """One stretched wall and no wall is drawn; the caption says so."""
    busy = attrs.evolve(cell(9.0, 300), cpu=0.1, busy=True)
    picture = draw({noop("small"): cell(0.01, 30), noop("medium"): busy}, "tmpfs")
    assert "haz-trio: 300 tasks, 0.1 s" in picture
    assert "processor seconds against tasks" in picture


def test_a_report_is_made_of_a_file(tmp_path: Path) -> None:
    """`--report` prints the tables of an earlier run, and draws."""
    machine = Machine(cpus=2, kernel="6", python="3.11", commit="abc", bare_mib=10.0)
    lines = [to_line(machine), to_line(row(wall=0.5)), to_line(row(size="small", tasks=30))]
    (tmp_path / "runs.jsonl").write_text("".join(lines))
    words = ["--report", str(tmp_path / "runs.jsonl"), "--plot", str(tmp_path / "plot.svg")]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *words], capture_output=True, text=True, check=True
    )
    assert "haz-trio abc" in done.stdout
    assert "### tiny: 1 tasks, tmpfs" in done.stdout
    ElementTree.parse(tmp_path / "plot.svg")


@pytest.mark.parametrize("words", [["--sizes", "tiny,giant"], ["--tools", "bazel"]])
def test_unknown_names_are_refused(words: list[str]) -> None:
    """A misspelt size does not silently measure nothing."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert f"not known: {words[1].removeprefix('tiny,')}" in done.stderr


def test_a_short_form_that_looks_at_nothing_fails() -> None:
    """A choice that no limit is about is not a success."""
    words = ["--short", "--sizes", "chain", "--scenarios", "cold"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2


@pytest.mark.parametrize("name", ["small", "mutex"])
def test_the_plan_alone_runs_everything_once(name: str) -> None:
    """All looks being misses every task runs, all being hits none does."""
    tasks = planned(SIZES[name])
    assert drive(tasks, hit=False) == SIZES[name].task_count
    assert drive(tasks, hit=True) == 0
