"""The campaign of kills: short here, as long as one likes from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.campaign import main
from tests.faults.campaign_plan import plan


@pytest.mark.row("C04", "F01", "F04", "H14")
@pytest.mark.parametrize("cycles", [8, pytest.param(500, marks=pytest.mark.deep)])
def test_kills_in_a_crowd(tmp_path: Path, capfd: pytest.CaptureFixture[str], cycles: int) -> None:
    """Tasks, haz, or both are killed, with up to eight haz: nothing lost, wrong or left over."""
    words = ["--cycles", str(cycles), "--lanes", "2", "--patience", "5"]  # others work beside it
    code = main([*words, "--place", str(tmp_path)])
    said = capfd.readouterr().out
    assert said.splitlines()[-1] == f"cycles={cycles} lost=0 wrong=0 orphans=0", said
    assert code == 0


def test_a_seed_is_a_plan() -> None:
    """The same seed kills the same at the same parts of a run, and another seed does not."""
    first = [plan(1, lane, number, 8) for lane in range(2) for number in range(50)]
    assert first == [plan(1, lane, number, 8) for lane in range(2) for number in range(50)]
    assert first != [plan(2, lane, number, 8) for lane in range(2) for number in range(50)]
    assert {cycle.processes for cycle in first} == set(range(1, 9))
    assert max(cycle.processes for cycle in (plan(1, 0, n, 3) for n in range(50))) == 3
