"""Ways to lock places between processes, from the best to none (cache.md C9).

Knows nothing of threads, names, or of who holds what.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from typing import Protocol

from haz_trio.cache.files import Disk
from haz_trio.cache.layout import is_stripe, stripe

MAINTENANCE = (1 << 63) - 2  # the place of who rewrites state files, or collects
FILE = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

# By number where the module lacks them: it has what the headers of its build had.
_SET = getattr(fcntl, "F_OFD_SETLK", 37)
_GET = getattr(fcntl, "F_OFD_GETLK", 36)
_RECORD = struct.Struct("hhqqi4x")  # struct flock: type, whence, start, length, pid (0)
_BUSY = frozenset({errno.EAGAIN, errno.EACCES})
_STRIPES = 256  # for each plane


class Way(Protocol):
    """One way to lock; ``unit`` is what several places may share.

    ``take`` and ``drop`` raise ``OSError`` where the file system has no such locks.
    """

    def unit(self, place: int) -> int: ...

    def take(self, unit: int, *, shared: bool) -> bool: ...

    def drop(self, unit: int) -> None: ...

    def is_taken(self, unit: int) -> bool: ...

    def take_all(self) -> bool: ...

    def close(self) -> None: ...


class Bytes:
    """Bytes of one open file."""

    def __init__(self, fd: int, disk: Disk) -> None:
        self._fd, self._disk = fd, disk

    def unit(self, place: int) -> int:
        return place

    def take(self, unit: int, *, shared: bool) -> bool:
        return self._set(fcntl.F_RDLCK if shared else fcntl.F_WRLCK, unit, 1)

    def drop(self, unit: int) -> None:
        fcntl.fcntl(self._fd, _SET, _RECORD.pack(fcntl.F_UNLCK, 0, unit, 1, 0))

    def is_taken(self, unit: int) -> bool:
        self._disk.before("lock")
        record = _RECORD.pack(fcntl.F_WRLCK, 0, unit, 1, 0)
        kind: int = _RECORD.unpack(fcntl.fcntl(self._fd, _GET, record))[0]
        return kind != fcntl.F_UNLCK

    def take_all(self) -> bool:
        return self._set(fcntl.F_WRLCK, 0, 0)  # a length of 0 is to the end of all offsets

    def _set(self, kind: int, start: int, length: int) -> bool:
        self._disk.before("lock")
        try:
            fcntl.fcntl(self._fd, _SET, _RECORD.pack(kind, 0, start, length, 0))
        except OSError as problem:
            if problem.errno in _BUSY:
                return False
            raise
        return True

    def close(self) -> None:
        """Nothing is of its own: the file is that of who made it."""


class Stripes:
    """Whole files, each for many places; they are made when they are needed first."""

    def __init__(self, state: int, disk: Disk) -> None:
        self._state, self._disk = state, disk
        self._open: dict[int, int] = {}

    def unit(self, place: int) -> int:
        if place == MAINTENANCE:
            return 2 * _STRIPES
        return _STRIPES * (place % 2) + (place >> 1) % _STRIPES

    def take(self, unit: int, *, shared: bool) -> bool:
        self._disk.before("flock")
        held = self._open.get(unit)
        name = stripe(unit)
        fd = os.open(name, FILE | os.O_CREAT, 0o600, dir_fd=self._state) if held is None else held
        if _flock(fd, fcntl.LOCK_SH if shared else fcntl.LOCK_EX):
            self._open[unit] = fd
            return True
        if held is None:
            os.close(fd)
        else:
            _flock(fd, fcntl.LOCK_SH)  # a lock that is not widened may be lost
        return False

    def drop(self, unit: int) -> None:
        os.close(self._open.pop(unit))

    def is_taken(self, unit: int) -> bool:
        try:
            fd = os.open(stripe(unit), FILE, dir_fd=self._state)
        except FileNotFoundError:
            return False
        try:
            return not _flock(fd, fcntl.LOCK_EX)
        finally:
            os.close(fd)

    def take_all(self) -> bool:
        numbers = [int(name[-3:], 16) for name in os.listdir(self._state) if is_stripe(name)]
        return all(self.take(number, shared=False) for number in numbers)

    def close(self) -> None:
        while self._open:
            os.close(self._open.popitem()[1])


class Nothing:
    """No locks: everybody may do everything."""

    def unit(self, place: int) -> int:
        return 0

    def take(self, unit: int, *, shared: bool) -> bool:
        return True

    def drop(self, unit: int) -> None:
        pass

    def is_taken(self, unit: int) -> bool:
        return False

    def take_all(self) -> bool:
        return True

    def close(self) -> None:
        pass


def _flock(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except OSError as problem:
        if problem.errno in _BUSY:
            return False
        raise
    return True
