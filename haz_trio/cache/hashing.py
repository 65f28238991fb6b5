"""Hash functions of keys, contents and streams (cache.md C3), always fed in pieces."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from haz_trio.errors import HazError, InputError
from haz_trio.model.workspace import HashName
from haz_trio.trust import FIELDS
from haz_trio.values import frozen

if TYPE_CHECKING:
    from haz_trio.trust import Row

# A buffer of 1 MiB costs a small file four times the time, one of 64 KiB nothing.
SMALL, LARGE = 1 << 16, 1 << 20
_TRIES = 3
# O_NONBLOCK: opening a FIFO would wait for its writer; O_NOCTTY: a terminal would become ours.
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

Data: TypeAlias = bytes | bytearray | memoryview


class Hasher(Protocol):
    """What a hash function must offer: pieces in, 32 bytes out."""

    def update(self, data: Data, /) -> object: ...

    def digest(self) -> bytes: ...


class Algorithm(Protocol):
    """Makes hashers; what it is given is the first piece."""

    def __call__(self, data: Data = b"", /) -> Hasher: ...


def _load_blake3() -> Algorithm:
    # Imported here: only those who need it are told when it is missing.
    try:
        from blake3 import blake3
    except ImportError as problem:
        reason = str(problem)

        def refuse(_: Data = b"") -> Hasher:
            raise HazError(
                f"the package blake3 cannot be imported ({reason}); "
                "install it, or set `cache.hash: sha256` in `.haz/workspace.yml`"
            )

        return refuse  # another function in its place would be another key space
    return blake3


def _sha256(data: Data = b"", /) -> Hasher:
    # Imported here: what only others need takes as long as all the rest of this package.
    from hashlib import sha256

    return sha256(data)


ALGORITHMS: dict[HashName, Algorithm] = {
    HashName.BLAKE3: _load_blake3(),
    HashName.SHA256: _sha256,
}


class StatRow(NamedTuple):
    """The stat data that vouch for a file's content; times in nanoseconds.

    A plain tuple, because tens of thousands are made and compared in a run (decisions.md 28).
    """

    dev: int
    ino: int
    size: int
    mtime_ns: int
    ctime_ns: int
    mode: int


RowOf: TypeAlias = Callable[[os.stat_result], StatRow]
ReadRow: TypeAlias = Callable[[os.stat_result], "Row"]


def stat_row(info: os.stat_result) -> StatRow:
    """The row of a stat; the one way to make one, and a seam for clocks of tests."""
    return StatRow._make(FIELDS(info))


def reader_of(row_of: RowOf) -> ReadRow:
    """What reads equal rows, and faster where nobody looks at the clock through a seam."""
    return FIELDS if row_of is stat_row else row_of


@frozen
class FileDigest:
    """A file's digest (32 bytes) and its stat data, the same before and after it was read."""

    digest: bytes
    row: StatRow


def new_hasher(name: HashName) -> Hasher:
    """A fresh hasher; raises ``HazError`` when the function is not installed."""
    return ALGORITHMS[name]()


def digest_bytes(name: HashName, data: Data) -> bytes:
    """The digest (32 bytes) of data that is in memory anyway."""
    return ALGORITHMS[name](data).digest()


def digest_file(
    name: HashName,
    path: str | bytes,
    *,
    check: Callable[[], None] | None = None,
    row_of: RowOf = stat_row,
) -> FileDigest:
    """Hash a regular file, links followed, in bounded memory.

    Nothing but a regular file is ever opened, and a FIFO is never waited for.
    ``check`` is called between large pieces and may raise to give up.
    Raises ``OSError`` when the file cannot be read, ``InputError`` when it is not a regular
    file or changes each time it is read; that message names no path.
    """
    for _ in range(_TRIES):
        require_regular(os.stat(path).st_mode)
        descriptor = os.open(path, _READ)
        try:
            info = os.fstat(descriptor)
            require_regular(info.st_mode)  # what stood there a moment ago may be gone
            digest = _digest(new_hasher(name), descriptor, info.st_size, check)
            row = row_of(info)
            if row_of(os.fstat(descriptor)) == row:
                return FileDigest(digest, row)
        finally:
            os.close(descriptor)
    raise InputError(f"changed each of the {_TRIES} times it was read")


def read_unchanged(path: str | bytes, row: Row, read_row: ReadRow) -> bytes | None:
    """The bytes of a regular file of less than ``SMALL`` bytes that has just had this row.

    ``None`` if it is not so any more, or in any other doubt.  Raises ``OSError``.
    """
    descriptor = os.open(path, _READ)
    try:
        data = os.read(descriptor, row[2] + 1)
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    return data if len(data) == row[2] and read_row(after) == row else None


_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def require_regular(mode: int) -> None:
    """Raise ``InputError`` unless ``mode`` is that of a regular file."""
    if not stat.S_ISREG(mode):
        raise InputError(f"is {_KINDS.get(stat.S_IFMT(mode), 'something')}, not a regular file")


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
