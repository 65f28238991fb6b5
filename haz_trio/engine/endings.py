"""What is told of the end of a command, before what it led to."""

from __future__ import annotations

from collections.abc import Iterator

from haz_trio.abc import Ending
from haz_trio.model.names import TaskId
from haz_trio.plan.messages import CommandEnded, TaskNote


def events_of(id: TaskId, ending: Ending, *, grace: float) -> Iterator[CommandEnded | TaskNote]:
    """Nothing for a command that was left to itself and ended alone."""
    if ending.halted or ending.sent or ending.leftovers or ending.survivors:
        yield CommandEnded(
            id,
            ending.status,
            ending.sent,
            grace if ending.halted else None,
            ending.leftovers,
            ending.survivors,
        )
    if ending.leftovers:
        yield TaskNote(id, f"outlived by {', '.join(ending.leftovers)}")
    if ending.survivors:
        yield TaskNote(id, f"goes on in a session of its own: {', '.join(ending.survivors)}")
