"""What a pattern stood for, and the stat data that prove that it still does.

A second look at the same files is one pass of stats, without a walk and without an object for
each file; what it believes is what a fingerprint and a ``Listing`` would believe (cache.md C8).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import starmap
from typing import TYPE_CHECKING

from haz_trio.cache.fingerprint import Fingerprint, since_in
from haz_trio.cache.hashing import ReadRow
from haz_trio.cache.walk import Found
from haz_trio.trust import ROW, is_settled
from haz_trio.values import frozen

if TYPE_CHECKING:
    from haz_trio.trust import Clock, Row

_STEP = 256  # places that are looked at between two checks


@frozen
class Matched:
    """What one pattern stands for, and how that was found out (see ``InputsSeen``).

    ``hosts`` are host paths in their order, and ``prints`` what was found of each.
    All tasks with the same pattern share one of these.
    """

    hosts: tuple[bytes, ...]
    prints: tuple[Fingerprint, ...]
    folders: tuple[tuple[bytes, Row], ...] = ()
    linked: bool = False
    odd: bool = False
    seen_ns: int = 0


class Steady:
    """What a glob stood for, with the rows of all folders that were listed and all files."""

    __slots__ = ("_after_ns", "_listed", "matched")

    def __init__(self, matched: Matched, listed: list[tuple[bytes, Row]], after_ns: int) -> None:
        self.matched: Matched = matched
        self._listed, self._after_ns = listed, after_ns

    @classmethod
    def of(cls, matched: Matched, found: Found) -> Steady | None:
        """What was just found.

        ``None`` where stat data cannot prove it: a link leads anywhere, a folder that is not
        there has no row, and a file that was written a moment ago has no settled one.
        """
        if matched.linked or not found.complete:
            return None
        listed, latest = [], 0
        for host, row, seen_ns in found.listed:
            if not is_settled(row[0], row[3], row[4], seen_ns=seen_ns, now_ns=seen_ns):
                return None
            listed.append((host, row))
            latest = max(latest, seen_ns)
        since = [since_in(known) for known in matched.prints]
        return None if 0 in since else cls(matched, listed, max([latest, *since]))

    def holds(self, read_row: ReadRow, clock: Clock, check: Callable[[], None] | None) -> bool:
        """Whether it must still be so; ``check`` is called now and then and may raise."""
        if clock() < self._after_ns:
            return False  # a clock that was set back proves nothing
        stat, pack = os.stat, ROW.pack
        try:
            for host, row in self._listed:
                if check is not None:
                    check()
                if read_row(stat(host)) != row:
                    return False
            places, prints = self.matched.hosts, self.matched.prints
            for start in range(0, len(places), _STEP):
                if check is not None and start:
                    check()
                part = slice(start, start + _STEP)
                rows = map(read_row, map(stat, places[part]))
                if not all(map(bytes.startswith, prints[part], starmap(pack, rows))):
                    return False
        except OSError:
            return False
        return True
