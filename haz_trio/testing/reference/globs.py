"""Paths and patterns (PATH-001 to PATH-016): which texts are patterns, and what they match.

A glob becomes a regular expression over UTF-8 bytes, by the table of the dialect.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

SPECIAL = "*?[{\\"
FORBIDDEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}


class NotAPatternError(ValueError):
    """A text that is no pattern; says why."""


class Plain(str):
    """A path that is no glob, whatever the folders in it are called."""

    __slots__ = ()


def is_glob(text: str) -> bool:
    """PATH-008: any of ``* ? [ { \\`` makes a glob."""
    return not isinstance(text, Plain) and any(it in SPECIAL for it in text)


def check_pattern(text: str) -> None:
    """Raises ``NotAPatternError`` for what PATH-001 to PATH-015 refuse."""
    inner = text.removeprefix("/")
    if not inner:
        raise NotAPatternError("empty, or the root")
    segments = inner.split("/")
    for segment in segments:
        if segment in ("", ".", ".."):
            raise NotAPatternError(f"the segment {segment!r}")
        if any(unicodedata.category(character) in FORBIDDEN for character in segment):
            raise NotAPatternError("a forbidden code point")
        if is_glob(text) and "**" in segment and segment != "**":
            raise NotAPatternError("** beside other characters (PATH-011)")
    if is_glob(text):
        translate(text)


def is_pattern(text: str) -> bool:
    try:
        check_pattern(text)
    except NotAPatternError:
        return False
    return True


def matches(pattern: str, path: str) -> bool:
    """Whether a path is matched; both are workspace-absolute, or both relative to one folder."""
    if not is_glob(pattern):
        return pattern == path
    return translate(pattern).fullmatch(path.encode()) is not None


def anchored(pattern: str, root: str) -> str:
    """A pattern in workspace coordinates; ``root`` is the project's, and taken literally."""
    if pattern.startswith("/"):
        return pattern
    if is_glob(pattern):
        return escaped(root).rstrip("/") + "/" + pattern
    return Plain(root.rstrip("/") + "/" + pattern)


def escaped(text: str) -> str:
    """A glob that matches just this text, or the text itself where nothing in it is special."""
    return re.sub(r"([*?\[{}\\])", r"\\\1", text)


@lru_cache(maxsize=4096)
def translate(pattern: str) -> re.Pattern[bytes]:
    """The regular expression of a glob; raises ``NotAPatternError`` if it is malformed."""
    if pattern == "**":
        return re.compile(b".*", re.DOTALL)
    expression = b""
    rest = pattern
    if rest.startswith("**/"):
        expression, rest = b"(?:/?|.*/)", rest[3:]
        while rest.startswith("**/"):
            rest = rest[3:]
        if rest == "**":
            return re.compile(b".*", re.DOTALL)
    position, group = 0, False
    while position < len(rest):
        character = rest[position]
        if rest.startswith("/**/", position):
            while rest.startswith("/**/", position):
                position += 3
            if rest[position:] == "/**":
                continue
            expression += b"(?:/|/.*/)"
            position += 1
        elif rest[position:] == "/**":
            expression += b"/.*"
            position += 3
        elif character == "*":
            expression, position = expression + b"[^/]*", position + 1
        elif character == "?":
            expression, position = expression + b"[^/]", position + 1
        elif character == "[":
            end = class_end(rest, position)
            expression += _class(rest[position + 1 : end])
            position = end + 1
        elif character == "{":
            if group:
                raise NotAPatternError("nested alternation (PATH-014)")
            expression, position, group = expression + b"(?:\0|", position + 1, True
        elif character == "}" and group:
            expression, position, group = _close(expression), position + 1, False
        elif character == "}":
            raise NotAPatternError("a closing brace alone")
        elif character == "," and group:
            expression, position = expression + b"\0|", position + 1
        elif character == "\\":
            if position + 1 == len(rest):
                raise NotAPatternError("a backslash at the end")
            expression += re.escape(rest[position + 1].encode())
            position += 2
        else:
            expression, position = expression + re.escape(character.encode()), position + 1
    if group:
        raise NotAPatternError("an open brace")
    return re.compile(expression, re.DOTALL)


def _close(expression: bytes) -> bytes:
    """The alternatives since the last ``{``, without the empty ones."""
    before, _, inside = expression.rpartition(b"(?:\0|")
    found = [part for part in inside.split(b"\0|") if part]
    return before + (b"(?:" + b"|".join(found) + b")" if found else b"")


def class_end(text: str, start: int) -> int:
    """Where a class ends; a ``]`` that comes first is a member."""
    first = start + 1
    if text[first : first + 1] in ("!", "^"):
        first += 1
    end = text.find("]", first + 1)
    if end < 0:
        raise NotAPatternError("an open class")
    return end


def _class(inside: str) -> bytes:
    return b"[" + b"".join(rb"\x%02x" % byte for byte in sorted(class_members(inside))) + b"]"


def class_members(inside: str) -> frozenset[int]:
    """One byte of a set, or one that is not in it; may be ``/`` (PATH-013)."""
    negated = inside[:1] in ("!", "^")
    members = inside[negated:].encode()
    allowed: set[int] = set()
    position = 0
    while position < len(members):
        if members[position + 1 : position + 2] == b"-" and position + 2 < len(members):
            low, high = members[position], members[position + 2]
            if low > high:
                raise NotAPatternError("a range that goes down")
            allowed.update(range(low, high + 1))
            position += 3
        else:
            allowed.add(members[position])
            position += 1
    return frozenset(range(256)) - allowed if negated else frozenset(allowed)
