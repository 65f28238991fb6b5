"""Where damaged entries go: out of the way, kept a while for who wants to know why (C10)."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from haz_trio.cache.files import FOLDER, Disk, delete_tree, opened, token
from haz_trio.cache.layout import QUARANTINE, STATE, quarantined, shard, trash

if TYPE_CHECKING:
    from haz_trio.cache.root import CacheRoot

MOST = 16  # entries
MOST_BYTES = 64 << 20
LONGEST = 7 * 24 * 3600  # seconds
_TRIES = 8  # somebody may clean or clear the cache while a folder is made


def set_aside(root: int, key: str, kind: str, *, disk: Disk) -> None:
    """Move what stands in the place of an entry into quarantine; raises ``OSError``.

    ``kind`` is one word.  What would overfill the quarantine is deleted instead.
    """
    with opened(shard(key), FOLDER, at=root) as folder:
        if _size(key, folder) > MOST_BYTES:
            throw_away(key, at=folder, root=root, disk=disk)
            return
        make_folder(QUARANTINE, at=root, disk=disk)
        with opened(QUARANTINE, FOLDER, at=root) as place:
            name = quarantined(key, kind, token())
            disk.rename(key, name, at=folder, to=place)
            os.utime(name, dir_fd=place, follow_symlinks=False)  # its days count from now
            _prune(place)


def throw_away(name: str, *, at: int, root: int, disk: Disk) -> None:
    """Free a name at once, then delete what it stood for; raises ``OSError``."""
    waste = trash(token())
    disk.rename(name, waste, at=at, to=root)
    delete_tree(waste, at=root)


def make_folder(name: str, *, at: int, disk: Disk) -> None:
    """Have a folder of this name in the cache; a file or link there is thrown away.

    ``at`` is the cache root.  Raises ``OSError``.
    """
    os.close(open_folder(name, at=at, disk=disk))


def make_state(root: CacheRoot) -> int:
    """Have the folder of the state files; the descriptor of the cache, which exists now.

    A cache that stands without it was new or cleared, and is marked again.
    Raises ``Refused`` and ``OSError``.
    """
    at = root.writing()
    try:
        os.close(os.open(STATE, FOLDER, dir_fd=at))
    except OSError:
        make_folder(STATE, at=at, disk=root.disk)
        with suppress(OSError):  # the cache works without the marks
            root.mark()
    return at


def open_folder(name: str, *, at: int, disk: Disk) -> int:
    """The descriptor of a folder as ``make_folder`` makes it; raises ``OSError``."""
    for tries_left in reversed(range(_TRIES)):
        try:
            return os.open(name, FOLDER, dir_fd=at)  # most of the time it is there
        except FileNotFoundError:
            if not tries_left:
                raise
        except NotADirectoryError:
            if not tries_left:
                raise
            with suppress(FileNotFoundError):
                throw_away(name, at=at, root=at, disk=disk)
        with suppress(FileExistsError, FileNotFoundError):
            disk.mkdir(name, at=at)
    raise AssertionError("the last try returns or raises")


def _prune(place: int) -> None:
    """Delete the oldest until number, size and age are within their limits."""
    now = time.time()
    held: list[tuple[float, str]] = []
    with os.scandir(place) as found:
        for entry in found:
            held.append((entry.stat(follow_symlinks=False).st_mtime, entry.name))
    total = 0
    for rank, (since, name) in enumerate(sorted(held, reverse=True)):
        total += _size(name, place)
        if rank >= MOST or total > MOST_BYTES or now - since > LONGEST:
            delete_tree(name, at=place)


def _size(name: str, at: int) -> int:
    """The bytes of all files of a tree, links not followed; 0 where it cannot be seen."""
    info = os.stat(name, dir_fd=at, follow_symlinks=False)
    total = info.st_size
    try:
        with opened(name, FOLDER, at=at) as folder:
            for _, _, names, fd in os.fwalk(".", dir_fd=folder):
                for inner in names:
                    total += os.stat(inner, dir_fd=fd, follow_symlinks=False).st_size
    except OSError:
        return total
    return total
