"""Who works on what: a claim lets one process at a time work on a task, or under a key (C9).

Knows nothing of waiting: who finds a claim busy tries again later, and holds nothing meanwhile.
"""

from __future__ import annotations

import threading
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

from haz_trio.cache.files import Disk
from haz_trio.cache.layout import STATE
from haz_trio.cache.locks import Locks, Plane, open_locks, place_of
from haz_trio.cache.presence import Presence, others
from haz_trio.cache.quarantine import make_state
from haz_trio.cache.root import CacheRoot, Refused

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_TRIES = 50  # somebody may clear the cache while we make our file
MAINTENANCE_PATIENCE = 2.0  # seconds; then a state file is written although others may write it


class Claim:
    """What one task of a run holds; ``release`` may be called again."""

    def __init__(self, locks: Locks | None = None) -> None:
        self._locks = locks
        self._places: list[int] = []

    def take(self, place: int, *, shared: bool = False) -> bool:
        """Hold one place more; raises ``OSError``."""
        if self._locks is None:
            return True
        if not self._locks.take(place, shared=shared):
            return False
        self._places.append(place)
        return True

    def release(self) -> None:
        """Let go of everything; for one thread at a time."""
        while self._places and self._locks is not None:
            self._locks.drop(self._places.pop())


class Claims:
    """The claims of one run; for any number of threads.

    The file of the locks is made for the first claim, and the cache for it: also a run that stores
    nothing keeps others from its tasks and mutexes.
    Where nothing can be locked every claim is granted, and people are told once.
    """

    def __init__(self, root: CacheRoot, disk: Disk) -> None:
        self._root, self._disk = root, disk
        self._locks: Locks | None = None
        self._old: list[Locks] = []
        self._presence: Presence | None = None
        self._failed = False
        self._lock = threading.Lock()

    def claim(self, task: str, key: str) -> Claim | None:
        """The right to look for, restore and run a task under a key; ``None`` while it is busy.

        Also the entry of the key is safe from collectors until the release.
        """
        return self._claim(
            (place_of(f"task:{task}", Plane.CLAIM), False),
            (place_of(f"key:{key}", Plane.CLAIM), False),
            (place_of(key, Plane.USE), True),
        )

    def claim_task(self, task: str) -> Claim | None:
        """The right to put back what a task has made; ``None`` while it is busy."""
        return self._claim((place_of(f"task:{task}", Plane.CLAIM), False))

    def _claim(self, *places: tuple[int, bool]) -> Claim | None:
        """All of the places, each shared or not; ``None`` when one is busy."""
        while True:
            locks = self._opened()
            claim = Claim(locks)
            if locks is None:
                return claim
            try:
                got = all(claim.take(place, shared=shared) for place, shared in places)
            except OSError:
                self._tell()
                return claim
            if not got:
                claim.release()
                return None
            if not locks.works:
                self._tell()
            if not locks.is_gone:
                self._appear(locks)
                return claim
            claim.release()  # somebody cleared the cache: others lock another file
            self._reopen(locks)

    def add_mutex(self, claim: Claim, name: str, *, shared: bool) -> bool:
        """Hold a mutex of the workspace as well, also against other processes; False if busy."""
        try:
            return claim.take(place_of(f"mutex:{name}", Plane.CLAIM), shared=shared)
        except OSError:
            return True

    def others(self) -> tuple[int, ...]:
        """The processes of the other runs that use this cache now."""
        locks = self._locks
        return () if locks is None else tuple(others(locks.state, self._state))

    @property
    def path(self) -> str:
        """See ``abc.Journal``."""
        presence = self._presence
        return "" if presence is None else presence.path

    def began(self, task: str, pid: int, ticks: int) -> None:
        """See ``abc.Journal``; nothing is noted where nothing can be made."""
        if self._presence is not None:
            self._presence.began(task, pid, ticks)

    def ended(self, pid: int) -> None:
        """See ``abc.Journal``."""
        if self._presence is not None:
            self._presence.ended(pid)

    @property
    def _state(self) -> str:
        """Where the folder of state files is on the host."""
        return f"{self._root.path}/{STATE}"

    def maintenance(self) -> AbstractContextManager[bool]:
        """A block in which no other process rewrites state files, unless one takes very long.

        Where there is no cache there is nothing to keep others from.
        """
        locks = self._opened() if self._root.reading() is not None else None
        if locks is None:
            return nullcontext(False)
        return locks.maintenance(MAINTENANCE_PATIENCE)

    def close(self) -> None:
        """Let go of everything; the next claim opens the locks again."""
        with self._lock:
            if self._presence is not None:
                self._presence.close()
                self._presence = None
            if self._locks is not None:
                self._old.append(self._locks)
                self._locks = None
            while self._old:
                self._old.pop().close()

    def _opened(self) -> Locks | None:
        with self._lock:
            if self._locks is None and not self._failed:
                self._try_to_open()
            return self._locks

    def _try_to_open(self) -> None:
        for tries_left in reversed(range(_TRIES)):
            try:
                self._open()
                return
            except Refused:
                break  # nothing can be stored either, and that is told
            except FileNotFoundError:
                if not tries_left:
                    self._tell()
            except OSError as problem:
                if not self._root.lasting(problem):
                    self._tell()
                break
        self._failed = True

    def _open(self) -> None:
        self._locks = open_locks(make_state(self._root), self._disk, make=True)

    def _appear(self, locks: Locks) -> None:
        """Let others know who we are."""
        if self._presence is None:
            with self._lock, suppress(OSError):
                if self._presence is None and self._locks is locks:
                    self._presence = Presence(locks.state, self._state)

    def _reopen(self, gone: Locks) -> None:
        with self._lock:
            if self._locks is gone:
                self._old.append(gone)
                self._locks = None
                if self._presence is not None:
                    self._presence.close()
                    self._presence = None

    def _tell(self) -> None:
        self._root.note(
            f"the cache {self._root.path} cannot be locked: "
            "two runs at once may do the same work twice"
        )
