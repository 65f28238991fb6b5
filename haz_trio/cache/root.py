"""The folder ``.haz/cache``: found once per run, trusted or not, made only by runs (C4)."""

from __future__ import annotations

import errno
import os
import stat
import threading
from contextlib import suppress

from haz_trio.cache.files import CREATE, FOLDER, Disk, explain, opened
from haz_trio.cache.layout import CACHE, IGNORE, IGNORE_TEXT, TAG, TAG_TEXT
from haz_trio.errors import HazError

_TRIES = 5  # somebody may clear the cache while we make it
_LASTING = frozenset({errno.ENOSPC, errno.EROFS, errno.EDQUOT})


class Refused(HazError):
    """The cache is not to be used, or cannot be written any more in this run."""


def doubt_of(path: str, info: os.stat_result) -> str | None:
    """Why the cache at a path could be somebody's trap (as git's safe.directory asks; I09).

    Root may use that of another user.
    """
    if info.st_mode & stat.S_IWOTH:
        return (
            f"the cache {path} is not used: everybody may write to it; "
            f"`chmod o-w {path}` makes it usable"
        )
    if info.st_uid in (os.geteuid(), 0) or os.geteuid() == 0:
        return None
    return f"the cache {path} is not used: it belongs to user {info.st_uid}, not to you"


class CacheRoot:
    """The cache of one workspace, held as a folder descriptor from its first use.

    The root itself may be a symbolic link; what it leads to is settled when it is opened.
    ``notes`` collects what people should be told, each thing once.
    """

    def __init__(self, workspace: str, disk: Disk) -> None:
        self.disk = disk
        self.path: str = os.path.join(workspace, CACHE)
        self.notes: list[str] = []
        self._workspace = workspace
        self._fd: int | None = None
        self._old: list[int] = []
        self._refused: str | None = None
        self._unwritable: str | None = None
        self._lock = threading.RLock()

    def reading(self) -> int | None:
        """The descriptor, or ``None`` when there is no cache that may be used; makes nothing."""
        with self._lock:
            if self._refused is not None:
                return None
            if self._fd is None:
                try:
                    self._open()
                except FileNotFoundError:
                    return None
                except OSError as problem:
                    self._refuse(f"the cache {self.path} cannot be used: {explain(problem)}")
            return self._fd

    def writing(self) -> int:
        """The descriptor of a cache that exists now; raises ``Refused`` and ``OSError``."""
        with self._lock:
            if self._unwritable is not None:
                raise Refused(self._unwritable)
            if self._fd is not None and os.fstat(self._fd).st_nlink == 0:
                self._old.append(self._fd)  # removed while we ran; others may still use it
                self._fd = None
            for tries_left in reversed(range(_TRIES)):
                if self.reading() is not None or self._refused is not None:
                    break
                try:
                    self._make()
                except FileNotFoundError as problem:
                    if not tries_left:
                        raise Refused(self.give_up(problem)) from problem
                except OSError as problem:
                    raise Refused(self.give_up(problem)) from problem
                self.reading()
            if self._fd is None:
                raise Refused(self._refused or f"the cache {self.path} went away")
            return self._fd

    def mark(self) -> None:
        """Write the two files that keep the folder out of backups and git; raises ``OSError``."""
        for name, text in ((TAG, TAG_TEXT), (IGNORE, IGNORE_TEXT)):
            try:
                fd = os.open(os.path.join(self.path, name), CREATE, 0o644)
            except FileExistsError:
                continue  # another process's, or not cleared away
            try:
                self.disk.write(fd, text)
            finally:
                os.close(fd)

    def give_up(self, problem: OSError) -> str:
        """Nothing more is written in this run; the reason, in words."""
        with self._lock:
            if self._unwritable is None:
                self._unwritable = (
                    f"the cache {self.path} cannot be written: {explain(problem)}; "
                    "nothing more is stored in this run"
                )
            return self._unwritable

    def lasting(self, problem: OSError) -> bool:
        """Whether an error of a store will meet every other store of this run as well."""
        return problem.errno in _LASTING or (
            problem.errno == errno.EACCES
            and not os.access(self.path, os.W_OK | os.X_OK, effective_ids=True)
        )

    def note(self, text: str) -> bool:
        """Remember a remark for people; whether it is new."""
        with self._lock:
            if text in self.notes:
                return False
            self.notes.append(text)
            return True

    def close(self) -> None:
        """Let go of the descriptors when nobody uses them; the next use opens the cache again."""
        with self._lock:
            while self._old:
                os.close(self._old.pop())
            if self._fd is not None:
                os.close(self._fd)
                self._fd = None

    def _open(self) -> None:
        fd = os.open(os.path.realpath(self.path), FOLDER)
        try:
            doubt = self._doubt(os.fstat(fd))
        except OSError:
            os.close(fd)
            raise
        if doubt is not None:
            os.close(fd)
            self._refuse(doubt)
        else:
            self._fd = fd

    def _doubt(self, info: os.stat_result) -> str | None:
        if info.st_uid != 0 and os.geteuid() == 0 and not info.st_mode & stat.S_IWOTH:
            self.note(f"the cache {self.path} belongs to user {info.st_uid}, not to root")
        return doubt_of(self.path, info)

    def _refuse(self, reason: str) -> None:
        self._refused = reason
        self.note(reason)

    def _make(self) -> None:
        """Make the folder of mode 0700, and mark it."""
        parent = os.path.dirname(self.path)
        if not os.path.isdir(parent):
            self.disk.before("mkdir")
            with suppress(FileExistsError):  # another run was quicker, and what follows tells
                os.mkdir(parent)
        try:
            self.disk.mkdir(self.path)
        except FileExistsError:
            return  # another process was quicker
        self.mark()
        if self.disk.durable:
            for folder in (self.path, parent, os.path.dirname(parent)):
                with opened(os.path.realpath(folder), FOLDER) as fd:
                    self.disk.sync(fd)
