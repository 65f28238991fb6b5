"""Backups of outputs, so that they are all the old or all the new ones (decisions.md 12).

``execution.outputs: rollback``: before a command starts, what stands at its outputs is copied into
a folder of the run below the cache, and a record is written. Success removes the record, anything
else puts everything back. What a killed run has left is put back by the next one.

The folder is locked by us and by the watchdog, which ends our commands when we are killed: as
long as one of them may still write, nobody puts anything back. ``owner`` is locked by us alone.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from haz_trio.abc import Subject
from haz_trio.cache.backup_record import (
    BackupRecord,
    Kind,
    Thing,
    encode_more,
    encode_record,
    read_record,
)
from haz_trio.cache.copying import copy_file
from haz_trio.cache.files import (
    FOLDER,
    Disk,
    delete_tree,
    explain,
    hold,
    token,
)
from haz_trio.cache.healing import Kept, add, records_of_others, restore_outputs
from haz_trio.cache.layout import OWNER, backup, kept, restoring_many
from haz_trio.cache.putting_back import Workbench
from haz_trio.cache.root import CacheRoot, Refused
from haz_trio.cache.standing import Area, UnseenError, area_of, is_there, standing
from haz_trio.cache.tree import Obstacle, Tree, split
from haz_trio.errors import OutputError
from haz_trio.model.names import quote_place
from haz_trio.trust import FIELDS
from haz_trio.values import evolve

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_WAY_OUT = "or set `execution.outputs: keep` in `.haz/workspace.yml`"


class Backup:
    """What one task's outputs were; ``commit`` or ``put_back`` is called last."""

    def __init__(self, backups: Backups, number: int, record: BackupRecord) -> None:
        self._backups = backups
        self.number = number
        self.record = record

    def commit(self, written: Iterable[str]) -> None:
        """The outputs are good as they are; ``written`` are those that the command wrote.

        Raises ``OutputError`` when that cannot be noted: then they are to be put back.
        """
        self._backups.commit(self, written)

    def put_back(self) -> str:
        """Make the outputs what they were; what people have to know, usually nothing."""
        return self._backups.put_back(self)


