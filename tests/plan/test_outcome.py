"""What a report says about a run, and the exit code (EXEC-021)."""

from __future__ import annotations

import pytest

from haz_trio.plan.outcome import (
    Cancelled,
    Completed,
    Errored,
    Exited,
    Failed,
    Outcome,
    OutputOverlap,
    RunCancelled,
    RunReport,
    Signalled,
    Skipped,
    Source,
    UpstreamFailed,
    exit_code_for,
)
from tests.plan.kit import record, tid

A, B = tid("a"), tid("b")
DONE = Completed(Source.FRESH, record())


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (DONE, 0),
        (Completed(Source.CACHE, record()), 0),
        (Skipped(UpstreamFailed(B)), 0),
        (Cancelled(RunCancelled()), 0),
        (Failed(Exited(130)), 1),
        (Errored("no"), 1),
    ],
)
def test_only_failures_and_errors_make_the_exit_code(outcome: Outcome, code: int) -> None:
    """E151: a task's own status never becomes ours; skips and cancellations alone are 0."""
    report = RunReport({A: outcome, B: DONE})
    assert exit_code_for(report) == code
    assert report.succeeded == (code == 0)


def test_a_violation_makes_the_exit_code_although_all_tasks_completed() -> None:
    """EXEC-020: exit 1."""
    assert exit_code_for(RunReport({A: DONE}, (OutputOverlap(A, B, "/o"),))) == 1


@pytest.mark.parametrize("outcome", [DONE, Failed(Exited(1))])
@pytest.mark.parametrize(("signal", "code"), [(2, 130), (15, 143), (1, 129)])
def test_a_signal_stands_above_everything(outcome: Outcome, signal: int, code: int) -> None:
    """E75: also when a task had failed before, or all had succeeded."""
    assert exit_code_for(RunReport({A: outcome}), signal) == code


def test_a_report_lists_its_outcomes_and_statuses_name_themselves() -> None:
    """The words of the summary lines."""
    report = RunReport({A: DONE, B: Failed(Signalled(9))})
    assert list(report) == [(A, DONE), (B, Failed(Signalled(9)))]
    assert [str(Exited(3)), str(Signalled(9))] == ["exit 3", "signal 9"]
