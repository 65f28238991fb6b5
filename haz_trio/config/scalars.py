"""Scalars as texts and numbers (config.md 3); ``InvalidTextError`` says why one is refused."""

from __future__ import annotations

import base64
import binascii
import math
import re

from haz_trio.config.nodes import Scalar
from haz_trio.errors import InvalidTextError
from haz_trio.model.quantities import parse_age, parse_size

__all__ = ["count_of", "parallelism_of", "parse_age", "parse_size", "seconds_of", "text_of"]

AUTO = 0
_NOT_TEXT = frozenset(("int", "bool", "float", "seq", "map", "timestamp"))
_LIMIT = 1 << 64
_WHOLE = re.compile(
    r"\+?(?:0[xX](?P<hex>[0-9a-fA-F](?:_?[0-9a-fA-F])*)"
    r"|0[oO](?P<octal>[0-7](?:_?[0-7])*)"
    r"|0[bB](?P<binary>[01](?:_?[01])*)"
    r"|(?P<decimal>[0-9](?:_?[0-9])*))"
)
_BASES = {"hex": 16, "octal": 8, "binary": 2, "decimal": 10}
_REAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SPECIAL = re.compile(r"(?P<sign>[+-]?)\.?(?P<name>inf|infinity|nan)", re.IGNORECASE)
_BLANK = " \t\r\n"


def text_of(node: Scalar) -> str:
    """The text of a scalar, verbatim (CFG-005); ``!!binary`` is decoded."""
    tag = node.standard_tag
    if tag in _NOT_TEXT:
        raise InvalidTextError(f"a value tagged `!!{tag}` is no text; remove the tag")
    if tag != "binary":
        return node.text
    try:
        return base64.b64decode("".join(node.text.split()), validate=True).decode()
    except binascii.Error as problem:
        raise InvalidTextError(f"a value tagged `!!binary` is no base64: {problem}") from None
    except ValueError:
        raise InvalidTextError("a value tagged `!!binary` does not hold UTF-8") from None


def count_of(node: Scalar) -> int:
    """An unsigned 64-bit number from 1 on; decimal, ``0x``, ``0o``, ``0b``, ``_`` in between."""
    found = _WHOLE.fullmatch(node.text.strip(_BLANK))
    if found is None:
        raise InvalidTextError("it must be a whole number from 1 on")
    base = found.lastgroup or "decimal"
    digits = found[base].replace("_", "").lstrip("0") or "0"
    number = int(digits, _BASES[base]) if len(digits) <= 64 else _LIMIT
    if number >= _LIMIT:
        raise InvalidTextError("it must be below 2^64")
    if number < 1:
        raise InvalidTextError("it must be a whole number from 1 on")
    return number


def parallelism_of(node: Scalar) -> int:
    """``auto`` as ``AUTO``, or a number that stands there without quotes (CFG-028)."""
    if node.text == "auto":
        return AUTO
    if not node.plain or node.standard_tag == "str":
        raise InvalidTextError("it must be `auto` or a whole number from 1 on, without quotes")
    return count_of(node)


def seconds_of(node: Scalar) -> float:
    """A time span in seconds: finite, not negative, below 2^64 (CFG-031)."""
    text = node.text.strip(_BLANK)
    special = _SPECIAL.fullmatch(text)
    if special is not None:
        raise InvalidTextError(f"it must be a finite number, not {special['name'].lower()}")
    if _REAL.fullmatch(text) is None:
        raise InvalidTextError("it must be a number of seconds")
    number = float(text)
    if math.isinf(number):
        raise InvalidTextError("it must be a finite number; this one is infinite")
    if number < 0:
        raise InvalidTextError("it must not be negative")
    if number >= _LIMIT:
        raise InvalidTextError("it must be below 2^64 seconds")
    return number + 0.0  # -0.0 is 0.0
