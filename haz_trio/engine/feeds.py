"""What our commands print, live for other processes that wait for them (peers.md, idea 7).

An observer that remembers the beginning of what each command prints, and a socket without a name
in the file system on which another ``haz`` of the same user asks for a task. Nobody asks in most
runs: then this costs a socket for the run, and a list for each command that runs.

One connection is one task: a line with its name comes in, frames go out (``FRAME``). A last frame
says that the command succeeded, with the digests of its streams; without one it did not, or we
died, or the other side was too slow for us.
"""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress

import attrs
import trio

from haz_trio.model.names import TaskId
from haz_trio.plan.messages import (
    Event,
    Stream,
    TaskBegun,
    TaskOutput,
    TaskSettled,
)
from haz_trio.plan.outcome import Completed, Record

FRAME = struct.Struct("<cI")  # what it is, and how many bytes follow
KINDS = {Stream.STDOUT: b"o", Stream.STDERR: b"e"}
SUCCESS = b"s"  # two digests follow
HELLO = FRAME.pack(b"h", 0)  # the first frame: the task runs, and may be followed
LONGEST_NAME = 4096  # bytes of a task's name
MEMORY = 1 << 18  # bytes of a command's output that are remembered for who comes late
LAG = 4 << 20  # bytes that a follower may be behind
ANSWER = 1.0  # seconds for the other side to say what it wants
_NO_ROOM = 0.1  # seconds until another look at who asks
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


def address(root: str, process: int) -> str:
    """Where a process listens for a workspace: in the abstract namespace of sockets.

    Raises ``OSError``.
    """
    info = os.stat(root or "/")
    return f"\0haz-trio-{info.st_dev}-{info.st_ino}-{process}"


def is_ours(connection: socket.socket | trio.socket.SocketType) -> bool:
    """Whether the other side is a process of this user, or of root."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return _CREDENTIALS.unpack(data)[1] in (os.geteuid(), 0)


@attrs.define(eq=False)
class _Follower:
    """The frames on their way to one other process: at once, as long as it takes them."""

    connection: trio.socket.SocketType
    waiting: bytearray = attrs.field(factory=bytearray)
    change: trio.Event = attrs.field(factory=trio.Event)
    over: bool = False

    def push(self, frame: bytes) -> None:
        """Send a frame, or keep it until there is room; who is far behind gets no more."""
        if self.over:
            return
        self.waiting += frame
        if len(self.waiting) == len(frame):
            self._send()
        if len(self.waiting) > LAG:
            self.waiting.clear()
            self.end()
        self.change.set()

    def _send(self) -> None:
        try:
            while self.waiting:
                del self.waiting[: os.write(self.connection.fileno(), self.waiting)]
        except BlockingIOError:
            return
        except OSError:  # it has gone
            self.waiting.clear()
            self.end()

    def end(self) -> None:
        """Nothing more is pushed."""
        self.over = True
        self.change.set()

    async def carry(self) -> None:
        """Send what has to wait, until the end."""
        while self.waiting or not self.over:
            if self.waiting:
                await trio.lowlevel.wait_writable(self.connection)
                self._send()
            else:
                self.change = trio.Event()
                await self.change.wait()


@attrs.define(eq=False)
class _Feed:
    """What a command that runs has printed, as far as it is remembered, and who follows it."""

    said: list[tuple[bytes, bytes]] | None = attrs.field(factory=list)
    size: int = 0
    followers: list[_Follower] = attrs.field(factory=list)

    def put(self, kind: bytes, data: bytes) -> None:
        if self.said is not None:
            self.size += len(data)
            self.said.append((kind, data))
            if self.size > MEMORY:
                self.said = None
        if self.followers:
            frame = FRAME.pack(kind, len(data)) + data
            for follower in self.followers:
                follower.push(frame)

    def join(self, follower: _Follower) -> bool:
        """Let somebody follow from the beginning, if that is remembered."""
        if self.said is None:
            return False
        self.followers.append(follower)
        follower.push(HELLO)
        for kind, data in self.said:
            follower.push(FRAME.pack(kind, len(data)) + data)
        return True

    def leave(self, follower: _Follower) -> None:
        if follower in self.followers:
            self.followers.remove(follower)

    def end(self, record: Record | None) -> None:
        if record is not None:
            self.put(SUCCESS, record.stdout + record.stderr)
        for follower in self.followers:
            follower.end()
        self.followers.clear()


class Feeds:
    """An observer of one run, and what serves its followers."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._live: dict[TaskId, _Feed] = {}
        self._others: set[TaskId] = set()

    def notice(self, event: Event, at: float) -> None:
        match event:
            case TaskOutput(task, stream, data):
                feed = self._live.get(task)
                if feed is not None:
                    feed.put(KINDS[stream], data)
            case TaskBegun(task):
                self._end(task, None)  # of an earlier try
                if task not in self._others:
                    self._live[task] = _Feed()
                self._others.discard(task)
            case TaskSettled(task, outcome):
                self._end(task, outcome.record if isinstance(outcome, Completed) else None)
            case _:
                pass

    def leave_out(self, task: TaskId) -> None:
        """What is about to begin is another process's command, for which others ask there."""
        self._others.add(task)

    async def wait_ready(self) -> None:
        """Nobody is slowed down by those who only listen."""

    def _end(self, task: TaskId, record: Record | None) -> None:
        feed = self._live.pop(task, None)
        if feed is not None:
            feed.end(record)

    async def serve(self) -> None:
        """Let others follow until cancelled; does nothing where there are no such sockets."""
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as own:
            own.bind(address(self._root, os.getpid()))  # trio would take a thread for that
            own.listen()
            listener = trio.socket.from_stdlib_socket(own)
            async with trio.open_nursery() as nursery:
                while True:
                    # To accept takes a descriptor even where nobody has asked.
                    await trio.lowlevel.wait_readable(own)
                    try:
                        connection, _ = await listener.accept()
                    except OSError:  # none is free: the other side waits, or goes away
                        await trio.sleep(_NO_ROOM)
                        continue
                    nursery.start_soon(self._attend, connection)

    async def _attend(self, connection: trio.socket.SocketType) -> None:
        with suppress(OSError), connection:
            if not is_ours(connection):
                return
            name = ""
            with trio.move_on_after(ANSWER):
                name = await _line(connection)
            feed = self._live.get(_task_of(name))
            follower = _Follower(connection)
            if feed is None or not feed.join(follower):
                return
            try:
                await follower.carry()
            finally:
                feed.leave(follower)


async def _line(connection: trio.socket.SocketType) -> str:
    data = b""
    while not data.endswith(b"\n") and len(data) < LONGEST_NAME:
        more = await connection.recv(LONGEST_NAME)
        if not more:
            break
        data += more
    return data.decode("utf-8", "replace").rstrip("\n")


def _task_of(name: str) -> TaskId:
    project, _, task = name.partition(":")
    return TaskId(project, task)
