"""Lists of numbers and parts of bytes: what goes in comes out, and damage is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haz_trio.ragged import Ragged, pack, unpack

LISTS = st.lists(st.lists(st.integers(0, 2**32 - 1), max_size=5), max_size=8)
PARTS = st.lists(st.binary(max_size=9), max_size=6)


@given(LISTS)
def test_lists_come_back(lists: list[list[int]]) -> None:
    """Each by its number, empty ones as well."""
    found = Ragged.parse(memoryview(Ragged.of(lists).encode()))
    assert [list(found.at(number)) for number in range(len(lists))] == lists
    assert len(found) == len(lists)
    assert [list(Ragged.of(lists).at(number)) for number in range(len(lists))] == lists


@given(PARTS)
def test_parts_come_back(parts: list[bytes]) -> None:
    """Of any length, in their order."""
    assert list(map(bytes, unpack(pack(parts)))) == parts


@given(LISTS, st.data())
def test_lists_that_are_cut_off_are_refused(lists: list[list[int]], data: st.DataObject) -> None:
    """Any number of bytes less is a ``ValueError``, and so is one number more."""
    whole = Ragged.of(lists).encode()
    end = data.draw(st.integers(0, len(whole) - 1))
    for wrong in (whole[:end], whole + bytes(4)):
        with pytest.raises(ValueError, match=r"add up|multiple"):
            Ragged.parse(memoryview(wrong))


@given(PARTS, st.data())
def test_parts_that_are_cut_off_are_refused(parts: list[bytes], data: st.DataObject) -> None:
    """Nothing is lost without a word."""
    whole = pack(parts)
    end = data.draw(st.integers(0, len(whole) - 1))
    for wrong in (whole[:end], whole + b"\0"):
        with pytest.raises(ValueError, match="parts do not"):
            unpack(wrong)


@given(LISTS)
def test_the_largest_number_is_known(lists: list[list[int]]) -> None:
    """It tells whether all of them can be places in something else."""
    assert Ragged.of(lists).largest == max((n for found in lists for n in found), default=-1)


def test_numbers_out_of_range_cannot_be_written() -> None:
    """What is below 0 or does not fit is an error of the one who writes."""
    for number in (-1, 2**32):
        with pytest.raises(OverflowError):
            Ragged.of([[number]])


@given(LISTS, LISTS, st.data())
def test_lists_are_taken_over_in_one_piece(
    own: list[list[int]], others: list[list[int]], data: st.DataObject
) -> None:
    """Any run of them, behind any others, as if they had been appended one by one."""
    first = data.draw(st.integers(0, len(others)))
    last = data.draw(st.integers(first, len(others)))
    made = Ragged.of(own)
    made.take(Ragged.of(others), first, last)
    made.append([7])
    found = [list(made.at(number)) for number in range(len(made))]
    assert found == [*own, *others[first:last], [7]]


@given(LISTS, st.sets(st.integers(0, 9)))
def test_it_is_known_which_lists_have_a_number(lists: list[list[int]], numbers: set[int]) -> None:
    """By their numbers, each once."""
    small = [[each % 10 for each in some] for some in lists]
    made = Ragged.of(small)
    wanted = [place for place, some in enumerate(small) if numbers.intersection(some)]
    assert list(made.with_any(numbers)) == wanted
    assert made.distinct == {each for some in small for each in some}
