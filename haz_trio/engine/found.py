"""What is found for a task, by a look or by a proof that a look would find it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from haz_trio.plan.messages import Stream
from haz_trio.plan.outcome import Record
from haz_trio.values import frozen

NO_ENTRY = "no entry"  # why a look missed, where nothing more is known
INLINE = 64 * 1024  # bytes of a stream, and of its order, that a proof holds itself
AHEAD = 512 * 1024  # bytes that a look reads to be shown; what has fewer needs no other thread
MOST = 1024  # pieces in a row that are taken at once

Piece: TypeAlias = tuple[Stream, bytes]


@frozen
class Replay:
    """What was printed, in its order: what the look has read, and the rest, if there is more."""

    ahead: tuple[Piece, ...] = ()
    rest: Iterator[Piece] | None = None

    @property
    def wholes(self) -> tuple[bytes, bytes] | None:
        """All of both streams, if that is little."""
        if self.rest is not None:
            return None
        stdout, stderr = (b"".join([d for s, d in self.ahead if s is each]) for each in Stream)
        return (stdout, stderr) if max(len(stdout), len(stderr)) <= INLINE else None

    @classmethod
    def of(cls, pieces: Iterator[Piece]) -> Replay:
        """Read some pieces ahead; blocks."""
        ahead = batch(pieces)
        is_all = len(ahead) < MOST and sum(len(data) for _, data in ahead) < AHEAD
        return cls(tuple(ahead), None if is_all else pieces)


@frozen
class Found:
    """A hit: what it found, and what to show."""

    record: Record
    replay: Replay


@frozen
class Busy:
    """Another process works on the task, or under this key: look again when it is done."""

    key: str


def batch(pieces: Iterator[Piece]) -> list[Piece]:
    """The next pieces, as many as are taken at once; blocks, and is empty at the end."""
    found: list[Piece] = []
    size = 0
    for piece in pieces:
        found.append(piece)
        size += len(piece[1])
        if size >= AHEAD or len(found) >= MOST:
            break
    return found


def in_order(order: Sequence[int], chunks: Callable[[Stream], Iterator[bytes]]) -> Iterator[Piece]:
    """The bytes of both streams, by turns of so many bytes, or else one stream after the other."""
    if not order:
        for stream in Stream:
            for data in chunks(stream):
                yield stream, data
        return
    left = dict.fromkeys(Stream, b"")
    more = {stream: chunks(stream) for stream in Stream}
    for turn, length in enumerate(order):
        stream = _STREAMS[turn % 2]
        while length:
            data = left[stream] or next(more[stream], b"")
            if not data:
                break
            taken, left[stream] = data[:length], data[length:]
            length -= len(taken)
            yield stream, taken


_STREAMS = tuple(Stream)
