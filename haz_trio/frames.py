"""Sealed state files (cache.md C5): one frame, loaded whole, and nothing in any doubt.

    8 bytes kind · u64 written_at_ns · 16 bytes boot id · u32 rows · u32 length of names ·
    names joined by NUL · rows of one fixed size · body · 16 bytes xxh3_128 of all before

Little-endian. The seal finds torn and rotten files; it is no protection against an attacker.
Knows nothing of what the rows and the body mean.
"""

from __future__ import annotations

import os
import stat
import struct
import time
from itertools import chain

import xxhash

TYPE_CHECKING = False  # typing itself would cost a warm start more than all of this module
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

KIND = 8  # bytes of magic and version
MANY = 8000  # rows that are worth another process to look at them, which costs some milliseconds
LARGEST = 1 << 30  # bytes; a larger file is none of ours
_HEAD = struct.Struct(f"<{KIND}sQ16sII")
_SEAL = 16
_STEP = 1 << 10  # names that are joined at once
_PART = 1 << 16  # bytes of names that are taken apart at once
_SHORT = 1 << 13  # the same, for who begins at the end
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Frame:
    """What a state file holds: ``rows`` is all rows, one after another, ``body`` the rest.

    ``same_boot`` says whether the machine has run without a break since the file was written.
    ``seal`` tells one file from another.
    Written by hand, because a warm start pays for nothing but the standard library (decisions.md
    28).
    """

    __slots__ = ("_text", "body", "rows", "same_boot", "seal", "written_at_ns")

    def __init__(
        self,
        written_at_ns: int,
        same_boot: bool,
        text: bytes,
        rows: bytes,
        body: bytes,
        seal: bytes,
    ) -> None:
        self.written_at_ns: int = written_at_ns
        self.same_boot: bool = same_boot
        self._text = text
        self.rows: bytes = rows
        self.body: bytes = body
        self.seal: bytes = seal

    @property
    def names(self) -> tuple[bytes, ...]:
        """The names of all rows, made anew each time."""
        return tuple(self._text.split(b"\0")) if self._text else ()

    def each_name(self) -> Iterator[bytes]:
        """The same one by one: who needs each of them once has few of them in memory."""
        return chain.from_iterable(self._names_in_parts())

    def _names_in_parts(self) -> Iterator[list[bytes]]:
        text, at = self._text, 0
        while at < len(text):
            end = text.find(b"\0", at + _PART)
            end = len(text) if end < 0 else end
            yield text[at:end].split(b"\0")
            at = end + 1

    def names_from_the_end(self) -> Iterator[list[bytes]]:
        """The names in short lists, each in their order, the last list first."""
        text, end = self._text, len(self._text)
        while end > 0:
            start = text.rfind(b"\0", 0, max(end - _SHORT, 0)) + 1
            yield text[start:end].split(b"\0")
            end = start - 1


def read_frame(path: str, kind: bytes, *, row_size: int = 0) -> Frame | None:
    """The frame of an eight-byte ``kind`` at ``path``; ``None`` when anything is wrong with it.

    ``row_size`` is the size of one row in bytes.
    """
    data = read_own(path)
    return None if data is None else parse_frame(data, kind, row_size=row_size)


def read_own(path: str, largest: int = LARGEST) -> bytes | None:
    """The bytes of a regular file that nobody else can have written; ``None`` for any other."""
    try:
        descriptor = os.open(path, _READ)
    except OSError:
        return None
    try:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode) or info.st_size > largest:
            return None
        if info.st_mode & 0o022 or info.st_uid not in (os.geteuid(), 0):
            return None
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(info.st_size)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def parse_frame(data: bytes, kind: bytes, *, row_size: int = 0) -> Frame | None:
    """The frame that bytes hold, or ``None``."""
    if len(data) < _HEAD.size + _SEAL:
        return None
    sealed, seal = memoryview(data)[:-_SEAL], data[-_SEAL:]
    if xxhash.xxh3_128_digest(sealed) != seal:
        return None
    found, written_at, boot, count, names_length = _HEAD.unpack_from(sealed)
    rows_at = _HEAD.size + names_length
    body_at = rows_at + count * row_size
    if found != kind or body_at > len(sealed):
        return None
    return Frame(
        written_at_ns=written_at,
        same_boot=boot == boot_id() != bytes(16),
        text=bytes(sealed[_HEAD.size : rows_at]),
        rows=bytes(sealed[rows_at:body_at]),
        body=bytes(sealed[body_at:]),
        seal=seal,
    )


