"""Timelines are kept as they were, the newest eight of them; damaged ones are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from haz_trio.cache.timelines import (
    MOST,
    KeptTimeline,
    kept_timelines,
    read_timeline,
    write_timeline,
)
from haz_trio.model.names import TaskId
from haz_trio.plan.admission import Limits
from haz_trio.plan.selection import PlannedTask
from haz_trio.plan.timeline import End, Mark, Moment, Timeline

STATE = Path(".haz/cache/state")
TASKS = tuple(
    PlannedTask(TaskId(project, "build"), (), (), frozenset(), None, False) for project in "ab"
)
MARKS = (
    Mark(0.25, Moment.READY, 0),
    Mark(0.5, Moment.LOOKED, 1),
    Mark(0.1 + 0.2, Moment.SETTLED, 1),
)
TIMELINE = Timeline(
    TASKS,
    Limits(3, {"io": 2, "é": 1}),
    (End.FRESH, End.SKIPPED),
    MARKS,
    ((0, 1),),
    began=0.125,
    ended=2.5,
    paused=0.5,
    resumed=0.75,
)
EMPTY = Timeline((), Limits(1, {}), (), (), (), 0.0, 0.0)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / STATE).mkdir(parents=True)
    return tmp_path


def written(root: Path, timeline: Timeline) -> KeptTimeline | None:
    write_timeline(str(root), timeline)
    return read_timeline(str(root), kept_timelines(str(root))[0])


def test_what_is_read_is_what_was_written(root: Path) -> None:
    kept = written(root, TIMELINE)
    assert kept is not None
    assert kept.ids == tuple(task.id for task in TASKS)
    assert (kept.limits, kept.ends, kept.marks) == (TIMELINE.limits, TIMELINE.ends, MARKS)
    assert (kept.twins, kept.began, kept.ended) == (TIMELINE.twins, 0.125, 2.5)
    assert (kept.paused, kept.resumed) == (0.5, 0.75)


def test_a_run_of_nothing_can_be_kept(root: Path) -> None:
    kept = written(root, EMPTY)
    assert kept is not None
    assert (kept.ids, kept.marks, kept.limits) == ((), (), Limits(1, {}))


def test_only_the_newest_are_kept(root: Path) -> None:
    for age in range(MOST + 2):
        (root / STATE / f"timeline-{age:012x}").touch()
    write_timeline(str(root), TIMELINE)
    names = kept_timelines(str(root))
    assert len(names) == MOST
    assert names == sorted(names, reverse=True)
    assert names[-1] == f"{3:012x}"


def test_what_is_damaged_at_any_byte_is_none(root: Path) -> None:
    assert written(root, TIMELINE) is not None
    name = kept_timelines(str(root))[0]
    file = root / STATE / f"timeline-{name}"
    whole = file.read_bytes()
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        assert read_timeline(str(root), name) is None
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        assert read_timeline(str(root), name) is None


def test_where_there_is_no_cache_there_is_no_timeline(tmp_path: Path) -> None:
    assert kept_timelines(str(tmp_path)) == []
    assert read_timeline(str(tmp_path), "0" * 12) is None
