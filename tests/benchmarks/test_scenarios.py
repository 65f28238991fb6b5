"""Scenarios on real workspaces: right runs pass, each kind of wrong run is noticed."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from benchmarks.arena import Choices, compete, file_system
from benchmarks.measure import measure
from benchmarks.results import Row, cells_of, from_lines, to_line
from benchmarks.scenarios import Bench, Scenario
from benchmarks.tools import OURS, TOOLS, command_of

FLOOR_WORDS = f"{sys.executable} {TOOLS['floor'].words[0]}"


def bench(folder: Path, name: str, *words: str) -> Bench:
    """A bench whose runner is a command of ours; what the tool's table adds follows it."""
    (folder / "home").mkdir(exist_ok=True)
    return Bench(str(folder), name, "tiny", words)


def shell(folder: Path, script: str) -> Bench:
    """The floor's workspace, run by a shell script instead."""
    return bench(folder, "floor", "/bin/sh", "-c", script, "sh")


def test_haz_and_the_floor_pass_every_scenario(tmp_path: Path) -> None:
    """In turns, in a folder that is empty again afterwards, and each run does what it should."""
    choices = Choices(["small"], list(Scenario), [OURS, "floor"], rounds=1)
    rows = list(compete(choices, str(tmp_path)))
    assert [row.why for row in rows] == [""] * len(rows)
    assert {row.scenario for row in rows if row.tool == OURS} == {s.value for s in Scenario}
    assert {row.place for row in rows} == {file_system(str(tmp_path))}
    assert all(row.wall > 0 and row.cpu > 0 and row.peak_mib > 5 for row in rows)
    wrote = {row.scenario: row.wrote for row in rows if row.tool == OURS}
    assert (wrote["cold"], wrote["no-op"], wrote["restore"], wrote["change"]) == (30, 0, 30, 3)
    assert list(tmp_path.iterdir()) == []


def test_missing_outputs_are_noticed(tmp_path: Path) -> None:
    """A runner that does nothing at all is not a fast runner."""
    run = shell(tmp_path, ":").run(Scenario.COLD, 10)
    assert not run.ok
    assert run.why == "1 outputs are missing"


def test_a_wrong_status_is_noticed(tmp_path: Path) -> None:
    """A runner that builds and then says that it failed has failed."""
    run = shell(tmp_path, f"{FLOOR_WORDS}; exit 3").run(Scenario.COLD, 10)
    assert run.why == "exit status 3"


def test_stale_outputs_are_noticed(tmp_path: Path) -> None:
    """After a change the outputs have the new content, or the run is no good."""
    runner = shell(tmp_path, f"test -e .floor || {FLOOR_WORDS}")
    assert runner.run(Scenario.COLD, 10).ok
    assert "not what its source says" in runner.run(Scenario.CHANGE, 10).why


def test_a_write_without_a_change_is_noticed(tmp_path: Path) -> None:
    """A no-op that executes again is an error of haz-trio and of the floor."""
    runner = shell(tmp_path, f"rm -rf .floor; {FLOOR_WORDS}")
    assert runner.run(Scenario.COLD, 10).ok
    assert "1 outputs were written" in runner.run(Scenario.NOOP, 10).why


def test_an_unnoticed_failure_is_noticed(tmp_path: Path) -> None:
    """A runner that ends well although a task cannot succeed is wrong; the source comes back."""
    runner = shell(tmp_path, f"{FLOOR_WORDS}; exit 0")
    assert runner.run(Scenario.COLD, 10).ok
    assert runner.run(Scenario.FAIL, 10).why == "exit status 0 where a task failed"
    runner.settle(10)
    assert runner.run(Scenario.NOOP, 10).ok


def test_a_run_without_end_is_ended(tmp_path: Path) -> None:
    """Past its time the runner's group is terminated, and the run does not count."""
    assert shell(tmp_path, "tail -f /dev/null").run(Scenario.NOOP, 0.1).why == "it took too long"


def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """It is no measurement of zero seconds."""
    with pytest.raises(OSError, match="could not be started"):
        measure(["/no/such/program"], cwd=str(tmp_path), env={}, log=str(tmp_path / "log"))


def test_memory_is_that_of_the_program_alone(tmp_path: Path) -> None:
    """A child of 64 MiB shows them; a small program does not inherit the peak of its starter."""
    ballast = bytearray(200 * 2**20)
    ballast[::4096] = b"x" * len(ballast[::4096])
    small = measure(["/bin/true"], cwd=str(tmp_path), env={})
    assert small.peak_kib < 30 * 1024
    words = [sys.executable, "-c", "len(bytearray(b'x') * (64 << 20))"]
    assert measure(words, cwd=str(tmp_path), env={}).peak_kib > 64 * 1024
    assert len(ballast) == 200 * 2**20


def test_a_command_can_be_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """``BENCH_<NAME>`` wins, with its words; a program that is missing leaves the tool out."""
    monkeypatch.setenv("BENCH_NINJA", "sh -x 'a b'")
    assert command_of("ninja") == (shutil.which("sh"), "-x", "a b")
    monkeypatch.setenv("BENCH_NINJA", str(tmp_path / "missing"))
    assert command_of("ninja") is None


def test_rows_survive_the_file_and_bad_runs_do_not_count() -> None:
    """What is written comes back equal; medians are over the good runs alone."""
    good = [row(wall=wall) for wall in (1.0, 2.0, 9.0)]
    rows = [*good, row(wall=0.001, why="exit status 1")]
    assert from_lines(map(to_line, rows)) == (rows, None)
    (cell,) = cells_of(rows).values()
    assert (cell.runs, cell.wall, cell.least_wall) == (3, 2.0, 1.0)


def row(**fields: object) -> Row:
    usual: dict[str, object] = {
        "place": "tmpfs",
        "size": "tiny",
        "tasks": 1,
        "tool": OURS,
        "scenario": "no-op",
        "round": 0,
        "status": 0,
        "wall": 1.0,
        "cpu": 1.0,
        "peak_mib": 10.0,
        "others": 0.0,
        "missing": 0,
        "wrote": 0,
        "printed": 0,
        "why": "",
    }
    return Row(**{**usual, **fields})  # type: ignore[arg-type]  # a table of fields by name
