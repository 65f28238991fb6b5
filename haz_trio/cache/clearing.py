"""Removes the whole cache, but not what a living run works on (CACHE-021, cache.md C9)."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator

from haz_trio.cache.census import is_live, open_cache, shards
from haz_trio.cache.files import FOLDER, Disk, opened
from haz_trio.cache.layout import (
    IGNORE,
    POOL,
    QUARANTINE,
    RESTORING,
    STATE,
    TAG,
    TEMPORARY,
    TRASH,
    is_digest,
)
from haz_trio.cache.locks import Locks, existing_locks, is_in_use
from haz_trio.cache.problems import Problem, Step
from haz_trio.cache.removal import Remover
from haz_trio.values import frozen

_ROUNDS = 3  # how often a cache that grows while it is cleared is cleared again
_STAYS = frozenset({STATE, TAG, IGNORE})  # beside what living runs work on
_FULL = (errno.ENOTEMPTY, errno.EEXIST)


@frozen
class Cleared:
    """What `cache clear` left: ``busy`` are places in the cache that a living run works on.

    ``remarks`` are for people, on what was undone before that.
    """

    busy: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = ()


def clear(workspace: str, disk: Disk | None = None) -> Cleared:
    """Remove the cache: the folder itself, or all that is in it where it is behind a link.

    What a living run works on stays, and with it the folder ``state`` and what marks the cache.
    Raises ``OSError`` when the root cannot be opened or is no folder.
    """
    root = open_cache(workspace)
    if root is None:
        return Cleared()
    try:
        remover = Remover(workspace, root, disk or Disk())
        remover.recover()
        busy: list[str] = []
        for _ in range(_ROUNDS):
            busy = _clear_once(remover)
            if busy or remover.problems or _remove_root(remover):
                break
            # A run stores: what it began after we came is its own, also when we give up.
        return Cleared(tuple(busy), tuple(remover.problems), tuple(remover.remarks))
    finally:
        os.close(root)


def _remove_root(remover: Remover) -> bool:
    """Whether nothing is left to do: the folder is gone, stays for a reason, or cannot go."""
    if os.path.islink(remover.path):
        return True
    try:
        os.rmdir(remover.path)
    except FileNotFoundError:
        return True
    except OSError as problem:
        if problem.errno in _FULL:
            return False
        remover.complain(Step.REMOVE, "", problem)
    return True


def _clear_once(remover: Remover) -> list[str]:
    """Remove all but what living runs work on, which is the result."""
    with existing_locks(remover.root, remover.disk) as locks:
        return _clear_around(remover, locks)


def _clear_around(remover: Remover, locks: Locks | None) -> list[str]:
    busy = sorted(_living(remover.root, locks))
    if locks is not None and not _take_all(locks):
        busy.append(STATE)  # removed, its locks would keep nobody out any more
    for name in sorted(os.listdir(remover.root)):
        if name in busy or (busy and name in _STAYS):
            continue
        if name.startswith(TRASH):
            remover.delete(name, remover.root, Step.REMOVE_WASTE, name)
        elif not _is_folder(name, remover.root) or name in (STATE, QUARANTINE):
            remover.remove(name, Step.REMOVE)
        elif name.startswith(RESTORING):
            remover.remove_orphan(name, Step.REMOVE_RESTORING)
        else:
            _clear_folder(remover, name, frozenset(busy))
    return busy


def _clear_folder(remover: Remover, folder: str, busy: frozenset[str]) -> None:
    """Remove a shard or the pool where it stands, because a store may begin in it at any moment.

    What such a store makes is locked or complete, and keeps the folder from going.
    """
    try:
        with opened(folder, FOLDER, at=remover.root) as at:
            names = sorted(os.listdir(at))
    except OSError:
        remover.remove(folder, Step.REMOVE)  # it may be empty; if not, this says what is wrong
        return
    step = Step.REMOVE_BLOB if folder == POOL else Step.REMOVE_ENTRY
    for name in names:
        place = f"{folder}/{name}"
        if name.startswith(TEMPORARY) and _is_folder(place, remover.root):
            remover.remove_orphan(place, Step.REMOVE_TEMPORARY)
        elif place not in busy:
            remover.remove(place, step)
    try:
        os.rmdir(folder, dir_fd=remover.root)
    except FileNotFoundError:
        return
    except OSError as problem:
        if problem.errno not in _FULL:
            remover.complain(Step.REMOVE, folder, problem)


def _take_all(locks: Locks) -> bool:
    """Whether no run holds a lock; then none gets one until the locks are closed."""
    try:
        return locks.take_all()
    except OSError:
        return True


def _living(root: int, locks: Locks | None) -> Iterator[str]:
    """The places of stores and restores whose makers live, and of entries that are used now."""
    for name in os.listdir(root):
        if name.startswith(RESTORING) and is_live(name, root):
            yield name
    for shard in shards(root):
        try:
            with opened(shard, FOLDER, at=root) as at:
                for name in os.listdir(at):
                    live = name.startswith(TEMPORARY) and is_live(name, at)
                    if live or (is_digest(name) and is_in_use(locks, name)):
                        yield f"{shard}/{name}"
        except OSError:
            continue  # its removal will say what is wrong with it


def _is_folder(name: str, at: int) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode)
    except OSError:
        return False
