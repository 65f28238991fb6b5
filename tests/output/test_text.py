"""Tests of haz_trio.output.text and of the columns that texts take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haz_trio.output.columns import cells, display_width, wrap
from haz_trio.output.text import escape, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("src/main.c", "src/main.c"),
        ("été 日本", "été 日本"),
        ("a\nb\rc\td\0", "a\\nb\\rc\\td\\0"),
        ("\x1b[2J", "\\u{1b}[2J"),
        ("\x9b31m", "\\u{9b}31m"),
        ("a\u202eb", "a\\u{202e}b"),
        ("odd\udcff", "odd\\xff"),
        ("\ud800", "\\u{d800}"),
    ],
)
def test_escape(text: str, shown: str) -> None:
    """Printable text stays, whatever could move a cursor or reorder text is spelled out."""
    assert escape(text) == shown


@given(st.text())
def test_escaped_text_is_printable(text: str) -> None:
    """No control character and nothing that UTF-8 cannot say is left."""
    assert escape(text).isprintable()
    escape(text).encode()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("\n \n", ""),
        ("no such program: x", "no such program: x"),
        ("cannot start `x`:\n  No such file\n", "cannot start `x`: No such file"),
        ("one\ntwo\n\nthree", "one; two; three"),
        ("a\tb\n\x07", "a\\tb; \\u{7}"),
    ],
)
def test_one_line(text: str, line: str) -> None:
    """A reason of several lines becomes one, without blank parts or control characters."""
    assert one_line(text) == line


@pytest.mark.parametrize(
    ("text", "columns"),
    [("", 0), ("abc", 3), ("日本", 4), ("e\u0301", 1), ("ｆ", 2), ("é", 1), ("🎉", 2)],
)
def test_display_width(text: str, columns: int) -> None:
    """Wide characters take two columns, combining ones none."""
    assert display_width(text) == columns


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("\tx", ["    ", "x"]),
        ("ab\tx", ["a", "b", "  ", "x"]),
        ("日\tx", ["日", "  ", "x"]),
        ("abcd\tx", ["a", "b", "c", "d", "    ", "x"]),
        ("\x07\t", ["\\u{7}", "   "]),
    ],
)
def test_cells(line: str, shown: list[str]) -> None:
    """Tabs reach to the next multiple of four columns of what is shown."""
    assert cells(line) == shown


def test_wrap_keeps_margins() -> None:
    """The first line has its own margin, all others the second, and none is too wide."""
    assert wrap("aaa bbb ccc ddd", 11, "  x ", "  | ") == ["  x aaa bbb", "  | ccc ddd"]


def test_wrap_fills_the_width_exactly() -> None:
    """A line may be as wide as the width, and not one column wider."""
    assert wrap("aaa bbbb", 8, "", "") == ["aaa bbbb"]
    assert wrap("aaa bbbb", 7, "", "") == ["aaa", "bbbb"]
    assert wrap("日本 日本", 8, "", "") == ["日本", "日本"]


def test_wrap_cuts_no_word() -> None:
    """A path that is too wide stays whole, so that it can be copied."""
    path = "/a/" + "very-long-name/" * 9
    assert wrap(f"see {path} there", 30, "", "") == ["see", path, "there"]


def test_wrap_hangs_items() -> None:
    """What continues an item of a list stands below the item's text."""
    text = "of these:\n  - one two three\n  10. four five"
    assert wrap(text, 14, "", "") == [
        "of these:",
        "  - one two",
        "    three",
        "  10. four",
        "      five",
    ]


@given(st.text(alphabet=st.sampled_from("ab 日\u0301\n-\x1b"), max_size=60), st.integers(6, 30))
def test_wrap_loses_nothing(text: str, width: int) -> None:
    """Every word arrives in order; only a single word, behind its bullet, is ever too wide."""
    lines = wrap(text, width, "> ", "> ")
    assert " ".join(lines).replace(">", "").split() == escape(text.replace("\n", " ")).split()
    for line in lines:
        words = line[2:].strip().removeprefix("- ").split()
        assert display_width(line) <= width or len(words) == 1
