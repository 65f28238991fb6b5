"""Digests of files, believed again as long as the stat data vouch for them (cache.md C8).

A known limit: a process that keeps writing through a mapping it made long ago may change bytes
without any trace in the stat data.
"""

from __future__ import annotations

import os
import stat
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NewType, TypeAlias

from haz_trio.cache.hashing import (
    LARGE,
    SMALL,
    RowOf,
    digest_bytes,
    digest_file,
    read_unchanged,
    reader_of,
    stat_row,
)
from haz_trio.model.workspace import HashName
from haz_trio.trust import ROW, is_settled

if TYPE_CHECKING:
    from haz_trio.trust import Clock, Row

_TURN = 0.1  # seconds between two checks while another thread reads the same file, at most
_FIRST_TURN = 0.001
_DIGEST = 32
_PRINT = struct.Struct(f"{ROW.format}{_DIGEST}sQ")
_SINCE = struct.Struct("<Q")
TOLD = ROW.size + _DIGEST  # bytes of a fingerprint that outlive the run: row and digest

Fingerprint = NewType("Fingerprint", bytes)
"""What is known of a file, packed, because a run knows tens of thousands: the stat data that
vouch for a digest, the digest, and since when that is believed in nanoseconds (0: never)."""


def make_fingerprint(row: Row, digest: bytes, seen_ns: int) -> Fingerprint:
    """What a read found that began at ``seen_ns``, just after that was the row of the file."""
    settled = is_settled(row[0], row[3], row[4], seen_ns=seen_ns, now_ns=seen_ns)
    return Fingerprint(_PRINT.pack(*row, digest, seen_ns if settled else 0))


def earlier_fingerprint(told: bytes, since_ns: int) -> Fingerprint:
    """A row and a digest that another run believed in at that time."""
    return Fingerprint(told + _SINCE.pack(since_ns))


def digest_in(known: Fingerprint) -> bytes:
    """The digest (32 bytes) that a file had."""
    return known[ROW.size : TOLD]


def since_in(known: Fingerprint) -> int:
    """From which time on a file with this row must have this digest; 0: never."""
    since: int = _SINCE.unpack_from(known, TOLD)[0]
    return since


def has_row(known: Fingerprint, row: Row) -> bool:
    """Whether these were the stat data of the file."""
    return known.startswith(ROW.pack(*row))


def vouches_for(known: Fingerprint, row: Row, now_ns: int) -> bool:
    """Whether a file with these stat data must still have its digest.

    A clock that was set back since proves nothing any more.
    """
    return 0 < since_in(known) <= now_ns and has_row(known, row)


Earlier: TypeAlias = Callable[[bytes], Fingerprint | None]  # by host path


def nothing_earlier(path: bytes) -> Fingerprint | None:
    """No run before this one has left anything."""
    return None


class Fingerprints:
    """The digests of one run, by host path; may be used from several threads at once.

    ``earlier`` and ``rows`` are the way in and out for digests that outlive a run.
    """

    def __init__(
        self,
        hash_name: HashName,
        *,
        clock: Clock = time.time_ns,
        row_of: RowOf = stat_row,
    ) -> None:
        self._hash_name = hash_name
        self._clock = clock
        self._row_of = row_of
        self._read_row = reader_of(row_of)
        self.earlier: Earlier = nothing_earlier
        self.fresh: bool = False  # whether any file has been read
        self._known: dict[bytes, Fingerprint] = {}
        self._reading: set[bytes] = set()
        self._turn = threading.Condition()

    def take(self, path: bytes, *, check: Callable[[], None] | None = None) -> Fingerprint:
        """The fingerprint of a regular file, links followed; reads it only in doubt.

        ``check`` is called between large pieces and may raise to give up.
        Raises ``OSError`` and ``InputError`` like ``digest_file``.
        """
        row = self._read_row(os.stat(path))
        known = self._known.get(path) or self._recall(path)
        if known is not None and vouches_for(known, row, self._clock()):
            return known
        if row[2] < LARGE:
            return self._read_small(path, row) or self._read(path, check)
        with self._alone(path, check):
            # Another thread may have read it while this one waited.
            known = self._known.get(path)
            row = self._read_row(os.stat(path))
            if known is not None and vouches_for(known, row, self._clock()):
                return known
            return self._read(path, check)

    def _recall(self, path: bytes) -> Fingerprint | None:
        """What an earlier run knew of a path, from now on also ours."""
        known = self.earlier(path)
        if known is not None:
            self._known[path] = known
        return known

    def known(self, path: bytes) -> Fingerprint | None:
        """What is known of a host path, true or not by now."""
        return self._known.get(path)

    def adopt(self, rows: Iterable[tuple[bytes, Fingerprint]]) -> None:
        """Take digests of an earlier run; each is believed only as far as it vouches."""
        self._known.update(rows)

    def __iter__(self) -> Iterator[tuple[bytes, Fingerprint]]:
        """All host paths with what is known of them, sorted."""
        return ((path, self._known[path]) for path in sorted(self._known))

    def _read_small(self, path: bytes, row: Row) -> Fingerprint | None:
        """Read a file that has just had this row, if it is small and still has it."""
        if row[2] >= SMALL or not stat.S_ISREG(row[5]):
            return None
        seen = self._clock()
        data = read_unchanged(path, row, self._read_row)
        if data is None:
            return None
        return self._note(path, row, digest_bytes(self._hash_name, data), seen)

    def _read(self, path: bytes, check: Callable[[], None] | None) -> Fingerprint:
        seen = self._clock()
        found = digest_file(self._hash_name, path, check=check, row_of=self._row_of)
        return self._note(path, found.row, found.digest, seen)

    def _note(self, path: bytes, row: Row, digest: bytes, seen_ns: int) -> Fingerprint:
        self.fresh = True
        fresh = self._known[path] = make_fingerprint(row, digest, seen_ns)
        return fresh

    @contextmanager
    def _alone(self, path: bytes, check: Callable[[], None] | None) -> Iterator[None]:
        turn = _FIRST_TURN
        with self._turn:
            while path in self._reading:
                self._turn.wait(turn)
                turn = min(2 * turn, _TURN)
                if check is not None:
                    check()
            self._reading.add(path)
        try:
            yield
        finally:
            with self._turn:
                self._reading.discard(path)
                self._turn.notify_all()
