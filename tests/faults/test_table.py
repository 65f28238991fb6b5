"""The table itself: nothing in it is invented."""

from __future__ import annotations

import pytest

from tests.faults.rows import COVERED_ELSEWHERE, NOT_HERE, ROWS
from tests.faults.table import Result, Table, is_of, main
from tests.named import is_there


def test_there_are_161_rows() -> None:
    """As many as the catalogue has, each once."""
    assert len(ROWS) == len(set(ROWS)) == 161


@pytest.mark.parametrize("row", COVERED_ELSEWHERE)
def test_what_covers_a_row_is_there(row: str) -> None:
    """The row exists, and so do the files and functions that are named for it."""
    assert row in ROWS
    for test in COVERED_ELSEWHERE[row]:
        assert is_there(test), test


def test_what_cannot_be_tried_is_little_and_has_a_reason() -> None:
    """At most ten rows, and none that a test shows."""
    assert len(NOT_HERE) <= 10
    assert set(NOT_HERE) <= set(ROWS) - set(COVERED_ELSEWHERE)
    assert all(len(reason) > 20 for reason in NOT_HERE.values())


def test_results_are_told_apart() -> None:
    """One failure outweighs everything, and a test that could not be run is no success."""
    table = Table()
    table.ended["A01"] = {"a": "passed", "b": "failed"}
    table.ended["A02"] = {"a": "skipped"}
    table.ended["A03"] = {"a": "passed", "b[1]": "skipped", "b[2]": "passed"}
    expected = [Result.FAILED, Result.NOT_RUN, Result.PASSED, Result.NOT_COVERED]
    assert [table.result(row) for row in ("A01", "A02", "A03", "A04")] == expected
    assert "A03  passed; 1 could not be run  a, b (2×)" in table.lines()
    assert table.lines()[-1] == (
        f"161 rows: 1 FAILED, 1 passed, 1 not run, {len(NOT_HERE)} cannot be tried here, "
        f"{158 - len(NOT_HERE)} not covered"
    )


def test_functions_are_not_mixed_up() -> None:
    """A name that begins like another one is another one."""
    assert is_of("t.py::test_a[1]", "t.py::test_a")
    assert is_of("t.py::test_a", "t.py")
    assert not is_of("t.py::test_ab", "t.py::test_a")


def test_pytest_takes_the_table_as_a_plugin(capfd: pytest.CaptureFixture[str]) -> None:
    """A run with it counts a row and ends well, also without pytest-xdist."""
    assert main(["-p", "no:xdist", "-p", "no:cacheprovider", "-k", "test_words_that"]) == 0
    assert "B09  passed" in capfd.readouterr().out
