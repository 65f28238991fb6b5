"""What a glob stood for, and the stat data that prove that it still does.

A second look at the same files is one pass of stats, without a walk and without an object for
each file; what it believes is what ``Fingerprint`` and ``Listing`` would believe (cache.md C8).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from haz_trio.cache.fingerprint import Fingerprint
from haz_trio.cache.hashing import ReadRow
from haz_trio.cache.walk import Found
from haz_trio.trust import is_settled
from haz_trio.values import frozen

if TYPE_CHECKING:
    from haz_trio.trust import Clock, Row

_STEP = 256  # places that are looked at between two checks


@frozen
class Globbed:
    """What one glob stands for, by path, and how that was found out (see ``InputsSeen``)."""

    digests: Mapping[str, bytes]
    folders: Mapping[bytes, Row]
    linked: bool
    odd: bool
    seen_ns: int


class Steady:
    """What a glob stood for, with the rows of all folders that were listed and all files."""

    __slots__ = ("_after_ns", "_places", "_rows", "globbed")

    def __init__(
        self, globbed: Globbed, places: list[bytes], rows: list[Row], after_ns: int
    ) -> None:
        self.globbed = globbed
        self._places, self._rows, self._after_ns = places, rows, after_ns

    @classmethod
    def of(
        cls,
        globbed: Globbed,
        found: Found,
        files: Mapping[bytes, tuple[bytes, Fingerprint | None]],
    ) -> Steady | None:
        """What was just found; ``files`` has the digest and what is known, by host path.

        ``None`` where stat data cannot prove it: a link leads anywhere, a folder that is not
        there has no row, and a file that was written a moment ago has no settled one.
        """
        if globbed.linked or not found.complete:
            return None
        places, rows, latest = [], [], 0
        for host, row, seen_ns in found.listed:
            if not _settled(row, seen_ns):
                return None
            places.append(host)
            rows.append(row)
            latest = max(latest, seen_ns)
        for host, (digest, known) in files.items():
            if known is None or known.digest != digest or not _settled(known.row, known.seen_ns):
                return None
            places.append(host)
            rows.append(known.row)
            latest = max(latest, known.seen_ns)
        return cls(globbed, places, rows, latest)

    def holds(self, row_of: ReadRow, clock: Clock, check: Callable[[], None] | None) -> bool:
        """Whether it must still be so; ``check`` is called now and then and may raise."""
        if clock() < self._after_ns:
            return False  # a clock that was set back proves nothing
        places, rows, stat = self._places, self._rows, os.stat
        try:
            for start in range(0, len(places), _STEP):
                if check is not None:
                    check()
                part = slice(start, start + _STEP)
                for place, row in zip(places[part], rows[part], strict=True):
                    if row_of(stat(place)) != row:
                        return False
        except OSError:
            return False
        return True


def _settled(row: Row, seen_ns: int) -> bool:
    return is_settled(row[0], row[3], row[4], seen_ns=seen_ns, now_ns=seen_ns)
