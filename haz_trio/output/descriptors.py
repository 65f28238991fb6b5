"""The standard streams as bare descriptors, written with blocking calls.

Imports no library: some answers of the command line need none, and are printed from here.
The flags of the descriptors are shared with whoever started us and are never changed.
"""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False  # in place of typing's, which is not imported here
if TYPE_CHECKING:
    from collections.abc import Callable

# What a pipe takes as a whole or not at all (PIPE_BUF on Linux): lines of two programs that
# share a pipe stay whole as long as they are not longer.
ATOMIC = 4096
PIECE = 256 * 1024  # bytes; what is written at once, and read back at once
# A stream that was closed from the start reads to nobody either (cli.md P05).
GONE = (errno.EPIPE, errno.EBADF)
_LOOK_UP = 200  # milliseconds between two looks at whether we should give up


def put(text: str) -> None:
    """Print a result; raises ``OSError``, unless nobody reads (decisions.md 9)."""
    try:
        push(1, text.encode("utf-8", "surrogateescape"))
    except OSError as problem:
        if problem.errno not in GONE:
            raise


def push(descriptor: int, data: bytes, *, given_up: Callable[[], bool] = lambda: False) -> bool:
    """Write all bytes, waiting as long as it takes; raises ``OSError``.

    A descriptor that does not block is polled, and ``given_up`` is asked between two pieces;
    the answer is whether every byte has been taken.
    """
    at = 0
    while at < len(data):
        if given_up():
            return False
        try:
            at += os.write(descriptor, memoryview(data)[at : _piece_end(data, at)])
        except BlockingIOError:
            _wait_writable(descriptor)
    return True


def _piece_end(data: bytes, at: int) -> int:
    """Where to cut: behind whole lines that a pipe takes at once, else behind one long line."""
    if len(data) - at <= ATOMIC:
        return len(data)
    cut = data.rfind(b"\n", at, at + ATOMIC)
    if cut < 0:
        cut = data.find(b"\n", at + ATOMIC, at + PIECE)
    return cut + 1 if cut >= 0 else min(at + PIECE, len(data))


def _wait_writable(descriptor: int) -> None:
    import select  # few streams ever fill up

    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    poll.poll(_LOOK_UP)


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
