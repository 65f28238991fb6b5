"""When a run that no terminal shows is painted, and how (cli.md 4, execution.md 7.6)."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping

GREEN, DIM = "32", "2"
_START, _PRIME = 0xCBF29CE484222325, 0x100000001B3  # FNV-1a of 64 bits


def is_painted(flag: str, env: Mapping[str, str]) -> bool:
    """What ``--color`` says, unless it is ``auto`` or not given; then NO_COLOR, if it says
    anything; then the variables that force."""
    if flag in ("always", "never"):
        return flag == "always"
    forced = any(env.get(name, "0") != "0" for name in ("FORCE_COLOR", "CLICOLOR_FORCE"))
    return forced and not env.get("NO_COLOR")


def paint(text: str, way: str) -> str:
    return f"\x1b[{way}m{text}\x1b[0m"


def prefix(label: str) -> str:
    """What stands before the lines of a task, in a colour that its name alone decides."""
    number = _START
    for byte in label.encode():
        number = (number ^ byte) * _PRIME % 2**64
    parts = colorsys.hls_to_rgb(number % 360 / 360, 0.62, 0.70)
    red, green, blue = (round(255 * part) for part in parts)
    return f"\x1b[1m\x1b[38;2;{red};{green};{blue}m[{label}]\x1b[0m "
