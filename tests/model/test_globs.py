"""The glob dialect (PATH-009 to PATH-016)."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from haz_trio.errors import InvalidTextError
from haz_trio.model.globs import Glob, compile_glob, escape, is_glob
from haz_trio.model.patterns import parse_pattern
from tests.model.reference_globs import Refused, check_structure, slow_match

PIECES = ["a", "b", "é", "/", "*", "?", "**", "**/", "/**", "/**/", "[", "[!", "[^", "]", "{", "}"]
PIECES += [",", "\\", "-", "!", ".", "[ab]", "[!a]", "[a-c-e]", "[é]", "{a,b}", "{a,/b}", "{,a}"]

globs = st.lists(st.sampled_from(PIECES), min_size=1, max_size=7).map("".join).filter(is_glob)
paths = st.text("abcé/-!,.]", max_size=8)


def matches(pattern: str, path: str) -> bool:
    return compile_glob(parse_pattern(pattern).text).matches(path.encode())


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*.rs", "a.rs", True),
        ("*.rs", ".rs", True),
        ("*.rs", "a/b.rs", False),
        ("?.rs", "é.rs", False),
        ("??.rs", "é.rs", True),
        ("?", "/", False),
        ("**", "a/b/.c", True),
        ("**/**", "", True),
        ("**/x", "x", True),
        ("**/x", "a/b/x", True),
        ("**/x", "ax", False),
        ("x/**", "x", False),
        ("x/**", "x/y/z", True),
        ("x/**/y", "x/y", True),
        ("x/**/y", "x/a/b/y", True),
        ("x/**/**/y", "x/y", True),
        ("x/**/**", "x/y", True),
        ("x/**/y", "xy", False),
        ("[abc]", "b", True),
        ("[a-c]", "d", False),
        ("[a-c-e]", "e", True),
        ("[a-c-b]", "b", True),
        ("[]a]", "]", True),
        ("[-a]", "-", True),
        ("[a-]", "-", True),
        ("[--0]", ".", True),
        ("[!a]", "b", True),
        ("[^a]", "a", False),
        ("[é]", "é", False),
        ("[é][é]", "é", True),
        ("[a-é]", "z", True),
        ("d[!x]z.rs", "d/z.rs", True),
        ("d[/]z.rs", "d/z.rs", True),
        (r"[a\]b]", "a" + "b]", True),
        (r"[a\]b]", "\\b]", True),
        ("{a,b}.c", "b.c", True),
        ("{a/x,b}*", "a/xy", True),
        ("a{,}b", "ab", True),
        ("{,x}", "x", True),
        ("{,x}", "", False),
        ("a{}b", "ab", True),
        (r"{a\,b,c}", "a,b", True),
        (r"\*", "*", True),
        (r"\*", "a", False),
        (r"\a", "a", True),
        ("*", ".hidden", True),
        ("!*", "!a", True),
        ("a*", "A", False),
        ("*\n*", "a\nb", False),
    ],
)
def test_the_table_of_the_dialect(pattern: str, path: str, expected: bool) -> None:
    """Each form means what config.md 5.2 says."""
    if "\n" in pattern:
        with pytest.raises(InvalidTextError, match="control"):
            parse_pattern(pattern)
    else:
        assert matches(pattern, path) is expected


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("a**", "adjacent"),
        ("**.rs", "adjacent"),
        ("***", "adjacent"),
        ("{**,b}", "adjacent"),
        ("[**]x", "adjacent"),
        (r"*\**", "adjacent"),
        ("{a,{b}}", "nested alternation is forbidden"),
        ("[a", "unclosed character class"),
        ("[]", "unclosed character class"),
        ("[!]", "unclosed character class"),
        ("[z-a]", "invalid range; 'z' > 'a'"),
        ("{a", "unclosed alternation"),
        ("{a,", "unclosed alternation"),
        ("*}", "unopened alternation"),
        ("a\\", r"dangling '\\'"),
    ],
)
def test_malformed_globs_are_refused_with_a_reason(pattern: str, why: str) -> None:
    """The message says what is wrong, and nothing else is raised."""
    with pytest.raises(InvalidTextError, match=why):
        parse_pattern(pattern)


@settings(max_examples=500, deadline=None)
@given(globs, st.lists(paths, min_size=1, max_size=5))
@example("[a-c-e]", ["a", "e"])
@example("{a}", ["a"])
def test_globs_agree_with_the_slow_matcher(pattern: str, candidates: list[str]) -> None:
    """Both refuse the same patterns, and match the same paths."""
    try:
        check_structure(pattern)
        expected = [slow_match(pattern, path) for path in candidates]
    except Refused:
        with pytest.raises(InvalidTextError):
            parse_pattern(pattern)
    else:
        assert [matches(pattern, path) for path in candidates] == expected


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_an_escaped_text_matches_itself_alone(text: str) -> None:
    """``escape`` takes the meaning of every special character away."""
    glob = compile_glob(escape(text))
    assert glob.matches(text.encode())
    assert not glob.matches(text.encode() + b"x")


def test_a_glob_is_compiled_only_when_it_is_asked() -> None:
    """The same text is one object, and its expression is made once."""
    first = compile_glob("only/here/*.c")
    assert compile_glob("only/here/*.c") is first
    assert first.regex is first.regex
    assert first == compile_glob("only/here/*.c") != compile_glob("only/here/*.d")


def test_names_that_are_not_utf_8_can_be_matched() -> None:
    """A path from a directory listing may hold bytes that are no text."""
    name = b"caf\xe9.c".decode("utf-8", "surrogateescape")
    anchored = parse_pattern("*.c").anchored("/p")
    assert anchored.matches(f"/p/{name}")


def test_a_negated_range_of_characters_is_one_of_bytes() -> None:
    """``[!\u0020-é]`` leaves no printable byte that a path could begin a character with."""
    assert not matches("x[! -é]", "xa")
    assert not matches("x[! -é]", "xé")
    assert compile_glob("[!\x00-\U0010ffff]").matches(b"\xff")


def test_globs_are_told_apart_by_their_texts() -> None:
    """Equal texts are equal globs with equal hashes; nothing else is equal to a glob."""
    one, two = compile_glob("/a/*"), Glob("/a/*", ())
    assert one == two
    assert hash(one) == hash(two)
    assert one != compile_glob("/b/*")
    assert one != "/a/*"
    assert repr(one) == "Glob('/a/*')"
