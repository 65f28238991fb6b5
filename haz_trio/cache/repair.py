"""Takes what an audit found out of the way, so that the next run makes it again (cache.md C10).

Entries go to quarantine, blobs with wrong bytes are removed; files of others stay where they are.
"""

from __future__ import annotations

import os
from contextlib import nullcontext

from haz_trio.cache.audit import Audit, Auditor, Fault
from haz_trio.cache.census import open_cache
from haz_trio.cache.files import FOLDER, Disk, opened
from haz_trio.cache.layout import POOL, shard
from haz_trio.cache.locks import Locks, alone_with, existing_locks
from haz_trio.cache.problems import Problem, Step
from haz_trio.cache.quarantine import set_aside, throw_away
from haz_trio.model.workspace import HashName
from haz_trio.values import frozen

_PATIENCE = 2.0  # seconds for which we wait for another collector, or who rewrites state files


@frozen
class Repair:
    """What became of the faults of an audit: those that are gone, those that a run uses now."""

    mended: tuple[Fault, ...] = ()
    busy: tuple[Fault, ...] = ()
    problems: tuple[Problem, ...] = ()


def repair(
    workspace: str, hash_name: HashName, found: Audit, *, disk: Disk | None = None
) -> Repair:
    """Take the faults of an audit out of the way, each after another look at it.

    Raises ``OSError`` when the root cannot be opened.
    """
    root = open_cache(workspace) if found.faults else None
    if root is None:
        return Repair()
    try:
        disk = disk or Disk()
        with existing_locks(root, disk) as locks:
            alone = nullcontext() if locks is None else locks.maintenance(_PATIENCE)
            with alone:
                return _repair(found, Auditor(workspace, root, hash_name), root, disk, locks)
    finally:
        os.close(root)


def _repair(found: Audit, auditor: Auditor, root: int, disk: Disk, locks: Locks | None) -> Repair:
    mended, busy, problems = [], [], []
    for fault in found.faults:
        with alone_with(locks, fault.place.rpartition("/")[2]) as alone:
            try:
                if not alone:
                    busy.append(fault)
                elif _mend(fault, auditor, root, disk):
                    mended.append(fault)
            except FileNotFoundError:
                continue
            except OSError as problem:
                path = f"{found.path}/{fault.place}"
                problems.append(Problem.of(Step.REMOVE, path, problem))
    return Repair(tuple(mended), tuple(busy), tuple(problems))


def _mend(fault: Fault, auditor: Auditor, root: int, disk: Disk) -> bool:
    """Whether the fault was still there, and is gone now; raises ``OSError``."""
    folder, _, name = fault.place.partition("/")
    if not name:
        throw_away(folder, at=root, root=root, disk=disk)
        return True
    if folder == POOL:
        if not isinstance(auditor.judge_blob(name), Fault):
            return False
        with opened(POOL, FOLDER, at=root) as pool:
            disk.unlink(name, at=pool)
        return True
    now = auditor.judge(fault.place)
    if not isinstance(now, Fault):
        return False
    if folder == shard(name):
        set_aside(root, name, now.kind, disk=disk)
    else:
        with opened(folder, FOLDER, at=root) as at:
            throw_away(name, at=at, root=root, disk=disk)
    return True
