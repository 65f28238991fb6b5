"""Paths, patterns, and where they are anchored (PATH-001 to PATH-008)."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from haz_trio.errors import InvalidTextError
from haz_trio.model.globs import escape, is_glob
from haz_trio.model.patterns import (
    Pattern,
    below,
    check_segment,
    join,
    parse_pattern,
    unassigned,
)
from tests.model.test_globs import globs

segments = st.text("ab[]{}é *", min_size=1, max_size=3).filter(lambda s: s.strip() == s)
roots = st.lists(segments, max_size=2).map(lambda names: "/" + "/".join(names))
files = st.lists(st.text("abé-", min_size=1, max_size=3), min_size=1, max_size=4).map("/".join)


def parsed(text: str) -> Pattern:
    try:
        return parse_pattern(text)
    except InvalidTextError:
        assume(False)
        raise


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "path pattern is empty"),
        ("/", "workspace-absolute path has no segments"),
        ("a//b", "contains the empty segment `//`"),
        ("a/", "ends with trailing `/`"),
        ("/a/", "ends with trailing `/`"),
        ("//a", 'segment "" at position 0: path segment is empty'),
        (".", "path segment is the literal `.`"),
        ("a/./b", 'segment "." at position 1'),
        ("..", "path segment is the literal `..`"),
        ("a/..", 'segment ".." at position 1'),
        ("a\tb", "forbidden control codepoint U+0009"),
        ("a\u200bb", "forbidden format codepoint U+200B"),
        ("a\u2028b", "forbidden line/paragraph separator codepoint U+2028"),
        ("a\ue000b", "forbidden private-use codepoint U+E000"),
        ("a\ufdd0b", "forbidden unassigned codepoint U+FDD0"),
        ("a\U0001fffeb", "forbidden unassigned codepoint U+1FFFE"),
        ("a\ud800b", "forbidden surrogate codepoint U+D800"),
        ("*//b", "contains the empty segment `//`"),
        ("*/", "ends with trailing `/`"),
        ("//*", 'glob segment "" at position 0: glob segment is empty'),
        ("./*", "glob segment is the literal `.`"),
        ("*/../b", 'glob segment ".." at position 1'),
        ("*\tb", "glob segment contains forbidden control codepoint U+0009"),
    ],
)
def test_malformed_paths_are_refused_with_a_reason(text: str, message: str) -> None:
    """The first broken rule is named, with the position of the segment."""
    with pytest.raises(InvalidTextError) as caught:
        parse_pattern(text)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["...", ".git", " a ", "a:b", "~/a", "$HOME/a", "é", "'", "!a"])
def test_ordinary_names_are_literals(text: str) -> None:
    """There is no home, no variable and no negation in a path."""
    pattern = parse_pattern(text)
    assert not pattern.is_glob
    assert not pattern.is_absolute
    assert pattern.anchored("/p").text == f"/p/{text}"


def test_one_segment_can_be_checked_alone() -> None:
    """Discovery checks the components of project roots."""
    check_segment("lib")
    with pytest.raises(InvalidTextError, match="empty"):
        check_segment("")


def test_unassigned_code_points_are_only_named() -> None:
    """What this Python's Unicode does not know yet is legal, and worth a warning."""
    assert unassigned("a\u0378b") == "\u0378"
    assert parse_pattern("a\u0378").text == "a\u0378"


@pytest.mark.parametrize(
    ("path", "folder", "expected"),
    [
        ("/a/b", "/a", True),
        ("/a", "/a", True),
        ("/ab", "/a", False),
        ("/ab", "/", True),
        ("/", "/", True),
        ("/a", "/a/b", False),
    ],
)
def test_below_compares_whole_segments(path: str, folder: str, expected: bool) -> None:
    """A folder holds itself and what lies below it."""
    assert below(path, folder) is expected


@pytest.mark.parametrize(
    ("text", "root", "prefix", "depth"),
    [
        ("a.c", "/p", "/p", 1),
        ("src/a.c", "/p", "/p/src", 1),
        ("/a", "/p", "/", 1),
        ("*.c", "/p", "/p", 1),
        ("src/*/a.c", "/p/q", "/p/q/src", 2),
        ("src/**/a.c", "/p", "/p/src", None),
        ("/src/*.c", "/p", "/src", 1),
        ("/*.c", "/p", "/", 1),
        ("a[b]/c", "/p", "/p", 2),
        ("a[!b]/c", "/p", "/p", None),
        ("a[+-9]/c", "/p", "/p", None),
        ("{a,b[/]}", "/p", "/p", None),
        ("{a,b[x]}", "/p", "/p", 1),
        ("\\[a]", "/p", "/p", 1),
        ("{a/b,c}", "/p", "/p", 2),
        ("*", "/", "/", 1),
        ("d/*", "/", "/d", 1),
    ],
)
def test_prefix_and_depth(text: str, root: str, prefix: str, depth: int | None) -> None:
    """A walk begins below the fixed segments and goes no deeper than a match can be."""
    anchored = parse_pattern(text).anchored(root)
    assert (anchored.prefix, anchored.depth) == (prefix, depth)
    assert anchored.is_glob is is_glob(text)


@settings(max_examples=250, deadline=None)
@given(globs, roots, st.lists(files, min_size=1, max_size=6))
def test_every_match_lies_below_the_prefix_within_the_depth(
    text: str, root: str, candidates: list[str]
) -> None:
    """Pruning a walk by prefix and depth loses no match."""
    anchored = parsed(text).anchored(root)
    spelled = [join(root, name) for name in candidates] + ["/" + name for name in candidates]
    for path in spelled:
        if anchored.matches(path):
            assert below(path, anchored.prefix)
            rest = path[len(anchored.prefix.rstrip("/")) :]
            assert anchored.depth is None or rest.count("/") <= anchored.depth


@settings(max_examples=250, deadline=None)
@given(globs, roots, st.lists(files, min_size=1, max_size=6))
def test_a_relative_pattern_is_the_absolute_one_below_its_root(
    text: str, root: str, candidates: list[str]
) -> None:
    """The project's root is taken literally, whatever characters its name has (config.md 5.4)."""
    relative = parsed(text.lstrip("/"))
    absolute = parsed(join(escape(root), relative.text))
    for name in candidates:
        path = join(root, name)
        assert relative.anchored(root).matches(path) == absolute.anchored("/else").matches(path)


@given(files, roots)
def test_a_literal_matches_its_own_path_only(name: str, root: str) -> None:
    """A literal is compared, also when the root looks like a glob."""
    anchored = parse_pattern(name).anchored(root)
    assert anchored.matches(join(root, name))
    assert not anchored.matches(join(root, name) + "x")
    assert parse_pattern("/" + name).anchored(root).text == "/" + name
