"""When unchanged stat data prove unchanged bytes: git's racy rule, sharpened (cache.md C8).

A file system stamps changes with a clock that ticks.
A change in the tick in which a file was read leaves the same stamp behind, so stat data vouch
for what was read only if they were older than the tick by then.
"""

from __future__ import annotations

import os
import struct
import time
from operator import attrgetter

TYPE_CHECKING = False  # typing itself would cost a warm start more than all of this module
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Clock: TypeAlias = Callable[[], int]  # nanoseconds since the epoch, as time.time_ns
    Row: TypeAlias = tuple[int, int, int, int, int, int]
    RowOf: TypeAlias = Callable[[os.stat_result], Row]

# Device, inode, size, mtime and ctime in nanoseconds, mode: as packed and as read from a stat.
ROW = struct.Struct("<QQQqqQ")
FIELDS: Callable[[os.stat_result], Row] = attrgetter(
    "st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns", "st_mode"
)
ABSENT: Row = (0, 0, 0, 0, 0, 0)  # of a name under which there is nothing
UNSURE: Row = (0, 0, 0, 0, 0, 1)  # the row of nothing at all: it never holds


def identity(row: Row) -> Row:
    """Of a folder only which one it is: its times change with every file that is made in it."""
    return (row[0], row[1], 0, 0, 0, row[5])


def is_identity(row: Row) -> bool:
    """Whether a row says no more than which folder stands there: nothing was ever changed at 0."""
    return row[4] == 0 and row[1] != 0


# How much older than the look at it a stamp must be, in nanoseconds (decisions.md 31).
FINE_SLACK = 20_000_000
COARSE_SLACK = 2_000_000_000
REMOTE_SLACK = 60_000_000_000

_MILLISECOND = 1_000_000
# What a power loss may take although its stat row survives was younger than this.
_UNSYNCED = 60_000_000_000
_REMOTE = frozenset(
    {"9p", "afs", "ceph", "cifs", "lustre", "nfs", "nfs4", "smb3", "smbfs", "vboxsf", "virtiofs"}
)
_MOUNTS = "/proc/self/mountinfo"
_remote_devices: list[frozenset[int]] = []  # of this process, once they have been asked for


def is_settled(dev: int, mtime_ns: int, ctime_ns: int, *, seen_ns: int, now_ns: int) -> bool:
    """Whether a change after ``seen_ns`` must have left other times than these.

    ``seen_ns`` is the time just before the file was opened or the folder was listed.
    A clock that was set back since then proves nothing any more.
    """
    youngest = mtime_ns if mtime_ns > ctime_ns else ctime_ns
    if youngest + FINE_SLACK >= seen_ns or now_ns < seen_ns:
        return False
    # Nobody can set a ctime: its digits show how finely the file system tells times apart.
    slack = FINE_SLACK if ctime_ns % _MILLISECOND else COARSE_SLACK
    if dev in remote_devices():
        slack = REMOTE_SLACK  # the stamps are those of another machine's clock
    return youngest + slack < seen_ns


class Senses:
    """How the time is read, and how stat data become a row: what tests see the world through."""

    __slots__ = ("clock", "row_of")

    def __init__(self, clock: Clock = time.time_ns, row_of: RowOf = FIELDS) -> None:
        self.clock: Clock = clock
        self.row_of: RowOf = row_of

    def row_at(self, path: str | bytes) -> Row:
        """The row of what stands at a path, of a link itself; ``ABSENT`` for nothing in sight."""
        try:
            return self.row_of(os.lstat(path))
        except OSError:
            return ABSENT


SENSES = Senses()


def row_at(path: str | bytes) -> Row:
    """The row of what stands at a path, of a link itself; ``ABSENT`` where nothing can be seen."""
    return SENSES.row_at(path)


def survives(ctime_ns: int, *, written_at_ns: int, same_boot: bool) -> bool:
    """Whether a row that was written then may still be believed after a crash (cache.md C8.4)."""
    return same_boot or ctime_ns + _UNSYNCED < written_at_ns


def remote_devices() -> frozenset[int]:
    """The devices of network file systems when this was first asked; none where unknown."""
    if not _remote_devices:
        try:
            with open(_MOUNTS, "rb") as file:
                _remote_devices.append(parse_mounts(file.read()))
        except OSError:
            _remote_devices.append(frozenset())
    return _remote_devices[0]


def parse_mounts(text: bytes) -> frozenset[int]:
    """The devices of network file systems in a ``mountinfo`` table (proc(5))."""
    found = set()
    for line in text.splitlines():
        before, _, after = line.partition(b" - ")
        kind = after.split(b" ", 1)[0].decode("ascii", "replace")
        if kind in _REMOTE or kind.startswith("fuse."):
            major, _, minor = before.split(b" ")[2].partition(b":")
            found.add(os.makedev(int(major), int(minor)))
    return frozenset(found)
