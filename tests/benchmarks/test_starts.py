"""The start-up benchmark: real commands, their time over a bare Python, and their imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.starts import COMMANDS, measure_starts, start_lines


def test_every_command_is_measured_and_its_imports_are_named(tmp_path: Path) -> None:
    """All end as they should; `--version` does not import trio, and imports no more than `run`."""
    rows = {row.command: row for row in measure_starts(str(tmp_path), 1)}
    assert list(rows) == list(COMMANDS)
    version, run = rows["--version"], rows["run, memo off"]
    assert 0.5 < version.ratio < run.ratio
    assert "trio" not in version.heavy
    assert 0 < version.modules <= run.modules
    lines = list(start_lines(rows.values()))
    assert sum(line.startswith("| --version |") for line in lines) == 1


def test_a_command_that_fails_is_no_measurement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that ends with another status than expected raises, and names the command."""
    monkeypatch.setenv("BENCH_HAZ_TRIO", "false")
    with pytest.raises(RuntimeError, match="haz check: exit status 1"):
        measure_starts(str(tmp_path), 1, ["check"])
