"""Hash functions of keys, contents and streams (cache.md C3), always fed in pieces."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from typing import Protocol, TypeAlias

import attrs
import blake3

from haz_trio.errors import InputError
from haz_trio.model.workspace import HashName

SMALL, LARGE = 1 << 16, 1 << 20  # a larger buffer costs small files four times the time
_TRIES = 3

Data: TypeAlias = bytes | bytearray | memoryview


class Hasher(Protocol):
    """What a hash function must offer: pieces in, 32 bytes out."""

    def update(self, data: Data, /) -> object: ...

    def digest(self) -> bytes: ...


ALGORITHMS: dict[HashName, Callable[[], Hasher]] = {
    HashName.BLAKE3: blake3.blake3,
    HashName.SHA256: hashlib.sha256,
}


@attrs.frozen
class StatRow:
    """The stat data that vouch for a file's content; times in nanoseconds."""

    dev: int
    ino: int
    size: int
    mtime_ns: int
    ctime_ns: int
    mode: int

    @classmethod
    def of(cls, info: os.stat_result) -> StatRow:
        return cls(
            info.st_dev,
            info.st_ino,
            info.st_size,
            info.st_mtime_ns,
            info.st_ctime_ns,
            info.st_mode,
        )


@attrs.frozen
class FileDigest:
    """A file's digest (32 bytes) and its stat data, the same before and after it was read."""

    digest: bytes
    row: StatRow


def new_hasher(name: HashName) -> Hasher:
    """A fresh hasher of the workspace's hash function."""
    return ALGORITHMS[name]()


def digest_bytes(name: HashName, data: Data) -> bytes:
    hasher = new_hasher(name)
    hasher.update(data)
    return hasher.digest()


def digest_file(
    name: HashName, path: str | bytes, *, check: Callable[[], None] | None = None
) -> FileDigest:
    """Hash a regular file, links followed, in bounded memory; never waits for a FIFO.

    ``check`` is called between large pieces and may raise to give up.
    Raises ``OSError`` when the file cannot be read, ``InputError`` when it is not a regular
    file or keeps changing while it is read.
    """
    for _ in range(_TRIES):
        # O_NONBLOCK: opening a FIFO without a writer would wait for one.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise InputError(f"not a regular file: {os.fsdecode(path)}")
            digest = _digest(new_hasher(name), descriptor, before.st_size, check)
            row = StatRow.of(before)
            if StatRow.of(os.fstat(descriptor)) == row:
                return FileDigest(digest, row)
        finally:
            os.close(descriptor)
    raise InputError(f"changes while it is read: {os.fsdecode(path)}")


def _digest(hasher: Hasher, descriptor: int, size: int, check: Callable[[], None] | None) -> bytes:
    if size < SMALL:
        while data := os.read(descriptor, SMALL):
            hasher.update(data)
        return hasher.digest()
    buffer = memoryview(bytearray(LARGE if size >= LARGE else SMALL))
    while count := os.readv(descriptor, [buffer]):
        if check is not None:
            check()
        hasher.update(buffer[:count])
    return hasher.digest()
