"""What is found for a task, by a look or by a proof that a look would find it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from haz_trio.plan.messages import Stream
from haz_trio.plan.outcome import Record
from haz_trio.values import field, frozen

NO_ENTRY = "no entry"  # why a look missed, where nothing more is known
READ_AHEAD = 2  # pieces of a recorded stream; what has fewer is shown without another thread
INLINE = 64 * 1024  # bytes of a stream that a proof holds itself


@frozen
class Replay:
    """A recorded stream: the pieces that the look has read, and the rest."""

    stream: Stream
    ahead: tuple[bytes, ...]
    rest: Iterator[bytes] = field(factory=lambda: iter(()))

    @property
    def whole(self) -> bytes | None:
        """All of it, if that is little."""
        if len(self.ahead) == READ_AHEAD or sum(map(len, self.ahead)) > INLINE:
            return None
        return b"".join(self.ahead)


@frozen
class Found:
    """A hit: what it found, and what to show."""

    record: Record
    replays: Sequence[Replay]


@frozen
class Busy:
    """Another process works on the task, or under this key: look again when it is done."""

    key: str
