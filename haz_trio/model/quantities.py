"""Ages and sizes, as written in ``cache.clean`` and on the command line (CFG-034, CFG-035)."""

from __future__ import annotations

from haz_trio.errors import InvalidTextError

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
SIZES = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
    "TiB": 1 << 40,
}
_LIMIT = 1 << 64
_DIGITS = "0123456789"


def parse_age(text: str) -> int:
    """An age such as ``1w2d`` in seconds; raises ``InvalidTextError``."""
    if not text:
        raise InvalidTextError("max_age cannot be the empty string")
    total, seen, at = 0, set[str](), 0
    while at < len(text):
        digits = _digits(text, at)
        if not digits:
            position = len(text[:at].encode())
            raise InvalidTextError(f"max_age expects a digit at byte position {position}")
        at += len(digits)
        unit = text[at : at + 1]
        if not unit:
            raise InvalidTextError(f"max_age integer `{digits}` has no unit suffix")
        if unit not in SECONDS:
            raise InvalidTextError(f"max_age unit `{unit}` is not one of s/m/h/d/w")
        if unit in seen:
            raise InvalidTextError(f"max_age unit `{unit}` appeared more than once")
        seen.add(unit)
        at += 1
        total += int(digits[-40:] if len(digits) > 40 else digits) * SECONDS[unit]
        if total >= _LIMIT or len(digits.lstrip("0")) > 20:
            raise InvalidTextError(f"max_age `{text}` exceeds the representable duration range")
    return total


def parse_size(text: str) -> int:
    """A size such as ``2GiB`` in bytes; raises ``InvalidTextError``."""
    if not text:
        raise InvalidTextError("max_size cannot be the empty string")
    digits = _digits(text, 0)
    if not digits:
        raise InvalidTextError("max_size expects a digit at byte position 0")
    suffix = text[len(digits) :]
    if suffix not in SIZES:
        raise InvalidTextError(
            f"max_size suffix `{suffix}` is not one of B/KB/MB/GB/TB/KiB/MiB/GiB/TiB"
        )
    if len(digits.lstrip("0")) > 20 or int(digits) * SIZES[suffix] >= _LIMIT:
        raise InvalidTextError(f"max_size `{text}` exceeds the representable byte range")
    return int(digits) * SIZES[suffix]


def _digits(text: str, start: int) -> str:
    end = start
    while end < len(text) and text[end] in _DIGITS:
        end += 1
    return text[start:end]
