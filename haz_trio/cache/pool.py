"""The pool of blobs: one file per content, linked into every entry that has it (cache.md C4).

A name of the pool is a promise about bytes, so it is linked only after its bytes were checked.
"""

from __future__ import annotations

import os
import threading

from haz_trio.cache.files import (
    FOLDER,
    PIECE,
    READ,
    Disk,
    copy,
    explain,
    opened,
    pieces,
    refuses_links,
    regular,
)
from haz_trio.cache.hashing import digest_bytes, new_hasher
from haz_trio.cache.layout import POOL
from haz_trio.cache.outputs import Produced, Row, stat_row
from haz_trio.cache.quarantine import make_folder
from haz_trio.errors import HazError
from haz_trio.model.names import quote
from haz_trio.model.workspace import HashName


class Unstorable(HazError):
    """An output that cannot be stored; the message says why."""


class Pool:
    """Takes contents into the pool and links them into entries.

    Each blob that was there before is read once per run before it is believed.
    """

    def __init__(self, hash_name: HashName, disk: Disk) -> None:
        self._hash_name = hash_name
        self._disk = disk
        self._trusted: dict[str, Row] = {}
        self._lock = threading.Lock()

    def keep(self, host: str, produced: Produced, *, root: int, into: int) -> tuple[str, int]:
        """Have the content of an output under its digest in the folder ``into``.

        ``root`` is the cache.  Returns digest and size.
        Raises ``Unstorable`` for trouble with the output, ``OSError`` for trouble with the cache.
        """
        flags = READ & ~os.O_NOFOLLOW if produced.linked else READ
        try:
            source = os.open(host, flags)
        except OSError as problem:
            raise Unstorable(
                f"output {quote(produced.path)} cannot be read: {explain(problem)}"
            ) from problem
        try:
            return self._keep(source, produced, root, into)
        finally:
            os.close(source)

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

    def _keep(self, source: int, produced: Produced, root: int, into: int) -> tuple[str, int]:
        unstable = Unstorable(f"output {quote(produced.path)} is still being written")
        size = os.fstat(source).st_size
        row = produced.row[:5]
        if stat_row(os.fstat(source)) != row:
            raise unstable
        data: bytes | None = None
        if size <= PIECE:
            data = b"".join(pieces(source))
            seen, digest = len(data), digest_bytes(self._hash_name, data).hex()
        else:
            hasher = new_hasher(self._hash_name)
            seen = copy(source, hasher, size=size, disk=self._disk)
            digest = hasher.digest().hex()
        if seen != size or stat_row(os.fstat(source)) != row:
            raise unstable
        if _exists(digest, into):
            return digest, size
        make_folder(POOL, at=root, disk=self._disk)
        with opened(POOL, FOLDER, at=root) as place:
            if self._link(digest, size, place, into):
                return digest, size
            if not self._write(digest, data, source, size, into):
                raise unstable
            if stat_row(os.fstat(source)) != row:
                raise unstable
            self._enter(digest, place, into)
        return digest, size

    def _link(self, digest: str, size: int, place: int, into: int) -> bool:
        """Link a blob of the pool into an entry if the pool has it."""
        if not self._has(digest, size, place):
            return False
        try:
            self._disk.link(digest, digest, at=place, to=into)
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
        self._disk.unlink(digest, at=place)
        return False

    def _write(self, digest: str, data: bytes | None, source: int, size: int, into: int) -> bool:
        """Write the bytes into the entry; whether they still have this digest."""
        target = self._disk.create(digest, at=into)
        try:
            self._disk.chmod(target, 0o644)
            if data is not None:
                self._disk.write(target, data)
                return True
            os.lseek(source, 0, os.SEEK_SET)
            hasher = new_hasher(self._hash_name)
            seen = copy(source, hasher, size=size, disk=self._disk, target=target)
            return seen == size and hasher.digest().hex() == digest
        finally:
            os.close(target)

    def _enter(self, digest: str, place: int, into: int) -> None:
        """Give the pool a name for a blob that an entry has."""
        try:
            self._disk.link(digest, digest, at=into, to=place)
        except FileExistsError:
            return  # another store was quicker; the entry keeps its own copy
        except OSError as problem:
            if not refuses_links(problem):
                raise
            return
        row = stat_row(os.stat(digest, dir_fd=place, follow_symlinks=False))[:3]
        with self._lock:
            self._trusted[digest] = row


def _exists(name: str, at: int) -> bool:
    try:
        os.stat(name, dir_fd=at, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
