"""Receipts: every started task has one end, and every end has one root (peers.md, idea 3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.output.events import Encoder
from haz_trio.output.receipts import chain
from haz_trio.plan.messages import RunFinished, TaskSettled, TaskStarted
from tests.engine.support import Script
from tests.engine.test_loop import drive, planned, scenarios


@given(
    scenarios(),
    st.integers(1, 3),
    st.none() | st.floats(0, 6),
    st.booleans(),
    st.sampled_from([0.0, 0.5, 3.0]),
    st.dictionaries(st.sampled_from(["t0", "t1", "t2"]), st.floats(0, 4), max_size=2),
)
@settings(max_examples=100, deadline=None)
def test_every_task_ends_once_and_every_end_has_one_root(
    scenario: tuple[dict[str, tuple[str, ...]], dict[str, Script]],
    slots: int,
    stop_at: float | None,
    fail_fast: bool,
    grace: float,
    cancel_at: dict[str, float],
) -> None:
    """Under failures, errors, a first failure that stops the run, stops and cancellations."""
    deps, scripts = scenario
    cancel_at = {name: at for name, at in cancel_at.items() if name in deps}
    report, _, recorder, _ = drive(
        planned(deps),
        scripts,
        slots=slots,
        stop_at=stop_at,
        grace=grace,
        fail_fast=fail_fast,
        cancel_at=cancel_at,
    )
    ended = Counter(e.task for _, e in recorder.events if isinstance(e, TaskSettled))
    started = Counter(e.task for _, e in recorder.events if isinstance(e, TaskStarted))
    assert ended == Counter(dict.fromkeys(report.outcomes, 1))
    assert set(started.values()) <= {1}
    assert started.keys() <= ended.keys()
    assert [i for i, (_, e) in enumerate(recorder.events) if isinstance(e, RunFinished)] == [
        len(recorder.events) - 1
    ]
    encode = Encoder(0.0, slots, {}, {}, fail_fast)
    ends: dict[str, Mapping[str, object]] = {}
    for at, event in recorder.events:
        for each in encode(event, at):
            if each["type"] == "task_end":
                ends[str(each["task"])] = each
    for end in ends.values():
        causes = chain(end)
        if end["state"] in ("completed", "failed", "errored"):
            assert causes == []
            continue
        root = causes[-1]
        if root["kind"] == "task":
            assert ends[str(root["task"])]["state"] == root["state"]
            assert root["state"] in ("failed", "errored")
        else:
            assert root["kind"] == "caller"
            assert stop_at is not None or cancel_at
        for cause in causes[:-1]:
            assert (cause["kind"], cause["state"]) == ("task", "cancelled")
