"""Looks ahead: a second process asks for the rows of many names while this one begins.

Most of what an unchanged task costs is one ``lstat`` for each name that it rests on, and while
Python makes one it can do nothing else.  A forked process shares a byte for each name with this
one and sets it when the row holds; this one believes the bytes that are set, and asks itself
where it comes first.  So neither waits for what the other sees, and whatever becomes of the other
is no matter.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # `signal` without its enumerations
import mmap
import os
from operator import eq

from haz_trio.trust import ABSENT

TYPE_CHECKING = False  # typing itself would cost a warm start more than all of this module
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from struct import Struct

    from haz_trio.trust import Row, RowOf


class Scout:
    """A process that looks; see ``send_scout``."""

    def __init__(self, process: int, seen: mmap.mmap) -> None:
        self._process = process
        self.seen: mmap.mmap = seen
        """A byte for each name: whether it had its row when it was asked."""

    def dismiss(self) -> None:
        """End the process; what it has seen stays."""
        try:
            os.kill(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)
        except OSError:
            return  # it has gone, and somebody else was told


def send_scout(
    root: bytes | int,
    count: int,
    parts: Iterable[Sequence[bytes]],
    rows: bytes,
    shape: Struct,
    row_of: RowOf,
) -> Scout | None:
    """Have somebody look at ``count`` names below ``root``, from the last to the first.

    ``root`` is a path, or a descriptor of a folder.
    ``parts`` are all of them in lists, the last list first; only the other process takes them.
    ``rows`` are those that they had, packed in this ``shape``.  For a process with one thread.
    ``None`` where no process can be made.
    """
    try:
        seen = mmap.mmap(-1, count)
        parent, process = os.getpid(), os.fork()
    except OSError:
        return None
    if process:
        return Scout(process, seen)
    try:
        os.chdir(root)
        end, size = count, shape.size
        for names in parts:
            if os.getppid() != parent:
                break
            start = end - len(names)
            wanted = list(shape.iter_unpack(rows[start * size : end * size]))
            seen[start:end] = bytes(_hold(names, wanted, row_of))
            end = start
    finally:  # nothing of the other process is to be tidied up here
        os._exit(0)


def _hold(names: Sequence[bytes], rows: Sequence[Row], row_of: RowOf) -> list[bool]:
    """Whether each of these names has its row."""
    try:
        return list(map(eq, map(row_of, map(os.lstat, names)), rows))
    except OSError:  # there is a name of nothing among them
        return [_row_at(name, row_of) == row for name, row in zip(names, rows, strict=True)]


def _row_at(name: bytes, row_of: RowOf) -> Row:
    try:
        return row_of(os.lstat(name))
    except OSError:
        return ABSENT
