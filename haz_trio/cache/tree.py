"""The workspace as a restore sees it: every folder is opened step by step and no link followed.

What a link may do is settled before: above the fixed prefix of a pattern it may lead anywhere in
the workspace, below it stands in the way (cache.md C7.3).
Paths in here are *places*: relative to the real root, with ``""`` for the root itself.
"""

from __future__ import annotations

import enum
import os
import stat
from collections import OrderedDict

from haz_trio.cache.files import FOLDER, is_straight, opened
from haz_trio.cache.layout import CACHE
from haz_trio.errors import HazError
from haz_trio.model.names import quote
from haz_trio.model.patterns import below

_MOST_OPEN = 16
_FEW = 256  # the roots of file systems share inodes up to this one


class Obstacle(HazError):
    """A result cannot be put where it belongs; the message says what is in the way.

    ``escape`` says that a link leads outside, which is worth a warning.
    """

    def __init__(self, message: str, *, escape: bool = False) -> None:
        self.escape = escape
        super().__init__(message)


class Here(enum.Enum):
    """What stands at a place before a restore."""

    NOTHING = "nothing"
    FILE = "file"
    LINK = "link"
    EMPTY = "emptydir"
    FOLDER = "folder"


class Tree:
    """The workspace at ``root`` (host path); holds a few open folders until ``close``."""

    def __init__(self, root: str) -> None:
        self.root = root
        # The root itself may be behind links: it is where the user says that it is.
        self._top = os.open(root, FOLDER & ~os.O_NOFOLLOW)
        self._open: OrderedDict[str, int] = OrderedDict()
        self._prefixes: dict[str, str] = {}

    @property
    def home(self) -> str:
        """What tells this workspace from others that have the same cache (F02), wherever it is.

        Device numbers change at a restart, and paths when a workspace is moved.
        """
        inode = os.fstat(self._top).st_ino
        return f"{inode:x}" if inode > _FEW else f"{inode:x} {os.path.realpath(self.root)}"

    def close(self) -> None:
        for fd in self._open.values():
            os.close(fd)
        self._open.clear()
        os.close(self._top)

    def place(self, path: str, prefix: str) -> str:
        """Where a workspace-absolute path is, with the links down to ``prefix`` followed.

        Raises ``Obstacle`` when they lead outside the workspace or into the cache.
        """
        start = self._prefixes.get(prefix)
        if start is None:
            start = self._prefixes[prefix] = self._prefix(prefix)
        rest = path[len(prefix) :].strip("/") if prefix != "/" else path[1:]
        return "/".join(part for part in (start, rest) if part)

    def folder(self, place: str) -> int:
        """The descriptor of a folder, good for the next few calls; raises ``OSError``."""
        if not place:
            return self._top
        known = self._open.get(place)
        if known is not None:
            self._open.move_to_end(place)
            return known
        fd = self._descend(place)
        self._open[place] = fd
        if len(self._open) > _MOST_OPEN:
            os.close(self._open.popitem(last=False)[1])
        return fd

    def stands(self, place: str) -> bool:
        """Whether real folders lead to a place that is one; the next ``folder`` costs nothing."""
        try:
            self.folder(place)
        except OSError:
            return False
        return True

    def forget(self, place: str) -> None:
        """Let go of a folder that is about to be replaced, and of those below it."""
        for known in [p for p in self._open if below("/" + p, "/" + place)]:
            os.close(self._open.pop(known))

    def here(self, place: str) -> Here:
        """What stands at a place whose folder exists; raises ``OSError``."""
        info = self.stat(place)
        if info is None:
            return Here.NOTHING
        if stat.S_ISLNK(info.st_mode):
            return Here.LINK
        if not stat.S_ISDIR(info.st_mode):
            return Here.FILE
        parent, name = split(place)
        with opened(name, FOLDER, at=self.folder(parent)) as fd, os.scandir(fd) as found:
            return Here.FOLDER if next(found, None) is not None else Here.EMPTY

    def stat(self, place: str) -> os.stat_result | None:
        """The stat of what stands at a place, no link followed, ``None`` for nothing."""
        parent, name = split(place)
        try:
            return os.stat(name, dir_fd=self.folder(parent), follow_symlinks=False)
        except FileNotFoundError:
            return None

    def inode(self, place: str) -> int | None:
        """The inode of what stands at a place, ``None`` when that cannot be said."""
        try:
            info = self.stat(place)
        except OSError:
            return None
        return None if info is None else info.st_ino

    def _descend(self, place: str) -> int:
        steps = place.split("/")
        at, fd = 0, self._top
        for length in range(len(steps) - 1, 0, -1):
            known = self._open.get("/".join(steps[:length]))
            if known is not None:
                at, fd = length, known
                break
        started = fd
        for step in steps[at:]:
            try:
                below_it = os.open(step, FOLDER, dir_fd=fd)
            finally:
                if fd != started:
                    os.close(fd)
            fd = below_it
        return fd

    def _prefix(self, prefix: str) -> str:
        place = prefix.strip("/")
        if self.stands(place) or is_straight(self.root.rstrip("/"), prefix):
            return self._outside_cache(place, prefix)
        root = os.path.realpath(self.root)
        real = os.path.realpath(root + prefix)
        if real == root:
            return ""
        start = root.rstrip("/") + "/"
        if not real.startswith(start):
            raise Obstacle(
                f"{quote(prefix)} leads outside the workspace, to {quote(real)}", escape=True
            )
        step = root
        for name in prefix.strip("/").split("/"):
            step = os.path.join(step, name)
            if os.path.islink(step) and not os.path.exists(step):
                raise Obstacle(f"{quote(prefix)} leads through a link to nothing")
        return self._outside_cache(real[len(start) :], prefix)

    def _outside_cache(self, place: str, prefix: str) -> str:
        if below("/" + place, "/" + CACHE):
            raise Obstacle(f"{quote(prefix)} leads into the cache", escape=True)
        return place


def split(place: str) -> tuple[str, str]:
    """The folder of a place, and its name in there."""
    parent, _, name = place.rpartition("/")
    return parent, name
