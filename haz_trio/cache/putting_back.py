"""Making outputs what they were: what is new goes, what was there comes back.

May be done again from the start after it was killed at any point: a kept file that is not there
any more has been put back already.

Folders that the command has left read-only, or that were so before, are opened up for the moment,
as their owner may.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from haz_trio.cache.backup_record import BackupRecord, Kind, Thing
from haz_trio.cache.copying import copy_file
from haz_trio.cache.files import Disk, delete_tree, explain, opened
from haz_trio.cache.layout import beside, kept
from haz_trio.cache.restore import listed
from haz_trio.cache.standing import UnseenError, standing
from haz_trio.cache.tree import Tree, split
from haz_trio.model.patterns import below
from haz_trio.trust import FIELDS, is_settled, row_at
from haz_trio.values import field, frozen

if TYPE_CHECKING:
    from haz_trio.trust import Row

_RIGHTS = stat.S_IRWXU
_FULL = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.EBUSY)


@frozen
class Workbench:
    """What putting back works with.

    ``root`` is the real workspace; ``folder`` holds what the record ``number`` has kept; ``token``
    is that of the run, which is still at work unless ``dead``.
    """

    root: str
    tree: Tree
    folder: int
    token: str
    number: int
    disk: Disk
    dead: bool = False
    modes: dict[str, int] = field(factory=dict)  # of folders that were opened up, by place

    def open_up(self, place: str, record: BackupRecord) -> bool:
        """Let the owner write in the folders that lead to a place; whether that changes anything.

        Only those that a fixed prefix of the outputs is, or has below it.
        """
        steps = place.split("/")
        folders = ["/".join(steps[:length]) for length in range(1, len(steps) + 1)]
        starts = ["/" + start for start in record.area.places.values()]
        within = [f for f in folders if any(below("/" + f, start) for start in starts)]
        return sum(map(self._open_up, within)) > 0

    def _open_up(self, place: str) -> bool:
        parent, name = split(place)
        flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        with suppress(OSError), opened(name, flags, at=self.tree.folder(parent)) as fd:
            mode = stat.S_IMODE(os.fstat(fd).st_mode)
            if mode & _RIGHTS != _RIGHTS:
                os.chmod(f"/proc/self/fd/{fd}", mode | _RIGHTS)
                self.modes.setdefault(place, mode)
                return True
        return False

    def shut(self, place: str) -> None:
        """Give a folder that was opened up its mode again."""
        with suppress(OSError):
            self.disk.chmod(self.tree.folder(place), self.modes[place])


@frozen
class PutBack:
    """The places where that failed, as they are now, with the reason of the first."""

    failed: Mapping[str, Row]
    reason: str

    @property
    def lost(self) -> str:
        """What people have to know of a failure."""
        places = listed(sorted(self.failed))
        return f"outputs could not be put back ({self.reason}): {places} may be mixed"


def put_back(record: BackupRecord, bench: Workbench) -> PutBack:
    """Make the outputs of a record what they were."""
    failed: dict[str, str] = {}

    def refused(unseen: UnseenError) -> bool:
        if isinstance(unseen.problem, PermissionError) and bench.open_up(unseen.place, record):
            return True
        failed[unseen.place] = explain(unseen.problem)
        return False

    def attempt(place: str, act: Callable[[], None]) -> None:
        """A failure is noted, and ends only this."""
        try:
            try:
                act()
            except PermissionError:
                if not bench.open_up(place, record):
                    raise
                act()
        except OSError as problem:
            failed[place] = explain(problem)

    now = standing(bench.root, record.area, refused)
    places = _places(record, now, bench)
    old = {thing.place for thing in record.things}
    for place in sorted((now.keys() & places) - old, reverse=True):
        attempt(place, partial(_remove, place, now[place], bench))
    for number, thing in enumerate(record.things):
        if thing.place in places:
            there = now.get(thing.place)
            attempt(thing.place, partial(_bring, thing, number, record, there, bench))
    folders = {t.place: t for t in record.things if t.kind is Kind.FOLDER and t.place in places}
    for place in sorted(folders, reverse=True):
        attempt(place, partial(_set_folder, folders[place], bench))
    for place in sorted(record.absent, reverse=True):
        with suppress(OSError):  # it holds what nobody declared
            parent, name = split(place)
            bench.disk.rmdir(name, at=bench.tree.folder(parent))
    for place in sorted(bench.modes.keys() - folders.keys(), reverse=True):
        bench.shut(place)
    rows = {place: _row_at(place, bench) for place in failed}
    return PutBack(rows, next(iter(failed.values()), ""))


def edited_since(dead_ns: int, record: BackupRecord, bench: Workbench) -> list[str]:
    """What was changed after the last command had ended, and is people's; nobody has begun to put
    back any record of the run, or its own was the last.
    """
    if record.only is not None:  # it knows itself what has been changed
        return []
    now = standing(bench.root, record.area, lambda unseen: False)
    numbers = {thing.place: number for number, thing in enumerate(record.things)}
    edited = set()
    for place in now.keys() - record.spared:
        info, number = now[place], numbers.get(place)
        if stat.S_ISDIR(info.st_mode) or info.st_ctime_ns <= dead_ns:
            continue
        if number is None or not _is_back(record.things[number], number, place, bench):
            edited.add(place)
    return sorted(edited)


def _is_back(thing: Thing, number: int, place: str, bench: Workbench) -> bool:
    """Whether what was changed late was changed by one that was killed while it put back."""
    match thing.kind:
        case Kind.FILE:
            return not _is_there(kept(bench.number, number), bench.folder)
        case Kind.LINK:
            with suppress(OSError):
                return os.readlink(f"{bench.root}/{place}") == thing.text
            return False
        case Kind.FOLDER | Kind.OTHER:
            return False


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


def _remove(place: str, info: os.stat_result, bench: Workbench) -> None:
    parent, name = split(place)
    if stat.S_ISDIR(info.st_mode):
        bench.tree.forget(place)
        try:
            bench.disk.rmdir(name, at=bench.tree.folder(parent))
        except OSError as problem:
            if problem.errno not in _FULL:  # it holds what nobody declared
                raise
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
            copy = kept(bench.number, number)
            # Without a copy it was put back by one that was killed later; or the cache has been
            # removed, and what looks untouched may be so.
            same = now is not None and FIELDS(now) == thing.row
            if _is_there(copy, bench.folder) or not (bench.dead or same):
                _put_file(thing, copy, at, bench)
        case Kind.OTHER:
            _put_other(thing, name, at, now)


def _is_untouched(thing: Thing, now: os.stat_result, taken_ns: int) -> bool:
    """Whether a file or link is what was kept: its row, and no change since can have hidden."""
    dev, mtime_ns, ctime_ns = thing.row[0], thing.row[3], thing.row[4]
    return (
        thing.kind in (Kind.FILE, Kind.LINK)
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


def _put_other(thing: Thing, name: str, at: int, now: os.stat_result | None) -> None:
    """A FIFO can be made again, what is more than its name cannot."""
    kind = stat.S_IFMT(thing.row[5])
    if now is not None and stat.S_IFMT(now.st_mode) == kind:
        return
    if kind != stat.S_IFIFO:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    delete_tree(name, at=at)
    os.mkfifo(name, thing.mode, dir_fd=at)


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
