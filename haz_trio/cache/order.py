"""In which order the two streams of a task were written, as far as reading them can tell.

Beside the streams of an entry there is a file ``order`` where they took turns: how many bytes came
on standard output, then on standard error, then on standard output again and so on, as varints.
Without it all of standard output comes first.  Two pipes have no order of their own: it is that
of our reads (peers.md, idea 5).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence

from haz_trio.cache.files import READ, Damage, opened, pieces, regular
from haz_trio.cache.layout import ORDER
from haz_trio.plan.messages import Stream

MOST = 1 << 18  # bytes that one order may take; what comes behind is in no order
_MORE = 0x80


class Turns:
    """Notes who speaks, for two threads at most; in bounded memory."""

    def __init__(self) -> None:
        self._done = bytearray()
        self._turn = Stream.STDOUT
        self._lengths = dict.fromkeys(Stream, 0)
        self._lock = threading.Lock()

    def note(self, stream: Stream, length: int) -> None:
        """So many bytes came on a stream."""
        with self._lock:
            if stream is not self._turn and length and len(self._done) < MOST:
                self._done += _varint(self._lengths[self._turn])
                self._lengths[self._turn] = 0
                self._turn = stream
            self._lengths[stream] += length

    def encoded(self) -> bytes:
        """The content of the file, empty where there is nothing to be said."""
        with self._lock:
            order = bytes(self._done) + _varint(self._lengths[self._turn])
            other = Stream.STDERR if self._turn is Stream.STDOUT else Stream.STDOUT
            if self._lengths[other]:  # from when there was no more room
                order += _varint(self._lengths[other])
        return order if _count(order) > len(Stream) else b""


def encode(order: Sequence[int]) -> bytes:
    """The bytes for these lengths."""
    return b"".join(map(_varint, order))


def decode(data: bytes) -> tuple[int, ...]:
    """The lengths; raises ``ValueError`` for bytes that ``encode`` does not make."""
    found = []
    value = shift = 0
    for byte in data:
        value |= (byte & ~_MORE) << shift
        shift += 7
        if shift > 63:
            raise ValueError("a length is too large")
        if not byte & _MORE:
            if byte == 0 and shift > 7:
                raise ValueError("a length has a zero at its end")
            found.append(value)
            value = shift = 0
    if shift:
        raise ValueError("the last length has no end")
    return tuple(found)


def read_order(stdout: int, stderr: int, *, at: int) -> tuple[int, ...]:
    """The order of the entry whose folder is ``at``, for streams of these sizes; may be empty.

    Raises ``Damage`` when it does not fit, and ``OSError``.
    """
    if not stdout or not stderr:
        return ()
    try:
        with opened(ORDER, READ, at=at) as fd:
            info = os.fstat(fd)
            if not regular(info) or info.st_size > 2 * MOST:
                raise Damage(f"{ORDER} is not a file of ours", kind="stream")
            data = b"".join(pieces(fd))
    except FileNotFoundError:
        return ()
    try:
        order = decode(data)
    except ValueError as problem:
        raise Damage(f"{ORDER}: {problem}", kind="stream") from None
    if (sum(order[::2]), sum(order[1::2])) != (stdout, stderr) or 0 in order[1:]:
        raise Damage(f"{ORDER} does not fit the streams", kind="stream")
    return order


def _varint(value: int) -> bytes:
    found = bytearray()
    while value >= _MORE:
        found.append(value & ~_MORE & 0xFF | _MORE)
        value >>= 7
    found.append(value)
    return bytes(found)


def _count(data: bytes) -> int:
    return sum(byte < _MORE for byte in data)
