"""Lists of small numbers as two arrays in bytes: how many each has, and all of them.

State files hold them so that nothing has to be decoded but what is asked for.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from itertools import accumulate, chain

TYPE_CHECKING = False  # typing itself would cost a warm start more than all of this module
if TYPE_CHECKING:
    from array import array
    from collections.abc import Collection, Iterable, Sequence

_SIZE = 4  # bytes of a number


class Ragged:
    """Lists of numbers below 2^32; ``at(n)`` is one of them."""

    __slots__ = ("_ends", "_flat")

    def __init__(self, ends: array[int], flat: array[int]) -> None:
        self._ends, self._flat = ends, flat

    @classmethod
    def of(cls, lists: Iterable[Sequence[int]]) -> Ragged:
        from array import array  # here and below: it imports more than a memo needs

        kept = list(lists)
        ends = array("I", accumulate(map(len, kept)))
        return cls(ends, array("I", chain.from_iterable(kept)))

    @classmethod
    def parse(cls, data: memoryview) -> Ragged:
        """What ``encode`` made; raises ``ValueError`` for anything else."""
        from array import array

        count = int.from_bytes(data[:_SIZE], "little")
        ends, flat = array("I"), array("I")
        middle = _SIZE + count * _SIZE
        ends.frombytes(data[_SIZE:middle])
        flat.frombytes(data[middle:])
        end = ends[-1] if ends else 0
        if len(data) < _SIZE or len(ends) != count or end != len(flat):
            raise ValueError("lists of numbers do not add up")
        return cls(ends, flat)

    def append(self, numbers: Iterable[int]) -> None:
        """One more list."""
        self._flat.extend(numbers)
        self._ends.append(len(self._flat))

    def take(self, other: Ragged, first: int, last: int) -> None:
        """The lists from ``first`` up to ``last`` of another one, in one piece."""
        start = other._ends[first - 1] if first else 0
        end = other._ends[last - 1] if last else 0
        shift = len(self._flat) - start
        self._flat += other._flat[start:end]
        self._ends += shifted(other._ends[first:last], shift)

    def with_any(self, numbers: Collection[int]) -> dict[int, None]:
        """The lists, by their numbers, in which one of these occurs."""
        found = [place for place, number in enumerate(self._flat) if number in numbers]
        return dict.fromkeys([bisect_right(self._ends, place) for place in found])

    @property
    def distinct(self) -> set[int]:
        """All numbers that occur."""
        return set(self._flat)

    def encode(self) -> bytes:
        return b"".join(
            (len(self._ends).to_bytes(_SIZE, "little"), self._ends.tobytes(), self._flat.tobytes())
        )

    def at(self, number: int) -> array[int]:
        """The list of this number, counted from 0."""
        start = self._ends[number - 1] if number else 0
        return self._flat[start : self._ends[number]]

    @property
    def largest(self) -> int:
        """The largest number in any list, -1 where there is none."""
        return max(self._flat, default=-1)

    def __len__(self) -> int:
        return len(self._ends)


def shifted(numbers: array[int], by: int) -> array[int]:
    """Numbers that are larger by as much."""
    if not by:
        return numbers
    from array import array

    return array("I", [number + by for number in numbers])


def pack(parts: Sequence[bytes]) -> bytes:
    """Parts of any length as one; ``unpack`` takes them apart."""
    return b"".join(packed(parts))


def packed(parts: Sequence[bytes]) -> list[bytes]:
    """The same without a copy: what is to be joined."""
    lengths = struct.pack(f"={len(parts)}I", *map(len, parts))
    return [len(parts).to_bytes(_SIZE, "little"), lengths, *parts]


def unpack(data: bytes) -> list[memoryview]:
    """The parts that ``pack`` joined; raises ``ValueError`` when they do not fill the data."""
    view = memoryview(data)
    count = int.from_bytes(view[:_SIZE], "little")
    at = _SIZE + count * _SIZE
    if at > len(data):
        raise ValueError("parts do not fit into the data")
    parts = []
    for length in struct.unpack(f"={count}I", view[_SIZE:at]):
        parts.append(view[at : at + length])
        at += length
    if len(data) < _SIZE or at != len(data):
        raise ValueError("parts do not fill the data")
    return parts
