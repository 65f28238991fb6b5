"""``python -m tests.faults.table``: every row of the catalogue, its tests, and how they ended.

Options of pytest may follow: ``-n 2`` for two at a time, ``-m ''`` for the deep tests as well.
What could not be run is said, and never counts as passed. The exit code is 1 if a test failed.
"""

from __future__ import annotations

import enum
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence

import attrs
import pytest

from tests.faults.rows import COVERED_ELSEWHERE, NOT_HERE, ROWS


class Result(enum.Enum):
    """How a row stands, the worst first."""

    FAILED = "FAILED"
    PASSED = "passed"
    NOT_RUN = "not run"
    NOT_HERE = "cannot be tried here"
    NOT_COVERED = "not covered"


@attrs.define(eq=False)  # pytest keeps its plugins in a set
class Table:
    """A plugin that notes how each test of a row ended."""

    ended: dict[str, dict[str, str]] = attrs.field(factory=lambda: defaultdict(dict))
    """By row and test: ``passed``, ``failed`` or ``skipped``."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        for row in self._rows(report):
            seen = self.ended[row]
            if seen.get(report.nodeid) != "failed":
                seen[report.nodeid] = report.outcome

    def result(self, row: str) -> Result:
        outcomes = set(self.ended[row].values())
        if "failed" in outcomes:
            return Result.FAILED
        if "passed" in outcomes:
            return Result.PASSED
        if outcomes:
            return Result.NOT_RUN
        return Result.NOT_HERE if row in NOT_HERE else Result.NOT_COVERED

    def lines(self) -> list[str]:
        """One line for each row, and one for each kind of result."""
        lines = []
        for row in ROWS:
            names = Counter(name.partition("[")[0] for name in self.ended[row])
            skipped = sum(outcome == "skipped" for outcome in self.ended[row].values())
            texts = [f"{name} ({count}×)" if count > 1 else name for name, count in names.items()]
            note = f"; {skipped} could not be run" if skipped else ""
            if self.result(row) is Result.NOT_HERE:
                note = f": {NOT_HERE[row]}"
            lines.append(f"{row}  {self.result(row).value + note:12}  {', '.join(texts)}".rstrip())
        counts = Counter(self.result(row) for row in ROWS)
        totals = ", ".join(f"{counts[each]} {each.value}" for each in Result)
        return [*lines, f"{len(ROWS)} rows: {totals}"]

    def _rows(self, report: pytest.TestReport) -> set[str]:
        rows = {str(value) for name, value in report.user_properties if name == "row"}
        for row, tests in COVERED_ELSEWHERE.items():
            if any(is_of(report.nodeid, test) for test in tests):
                rows.add(row)
        return rows


def is_of(node: str, test: str) -> bool:
    """Whether a test is one of a file, or of a function with its parameters."""
    return node == test or node.startswith((f"{test}::", f"{test}["))


def main(options: Sequence[str]) -> int:
    table = Table()
    tests = {test for tests in COVERED_ELSEWHERE.values() for test in tests}
    code = pytest.main(["tests/faults", *sorted(tests), *options], plugins=[table])
    print("\n".join(table.lines()))
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
