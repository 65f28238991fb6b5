"""What a terminal sends, as the keys that ``haz init`` knows (cli.md 13.3)."""

from __future__ import annotations

import enum
import re

_ESC = 0x1B
# Control and function sequences: ESC [ parameters final, and ESC O letter.
_SEQUENCE = re.compile(
    rb"\x1b(?:\[[\x30-\x3f]*[\x20-\x2f]*(?P<csi>[\x40-\x7e])|O(?P<ss3>.))", re.S
)
_UNFINISHED = re.compile(rb"\x1b(?:\[[\x30-\x3f]*[\x20-\x2f]*|O)?\Z")


class Key(enum.Enum):
    """A key with a meaning on one of the screens, or any other one."""

    UP = "up"
    DOWN = "down"
    LEFT = "left"
    RIGHT = "right"
    SPACE = "space"
    ENTER = "enter"
    HIDDEN = "h"
    HELP = "?"
    QUIT = "q"
    YES = "y"
    NO = "n"
    INTERRUPT = "ctrl-c"
    OTHER = "other"


_ARROWS = {b"A": Key.UP, b"B": Key.DOWN, b"C": Key.RIGHT, b"D": Key.LEFT}
_BYTES = {
    0x03: Key.INTERRUPT,
    **dict.fromkeys(b"\r\n", Key.ENTER),
    **dict.fromkeys(b" ", Key.SPACE),
    **dict.fromkeys(b"hH", Key.HIDDEN),
    **dict.fromkeys(b"?", Key.HELP),
    **dict.fromkeys(b"qQ", Key.QUIT),
    **dict.fromkeys(b"yY", Key.YES),
    **dict.fromkeys(b"nN", Key.NO),
}


def decode(data: bytes, *, complete: bool) -> tuple[list[Key], bytes]:
    """The keys in some bytes, and the bytes of a sequence that has only begun.

    ``complete`` says that nothing followed for a while: an escape at the end is the Esc key.
    """
    keys: list[Key] = []
    at = 0
    while at < len(data):
        if data[at] == _ESC:
            if not complete and _UNFINISHED.match(data, at):
                return keys, data[at:]
            found = _SEQUENCE.match(data, at)
            keys.append(_sequence(found) if found else Key.QUIT)
            at = found.end() if found else at + 1
            continue
        if not 0x80 <= data[at] < 0xC0:  # the rest of a character of several bytes
            keys.append(_BYTES.get(data[at], Key.OTHER))
        at += 1
    return keys, b""


def _sequence(found: re.Match[bytes]) -> Key:
    return _ARROWS.get(found["csi"] or found["ss3"], Key.OTHER)
