"""What the tests of this room share: tasks, outcomes, and the bytes of what a renderer writes."""

from __future__ import annotations

from collections.abc import Iterable

from haz_trio.model.names import TaskId
from haz_trio.output.writes import Renderer, Target
from haz_trio.plan.messages import Event, Stream, TaskOutput
from haz_trio.plan.outcome import Completed, Record, Source

RECORD = Record("0" * 64, bytes(32), bytes(32))
FRESH, HIT = Completed(Source.FRESH, RECORD), Completed(Source.CACHE, RECORD)
A, B, C = (TaskId("p", name) for name in "abc")
OUT, ERR = Stream.STDOUT, Stream.STDERR


def said(task: TaskId, stream: Stream, data: bytes) -> TaskOutput:
    return TaskOutput(task, stream, data)


def play(renderer: Renderer, events: Iterable[Event], at: float = 0.0) -> dict[Target, bytes]:
    """What each stream gets when the events happen at one moment."""
    got = {Target.STDOUT: bytearray(), Target.STDERR: bytearray()}
    for event in events:
        for write in renderer(event, at):
            got[write.target] += write.data
    return {target: bytes(data) for target, data in got.items()}
