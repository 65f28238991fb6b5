"""Telling what a task prints: now, and recorded on the way, or again from a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import trio

from haz_trio.abc import Emit, Pending
from haz_trio.engine.found import Piece, Replay, batch
from haz_trio.engine.threads import Threads, in_thread
from haz_trio.model.names import TaskId
from haz_trio.plan.messages import Event, Stream, TaskOutput


class Listener(Protocol):
    """Where the worker's own events go; the engine adds the time."""

    def tell(self, event: Event) -> None: ...

    async def wait_ready(self) -> None: ...


def teller(
    id: TaskId,
    pending: Pending,
    spool: Callable[[Pending, Stream, bytes], None],
    listener: Listener,
    threads: Threads,
) -> Emit:
    """Record what a task prints, and tell it in the order that is recorded.

    ``spool`` is used where the record may have to wait for a disk, in a thread.
    """
    turn: trio.Lock | None = None

    async def emit(stream: Stream, data: bytes) -> None:
        nonlocal turn
        if pending.spooling:
            turn = turn or trio.Lock()
            async with turn:
                await in_thread(threads.stores, spool, pending, stream, data)
                listener.tell(TaskOutput(id, stream, data))
        else:
            pending.write(stream, data)
            listener.tell(TaskOutput(id, stream, data))
        await listener.wait_ready()

    return emit


async def show(id: TaskId, replay: Replay, listener: Listener, threads: Threads) -> None:
    """Tell what was recorded, as fast as that is welcome."""
    pieces: Sequence[Piece] = replay.ahead
    while pieces:
        for stream, data in pieces:
            listener.tell(TaskOutput(id, stream, data))
            await listener.wait_ready()
        if replay.rest is None:
            return
        pieces = await in_thread(threads.replays, batch, replay.rest)
