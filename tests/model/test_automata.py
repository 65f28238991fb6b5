"""Common paths of two globs: the product of automata against trying every short path."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from haz_trio.errors import InvalidTextError
from haz_trio.model.automata import common_path, intersects
from haz_trio.model.globs import Glob, compile_glob, is_glob
from haz_trio.model.patterns import parse_pattern

PIECES = ["a", "b", "/", "*", "?", "**", "**/", "/**/", "/**", "[ab]", "[!a]", "[/]", "\\a"]
PIECES += ["{a,b}", "{a*,/b}", "{,a}", "{}", "{ab,?/}"]
LETTERS = "ab/c"
LONGEST = 6

globs = st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join).filter(is_glob)
PATHS = [
    "".join(letters).encode()
    for length in range(LONGEST + 1)
    for letters in product(LETTERS, repeat=length)
]


def parse(text: str) -> Glob:
    try:
        return compile_glob(parse_pattern(text).text)
    except InvalidTextError:
        assume(False)
        raise


@given(globs, globs)
@example("**", "{}")
@example("a*", "*b")
@example("**/a", "?")
def test_a_common_path_is_found_exactly_if_there_is_one(one: str, other: str) -> None:
    """What is found matches both; where nothing is found, no short path matches both.

    No shorter path than the one that is found does, either.
    """
    first, second = parse(one), parse(other)
    found = common_path(first, second)
    if found is not None:
        assert first.matches(found)
        assert second.matches(found)
    witness = next((path for path in PATHS if first.matches(path) and second.matches(path)), None)
    if witness is not None:
        assert found is not None
        assert len(found) <= len(witness)


@given(globs, st.sampled_from(PATHS[:1500]))
def test_a_glob_meets_a_path_exactly_if_it_matches_it(text: str, path: bytes) -> None:
    """A path spelled as a glob, with a class for each byte, is a set of one path."""
    glob = parse(text)
    single = compile_glob("".join(f"[{chr(byte)}]" for byte in path) or "{}")
    assert intersects(glob, single) == glob.matches(path)
    assert intersects(single, glob) == glob.matches(path)


@given(globs, globs)
def test_both_orders_give_one_answer(one: str, other: str) -> None:
    """The relation is symmetric, and a glob that matches anything meets itself."""
    first, second = parse(one), parse(other)
    assert intersects(first, second) == intersects(second, first)
    assert intersects(first, first)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("/core/**", "/core/src/**/*.rs", True),
        ("/*/src/*.rs", "/api/src/**/*.rs", True),
        ("/core/*", "/core/a/?", False),
        ("/proto/*", "/proto/*.proto", True),
        ("*.rs", "*.ts", False),
        ("src/*.{ts,tsx}", "src/*.js", False),
        ("[!a]", "[a]", False),
        ("[!a]", "?", True),
        ("?", "[/]", False),
        ("é*", "?" * 2, True),
        ("é*", "?", False),
        ("**/x", "x", True),
        ("x/**", "x*", False),
        ("{a/b,c}*", "a*", False),
        ("{a/b,c}*", "a/*", True),
        ("*a*b*c*", "*c*b*a*", True),
    ],
)
def test_examples(one: str, other: str, expected: bool) -> None:
    """Whole paths, classes and bytes of several byte characters."""
    assert intersects(compile_glob(one), compile_glob(other)) is expected


def test_many_alternatives_are_no_trouble() -> None:
    """Two hundred branches against two hundred others, without a common path (row K21)."""
    one = "/{" + ",".join(f"a{i}*b{i}*c" for i in range(200)) + "}/**/x*y*z*"
    other = "/{" + ",".join(f"a{i}*b{i}*d" for i in range(200)) + "}/**/x*y*z*"
    assert not intersects(compile_glob(one), compile_glob(other))
    assert intersects(compile_glob(one), compile_glob(one))
