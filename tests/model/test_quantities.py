"""Ages and sizes (CFG-034, CFG-035)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.errors import InvalidTextError
from haz_trio.model.quantities import SECONDS, SIZES, parse_age, parse_size

LIMIT = 2**64


def slow_age(text: str) -> int | None:
    """The same by one expression and a sum."""
    if not re.fullmatch(r"(?:[0-9]+[smhdw])+", text):
        return None
    parts = re.findall(r"([0-9]+)([smhdw])", text)
    total = sum(int(number) * SECONDS[unit] for number, unit in parts)
    units = [unit for _, unit in parts]
    return total if total < LIMIT and len(set(units)) == len(units) else None


def slow_size(text: str) -> int | None:
    found = re.fullmatch(r"([0-9]+)(|B|[KMGT]B|[KMGT]iB)", text)
    total = int(found[1]) * SIZES[found[2]] if found else LIMIT
    return total if total < LIMIT else None


numbers = st.integers(0, 2**65).map(str) | st.integers(0, 400).map(lambda n: "0" * 50 + str(n))
ages = st.lists(st.tuples(numbers, st.sampled_from([*"smhdw", "x", ""])), max_size=3).map(
    lambda parts: "".join(number + unit for number, unit in parts)
)
sizes = st.tuples(numbers | st.just(""), st.sampled_from([*SIZES, "kb", "PB", " B"])).map("".join)


@settings(max_examples=200)
@given(ages)
def test_ages_agree_with_the_slow_reading(text: str) -> None:
    """Sums of seconds, each unit at most once, below 2**64."""
    expected = slow_age(text)
    if expected is None:
        with pytest.raises(InvalidTextError, match="max_age"):
            parse_age(text)
    else:
        assert parse_age(text) == expected


@settings(max_examples=200)
@given(sizes)
def test_sizes_agree_with_the_slow_reading(text: str) -> None:
    """One number and one unit, below 2**64."""
    expected = slow_size(text)
    if expected is None:
        with pytest.raises(InvalidTextError, match="max_size"):
            parse_size(text)
    else:
        assert parse_size(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1w2d", 777_600), ("90s", 90), ("0s", 0), ("1h30m", 5400), ("00001m", 60)],
)
def test_ages(text: str, expected: int) -> None:
    """Seconds."""
    assert parse_age(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", 0), ("7B", 7), ("1KB", 1000), ("2GiB", 2 << 30), ("18446744073709551615", LIMIT - 1)],
)
def test_sizes(text: str, expected: int) -> None:
    """Bytes."""
    assert parse_size(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty string"),
        ("d", "expects a digit at byte position 0"),
        ("1d-", "expects a digit at byte position 2"),
        ("1", "has no unit suffix"),
        ("1y", "unit `y` is not one of"),
        ("1é", "unit `é` is not one of"),
        ("1d1d", "unit `d` appeared more than once"),
        ("18446744073709551616s", "exceeds the representable duration range"),
        ("9" * 5000 + "w", "exceeds the representable duration range"),
        ("٣d", "expects a digit at byte position 0"),
    ],
)
def test_bad_ages_are_explained(text: str, message: str) -> None:
    """Also absurd numbers, without computing with them."""
    with pytest.raises(InvalidTextError, match=message):
        parse_age(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty string"),
        ("GB", "expects a digit"),
        ("1kb", "suffix `kb` is not one of"),
        ("18446744073709551616", "exceeds the representable byte range"),
        ("9" * 5000, "exceeds the representable byte range"),
    ],
)
def test_bad_sizes_are_explained(text: str, message: str) -> None:
    """The suffix is told as written."""
    with pytest.raises(InvalidTextError, match=message):
        parse_size(text)