def write_frame(
    path: str,
    kind: bytes,
    *,
    names: Sequence[bytes] = (),
    rows: Sequence[bytes] = (),
    body: bytes = b"",
) -> None:
    """Put a frame of an eight-byte ``kind`` at ``path`` by rename, mode 0600.

    Names are not empty and hold no NUL; all rows have one size.
    Raises ``ValueError`` for anything else, and ``OSError``; then the old file stays as it was
    and nothing is left beside it.
    """
    data = build_frame(kind, names=names, rows=rows, body=body)
    write_whole(path, data)


def write_whole(path: str, data: bytes) -> None:
    """Put bytes at ``path`` by rename, mode 0600; raises ``OSError`` and leaves nothing then."""
    write_parts(path, [data])


def write_parts(path: str, parts: Iterable[bytes | bytearray]) -> bytes:
    """The same from parts, at least one; returns the last of them."""
    temporary = f"{path}.{os.urandom(8).hex()}"
    descriptor = os.open(temporary, _WRITE, 0o600)
    part: bytes | bytearray = b""
    try:
        with open(descriptor, "wb") as file:
            for part in parts:
                file.write(part)
        os.replace(temporary, path)
    except BaseException:  # whatever ended the write, its rest goes; then it is raised on
        from contextlib import suppress  # here, because a memo is read without it

        with suppress(OSError):
            os.unlink(temporary)
        raise
    return bytes(part)


def build_frame(
    kind: bytes,
    *,
    names: Sequence[bytes] = (),
    rows: Sequence[bytes] = (),
    body: bytes = b"",
    clock: Callable[[], int] = time.time_ns,
) -> bytes:
    """The bytes of a frame that is written now; raises ``ValueError`` like ``write_frame``."""
    if len(kind) != KIND:
        raise ValueError(f"a kind has {KIND} bytes: {kind!r}")
    if not all(names) or any(b"\0" in name for name in names):
        raise ValueError("a name in a frame is empty or holds a NUL")
    if len({len(row) for row in rows}) > 1:
        raise ValueError("the rows of a frame differ in size")
    return seal_frame(kind, names, len(rows), b"".join(rows), body, clock=clock)


def seal_frame(
    kind: bytes,
    names: Sequence[bytes],
    count: int,
    rows: bytes,
    body: bytes,
    *,
    clock: Callable[[], int] = time.time_ns,
) -> bytes:
    """The same from ``count`` rows in one piece; names and rows are known to be right."""
    return b"".join(seal_parts(kind, names, count, [rows], body, clock=clock))


def seal_parts(
    kind: bytes,
    names: Sequence[bytes],
    count: int,
    rows: Iterable[bytes | bytearray],
    *body: bytes,
    clock: Callable[[], int] = time.time_ns,
) -> Iterator[bytes | bytearray]:
    """The same in parts, also of the rows, so that nothing large is copied; the seal is last."""
    length = sum(map(len, names)) + max(0, len(names) - 1)
    sealer = xxhash.xxh3_128()
    head = _HEAD.pack(kind, clock(), boot_id(), count, length)
    for part in chain((head,), _joined(names), rows, body):
        sealer.update(part)
        yield part
    yield sealer.digest()


def _joined(names: Sequence[bytes]) -> Iterator[bytes]:
    """Names joined by NUL, in parts."""
    for start in range(0, len(names), _STEP):
        part = b"\0".join(names[start : start + _STEP])
        yield part if start == 0 else b"\0" + part


def boot_id() -> bytes:
    """16 bytes that differ between boots; zeros where the system does not tell."""
    try:
        with open(_BOOT_ID, "rb") as file:
            return bytes.fromhex(file.read().strip().replace(b"-", b"").decode("ascii"))[:16]
    except (OSError, ValueError):
        return bytes(16)
