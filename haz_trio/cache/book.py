"""The names of a state file that is about to be written, each with its newest row.

What an earlier run knew comes first and keeps its numbers; rows are packed, with a digest, and
those that are new may have more behind that, which is not written.
"""

from __future__ import annotations

from itertools import islice

from haz_trio.cache.known import NOTHING, ROW_SIZE, Known
from haz_trio.trust import ROW

TYPE_CHECKING = False  # typing itself would cost a warm start more than all of this module
if TYPE_CHECKING:
    from collections.abc import Iterator

_STEP = 1 << 10  # rows that are joined at once


class Book:
    """Starts with the names of an old file, whose rows are given up if they are not believed.

    ``names`` are all of them by number, ``changed`` the numbers of those whose old row is another
    one now.
    """

    def __init__(self, old: Known | None) -> None:
        self._old = old
        self._known = 0 if old is None else len(old.names)
        self.names: list[bytes] = [] if old is None else list(old.names)
        self.changed: set[int] = set()
        self._numbers: dict[bytes, int] = {}  # of the names that are new
        self._new: list[bytes] = []  # and their rows
        self._put: dict[int, bytes] = {}  # the rows of old names that were put
        self._doubted: set[int] = set()
        if old is not None and not old.same_boot:
            numbers = range(self._known)
            self._doubted = {n for n in numbers if not old.believable(old.row(n))}

    def put(self, name: bytes, row: bytes) -> None:
        """What is known of a name now."""
        number = self.number(name)
        if number >= self._known:
            self._new[number - self._known] = row
            return
        if self._row(number)[: ROW.size] != row[: ROW.size]:
            self.changed.add(number)
        self._put[number] = row

    def get(self, name: bytes) -> bytes | None:
        """The row that was put for a name, as it was put; not one that was known before."""
        number = None if self._old is None else self._old.places.get(name)
        if number is not None:
            return self._put.get(number)
        number = self._numbers.get(name)
        row = NOTHING if number is None else self._new[number - self._known]
        return None if row is NOTHING else row

    def number(self, name: bytes) -> int:
        """The number of a name, which nothing need be known of."""
        number = None if self._old is None else self._old.places.get(name)
        if number is None:
            number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self.names)
            self.names.append(name)
            self._new.append(NOTHING)
        return number

    def told(self) -> Iterator[tuple[bytes, bytes]]:
        """The names that rows were put for, and the rows."""
        for number in self.fresh():
            row = self._put[number] if number < self._known else self._new[number - self._known]
            yield self.names[number], row

    def fresh(self) -> Iterator[int]:
        """The numbers of those names."""
        yield from self._put
        yield from (n for n, row in enumerate(self._new, self._known) if row is not NOTHING)

    def rows(self) -> Iterator[bytes | bytearray]:
        """All rows as they are to be written, in parts."""
        if self._old is not None:
            known = bytearray(self._old.rows)
            for number in self._doubted.union(self._put):
                known[number * ROW_SIZE : (number + 1) * ROW_SIZE] = self._row(number)
            yield known
        rows = iter(self._new)
        while part := [row[:ROW_SIZE] for row in islice(rows, _STEP)]:
            yield b"".join(part)

    def _row(self, number: int) -> bytes:
        """The row of an old name."""
        row = self._put.get(number)
        if row is not None:
            return row[:ROW_SIZE]
        assert self._old is not None, "it is the name of an old file"
        return NOTHING if number in self._doubted else self._old.packed(number)
