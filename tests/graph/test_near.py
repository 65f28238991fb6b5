"""Near names, within a bounded amount of work."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haz_trio.graph.near import Near, distance, question

words = st.text("abc", max_size=6)


@given(words, words, st.integers(0, 4))
def test_distance_agrees_with_the_recursion(first: str, second: str, limit: int) -> None:
    """Insert, delete, replace and swap count one each; beyond the limit nothing is counted."""

    @cache
    def slow(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        ways = [slow(i - 1, j) + 1, slow(i, j - 1) + 1]
        ways.append(slow(i - 1, j - 1) + (first[i - 1] != second[j - 1]))
        if i > 1 and j > 1 and first[i - 2 : i] == second[j - 2 : j][::-1]:
            ways.append(slow(i - 2, j - 2) + 1)
        return min(ways)

    assert distance(first, second, limit) == min(slow(len(first), len(second)), limit + 1)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("biuld", ("build",)),
        ("test", ("test", "tesst", "tests")),
        ("zzzzzz", ()),
        ("x", ()),
        ("buildall", ("build-all",)),
    ],
)
def test_suggestions_are_the_nearest(wanted: str, expected: tuple[str, ...]) -> None:
    """At most three, the nearest first; a short name has no near ones."""
    names = ["build", "build-all", "test", "tests", "text", "tesst", "y"]
    assert Near().suggest(wanted, names) == expected


def test_the_budget_bounds_the_work() -> None:
    """Thousands of wrong names do not compare themselves with thousands of right ones."""
    near = Near(budget=5)
    assert near.suggest("build", ["buildx"] * 3) == ("buildx",)
    assert near.suggest("build", ["no", "nope", "buildx"]) == ()
    assert near.budget == 0


def test_the_question() -> None:
    """Nothing near, no question."""
    assert question(()) == ""
    assert question(["a", "b"]) == "did you mean `a` or `b`?"
