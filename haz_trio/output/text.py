"""Our own texts made safe to print: no control character of a name or a reason gets through."""

from __future__ import annotations

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}
_CLOSING = (":", ";", ",", ".")


def escape(text: str) -> str:
    """A text with everything unprintable escaped; bytes that were no UTF-8 show as ``\\xff``."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else escape_character(c) for c in text)


def escape_character(character: str) -> str:
    """What stands for a character that must not reach a terminal."""
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:  # how Python carries a byte that is no UTF-8
        return f"\\x{number - 0xDC00:02x}"
    return _SHORT.get(character) or f"\\u{{{number:x}}}"


def one_line(text: str) -> str:
    """A text of several lines as one, escaped; a line that leads on joins without a semicolon."""
    lines = [line for line in (escape(part.strip()) for part in text.split("\n")) if line]
    joined = "".join(line + (" " if line.endswith(_CLOSING) else "; ") for line in lines[:-1])
    return joined + lines[-1] if lines else ""
