"""Memory is flat in what tasks print (D09): ``python -m tests.faults.memory``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.memory import LIMIT, peak


@pytest.mark.row("D09")
@pytest.mark.parametrize("mode", ["live", "buffered"])
@pytest.mark.parametrize("megabytes", [16, pytest.param(300, marks=pytest.mark.deep)])
def test_four_tasks_that_flood(tmp_path: Path, mode: str, megabytes: int) -> None:
    """Whatever four tasks print at once, haz stays below a hundred megabytes."""
    assert peak(tmp_path, mode, megabytes) < LIMIT