class Backups:
    """The backups of one run; for any number of threads.

    ``workspace`` is its path on the host. ``share`` is given the descriptor of a folder that who
    ends our commands after our death has to keep open until that is done.
    """

    def __init__(
        self,
        workspace: str,
        share: Callable[[int], None] = lambda folder: None,
        disk: Disk | None = None,
    ) -> None:
        self._disk = disk or Disk()
        self._root = os.path.realpath(workspace)
        self._cache = CacheRoot(workspace.rstrip("/") or "/", self._disk)
        self._share = share
        self._lock = threading.Lock()
        self._folder: int | None = None
        self._owner: int | None = None
        self._token = ""
        self._next = 0
        self._live: dict[int, Backup] = {}
        self._lost = False

    def take(self, subject: Subject, check: Callable[[], None] = lambda: None) -> Backup:
        """Keep what stands at the outputs of a task whose command is about to start.

        ``check`` is called between files and may raise to give up: then nothing is kept.
        Raises ``OutputError`` when it cannot be kept.
        """
        try:
            with self._lock:
                folder = self._opened()
                number, self._next = self._next, self._next + 1
            return self._take(subject, folder, number, check)
        except (Obstacle, Refused) as problem:
            raise OutputError(f"the outputs cannot be kept as they are: {problem}") from None
        except UnseenError as unseen:
            raise OutputError(
                f"the outputs cannot be kept as they are: {quote_place('/' + unseen.place)} "
                f"cannot be looked at: {explain(unseen.problem)}; mend that, {_WAY_OUT}"
            ) from None
        except OSError as problem:
            advice = "make room" if problem.errno in _NO_ROOM else "mend that"
            raise OutputError(
                f"the outputs cannot be kept as they are: {explain(problem)} in "
                f"{self._cache.path}; {advice}, {_WAY_OUT}"
            ) from None

    def _take(
        self, subject: Subject, folder: int, number: int, check: Callable[[], None]
    ) -> Backup:
        tree = Tree(self._root)
        try:
            taken = time.time_ns()
            area = area_of(tree, subject.outputs)
            things: list[Thing] = []
            try:
                for place, info in sorted(standing(self._root, area).items()):
                    check()
                    name = kept(number, len(things))
                    try:
                        thing = self._keep(tree, place, info, folder, name)
                    except PermissionError as problem:
                        raise UnseenError(place, problem) from None
                    if thing is not None:
                        things.append(thing)
                absent = tuple(sorted(self._absent(area)))
                record = BackupRecord(
                    str(subject.task), taken, area, tuple(things), absent, tree.home
                )
                self._disk.write_new(backup(number), encode_record(record), at=folder)
            except BaseException:  # whatever happened, nothing of it stays
                self._drop(number, len(things) + 1, folder)
                raise
        finally:
            tree.close()
        made = Backup(self, number, record)
        with self._lock:
            self._live[number] = made
        return made

    def _keep(
        self, tree: Tree, place: str, info: os.stat_result, folder: int, name: str
    ) -> Thing | None:
        parent, last = split(place)
        row = FIELDS(info)
        if stat.S_ISDIR(info.st_mode):
            return Thing(place, Kind.FOLDER, row)
        if not stat.S_ISREG(info.st_mode) and not stat.S_ISLNK(info.st_mode):
            return Thing(place, Kind.OTHER, row)
        at = tree.folder(parent)
        if stat.S_ISLNK(info.st_mode):
            return Thing(place, Kind.LINK, row, os.readlink(last, dir_fd=at))
        mode, times = stat.S_IMODE(info.st_mode), (info.st_atime_ns, info.st_mtime_ns)
        try:
            copy_file(last, name, at=at, to=folder, mode=mode, times=times, disk=self._disk)
        except FileNotFoundError:
            return None  # removed since it was seen
        return Thing(place, Kind.FILE, row)

    def _absent(self, area: Area) -> set[str]:
        """The folders above the outputs that a command has to make."""
        found = set()
        for place in area.places.values():
            while place and not is_there(self._root, place):
                found.add(place)
                place = split(place)[0]
        return found

    def commit(self, made: Backup, written: Iterable[str]) -> None:
        """See ``Backup.commit``."""
        with self._lock:
            folder = self._folder
            assert folder is not None, "a backup has been made"
            try:
                self._spare(list(written), made.record.home, made.number)
                with suppress(FileNotFoundError):
                    self._disk.unlink(backup(made.number), at=folder)
            except OSError as problem:
                raise OutputError(
                    f"the outputs cannot be declared good: {explain(problem)} in "
                    f"{self._cache.path}"
                ) from None
            del self._live[made.number]
        self._drop(made.number, len(made.record.things), folder)

    def spare(self, outputs: Iterable[str]) -> None:
        """The outputs of a hit stay, whatever becomes of others that may write the same.

        What cannot be noted is not: the result can be restored again.
        """
        tree = Tree(self._root)
        try:
            home = tree.home
        finally:
            tree.close()
        with self._lock, suppress(OSError):
            self._spare(list(outputs), home)

    def _spare(self, written: list[str], home: str, own: int | None = None) -> None:
        """Whatever becomes of others that may write the same: this is not theirs to undo."""
        for number, other in self._live.items():
            places = _shared(written, other.record.area)
            if places and number != own:
                assert self._folder is not None, "a backup has been made"
                spared = other.record.spared.union(places)
                other.record = evolve(other.record, spared=spared)
                add(encode_more(places), number, self._folder, self._disk)
        for theirs in self._of_others(home):
            places = _shared(written, theirs.record.area)
            if places:
                with suppress(FileNotFoundError):  # it is over by now
                    add(encode_more(places), theirs.number, theirs.folder, self._disk)

    def _of_others(self, home: str) -> Iterator[Kept]:
        root = self._cache.reading()
        own = restoring_many(self._token)
        return iter(()) if root is None else records_of_others(root, own, home)

    def put_back(self, made: Backup) -> str:
        """See ``Backup.put_back``."""
        with self._lock:
            folder = self._folder
            assert folder is not None, "a backup has been made"
            self._live.pop(made.number, None)
            others = [other.record.area for other in self._live.values()]
            others += [theirs.record.area for theirs in self._of_others(made.record.home)]
        record = made.record
        with suppress(OSError):  # runs that were over a moment ago have noted what is theirs
            noted = read_record(folder, backup(made.number))
            if noted is not None:
                record = evolve(record, spared=record.spared | noted.spared)
        if others:  # what is new may be theirs
            new = self._seen(record.area) - {thing.place for thing in record.things}
            for area in others:
                record = evolve(record, spared=record.spared | (new & self._seen(area)))
        tree = Tree(self._root)
        try:
            bench = Workbench(self._root, tree, folder, self._token, made.number, self._disk)
            done = restore_outputs(record, bench)
        finally:
            tree.close()
        if done.failed:
            self._lost = True
            gone = os.fstat(folder).st_nlink == 0
            then = (
                "their backup was removed with the cache" if gone else "the next run tries again"
            )
            return f"{done.lost}; {then}"
        self._drop(made.number, len(record.things), folder)
        return ""

    def _seen(self, area: Area) -> frozenset[str]:
        return frozenset(standing(self._root, area, lambda unseen: False))

    def _drop(self, number: int, count: int, folder: int) -> None:
        for thing in range(count):
            delete_tree(kept(number, thing), at=folder)

    def close(self) -> None:
        """The run is over; what could not be put back stays for the next one. Never raises."""
        with self._lock:
            root = self._cache.reading()
            if self._folder is not None and root is not None and not self._lost:
                delete_tree(restoring_many(self._token), at=root)
        self.die()

    def die(self) -> None:
        """Let go of everything as it is: what the end of this process would do."""
        with self._lock:
            for descriptor in (self._folder, self._owner):
                if descriptor is not None:
                    os.close(descriptor)
            self._folder = self._owner = None
            self._live.clear()
            self._lost = False
            self._cache.close()

    def _opened(self) -> int:
        """The folder of the run, made and shared before the first command starts."""
        if self._folder is None:
            root = self._cache.writing()
            folder = self._made(root)
            while os.fstat(folder).st_nlink == 0:  # who looked for the dead was quicker
                os.close(folder)
                folder = self._made(root)
            self._folder = folder
            self._owner = self._disk.create(OWNER + ".new", at=folder)
            hold(self._owner)
            self._disk.rename(OWNER + ".new", OWNER, at=folder, to=folder)
            self._share(folder)
        return self._folder

    def _made(self, root: int) -> int:
        self._token = token()
        name = restoring_many(self._token)
        self._disk.mkdir(name, at=root)
        folder = os.open(name, FOLDER, dir_fd=root)
        hold(folder)
        return folder


def _shared(written: Iterable[str], area: Area) -> list[str]:
    """The places of those paths that may be another task's."""
    patterns = area.patterns
    return [_place(path, area) for path in written if any(p.matches(path) for p in patterns)]


def _place(path: str, area: Area) -> str:
    """Where a path that the patterns of an area match is, by its longest prefix."""
    prefix = max((p.prefix for p in area.patterns if p.matches(path)), key=len)
    rest = path[len(prefix) :].strip("/") if prefix != "/" else path[1:]
    return "/".join(part for part in (area.places[prefix], rest) if part)
