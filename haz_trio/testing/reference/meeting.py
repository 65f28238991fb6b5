"""Whether two patterns can match one and the same path (QRY-003), exactly.

A pattern becomes rows of parts, one row for each choice of alternatives: a part is one byte of a
set, or any number of bytes of a set.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import attrs

from haz_trio.testing.reference.globs import class_end, class_members, is_glob

ANY = frozenset(range(256))
NO_SLASH = ANY - {ord("/")}


@attrs.frozen
class Part:
    """One byte of a set; of a loop any number of them."""

    bytes: frozenset[int]
    loop: bool = False


Row = tuple[Part, ...]
SLASH, FOLDERS = Part(frozenset(b"/")), Part(ANY, loop=True)


def meet(one: str, other: str) -> bool:
    """Both are right, and workspace-absolute."""
    return any(_meet(left, right) for left, right in product(_rows(one), _rows(other)))


def _meet(left: Row, right: Row) -> bool:
    """Whether two rows spell one text: over the pairs of places that can be reached."""
    waiting = [(0, 0)]
    seen = set(waiting)
    while waiting:
        i, j = waiting.pop()
        if i == len(left) and j == len(right):
            return True
        following: list[tuple[int, int]] = []
        one = left[i] if i < len(left) else None
        other = right[j] if j < len(right) else None
        if one is not None and one.loop:
            following.append((i + 1, j))
        if other is not None and other.loop:
            following.append((i, j + 1))
        if one is not None and other is not None and one.bytes & other.bytes:
            following.append((i + (not one.loop), j + (not other.loop)))
        for pair in following:
            if pair not in seen:
                seen.add(pair)
                waiting.append(pair)
    return False


@lru_cache(maxsize=4096)
def _rows(pattern: str) -> tuple[Row, ...]:
    if not is_glob(pattern):
        return (_literal(pattern),)
    return tuple(row for text in _alternatives(pattern) for row in _read(text))


def _literal(text: str) -> Row:
    return tuple(Part(frozenset([byte])) for byte in text.encode())


def _alternatives(pattern: str) -> list[str]:
    """The pattern without braces; empty alternatives are dropped, ``{}`` is nothing."""
    found, rest = [""], pattern
    while rest:
        if rest[0] == "{":
            end, branches = _branches(rest)
            chosen = [branch for branch in branches if branch] or [""]
            found = [before + branch for before, branch in product(found, chosen)]
        else:
            end = _unit(rest)
            found = [before + rest[:end] for before in found]
        rest = rest[end:]
    return found


def _branches(text: str) -> tuple[int, list[str]]:
    """Where the braces that a text begins with end, and what they hold."""
    found, at = [""], 1
    while text[at] != "}":
        if text[at] == ",":
            found.append("")
            at += 1
        else:
            size = _unit(text[at:])
            found[-1] += text[at : at + size]
            at += size
    return at + 1, found


def _unit(text: str) -> int:
    """How long the escape, the class or the character is that a text begins with."""
    if text[0] == "\\":
        return 2
    return class_end(text, 0) + 1 if text[0] == "[" else 1


def _read(text: str) -> list[Row]:
    """Of a pattern without braces; ``/**/`` is a slash, or folders between two."""
    if text.startswith("/**/"):
        while text.startswith("/**/"):
            text = text[3:]
        if text == "/**":
            return _read(text)
        behind = _read(text[1:])
        return [(SLASH, *more, *row) for row in behind for more in ((), (FOLDERS, SLASH))]
    if text == "/**":
        return [(SLASH, FOLDERS)]
    if not text:
        return [()]
    size = _unit(text)
    unit = text[:size]
    if unit == "*":
        first: Row = (Part(NO_SLASH, loop=True),)
    elif unit == "?":
        first = (Part(NO_SLASH),)
    elif unit[0] == "[":
        first = (Part(class_members(unit[1:-1])),)
    else:
        first = _literal(unit[-1])
    return [first + row for row in _read(text[size:])]
