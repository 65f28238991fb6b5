"""Identifiers and environment variable names (ID-001 to ID-005, CFG-022, CFG-032, CFG-033).

All names are plain text; the checks here raise ``InvalidTextError`` with the reason alone, the
caller says which field it was.
"""

from __future__ import annotations

import re

from haz_trio.errors import InvalidTextError
from haz_trio.values import frozen_with

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
NAME_BYTES = 64
SHELL_NAME_BYTES = 32
VARIABLE_BYTES = 256


@frozen_with(order=True)
class TaskId:
    """A task of the workspace; prints ``project:task``; ordered by project, then task."""

    project: str
    task: str

    # A run asks for its hash and its equals tens of thousands of times.

    def __hash__(self) -> int:
        return hash((self.project, self.task))

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not TaskId:
            return NotImplemented
        return self.task == other.task and self.project == other.project

    def __str__(self) -> str:
        return f"{self.project}:{self.task}"


def check_name(text: str, *, limit: int = NAME_BYTES) -> str:
    """The text itself when it is an identifier (ID-001..003); raises ``InvalidTextError``."""
    if _NAME.fullmatch(text) and len(text) <= limit:
        return text
    _check_length(text, "name", limit)
    raise _bad_character(
        text,
        "name",
        first="0123456789" + _LETTERS,
        first_rule="must start with an ASCII alphanumeric character",
        later="0123456789_-" + _LETTERS,
        later_rule="ASCII alphanumeric, '_', '-'",
    )


def check_variable(text: str) -> str:
    """The text itself when it is a variable name (CFG-032); raises ``InvalidTextError``."""
    if is_variable(text):
        return text
    _check_length(text, "environment variable name", VARIABLE_BYTES)
    raise _bad_character(
        text,
        "environment variable name",
        first="_" + _LETTERS,
        first_rule="must start with an ASCII letter or '_'",
        later="0123456789_" + _LETTERS,
        later_rule="ASCII letters, digits, '_'",
    )


def is_variable(text: str) -> bool:
    """Whether a text can name an environment variable that a task may see."""
    return _VARIABLE.fullmatch(text) is not None and len(text) <= VARIABLE_BYTES


def quote(text: str) -> str:
    """A text in double quotes with everything unprintable escaped, for messages."""
    inner = "".join(_ESCAPES.get(c) or (c if c.isprintable() else _code(c)) for c in text)
    return f'"{inner}"'


def quote_place(path: str) -> str:
    """A path as ``quote`` shows it; of a very long one only how it begins and ends."""
    if len(path) > _LONGEST_PLACE:
        path = f"{path[: _LONGEST_PLACE // 2]}…{path[-_LONGEST_PLACE // 2 :]}"
    return quote(path)


def quote_character(character: str) -> str:
    """One character in single quotes, escaped like ``quote`` does."""
    if character == "'":
        return r"'\''"
    if character == '"':
        return "'\"'"
    return f"'{quote(character)[1:-1]}'"


_LONGEST_PLACE = 200  # characters; a folder may lie deeper than one call can name
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0", '"': '\\"', "\\": "\\\\"}


def _code(character: str) -> str:
    return f"\\u{{{ord(character):x}}}"


def _check_length(text: str, noun: str, limit: int) -> None:
    if not text:
        raise InvalidTextError(f"{noun} is empty")
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > limit:
        raise InvalidTextError(f"{noun} is {size} bytes long; maximum is {limit}")


def _bad_character(
    text: str, noun: str, *, first: str, first_rule: str, later: str, later_rule: str
) -> InvalidTextError:
    """What to raise for a text of the right length that is known to break a rule."""
    if text[0] not in first:
        return InvalidTextError(
            f"{noun} starts with invalid character {quote_character(text[0])}; {first_rule}"
        )
    wrong = next(character for character in text[1:] if character not in later)
    return InvalidTextError(
        f"{noun} contains invalid character {quote_character(wrong)}; allowed: {later_rule}"
    )
