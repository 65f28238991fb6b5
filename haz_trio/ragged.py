"""Lists of small numbers as two arrays in bytes: how many each has, and all of them.

State files hold them so that nothing has to be decoded but what is asked for.
"""

from __future__ import annotations

from array import array
from itertools import accumulate, chain

TYPE_CHECKING = False  # typing itself would cost a warm start more than all of this module
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SIZE = 4  # bytes of a number


class Ragged:
    """Lists of numbers below 2^32; ``at(n)`` is one of them."""

    __slots__ = ("_ends", "_flat")

    def __init__(self, ends: array[int], flat: array[int]) -> None:
        self._ends, self._flat = ends, flat

    @classmethod
    def of(cls, lists: Iterable[Sequence[int]]) -> Ragged:
        kept = list(lists)
        ends = array("I", accumulate(map(len, kept)))
        return cls(ends, array("I", chain.from_iterable(kept)))

    @classmethod
    def parse(cls, data: memoryview) -> Ragged:
        """What ``encode`` made; raises ``ValueError`` for anything else."""
        count = int.from_bytes(data[:_SIZE], "little")
        ends, flat = array("I"), array("I")
        middle = _SIZE + count * _SIZE
        ends.frombytes(data[_SIZE:middle])
        flat.frombytes(data[middle:])
        if len(ends) != count or (ends[-1] if count else 0) != len(flat):
            raise ValueError("lists of numbers do not add up")
        return cls(ends, flat)

    def encode(self) -> bytes:
        return b"".join(
            (len(self._ends).to_bytes(_SIZE, "little"), self._ends.tobytes(), self._flat.tobytes())
        )

    def at(self, number: int) -> array[int]:
        """The list of this number, counted from 0."""
        start = self._ends[number - 1] if number else 0
        return self._flat[start : self._ends[number]]

    def __len__(self) -> int:
        return len(self._ends)


def pack(parts: Sequence[bytes]) -> bytes:
    """Parts of any length as one; ``unpack`` takes them apart."""
    lengths = array("I", map(len, parts))
    return b"".join((len(parts).to_bytes(_SIZE, "little"), lengths.tobytes(), *parts))


def unpack(data: bytes) -> list[memoryview]:
    """The parts that ``pack`` joined; raises ``ValueError`` when they do not fill the data."""
    view = memoryview(data)
    count = int.from_bytes(view[:_SIZE], "little")
    lengths = array("I")
    at = _SIZE + count * _SIZE
    lengths.frombytes(view[_SIZE:at])
    parts = []
    for length in lengths:
        parts.append(view[at : at + length])
        at += length
    if len(lengths) != count or at != len(data):
        raise ValueError("parts do not fill the data")
    return parts
