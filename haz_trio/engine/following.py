"""Showing what another process's command prints, while we wait for its result."""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

import attrs
import trio

from haz_trio.engine.claimed import QUIET
from haz_trio.engine.feeds import ANSWER, FRAME, HELLO, KINDS, SUCCESS, address, is_ours
from haz_trio.engine.telling import Listener
from haz_trio.model.names import TaskId
from haz_trio.plan.messages import TaskBegun, TaskNote, TaskOutput
from haz_trio.plan.outcome import Record

_STREAMS = {kind: stream for stream, kind in KINDS.items()}
_PIECE = 1 << 16  # bytes that are received at once
_LONGEST = 1 << 20  # bytes of a frame; ours are those of a pump


@attrs.define
class Followed:
    """What has been shown of a command that another process ran.

    ``digests`` are those of its streams if it has succeeded, and all of them was shown.
    """

    digests: bytes = b""

    def is_all_of(self, record: Record) -> bool:
        """Whether everything of this result has been shown."""
        return self.digests == record.stdout + record.stderr


Follow: TypeAlias = Callable[[TaskId, str], Awaitable[Followed | None]]


async def follow_nobody(task: TaskId, key: str) -> Followed | None:
    """There are no other processes."""
    return None


@attrs.define
class Following:
    """Follows the commands of other runs in the workspace at ``root``.

    ``others`` gives the processes that may run them; ``begin`` is told of a task that is followed.
    """

    _root: str
    _listener: Listener
    _others: Callable[[], Awaitable[tuple[int, ...]]]
    _begin: Callable[[TaskId], None]

    async def follow(self, task: TaskId, key: str) -> Followed | None:
        """Show what another process's command prints until it ends; ``None`` if none is found."""
        for process in await self._others():
            if process == os.getpid():
                continue
            leader = await _ask(self._root, task, process)
            if leader is not None:
                try:
                    return await self._show(leader, task, key, process)
                finally:
                    leader.close()
        return None

    async def _show(self, leader: _Leader, task: TaskId, key: str, process: int) -> Followed:
        self._begin(task)
        self._listener.tell(TaskBegun(task, key))
        silence = trio.current_time() + QUIET
        frame: tuple[bytes, bytes] | None = HELLO[:1], b""
        while frame is not None:
            kind, data = frame
            if kind == SUCCESS:
                return Followed(data)
            if kind in _STREAMS:
                self._listener.tell(TaskOutput(task, _STREAMS[kind], data))
                await self._listener.wait_ready()
            with trio.move_on_at(silence) as waiting:
                frame = await leader.frame()
            if waiting.cancelled_caught:
                frame, silence = (HELLO[:1], b""), math.inf
                text = f"waits for another haz that works on it (process {process})"
                self._listener.tell(TaskNote(task, text))
        text = f"another haz (process {process}) ran it so far, and did not complete it"
        self._listener.tell(TaskNote(task, text))
        return Followed()


@attrs.define
class _Leader:
    """A connection to the process that runs the command that we wait for."""

    _connection: trio.socket.SocketType
    _received: bytearray = attrs.field(factory=bytearray, init=False)

    async def frame(self) -> tuple[bytes, bytes] | None:
        """The next frame, ``None`` at the end and for whatever is none; may be cancelled."""
        if not await self._has(FRAME.size):
            return None
        kind, size = FRAME.unpack_from(self._received)
        if size > _LONGEST or not await self._has(FRAME.size + size):
            return None
        data = bytes(self._received[FRAME.size : FRAME.size + size])
        del self._received[: FRAME.size + size]
        return kind, data

    async def ask(self, where: str, task: TaskId) -> bool:
        """Whether the process there runs a task and lets us follow; raises ``OSError``."""
        await self._connection.connect(where)
        if not is_ours(self._connection):
            return False
        await self._connection.send(f"{task}\n".encode())
        return await self.frame() == (HELLO[:1], b"")

    def close(self) -> None:
        self._connection.close()

    async def _has(self, size: int) -> bool:
        """Receive until there are so many bytes; False when no more come."""
        while len(self._received) < size:
            try:
                data = await self._connection.recv(_PIECE)
            except OSError:
                return False
            if not data:
                return False
            self._received += data
        return True


async def _ask(root: str, task: TaskId, process: int) -> _Leader | None:
    """A process that runs a task and lets us follow; ``None`` for any other."""
    leader = _Leader(trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    agreed = False
    try:
        with suppress(OSError), trio.move_on_after(ANSWER):  # it has ended, or does not listen
            agreed = await leader.ask(address(root, process), task)
        return leader if agreed else None
    finally:
        if not agreed:
            leader.close()
