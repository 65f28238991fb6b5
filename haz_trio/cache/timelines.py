"""The timelines of the last runs, ``state/timeline-*``: when what happened in them.

Columns in a sealed frame, one each for the times, the kinds and the tasks of all marks, so that
writing one costs a run of thousands of tasks a few milliseconds.  Mutexes, tags and edges are not
kept: who reads a timeline takes them from the configuration.
"""

from __future__ import annotations

import os
import time
from array import array
from contextlib import suppress

from haz_trio.frames import read_frame, write_frame
from haz_trio.model.names import TaskId
from haz_trio.plan.admission import Limits
from haz_trio.plan.timeline import End, Mark, Marks, Moment, Timeline
from haz_trio.ragged import Ragged, pack, unpack
from haz_trio.values import frozen

KIND = b"times  1"
MOST = 8  # timelines of a workspace
_STATE = ".haz/cache/state"
_PREFIX = "timeline-"
_DIGITS = 12  # of the milliseconds in a name, hexadecimal: enough for the year 10,889


@frozen
class KeptTimeline:
    """A timeline without what the configuration says of its tasks.

    ``started`` is the unix time at which the run began, in milliseconds.
    """

    started: int
    ids: tuple[TaskId, ...]
    limits: Limits
    ends: tuple[End, ...]
    marks: tuple[Mark, ...]
    twins: tuple[tuple[int, ...], ...]
    began: float
    ended: float
    paused: float
    resumed: float


def write_timeline(root: str, timeline: Timeline) -> None:
    """Keep the timeline of a run that has just ended, and of the older ones the newest.

    The state folder is there.  Raises ``OSError``; then nothing has changed.
    """
    started = max(0, int((time.time() - timeline.ended) * 1000))
    marks = Marks.of(timeline.marks)
    span = (timeline.began, timeline.ended, timeline.paused, timeline.resumed)
    caps = sorted(timeline.limits.tags.items())
    body = pack(
        [
            started.to_bytes(8, "little"),
            array("d", span).tobytes(),
            array("d", marks.times).tobytes(),
            bytes(marks.moments),
            array("I", marks.tasks).tobytes(),
            bytes(timeline.ends),
            Ragged.of(timeline.twins).encode(),
            array("Q", (timeline.limits.slots, *(cap for _, cap in caps))).tobytes(),
            "\0".join(tag for tag, _ in caps).encode(),
            "\0".join(str(task.id) for task in timeline.tasks).encode(),
        ]
    )
    folder = os.path.join(root, _STATE)
    write_frame(os.path.join(folder, f"{_PREFIX}{started:0{_DIGITS}x}"), KIND, body=body)
    for name in kept_timelines(root)[MOST:]:
        with suppress(OSError):  # somebody else tidies up, too
            os.unlink(os.path.join(folder, _PREFIX + name))


def kept_timelines(root: str) -> list[str]:
    """The names of all timelines that are kept, the newest one first."""
    try:
        names = os.listdir(os.path.join(root, _STATE))
    except OSError:
        return []
    ends = [name.removeprefix(_PREFIX) for name in names if name.startswith(_PREFIX)]
    return sorted((end for end in ends if len(end) == _DIGITS), reverse=True)


def read_timeline(root: str, name: str) -> KeptTimeline | None:
    """One of them; ``None`` when it is damaged or not there any more."""
    frame = read_frame(os.path.join(root, _STATE, _PREFIX + name), KIND)
    if frame is None:
        return None
    try:
        return _parse(frame.body)
    except (ValueError, IndexError):
        return None


def _parse(body: bytes) -> KeptTimeline:
    """Raises ``ValueError`` and ``IndexError`` for what nobody has written."""
    started, span, times, moments, numbers, ends, twins, caps, tags, ids = unpack(body)
    limits = array("Q", bytes(caps))
    names = str(tags, "utf-8").split("\0") if tags else []
    at, tasks = array("d", bytes(times)), array("I", bytes(numbers))
    marks = tuple(map(Mark, at, map(Moment, moments), tasks))
    groups = Ragged.parse(twins)
    kept = KeptTimeline(
        int.from_bytes(started, "little"),
        tuple(map(_task, str(ids, "utf-8").split("\0"))) if ids else (),
        Limits(slots=limits[0], tags=dict(zip(names, limits[1:], strict=True))),
        tuple(map(End, ends)),
        marks,
        tuple(tuple(groups.at(number)) for number in range(len(groups))),
        *_four(array("d", bytes(span))),
    )
    if max(tasks, default=-1) >= len(kept.ids) or len(kept.ends) != len(kept.ids):
        raise ValueError("a mark of a task that is not there")
    return kept


def _four(times: array[float]) -> tuple[float, float, float, float]:
    began, ended, paused, resumed = times
    return began, ended, paused, resumed


def _task(text: str) -> TaskId:
    project, _, task = text.partition(":")
    return TaskId(project, task)
