"""Text in terminal columns: how wide it is, where it wraps, and what a source line looks like."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from haz_trio.output.text import escape, escape_character

TAB = 4  # columns between two tab stops
_ITEM = re.compile(r"\s*(?:[-*] |\d+\. )?")


def character_width(character: str) -> int:
    """The columns of a printable character: none, one or two."""
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def display_width(text: str) -> int:
    """The columns of a printable text."""
    return len(text) if text.isascii() else sum(character_width(c) for c in text)


def cells(line: str) -> list[str]:
    """What each character of a source line looks like: tabs filled up, the unprintable escaped."""
    shown = []
    column = 0
    for character in line:
        if character == "\t":
            cell = " " * (TAB - column % TAB)
        elif character.isprintable():
            cell = character
        else:
            cell = escape_character(character)
        column += display_width(cell)
        shown.append(cell)
    return shown


def wrap(text: str, width: int, first: str, later: str) -> list[str]:
    """A text of one or more lines, escaped and filled to ``width`` columns behind its margins.

    ``first`` stands before the first line, ``later`` before all others.
    Lines break at blanks only, so that names and paths stay whole whatever their length; what
    continues a list item stands below the item's text.
    """
    lines: list[str] = []
    for paragraph in text.rstrip("\n").split("\n"):
        for line in _fill(escape(paragraph), width - display_width(later)):
            lines.append(((later if lines else first) + line).rstrip())
    return lines


def _fill(paragraph: str, width: int) -> Sequence[str]:
    if display_width(paragraph) <= width:
        return [paragraph]
    item = _ITEM.match(paragraph)
    indent = item.end() if item else 0
    words = paragraph[indent:].split(" ")
    lines = [paragraph[:indent] + words[0]]
    used = display_width(lines[0])
    for word in words[1:]:
        size = display_width(word)
        if used + 1 + size <= width:
            lines[-1] += f" {word}"
            used += 1 + size
        else:
            lines.append(" " * indent + word)
            used = indent + size
    return lines
