"""The table of several processes, measured again: all zeros (cache.md A11, P1, P2)."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults.together import SCENARIOS, Row, measure, table


@pytest.mark.row("F01", "F03")
@pytest.mark.parametrize("share", [0.05, pytest.param(1.0, marks=pytest.mark.deep)])
@pytest.mark.parametrize("name", SCENARIOS)
def test_nothing_goes_wrong(tmp_path: Path, name: str, share: float) -> None:
    """No failure, no command twice, no torn output, no complaint, nothing left, no damage."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    stage = measure(name, max(2, round(SCENARIOS[name][1] * share)), tmp_path / "ws", seed)
    print(table([stage.row]))
    assert stage.row.is_clean, stage.said


def test_a_row_that_is_not_zero_is_not_clean() -> None:
    """Nor is one in which nothing was done."""
    assert Row("x", runs=1).is_clean
    assert not Row("x").is_clean
    assert not Row("x", runs=3, torn=1).is_clean
