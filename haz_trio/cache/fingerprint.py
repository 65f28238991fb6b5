"""Digests of files, believed again as long as the stat data vouch for them (cache.md C8).

A known limit: a process that keeps writing through a mapping it made long ago may change bytes
without any trace in the stat data.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from haz_trio.cache.hashing import (
    LARGE,
    SMALL,
    RowOf,
    StatRow,
    digest_file,
    digest_unchanged,
    stat_row,
)
from haz_trio.model.workspace import HashName
from haz_trio.trust import is_settled
from haz_trio.values import frozen

if TYPE_CHECKING:
    from haz_trio.trust import Clock

_TURN = 0.1  # seconds between two checks while another thread reads the same file


@frozen
class Fingerprint:
    """A digest with the stat data that vouch for it; ``seen_ns`` is the time before the read."""

    row: StatRow
    seen_ns: int
    digest: bytes

    def vouches_for(self, row: StatRow, now_ns: int) -> bool:
        """Whether a file with these stat data must still have this digest."""
        return self.row == row and is_settled(
            row.dev, row.mtime_ns, row.ctime_ns, seen_ns=self.seen_ns, now_ns=now_ns
        )


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
        self.earlier: Earlier = nothing_earlier
        self.fresh = False  # whether any file has been read
        self._known: dict[bytes, Fingerprint] = {}
        self._reading: set[bytes] = set()
        self._turn = threading.Condition()

    def take(self, path: bytes, *, check: Callable[[], None] | None = None) -> Fingerprint:
        """The fingerprint of a regular file, links followed; reads it only in doubt.

        ``check`` is called between large pieces and may raise to give up.
        Raises ``OSError`` and ``InputError`` like ``digest_file``.
        """
        row = self._row_of(os.stat(path))
        known = self._known.get(path) or self._recall(path)
        if known is not None and known.vouches_for(row, self._clock()):
            return known
        if row.size < LARGE:
            return self._read_small(path, row) or self._read(path, check)
        with self._alone(path, check):
            # Another thread may have read it while this one waited.
            known = self._known.get(path)
            row = self._row_of(os.stat(path))
            if known is not None and known.vouches_for(row, self._clock()):
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

    def rows(self) -> list[tuple[bytes, Fingerprint]]:
        """All host paths with what is known of them, sorted."""
        return sorted(self._known.items())

    def _read_small(self, path: bytes, row: StatRow) -> Fingerprint | None:
        """Read a file that has just had this row, if it is small and still has it."""
        if row.size >= SMALL or not stat.S_ISREG(row.mode):
            return None
        seen = self._clock()
        digest = digest_unchanged(self._hash_name, path, row, row_of=self._row_of)
        if digest is None:
            return None
        self.fresh = True
        fresh = self._known[path] = Fingerprint(row, seen, digest)
        return fresh

    def _read(self, path: bytes, check: Callable[[], None] | None) -> Fingerprint:
        seen = self._clock()
        found = digest_file(self._hash_name, path, check=check, row_of=self._row_of)
        self.fresh = True
        fresh = self._known[path] = Fingerprint(found.row, seen, found.digest)
        return fresh

    @contextmanager
    def _alone(self, path: bytes, check: Callable[[], None] | None) -> Iterator[None]:
        with self._turn:
            while path in self._reading:
                self._turn.wait(_TURN)
                if check is not None:
                    check()
            self._reading.add(path)
        try:
            yield
        finally:
            with self._turn:
                self._reading.discard(path)
                self._turn.notify_all()
