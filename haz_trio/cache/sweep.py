"""Carries out what `cache clean` planned (CACHE-022, AUX-022..028, cache.md C9)."""

from __future__ import annotations

import os
import stat
from contextlib import nullcontext

from haz_trio.cache.begun import remove_begun
from haz_trio.cache.census import open_cache, shards
from haz_trio.cache.collect import CleanPlan, Eviction
from haz_trio.cache.files import FOLDER, Disk, opened
from haz_trio.cache.layout import POOL, QUARANTINE, TRASH, is_digest
from haz_trio.cache.locks import Locks, alone_with, existing_locks
from haz_trio.cache.problems import Problem, Step
from haz_trio.cache.removal import Remover
from haz_trio.values import evolve, frozen

_PATIENCE = 2.0  # seconds for which a collector waits for who rewrites state files, or collects


@frozen
class Cleaned:
    """What was done: ``done`` has the shape of the plan; ``problems`` is what went wrong."""

    done: CleanPlan
    problems: tuple[Problem, ...]
    remarks: tuple[str, ...] = ()


def carry_out(workspace: str, plan: CleanPlan, disk: Disk | None = None) -> Cleaned:
    """Remove what a plan says, and blobs that no entry has any more; goes on past failures.

    What another process removed or replaced in the meantime, or works on now, is neither removed
    nor counted.  Raises ``OSError`` when the root cannot be opened.
    """
    root = open_cache(workspace)
    if root is None:
        done = evolve(plan, evictions=(), temporary=(), restoring=())
        return Cleaned(done, plan.problems)
    try:
        disk = disk or Disk()
        with existing_locks(root, disk) as locks:
            alone = nullcontext() if locks is None else locks.maintenance(_PATIENCE)
            with alone:
                return _clean(Remover(workspace, root, disk), plan, locks)
    finally:
        os.close(root)


def _clean(remover: Remover, plan: CleanPlan, locks: Locks | None) -> Cleaned:
    remover.problems += plan.problems
    evictions = tuple(e for e in plan.evictions if _evict(remover, e, locks))
    if plan.restoring:
        remover.recover()
    temporary = tuple(p for p in plan.temporary if remover.remove_orphan(p, Step.REMOVE_TEMPORARY))
    restoring = tuple(p for p in plan.restoring if remover.remove_orphan(p, Step.REMOVE_RESTORING))
    if plan.soft:
        _remove_waste(remover)
    _sweep_pool(remover)
    done = evolve(plan, evictions=evictions, temporary=temporary, restoring=restoring)
    return Cleaned(done, tuple(remover.problems), tuple(remover.remarks))


def _evict(remover: Remover, eviction: Eviction, locks: Locks | None) -> bool:
    """Remove an entry unless somebody uses it; whether it is gone."""
    entry = eviction.entry

    def same(info: os.stat_result) -> bool:
        return info.st_ino == entry.inode

    with alone_with(locks, entry.name) as alone:
        return alone and remover.remove(entry.place, Step.REMOVE_ENTRY, only=same)


def _remove_waste(remover: Remover) -> None:
    """What was set aside or thrown away earlier, and shards without entries."""
    for name in sorted(os.listdir(remover.root)):
        if name.startswith(TRASH) and name not in remover.stuck:
            remover.delete(name, remover.root, Step.REMOVE_WASTE, name)
        elif name == QUARANTINE:
            remover.remove(name, Step.REMOVE_WASTE)
    remove_begun(remover.root, remover.disk)
    for name in shards(remover.root):
        if len(name) == 2:  # others are not of our making
            try:
                os.rmdir(name, dir_fd=remover.root)
            except OSError:
                continue  # it has entries, or it is not ours to remove: no harm in either


def _sweep_pool(remover: Remover) -> None:
    try:
        with opened(POOL, FOLDER, at=remover.root) as pool:
            for name in sorted(os.listdir(pool)):
                _drop_blob(remover, name, pool)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as problem:
        remover.complain(Step.REMOVE_BLOB, POOL, problem)


def _drop_blob(remover: Remover, name: str, pool: int) -> None:
    """Unlink a blob that no entry has: its only name is the pool's (cache.md C4)."""
    try:
        info = os.stat(name, dir_fd=pool, follow_symlinks=False)
        if is_digest(name) and stat.S_ISREG(info.st_mode) and info.st_nlink == 1:
            remover.disk.unlink(name, at=pool)
    except FileNotFoundError:
        return
    except OSError as problem:
        remover.complain(Step.REMOVE_BLOB, f"{POOL}/{name}", problem)
