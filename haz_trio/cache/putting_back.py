"""Making outputs what they were: what is new goes, what was there comes back.

May be done again from the start after it was killed at any point: a kept file that is not there
any more has been put back already.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from haz_trio.cache.backup_record import BackupRecord, Kind, Thing
from haz_trio.cache.copying import copy_file
from haz_trio.cache.files import Disk, delete_tree
from haz_trio.cache.layout import beside, kept
from haz_trio.cache.standing import standing
from haz_trio.cache.tree import Tree, split
from haz_trio.trust import FIELDS, is_settled, row_at
from haz_trio.values import frozen

if TYPE_CHECKING:
    from haz_trio.trust import Row


@frozen
class Workbench:
    """What putting back works with.

    ``root`` is the real workspace; ``folder`` holds what the record ``number`` has kept; ``token``
    is that of the run.
    """

    root: str
    tree: Tree
    folder: int
    token: str
    number: int
    disk: Disk


def put_back(record: BackupRecord, bench: Workbench) -> Mapping[str, Row]:
    """Make the outputs of a record what they were; the places where that failed, as they are."""
    failed: list[str] = []
    now = standing(bench.root, record.area)
    places = _places(record, now, bench)
    old = {thing.place for thing in record.things}
    for place in sorted((now.keys() & places) - old, reverse=True):
        with _Noting(place, failed):
            _remove(place, now[place], bench)
    for number, thing in enumerate(record.things):
        if thing.place in places:
            with _Noting(thing.place, failed):
                _bring(thing, number, record, now.get(thing.place), bench)
    for thing in sorted(record.things, key=lambda thing: thing.place, reverse=True):
        if thing.kind is Kind.FOLDER and thing.place in places:
            with _Noting(thing.place, failed):
                _set_folder(thing, bench)
    for place in sorted(record.absent, reverse=True):
        with suppress(OSError):  # it holds what nobody declared
            parent, name = split(place)
            bench.disk.rmdir(name, at=bench.tree.folder(parent))
    return {place: _row_at(place, bench) for place in failed}


def _places(
    record: BackupRecord, now: Mapping[str, os.stat_result], bench: Workbench
) -> frozenset[str]:
    """Where something is to be done, if it has to be."""
    if record.only is None:
        known = now.keys() | {thing.place for thing in record.things}
        return frozenset(known) - record.spared
    left = {place for place, row in record.only.items() if _row_at(place, bench) == row}
    return frozenset(left) - record.spared


def _row_at(place: str, bench: Workbench) -> Row:
    return row_at(f"{bench.root}/{place}")


class _Noting:
    """A block in which a failure is noted, and ends only the block."""

    def __init__(self, place: str, failed: list[str]) -> None:
        self._place, self._failed = place, failed

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, problem: object, trace: object) -> bool:
        if not isinstance(problem, OSError):
            return False
        self._failed.append(self._place)
        return True


def _remove(place: str, info: os.stat_result, bench: Workbench) -> None:
    parent, name = split(place)
    if stat.S_ISDIR(info.st_mode):
        bench.tree.forget(place)
        with suppress(OSError):  # it holds what nobody declared
            bench.disk.rmdir(name, at=bench.tree.folder(parent))
        return
    with suppress(FileNotFoundError):
        bench.disk.unlink(name, at=bench.tree.folder(parent))


def _bring(
    thing: Thing,
    number: int,
    record: BackupRecord,
    now: os.stat_result | None,
    bench: Workbench,
) -> None:
    """Bring back what stood at a place, unless it surely stands there untouched."""
    if now is not None and _is_untouched(thing, now, record.taken_ns):
        return
    at = _way_to(thing.place, bench)
    name = split(thing.place)[1]
    match thing.kind:
        case Kind.FOLDER:
            _make_folder(thing.place, at, bench)
        case Kind.LINK:
            delete_tree(name, at=at)
            bench.disk.symlink(thing.text, name, at=at)
            os.utime(name, ns=(thing.mtime_ns, thing.mtime_ns), dir_fd=at, follow_symlinks=False)
        case Kind.FILE:
            _put_file(thing, kept(bench.number, number), at, bench)


def _is_untouched(thing: Thing, now: os.stat_result, taken_ns: int) -> bool:
    """Whether a file or link is what was kept: its row, and no change since can have hidden."""
    dev, mtime_ns, ctime_ns = thing.row[0], thing.row[3], thing.row[4]
    return (
        thing.kind is not Kind.FOLDER
        and FIELDS(now) == thing.row
        and is_settled(dev, mtime_ns, ctime_ns, seen_ns=taken_ns, now_ns=time.time_ns())
    )


def _way_to(place: str, bench: Workbench) -> int:
    """The folder of a place, made again where it is missing or something else is in its way."""
    parent = split(place)[0]
    if bench.tree.stands(parent):
        return bench.tree.folder(parent)
    return _make_folder(parent, _way_to(parent, bench), bench)


def _make_folder(place: str, at: int, bench: Workbench) -> int:
    if not bench.tree.stands(place):
        name = split(place)[1]
        with suppress(FileNotFoundError):
            bench.disk.unlink(name, at=at)
        bench.disk.mkdir(name, at=at, mode=0o777)
    return bench.tree.folder(place)


def _put_file(thing: Thing, name: str, at: int, bench: Workbench) -> None:
    target = split(thing.place)[1]
    if not _is_there(name, bench.folder):
        return  # put back by one that was killed later
    with suppress(FileNotFoundError):
        if stat.S_ISDIR(os.stat(target, dir_fd=at, follow_symlinks=False).st_mode):
            bench.tree.forget(thing.place)
            delete_tree(target, at=at)
    try:
        bench.disk.rename(name, target, at=bench.folder, to=at)
        return
    except OSError as problem:
        if problem.errno != errno.EXDEV:
            raise
    new = beside(bench.token, name)
    delete_tree(new, at=at)  # of one that was killed
    try:
        times = (thing.mtime_ns, thing.mtime_ns)
        copy_file(name, new, at=bench.folder, to=at, mode=thing.mode, times=times, disk=bench.disk)
        bench.disk.rename(new, target, at=at, to=at)
    finally:
        delete_tree(new, at=at)


def _set_folder(thing: Thing, bench: Workbench) -> None:
    """Mode and time of a folder, when all in it is done."""
    fd = bench.tree.folder(thing.place)
    info = os.fstat(fd)
    if stat.S_IMODE(info.st_mode) != thing.mode:
        bench.disk.chmod(fd, thing.mode)
    if info.st_mtime_ns != thing.mtime_ns:
        os.utime(fd, ns=(thing.mtime_ns, thing.mtime_ns))


def _is_there(name: str, at: int) -> bool:
    try:
        os.stat(name, dir_fd=at, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
