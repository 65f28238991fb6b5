"""Locks between the processes that share a cache: bytes of the file ``state/locks`` (C9).

A lock belongs to an open file: the kernel lets go of it when the process dies, and no program
that is started inherits it.  Inside a process one place may be held several times; it is free
for others when the last holder has let go.
Where the file system has no such locks, 256 files for each plane are locked as wholes: then two
names may share a lock, which costs a wait.  Where it has none at all, nothing is locked.
Nothing here waits, but for a bounded time where that is asked for.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import os
import threading
import time
from collections.abc import Iterator

import xxhash

from haz_trio.cache.files import FOLDER, Disk
from haz_trio.cache.layout import LOCKS, STATE
from haz_trio.cache.lock_ways import FILE, MAINTENANCE, Bytes, Nothing, Stripes, Way

_NONE = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})
_PAUSE = 0.002  # seconds between two tries of a lock that others hold for a moment


class Plane(enum.IntEnum):
    """What a lock of a name is about; the value is that of the lowest bit of its place."""

    USE = 0
    """An entry is read (shared) or removed (alone); names are keys."""

    CLAIM = 1
    """Somebody works on a task, under a key, or with a mutex."""


def place_of(name: str, plane: Plane) -> int:
    """The byte of a name, also of a folder's that is no text.

    Two names share one by chance once in 2^61 pairs.
    """
    return 2 * (xxhash.xxh3_64_intdigest(name.encode(errors="surrogateescape")) >> 3) + plane


class Locks:
    """The locks of one process in one cache; for any number of threads."""

    def __init__(self, state: int, fd: int, disk: Disk) -> None:
        """Of the folder ``state`` and the file in it, which are its own from now on."""
        self._state, self._fd, self._disk = state, fd, disk
        self._way: Way = Bytes(fd, disk)
        self._held: dict[int, tuple[int, bool]] = {}
        """By unit: how often it is held, and whether all other processes are kept out."""

        self._lock = threading.Lock()

    @property
    def state(self) -> int:
        """The open folder of the file."""
        return self._state

    @property
    def works(self) -> bool:
        """Whether the file system has any locks; known when one has been asked for."""
        return not isinstance(self._way, Nothing)

    @property
    def is_gone(self) -> bool:
        """Whether the file was removed: who comes now locks another one."""
        return os.fstat(self._fd).st_nlink == 0

    @property
    def is_idle(self) -> bool:
        """Whether this process holds nothing."""
        return not self._held

    def take(self, place: int, *, shared: bool = False) -> bool:
        """Hold a place once more, alone among processes unless ``shared``; False if busy.

        Raises ``OSError`` only for what is wrong with more than locks.
        """
        with self._lock:
            while True:
                unit = self._way.unit(place)
                count, alone = self._held.get(unit, (0, False))
                if alone or (count and shared):
                    self._held[unit] = (count + 1, alone)
                    return True
                try:
                    if not self._way.take(unit, shared=shared):
                        return False
                except OSError as problem:
                    self._fall_back(problem)
                    continue
                self._held[unit] = (count + 1, not shared)
                return True

    def drop(self, place: int) -> None:
        """Let go of a place that was taken."""
        with self._lock:
            unit = self._way.unit(place)
            count, alone = self._held.pop(unit)
            if count > 1:
                self._held[unit] = (count - 1, alone)
                return
            with contextlib.suppress(OSError):  # it goes with the file at the latest
                self._way.drop(unit)

    def is_taken(self, place: int) -> bool:
        """Whether another process holds a place; takes nothing.  For who holds nothing itself."""
        with self._lock:
            while True:
                try:
                    return self._way.is_taken(self._way.unit(place))
                except OSError as problem:
                    self._fall_back(problem)

    def take_all(self) -> bool:
        """Keep everybody else out until ``close``; False when anybody holds anything."""
        with self._lock:
            while True:
                try:
                    return self._way.take_all()
                except OSError as problem:
                    self._fall_back(problem)

    @contextlib.contextmanager
    def maintenance(self, patience: float) -> Iterator[bool]:
        """Be alone with the state files for a block, if that comes true within some seconds."""
        alone = self._take_soon(MAINTENANCE, patience)
        try:
            yield alone
        finally:
            if alone:
                self.drop(MAINTENANCE)

    def _take_soon(self, place: int, patience: float) -> bool:
        end = time.monotonic() + patience
        try:
            while not self.take(place):
                if time.monotonic() >= end:
                    return False
                time.sleep(_PAUSE)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Let go of everything."""
        self._way.close()
        os.close(self._fd)
        os.close(self._state)

    def _fall_back(self, problem: OSError) -> None:
        """Lock another way from now on; raises what has nothing to do with locks."""
        if self._held or problem.errno not in _NONE:
            raise problem
        self._way.close()
        if isinstance(self._way, Bytes):
            self._way = Stripes(self._state, self._disk)
        else:
            self._way = Nothing()


def open_locks(root: int, disk: Disk, *, make: bool) -> Locks | None:
    """The locks of a cache whose folder is open; ``None`` where nobody has made any.

    With ``make`` the file is made in the folder ``state``, which is there.  Raises ``OSError``.
    """
    flags = FILE | os.O_CREAT if make else FILE
    try:
        state = os.open(STATE, FOLDER, dir_fd=root)
    except FileNotFoundError:
        if make:
            raise
        return None
    try:
        return Locks(state, os.open(LOCKS, flags, 0o600, dir_fd=state), disk)
    except FileNotFoundError:
        os.close(state)
        return None
    except OSError:
        os.close(state)
        raise


@contextlib.contextmanager
def existing_locks(root: int, disk: Disk) -> Iterator[Locks | None]:
    """The same for a block, for collectors; ``None`` also where they cannot be used."""
    try:
        locks = open_locks(root, disk, make=False)
    except OSError:
        locks = None
    try:
        yield locks
    finally:
        if locks is not None:
            locks.close()


@contextlib.contextmanager
def alone_with(locks: Locks | None, key: str) -> Iterator[bool]:
    """Keep runs from the entry of a key for a block; false when one uses it."""
    place = place_of(key, Plane.USE)
    try:
        taken = locks is not None and locks.take(place)
    except OSError:
        locks, taken = None, False
    try:
        yield taken or locks is None
    finally:
        if locks is not None and taken:
            locks.drop(place)


def is_in_use(locks: Locks | None, key: str) -> bool:
    """Whether a run looks at, restores or makes the entry of a key now."""
    try:
        return locks is not None and locks.is_taken(place_of(key, Plane.USE))
    except OSError:
        return False
