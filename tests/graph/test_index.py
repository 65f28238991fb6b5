"""The index of patterns: it finds what asking everybody finds, and asks few."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.errors import InvalidTextError
from haz_trio.graph.index import PatternIndex, fixed_ends
from haz_trio.model.patterns import Anchored, parse_pattern
from tests.model.test_globs import globs


def anchored(text: str, root: str = "/p") -> Anchored:
    return parse_pattern(text).anchored(root)


def is_valid(text: str) -> bool:
    try:
        parse_pattern(text)
    except InvalidTextError:
        return False
    return True


patterns = (globs | st.sampled_from(["a", "a/b", "/a", "/p/a"])).filter(is_valid)
roots = st.sampled_from(["/", "/p", "/p/a"])
paths = st.lists(st.sampled_from(["p", "a", "b", "ab", "é"]), min_size=1, max_size=4).map(
    lambda names: "/" + "/".join(names)
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.lists(st.builds(anchored, patterns, roots), max_size=3), max_size=5),
    st.lists(paths, max_size=6),
)
def test_the_index_finds_what_asking_everybody_finds(
    owned: list[list[Anchored]], asked: list[str]
) -> None:
    """Owners are ascending and unique, whatever patterns they share."""
    index = PatternIndex(enumerate(owned))
    for path in asked:
        expected = [n for n, own in enumerate(owned) if any(p.matches(path) for p in own)]
        assert list(index.owners(path)) == expected


@settings(max_examples=300, deadline=None)
@given(patterns.map(anchored).filter(lambda p: p.is_glob), st.lists(paths, min_size=1))
def test_every_match_has_both_fixed_ends(pattern: Anchored, asked: list[str]) -> None:
    """So no match is lost by filing a glob under them."""
    head, tail = fixed_ends(pattern)
    for path in asked:
        if pattern.matches(path):
            assert path.encode().startswith(head)
            assert path.encode().endswith(tail)


@pytest.mark.parametrize(
    ("text", "head", "tail"),
    [
        ("src/*.c", b"/p/src/", b".c"),
        ("src/**/*.c", b"/p/src/", b".c"),
        ("src/**/x.c", b"/p/src/", b"/x.c"),
        ("src/**", b"/p/src/", b""),
        ("a?b[c]d", b"/p/a", b"d"),
        ("a{b,c}", b"/p/a", b""),
        ("\\a", b"/p/a", b"/p/a"),
        ("/**", b"/", b""),
    ],
)
def test_the_fixed_ends_of_a_glob(text: str, head: bytes, tail: bytes) -> None:
    """As long as they can be told from the tokens."""
    assert fixed_ends(anchored(text)) == (head, tail)


SHAPES: list[Callable[[int], tuple[str, str]]] = [
    lambda i: (f"dir{i:05}/**/*.c", f"/p/dir{i:05}/x/y.c"),
    lambda i: (f"gen-{i:05}-*.txt", f"/p/gen-{i:05}-x.txt"),
    lambda i: (f"*-{i:05}.txt", f"/p/x-{i:05}.txt"),
    lambda i: (f"**/name{i:05}", f"/p/d/name{i:05}"),
]


def matcher_calls(size: int, shape: Callable[[int], tuple[str, str]]) -> int:
    pairs = [shape(i) for i in range(size)]
    index = PatternIndex((i, [anchored(text)]) for i, (text, _) in enumerate(pairs))
    assert all(list(index.owners(path)) == [i] for i, (_, path) in enumerate(pairs))
    return sum(1 for _, path in pairs for _ in index.candidates(path.encode()))


@pytest.mark.parametrize("shape", SHAPES)
def test_matcher_calls_grow_with_the_tasks(shape: Callable[[int], tuple[str, str]]) -> None:
    """Four times the tasks, four times the calls: one glob and one path for each task."""
    few, many = matcher_calls(200, shape), matcher_calls(800, shape)
    assert few == 200
    assert many == 4 * few


def test_equal_patterns_are_asked_once() -> None:
    """A thousand tasks with one glob are one candidate."""
    index = PatternIndex((i, [anchored("src/**")]) for i in range(1000))
    assert len(list(index.candidates(b"/p/src/x"))) == 1
    assert list(index.owners("/p/src/x")) == list(range(1000))


def test_a_path_shorter_than_a_tail_is_no_candidate() -> None:
    """Nor one shorter than the head."""
    index = PatternIndex([(0, [anchored("*-with-a-long-tail"), anchored("*.c")])])
    assert list(index.owners("/p/x.c")) == [0]
    assert list(index.owners("/p/x")) == []
    assert list(index.owners("/")) == []
