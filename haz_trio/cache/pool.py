"""The pool of blobs: one file per content, linked into every entry that has it (cache.md C4).

A name of the pool is a promise about bytes, so it is linked only after its bytes were checked.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from contextlib import suppress

from haz_trio.cache.files import (
    FOLDER,
    PIECE,
    READ,
    Disk,
    copy,
    explain,
    opened,
    read_whole,
    refuses_links,
    regular,
)
from haz_trio.cache.hashing import digest_bytes, new_hasher
from haz_trio.cache.layout import POOL
from haz_trio.cache.outputs import Produced, Row, stat_row
from haz_trio.cache.quarantine import open_folder
from haz_trio.errors import HazError
from haz_trio.model.names import quote
from haz_trio.model.workspace import HashName
from haz_trio.values import field, frozen


class Unstorable(HazError):
    """An output that cannot be stored; the message says why."""


@frozen
class Content:
    """What an output holds: digest, size, and the bytes where they are few."""

    digest: str
    size: int
    data: bytes | None = None


@frozen
class Target:
    """An entry in the making: the cache, the folder of the entry's blobs, and which it has."""

    root: int
    into: int
    have: set[str] = field(factory=set)


class Pool:
    """Takes contents into the pool and links them into entries.

    Each blob that was there before is read once per run before it is believed.
    """

    def __init__(self, hash_name: HashName, disk: Disk) -> None:
        self._hash_name = hash_name
        self._disk = disk
        self._nothing = digest_bytes(hash_name, b"").hex()
        self._trusted: dict[str, Row] = {}
        self._lock = threading.Lock()

    def read(self, host: str, produced: Produced) -> Content:
        """The content of an output of at most ``PIECE`` bytes; raises ``Unstorable``."""
        source = _open(host, produced)
        try:
            return self._read(source, produced)
        finally:
            os.close(source)

    def keep(self, host: str, produced: Produced, target: Target) -> Content:
        """Have the content of an output in an entry.

        Raises ``Unstorable`` for trouble with the output, ``OSError`` for trouble with the cache.
        """
        source = _open(host, produced)
        try:
            if os.fstat(source).st_size > PIECE:
                return self._keep_large(source, produced, target)
            content = self._read(source, produced)
        finally:
            os.close(source)
        self.put(content, target)
        return content

    def put(self, content: Content, target: Target) -> None:
        """Have a content whose bytes are in memory in an entry; raises ``OSError``."""
        assert content.data is not None, "large contents are kept from their files"
        if content.digest in target.have:
            return
        place = open_folder(POOL, at=target.root, disk=self._disk)
        try:
            if not self._link(content.digest, content.size, place, target.into):
                self._disk.write_new(content.digest, content.data, at=target.into, mode=0o644)
                self._enter(content.digest, place, target.into)
        finally:
            os.close(place)
        target.have.add(content.digest)

    def put_nothing(self, names: Iterable[str], *, at: int, root: int) -> None:
        """Have empty files in a folder of an entry; raises ``OSError``.

        They are one file, as blobs are: after many deletions ext4 takes half a millisecond to
        make one, and most commands print on one stream at most.
        """
        place = open_folder(POOL, at=root, disk=self._disk)
        try:
            for name in names:
                if not self._link(self._nothing, 0, place, at, name):
                    self._disk.write_new(name, b"", at=at, mode=0o644)
                    self._enter(self._nothing, place, at, name)
        finally:
            os.close(place)

    def forget(self, digest: str, *, root: int) -> None:
        """Remove a blob whose bytes are wrong, so that the next store writes it again.

        A pool file that is right after all stays.  Raises ``OSError``.
        """
        with self._lock:
            self._trusted.pop(digest, None)
        try:
            with opened(POOL, FOLDER, at=root) as place:
                self._has(digest, None, place)
        except FileNotFoundError:
            return

    def _read(self, source: int, produced: Produced) -> Content:
        row = produced.row[:5]
        if stat_row(os.fstat(source)) != row:
            raise _unstable(produced)
        data = read_whole(source, row[1])
        if len(data) != row[1] or stat_row(os.fstat(source)) != row:
            raise _unstable(produced)
        return Content(digest_bytes(self._hash_name, data).hex(), len(data), data)

    def _keep_large(self, source: int, produced: Produced, target: Target) -> Content:
        row = produced.row[:5]
        if stat_row(os.fstat(source)) != row:
            raise _unstable(produced)
        hasher = new_hasher(self._hash_name)
        seen = copy(source, hasher, size=row[1], disk=self._disk)
        content = Content(hasher.digest().hex(), seen)
        if seen != row[1] or stat_row(os.fstat(source)) != row:
            raise _unstable(produced)
        if content.digest in target.have:
            return content
        place = open_folder(POOL, at=target.root, disk=self._disk)
        try:
            if not self._link(content.digest, content.size, place, target.into):
                same = self._copy(content, source, target.into)
                if not same or stat_row(os.fstat(source)) != row:
                    raise _unstable(produced)
                self._enter(content.digest, place, target.into)
        finally:
            os.close(place)
        target.have.add(content.digest)
        return content

    def _link(self, digest: str, size: int, place: int, into: int, name: str = "") -> bool:
        """Link a blob of the pool into an entry if the pool has it, under its name or another."""
        if not self._has(digest, size, place):
            return False
        try:
            self._disk.link(digest, name or digest, at=place, to=into)
        except FileNotFoundError:
            return False  # a collector removed it just now
        except OSError as problem:
            if refuses_links(problem):
                return False
            raise
        return True

    def _has(self, digest: str, size: int | None, place: int) -> bool:
        """Whether the pool has these bytes; what is wrong is removed."""
        try:
            with opened(digest, READ, at=place) as fd:
                info = os.fstat(fd)
                row = stat_row(info)[:3]  # links change the ctime
                if self._trusted.get(digest) == row:
                    return True
                if regular(info) and size in (None, info.st_size):
                    hasher = new_hasher(self._hash_name)
                    copy(fd, hasher, size=info.st_size, disk=self._disk)
                    if hasher.digest().hex() == digest:
                        with self._lock:
                            self._trusted[digest] = row
                        return True
        except FileNotFoundError:
            return False
        except OSError:
            pass  # a link, or unreadable: not to be believed either
        with suppress(FileNotFoundError):  # a collector was quicker
            self._disk.unlink(digest, at=place)
        return False

    def _copy(self, content: Content, source: int, into: int) -> bool:
        """Write the bytes into the entry; whether they still have this digest."""
        target = self._disk.create(content.digest, at=into)
        try:
            self._disk.chmod(target, 0o644)
            os.lseek(source, 0, os.SEEK_SET)
            hasher = new_hasher(self._hash_name)
            size = content.size
            seen = copy(source, hasher, size=size, disk=self._disk, target=target)
            return seen == size and hasher.digest().hex() == content.digest
        finally:
            os.close(target)

    def _enter(self, digest: str, place: int, into: int, name: str = "") -> None:
        """Give the pool a name for a blob that an entry has."""
        try:
            self._disk.link(name or digest, digest, at=into, to=place)
        except FileExistsError:
            return  # another store was quicker; the entry keeps its own copy
        except FileNotFoundError:
            if os.fstat(place).st_nlink:
                raise
            return  # the pool was cleared away
        except OSError as problem:
            if not refuses_links(problem):
                raise
            return
        row = stat_row(os.stat(name or digest, dir_fd=into, follow_symlinks=False))[:3]
        with self._lock:
            self._trusted[digest] = row


def _open(host: str, produced: Produced) -> int:
    flags = READ & ~os.O_NOFOLLOW if produced.linked else READ
    try:
        return os.open(host, flags)
    except OSError as problem:
        raise Unstorable(
            f"output {quote(produced.path)} cannot be read: {explain(problem)}"
        ) from problem


def _unstable(produced: Produced) -> Unstorable:
    return Unstorable(f"output {quote(produced.path)} is still being written")
