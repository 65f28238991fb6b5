"""The two standard streams of the process, written with blocking calls, and what became of them.

Knows nothing of trio: the console calls it in a thread, the rest of the command line directly.
The flags of the descriptors are shared with whoever started us and are never changed.
"""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import attrs

from haz_trio.output.spool import PIECE
from haz_trio.output.writes import Target, Write

# What a pipe takes as a whole or not at all (PIPE_BUF on Linux): lines of two programs that
# share a pipe stay whole as long as they are not longer.
ATOMIC = 4096
_LOOK_UP = 200  # milliseconds between two looks at whether we should give up
_NAMES = {Target.STDOUT: "standard output", Target.STDERR: "standard error"}
DESCRIPTORS: Mapping[Target, int] = {target: int(target) for target in Target}


@attrs.frozen
class Written:
    """Every byte has been taken."""


@attrs.frozen
class ReaderGone:
    """Nobody reads the stream, or it is closed; that is no error of ours (decisions.md 9)."""


@attrs.frozen
class WriteFailed:
    """The stream takes no more bytes: the disk is full, and the like."""

    reason: str


@attrs.frozen
class GivenUp:
    """The bytes were no longer wanted."""


WriteResult: TypeAlias = Written | ReaderGone | WriteFailed | GivenUp


def write_all(
    target: Target,
    data: bytes,
    *,
    descriptors: Mapping[Target, int] = DESCRIPTORS,
    given_up: Callable[[], bool] = lambda: False,
) -> WriteResult:
    """Write all bytes, waiting as long as it takes; never raises ``OSError``.

    A descriptor that does not block is polled, and ``given_up`` is asked between two pieces.
    """
    descriptor = descriptors[target]
    at = 0
    while at < len(data):
        if given_up():
            return GivenUp()
        try:
            at += os.write(descriptor, memoryview(data)[at : _piece_end(data, at)])
        except BlockingIOError:
            _wait_writable(descriptor)
        except OSError as problem:
            # A stream that was closed from the start reads to nobody either (cli.md P05).
            if problem.errno in (errno.EPIPE, errno.EBADF):
                return ReaderGone()
            return WriteFailed(problem.strerror or str(problem))
    return Written()


def _piece_end(data: bytes, at: int) -> int:
    """Where to cut: behind whole lines that a pipe takes at once, else behind one long line."""
    if len(data) - at <= ATOMIC:
        return len(data)
    cut = data.rfind(b"\n", at, at + ATOMIC)
    if cut < 0:
        cut = data.find(b"\n", at + ATOMIC, at + PIECE)
    return cut + 1 if cut >= 0 else min(at + PIECE, len(data))


def _wait_writable(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    poll.poll(_LOOK_UP)


class Streams:
    """Both streams, each written until nobody reads it any more or it fails.

    ``write`` may run in one thread at a time; ``give_up`` may be called from another one.
    """

    def __init__(self, descriptors: Mapping[Target, int] = DESCRIPTORS) -> None:
        self._descriptors = descriptors
        self._lost: dict[Target, ReaderGone | WriteFailed] = {}
        self._given_up = False

    @property
    def lost(self) -> Mapping[Target, ReaderGone | WriteFailed]:
        """The streams that are not written any more, and why."""
        return self._lost

    @property
    def failed(self) -> bool:
        """Whether output was lost that somebody was to read (decisions.md 9: exit code 1)."""
        return any(isinstance(why, WriteFailed) for why in self._lost.values())

    def give_up(self) -> None:
        """Write nothing more; a call of ``write`` returns at its next piece."""
        self._given_up = True

    def write(self, writes: Iterable[Write]) -> None:
        """Write in order, each stream as far as it goes; a stream's failure is told once."""
        gathered = bytearray()
        target = Target.STDOUT
        for write in writes:
            if gathered and (write.target is not target or len(gathered) >= PIECE):
                self._write(target, bytes(gathered))
                gathered.clear()
            target = write.target
            gathered += write.data
        self._write(target, bytes(gathered))

    def _write(self, target: Target, data: bytes) -> None:
        if target in self._lost or not data:
            return
        match write_all(
            target, data, descriptors=self._descriptors, given_up=lambda: self._given_up
        ):
            case ReaderGone() as gone:
                self._lost[target] = gone
            case WriteFailed(reason) as failure:
                self._lost[target] = failure
                line = (
                    f"error: cannot write to {_NAMES[target]}: {reason}; "
                    "the rest of what belongs there is lost\n"
                )
                self._write(Target.STDERR, line.encode())
            case Written() | GivenUp():
                pass


def reserve_standard_streams() -> None:
    """Open ``/dev/null`` where a standard stream is closed; to be called before any file is.

    Otherwise the next file that is opened becomes standard output, and gets the tasks' bytes.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free number is this one: the lower ones have just been looked at.
            os.open(os.devnull, os.O_RDWR)
