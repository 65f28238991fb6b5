"""What a look at one thing found: its name, its state, and a way out where one is needed."""

from __future__ import annotations

import enum

from haz_trio.values import frozen


class Standing(enum.Enum):
    """How a thing stands; only ``ATTENTION`` changes the exit code."""

    GOOD = "good"
    NOTE = "note"
    ATTENTION = "attention"


@frozen
class Finding:
    """``way_out`` says what to do or what it means; it is empty only for what is good."""

    topic: str
    standing: Standing
    value: str
    way_out: str = ""


def good(topic: str, value: str) -> Finding:
    return Finding(topic, Standing.GOOD, value)


def note(topic: str, value: str, way_out: str) -> Finding:
    return Finding(topic, Standing.NOTE, value, way_out)


def attention(topic: str, value: str, way_out: str) -> Finding:
    return Finding(topic, Standing.ATTENTION, value, way_out)


def size_text(size: int) -> str:
    """Bytes for people: the largest unit that leaves a whole part."""
    if size < 1024:
        return f"{size} B"
    number, unit = float(size), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if number < 1024:
            break
        number, unit = number / 1024, larger
    return f"{number:.1f} {unit}"
