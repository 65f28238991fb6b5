"""Sizes, ages and recorded documents in a form for people."""

from __future__ import annotations

import json
import time

from haz_trio.cache.manifest import Json
from haz_trio.output.text import escape

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_STEPS = (("w", 7 * 86_400), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))
_DEEPEST = 8
_INDENT = "  "


def size_text(count: int) -> str:
    """``17 B``, ``1.4 KiB`` or ``2.0 GiB``."""
    value, unit = float(count), 0
    while value >= 1023.95 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit else f"{count} B"


def age_text(seconds: int) -> str:
    """The largest unit that is full, in the letters of ``--max-age``; the future is ``0s``."""
    for letter, length in _STEPS:
        if seconds >= length:
            return f"{seconds // length}{letter}"
    return "0s"


def moment_text(seconds: int) -> str:
    """A unix time in UTC, as in RFC 3339; the bare number where no calendar reaches."""
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    except (OverflowError, ValueError, OSError):
        return str(seconds)


def tree_text(value: Json) -> str:
    """A document of JSON as indented lines, everything unprintable escaped."""
    return "".join(line + "\n" for line in _lines(value, 0))


def _lines(value: Json, depth: int) -> list[str]:
    margin = _INDENT * depth
    if isinstance(value, dict) and value and depth < _DEEPEST:
        found = []
        for name, inner in value.items():
            if _is_nested(inner) and depth + 1 < _DEEPEST:
                found += [f"{margin}{escape(name)}:", *_lines(inner, depth + 1)]
            else:
                found.append(f"{margin}{escape(name)}: {_scalar(inner)}")
        return found
    if isinstance(value, list) and value and depth < _DEEPEST:
        return [f"{margin}- {_scalar(item)}" for item in value]
    return [margin + _scalar(value)]


def _is_nested(value: Json) -> bool:
    """Whether a value takes lines of its own: objects, and lists of more than plain values."""
    if isinstance(value, list):
        return any(isinstance(item, dict | list) for item in value)
    return isinstance(value, dict) and bool(value)


def _scalar(value: Json) -> str:
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, dict):
        return ", ".join(f"{escape(name)}: {_scalar(inner)}" for name, inner in value.items())
    return escape(json.dumps(value, ensure_ascii=False))
