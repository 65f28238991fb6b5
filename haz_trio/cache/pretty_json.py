"""JSON with two blanks for each level, byte for byte as ``json.dumps(…, indent=2)`` writes it.

The library's own writer is a generator in Python as soon as it indents; this one takes a quarter
of its time, and two such files are written for every result that is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import TypeAlias

from haz_trio.values import frozen

Value: TypeAlias = (
    "bool | int | str | list[Value] | tuple[Value, ...] | dict[str, Value] | Written | None"
)

_STEP = "  "
_CONSTANTS = {None: "null", True: "true", False: "false"}


@frozen
class Written:
    """The finished text of a value, for the depth at which it stands."""

    text: str


def pretty_part(value: Value, *, depth: int, ascii_only: bool) -> Written:
    """A value that is written once and stands in several texts, inside ``depth`` others."""
    quote = encode_basestring_ascii if ascii_only else encode_basestring
    return Written(_text(value, "\n" + depth * _STEP, quote))


def pretty(value: Value, *, ascii_only: bool) -> str:
    """The text of a value without floats; ``ascii_only`` escapes all other characters."""
    return _text(value, "\n", encode_basestring_ascii if ascii_only else encode_basestring)


def _text(value: Value, line: str, quote: Callable[[str], str]) -> str:
    """``line`` is a line feed with the indentation of the value."""
    if isinstance(value, str):
        return quote(value)
    if value is None or isinstance(value, bool):
        return _CONSTANTS[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Written):
        return value.text
    inner = line + _STEP
    if isinstance(value, dict):
        members = [
            # Most values are texts, and a call takes longer than quoting one.
            f"{quote(k)}: {quote(v) if type(v) is str else _text(v, inner, quote)}"
            for k, v in value.items()
        ]
        return "{" + inner + ("," + inner).join(members) + line + "}" if members else "{}"
    items = [_text(item, inner, quote) for item in value]
    return "[" + inner + ("," + inner).join(items) + line + "]" if items else "[]"
