"""The short form of the benchmarks can fail, and fails for the right reasons only."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.gate import Standing, Verdict, judge, judge_starts, short
from benchmarks.limits import LIMITS, START_LIMITS, Limit, Quantity, StartLimit
from benchmarks.results import Row
from benchmarks.scenarios import Scenario
from benchmarks.sizes import SIZES
from benchmarks.starts import COMMANDS, StartRow
from benchmarks.tools import OURS, command_of
from tests.benchmarks.test_scenarios import row

NOOP = Limit("tiny", Scenario.NOOP, Quantity.CPU, 4.0)
BURN = """import os, sys, time
while time.process_time() < 1.0:
    pass
os.execv(sys.argv[1], sys.argv[1:])
"""


def pair(ours: float, floor: float, **fields: object) -> list[Row]:
    """One run of haz-trio and one of the floor, by their CPU."""
    return [row(tool=OURS, cpu=ours, **fields), row(tool="floor", cpu=floor)]


@pytest.mark.parametrize(
    ("rows", "standing"),
    [
        (pair(0.39, 0.1), Standing.HELD),
        (pair(0.41, 0.1), Standing.BROKEN),
        (pair(0.41, 0.1) + pair(0.39, 0.3), Standing.HELD),
        (pair(0.1, 0.1, why="exit status 1"), Standing.UNKNOWN),
        (pair(0.1, 0.1) + pair(0.1, 0.1, why="2 outputs were written"), Standing.UNKNOWN),
        ([], Standing.UNKNOWN),
    ],
)
def test_a_limit_is_held_broken_or_not_measured(rows: list[Row], standing: Standing) -> None:
    """The smallest times are compared; one wrong run and there is no ratio, which fails."""
    (verdict,) = judge(rows, [NOOP])
    assert verdict.standing is standing


@pytest.mark.parametrize(
    ("quantity", "ratio"), [(Quantity.WALL, 3.0), (Quantity.CPU, 2.0), (Quantity.PEAK, 4.0)]
)
def test_each_quantity_is_its_own_ratio(quantity: Quantity, ratio: float) -> None:
    """Wall, processor time and memory are not mixed up."""
    rows = [
        row(tool=OURS, wall=3.0, cpu=2.0, peak_mib=40.0),
        row(tool="floor", wall=1.0, cpu=1.0, peak_mib=10.0),
    ]
    (verdict,) = judge(rows, [Limit("tiny", Scenario.NOOP, quantity, 9.0)])
    assert verdict.ratio == ratio


def test_a_plain_no_op_is_held_against_the_floors_no_op() -> None:
    """The floor has no memo, so that it has one kind of no-op."""
    rows = [row(tool=OURS, scenario="no-op-memo-off", cpu=3.0), row(tool="floor", cpu=1.0)]
    (verdict,) = judge(rows, [Limit("tiny", Scenario.NOOP_PLAIN, Quantity.CPU, 2.0)])
    assert verdict.standing is Standing.BROKEN


def test_a_slow_start_breaks_its_limit() -> None:
    """Start-up is held against a bare Python, command by command."""
    started = StartRow("check", wall=0.3, cpu=0.3, bare=0.01, ratio=30.0, modules=1, heavy=())
    verdicts = judge_starts([started], [StartLimit("check", 20), StartLimit("query", 20)])
    assert [one.standing for one in verdicts] == [Standing.BROKEN, Standing.UNKNOWN]


def test_a_slower_haz_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A limit that haz holds is broken by the same haz behind a second of idle computing."""
    kept: list[Row] = []
    (before,) = measured([NOOP_LOOSE], tmp_path, kept)
    assert before.ratio is not None
    limit = Limit("tiny", Scenario.NOOP, Quantity.CPU, before.ratio * 1.5)
    assert Verdict("", before.ratio, limit.most).standing is Standing.HELD
    command = command_of(OURS)
    assert command is not None
    slow = tmp_path / "slow.py"
    slow.write_text(BURN)
    monkeypatch.setenv("BENCH_HAZ_TRIO", " ".join([sys.executable, str(slow), *command]))
    (after,) = measured([limit], tmp_path, kept)
    assert after.standing is Standing.BROKEN
    assert all(row.why == "" for row in kept)


NOOP_LOOSE = Limit("tiny", Scenario.NOOP, Quantity.CPU, 1e9)


def measured(limits: list[Limit], folder: Path, kept: list[Row]) -> list[Verdict]:
    """The short form without start-up, as few rounds as there can be."""
    options = {"rounds": 1, "again": 1}
    return list(short(str(folder), limits=limits, starts=(), keep=kept.append, **options))


def test_the_table_names_what_can_be_measured() -> None:
    """Each limit's size and command exist, and none is there twice."""
    assert {limit.size for limit in LIMITS} <= SIZES.keys()
    assert {limit.command for limit in START_LIMITS} <= COMMANDS.keys()
    names = [limit.name for limit in (*LIMITS, *START_LIMITS)]
    assert len(set(names)) == len(names)
