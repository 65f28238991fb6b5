"""Bytes that have to wait: in memory while they are few, then in a temporary file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO

from haz_trio.output.descriptors import PIECE

IN_MEMORY = 1024 * 1024  # bytes


class Spool:
    """Takes bytes and gives them back once, in order and in pieces of at most 256 KiB.

    Where no temporary file can be made or filled, the bytes stay in memory: a full ``/tmp`` must
    not cost a task its output.
    """

    def __init__(self) -> None:
        self._tail = bytearray()
        self._file: IO[bytes] | None = None
        self._spilled = 0  # bytes at the front that are in the file
        self._spills = True
        self.last: bytes = b""  # the last byte taken, or nothing

    def __del__(self) -> None:
        # Whoever gives up on a run drops its spools; that is no leak to warn of.
        if self._file is not None:
            self._file.close()

    def __len__(self) -> int:
        return self._spilled + len(self._tail)

    @property
    def in_memory(self) -> bool:
        """Whether giving the bytes back reads no file."""
        return self._spilled == 0

    def append(self, data: bytes) -> None:
        self._tail += data
        self.last = data[-1:] or self.last
        if len(self._tail) > IN_MEMORY and self._spills:
            self._spill()

    def _spill(self) -> None:
        # Imported here: most runs hold little, and some never load trio, which needs it too.
        import tempfile

        try:
            if self._file is None:
                file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # __del__ closes it
                self._file = file
            while self._tail:
                size = os.pwrite(self._file.fileno(), self._tail, self._spilled)
                self._spilled += size
                del self._tail[:size]
        except OSError:
            self._spills = False

    def pieces(self) -> Iterator[bytes]:
        """Everything taken; to be called once, and nothing may be appended any more."""
        at = 0
        while at < self._spilled and self._file is not None:
            piece = os.pread(self._file.fileno(), min(PIECE, self._spilled - at), at)
            if not piece:
                break  # somebody cut an unnamed file: there is nothing to be had
            at += len(piece)
            yield piece
        for start in range(0, len(self._tail), PIECE):
            yield bytes(self._tail[start : start + PIECE])
