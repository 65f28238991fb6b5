"""Putting outputs back, by the run that has kept them or after its death by another one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress

from haz_trio.cache.backup_record import BackupRecord, encode_more, read_record
from haz_trio.cache.files import FOLDER, READ, Disk, lock, opened
from haz_trio.cache.layout import MOURNED, OWNER, RESTORING, backup, backup_number
from haz_trio.cache.putting_back import PutBack, Workbench, edited_since, put_back
from haz_trio.cache.restore import listed
from haz_trio.cache.tree import Tree
from haz_trio.values import evolve, frozen

MOURNING = 5.0  # seconds for which the watchdog of a killed run may need to end its commands
_PAUSE = 0.01


@frozen
class Kept:
    """A record in the open folder of the run that made it."""

    folder: int
    number: int
    record: BackupRecord


def heal(folder: int, name: str, tree: Tree, disk: Disk) -> list[str]:
    """Put back what the run of a locked folder had begun; remarks for people.

    Records that are there afterwards are of what could not be put back, or of another workspace
    that has the same cache (F02).  Raises ``OSError``.
    """
    root, run, ours = os.path.realpath(tree.root), name.removeprefix(RESTORING), []
    for number in _numbers(folder):
        record = read_record(folder, backup(number))
        if record is None:  # its command never began
            disk.unlink(backup(number), at=folder)
        elif record.home == tree.home:
            bench = Workbench(root, tree, folder, run, number, disk, dead=True)
            dead_ns = _dead_since(folder, record.taken_ns)
            edited = [] if dead_ns is None else edited_since(dead_ns, record, bench)
            ours.append((record, bench, edited))
    # Noted for good before the first is put back: that gives other times to what others share.
    for _, bench, edited in ours:
        if edited:
            with suppress(OSError):  # this time they stay all the same
                add(encode_more(edited), bench.number, folder, disk)
    with suppress(OSError):
        disk.unlink(MOURNED, at=folder)
    remarks = []
    for record, bench, edited in ours:
        spared = record.spared.union(edited)
        done = restore_outputs(evolve(record, spared=spared), bench)
        remarks.append(f"{record.task}: {_remark(done, edited, again=record.only is not None)}")
    return remarks


def _remark(done: PutBack, edited: list[str], *, again: bool) -> str:
    if done.failed:
        return f"again, {done.lost}" if again else f"its run was killed, and {done.lost}"
    if again:
        return "outputs that could not be put back earlier were put back"
    text = "its run was killed, so its outputs were put back"
    if edited:
        text += f", but for {listed(edited)}: changed after that"
    return text


def _dead_since(folder: int, taken_ns: int) -> int | None:
    """When a run had no command any more: its watchdog's word, or else a restart of the system."""
    with suppress(OSError):
        return os.stat(MOURNED, dir_fd=folder, follow_symlinks=False).st_mtime_ns
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return None
    started = time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return started if started > taken_ns else None


def restore_outputs(record: BackupRecord, bench: Workbench) -> PutBack:
    """Put back, and remove the record; what failed is noted in it instead."""
    done = put_back(record, bench)
    with suppress(OSError):  # then everything is tried again, or found as it should be
        if done.failed:
            add(encode_more(done.failed), bench.number, bench.folder, bench.disk)
        else:
            bench.disk.unlink(backup(bench.number), at=bench.folder)
    return done


def add(line: bytes, number: int, folder: int, disk: Disk) -> None:
    """Add a line to a record; raises ``OSError``."""
    disk.before("write")
    flags = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    with opened(backup(number), flags, at=folder) as fd:
        disk.write(fd, line)


def records_of_others(root: int, own: str, home: str) -> Iterator[Kept]:
    """The records in this workspace of all runs but that of the folder ``own``, live or dead.

    ``root`` is the open cache.
    """
    for name in os.listdir(root):
        if not name.startswith(RESTORING) or name == own:
            continue
        with suppress(OSError), opened(name, FOLDER, at=root) as folder:
            for number in _numbers(folder):
                record = read_record(folder, backup(number))
                if record is not None and record.home == home:
                    yield Kept(folder, number, record)


def _numbers(folder: int) -> list[int]:
    """Of the records in a folder, the latest first: it has kept what earlier ones had begun."""
    numbers = [n for n in map(backup_number, os.listdir(folder)) if n is not None]
    return sorted(numbers, reverse=True)


def wait_for_mourners(folder: int) -> bool:
    """Lock a busy folder whose owner is dead as soon as nobody can write any more.

    False when the owner lives, or when it takes too long.
    """
    try:
        with opened(OWNER, READ, at=folder) as owner:
            if not lock(owner):
                return False
    except OSError:
        return False
    end = time.monotonic() + MOURNING
    while not lock(folder):
        if time.monotonic() > end:
            return False
        time.sleep(_PAUSE)
    return True
