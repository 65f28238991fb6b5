"""Looks ahead: a second process asks for the rows of many names while this one begins.

Most of what an unchanged task costs is one ``lstat`` for each name that it rests on, and while
Python makes one it can do nothing else.  A forked process shares a byte for each name with this
one and sets it when the row holds; this one believes the bytes that are set, and asks itself
where it comes first.  So nothing waits for the other, and whatever becomes of it is no matter.
"""

from __future__ import annotations

import mmap
import os
import signal
from contextlib import suppress
from functools import partial
from operator import eq
from typing import TYPE_CHECKING

from haz_trio.trust import ABSENT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from struct import Struct

    from haz_trio.trust import Row, RowOf

_STEP = 256  # names between two looks whether anybody still wants to know


class Scout:
    """A process that looks; see ``send_scout``."""

    def __init__(self, process: int, seen: mmap.mmap) -> None:
        self._process = process
        self.seen: mmap.mmap = seen
        """A byte for each name: whether it had its row when it was asked."""

    def dismiss(self) -> None:
        """End the process; what it has seen stays."""
        with suppress(OSError):  # it has gone, and somebody else was told
            os.kill(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)


def send_scout(
    root: bytes, names: Sequence[bytes], rows: bytes, shape: Struct, row_of: RowOf
) -> Scout | None:
    """Have somebody look at the names below ``root``, from the last to the first.

    ``rows`` are those that they had, packed in this ``shape``.  For a process with one thread.
    ``None`` where no process can be made.
    """
    try:
        seen = mmap.mmap(-1, len(names))
        parent, process = os.getpid(), os.fork()
    except OSError:
        return None
    if process:
        return Scout(process, seen)
    try:
        os.chdir(root)
        for start in reversed(range(0, len(names), _STEP)):
            if os.getppid() != parent:
                break
            end = min(start + _STEP, len(names))
            wanted = list(shape.iter_unpack(rows[start * shape.size : end * shape.size]))
            seen[start:end] = bytes(_hold(names[start:end], wanted, row_of))
    finally:  # nothing of the other process is to be tidied up here
        os._exit(0)


def _hold(names: Sequence[bytes], rows: Sequence[Row], row_of: RowOf) -> list[bool]:
    """Whether each of these names has its row."""
    try:
        return list(map(eq, map(row_of, map(os.lstat, names)), rows))
    except OSError:  # there is a name of nothing among them
        return list(map(eq, map(partial(_row_at, row_of=row_of), names), rows))


def _row_at(name: bytes, row_of: RowOf) -> Row:
    try:
        return row_of(os.lstat(name))
    except OSError:
        return ABSENT
