"""What tasks print, made harmless for a terminal: colours pass, nothing else moves or answers.

Only towards a terminal: what goes into a pipe, a file or the cache stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from haz_trio.output.writes import Renderer, Target, Write
from haz_trio.plan.messages import Event
from haz_trio.values import frozen

# SGR and UTF-8 text pass; control characters but tab, line feed and return, those of C1 and
# those that turn the direction of text do not.
_FOUND = re.compile(
    rb"(\x1b\[[0-9;:]*m)"
    rb"|([\x00-\x08\x0b\x0c\x0e-\x1f\x7f])"
    rb"|(\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xaa-\xae]|\xe2\x81[\xa6-\xa9])"
)
# What may be the beginning of one of them, at the end of a piece.
_BEGUN = re.compile(rb"(?:\x1b(?:\[[0-9;:]{0,64})?|\xc2|\xd8|\xe2[\x80\x81]?)\Z")
_CARET = 0x40


def harmless(data: bytes) -> bytes:
    """Bytes of a task as a terminal may have them: ``^[`` and ``\\u{202e}`` instead of deeds."""
    return _FOUND.sub(_shown, data)


def _shown(found: re.Match[bytes]) -> bytes:
    colour, control, character = found.groups()
    if colour is not None:
        return bytes(colour)
    if control is not None:
        return b"^" + bytes((control[0] ^ _CARET,))
    return b"\\u{%x}" % ord(character.decode())


@frozen
class Harmless:
    """A renderer whose writes to some targets, which are terminals, are harmless."""

    renderer: Renderer
    terminals: Collection[Target]

    def __call__(self, event: Event, at: float) -> Iterable[Write]:
        writes = self.renderer(event, at)
        if not isinstance(writes, list):
            return self._cleaned(writes)
        return list(self._cleaned(writes)) if writes else writes

    def _cleaned(self, writes: Iterable[Write]) -> Iterator[Write]:
        """What ends with the beginning of a sequence waits for the next write to its target."""
        begun: dict[Target, bytes] = {}
        for write in writes:
            if write.target not in self.terminals:
                yield write
                continue
            data = begun.pop(write.target, b"") + write.data
            if found := _BEGUN.search(data):
                begun[write.target] = found[0]
                data = data[: found.start()]
            if data:
                yield Write(write.target, harmless(data))
        for target, data in begun.items():
            yield Write(target, harmless(data))
