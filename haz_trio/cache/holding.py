"""Which of many names have the rows that they had: each is asked for once, while nothing moves.

Knows nothing of tasks and proofs.
"""

from __future__ import annotations

import os
from operator import eq

from haz_trio.frames import MANY
from haz_trio.trust import ABSENT, identity, is_identity

TYPE_CHECKING = False  # typing itself would cost a warm start more than all of this module
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from mmap import mmap
    from struct import Struct

    from haz_trio.scout import Scout
    from haz_trio.trust import Row, RowOf

_STEP = 256  # names that a scout asks for between two looks whether anybody still wants to know


class Holding:
    """The names below ``root``, by number, and what is known of them in this run.

    ``rows`` are packed, each in the ``shape`` of a row.
    """

    def __init__(
        self, root: bytes, names: Sequence[bytes], rows: bytes, shape: Struct, row_of: RowOf
    ) -> None:
        self._root, self._names, self._rows, self._shape = root, names, rows, shape
        self._row_of = row_of
        self.calm: bool = True
        """Whether a name that held need not be asked again."""

        self.touched: bool = False
        """Whether the run has put files back."""

        self._good = bytearray(len(names))
        self._presumed: bytes | None = None
        self._scout: Scout | None = None
        self._ahead: bytes | mmap = bytes(len(names))  # what the scout has seen
        self._written: set[int] = set()  # by ourselves, since the scout was sent

    def settle(self) -> None:
        """A run begins: nothing of ours writes yet, so that no row need be asked twice."""
        if self.touched or not self.calm:
            self._forget_scout()
        self.calm, self.touched = True, False
        self._good = bytearray(len(self._names) if self._presumed is None else self._presumed)

    def presume(self, held: Mapping[bytes, Row]) -> None:
        """Names that have just been seen with these rows need not be asked in this run."""
        rows = self._shape.iter_unpack(self._rows)
        self._presumed = bytes(map(eq, map(held.get, self._names), rows))
        self.settle()

    def look_ahead(self, many: int = MANY) -> None:
        """Let another process look at all names, if as many have still to be asked for.

        For a run that begins, with one thread, where nothing of an earlier one is to be undone.
        """
        if self._scout is None and self._good.count(0) >= many:
            # Imported here: few workspaces are as large.
            from haz_trio.scout import send_scout

            names = self._names
            starts = reversed(range(0, len(names), _STEP))
            parts = (names[start : start + _STEP] for start in starts)
            self._scout = send_scout(
                self._root, len(names), parts, self._rows, self._shape, self._row_of
            )
            if self._scout is not None:
                self._ahead = self._scout.seen

    def look_alone(self) -> None:
        """Have no other process any more; what it has seen still counts."""
        if self._scout is not None:
            self._scout.dismiss()
            self._scout = None

    def touch(self, numbers: Iterable[int]) -> None:
        """A restore of ours has written just these: they are to be asked again."""
        self.touched, self._presumed = True, None
        for number in numbers:
            self._good[number] = 0
            self._written.add(number)

    def disturb(self) -> None:
        """Files are written from now on, until the next ``settle``.

        What holds at one moment is asked again at the next.
        """
        self.calm, self._presumed = False, None
        self._good = bytearray(len(self._names))
        self._forget_scout()

    def _forget_scout(self) -> None:
        self.look_alone()
        self._ahead = bytes(len(self._names))
        self._written.clear()

    def first_amiss(self, numbers: Sequence[int], *, anew: bool = False) -> int | None:
        """The place of the first of these names that has another row; reads stat data only.

        With ``anew`` all of them are asked again.
        """
        good, ahead, written = self._good, self._ahead, self._written
        names, root, rows = self._names, self._root, self._rows
        row_of, lstat = self._row_of, os.lstat
        unpack, size = self._shape.unpack_from, self._shape.size
        calm = self.calm and not anew
        for place, number in enumerate(numbers):
            if calm and (good[number] or (ahead[number] and number not in written)):
                continue
            try:
                found = row_of(lstat(root + names[number]))
            except OSError:
                found = ABSENT
            row = unpack(rows, number * size)
            if found != row and not (is_identity(row) and identity(found) == row):
                return place
            good[number] = 1
        return None
