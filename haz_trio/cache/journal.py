"""What a restore is about to change, so that it can be undone, also by a later run (C7.5, C7.9).

Undoing looks at what is there: a change that was not made yet, or that somebody has changed
since, is left alone.  So it may be done twice, and at any point of a restore.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from typing import TypeAlias

from haz_trio.cache.files import READ, Disk, delete_tree, opened, pieces, regular
from haz_trio.cache.layout import beside, is_digest, replaced, staged
from haz_trio.cache.manifest import check_path
from haz_trio.cache.tree import Here, Tree, split
from haz_trio.values import frozen

_LIMIT = 64 << 20


@frozen
class Made:
    """A file or link put at ``target``: inode ``ino``, staged under ``number``.

    ``near`` is the folder in the workspace that holds the staged and the replaced file, for
    targets on another file system than the staging folder; ``None`` for the staging folder.
    """

    target: str
    ino: int
    here: Here
    number: int
    near: str | None = None


@frozen
class NewFolder:
    """A folder made at ``target``, maybe in the place of a link."""

    target: str
    here: Here
    number: int
    near: str | None = None


@frozen
class NewMode:
    """Other permission bits on the folder with inode ``ino``."""

    target: str
    ino: int
    old: int


@frozen
class Removed:
    """A file of ours that this result does not have."""

    target: str
    ino: int
    number: int
    near: str | None = None


@frozen
class RemovedFolder:
    """An empty folder of ours that this result does not have."""

    target: str
    mode: int


Change: TypeAlias = Made | NewFolder | NewMode | Removed | RemovedFolder


@frozen
class Journal:
    """The changes of one restore in their order; ``home`` is the workspace (see ``Tree.home``)."""

    key: str
    token: str
    changes: tuple[Change, ...]
    home: str


class Workshop:
    """Where the staged and the replaced files of one restore are.

    ``staging`` is the staging folder, ``None`` where the cache cannot be written.
    """

    def __init__(self, tree: Tree, staging: int | None, token: str) -> None:
        self.tree = tree
        self.staging = staging
        self._token = token

    def staged(self, number: int, near: str | None) -> tuple[int, str]:
        """The folder and the name of a new file; raises ``OSError``."""
        return self._spot(staged(number), near)

    def replaced(self, number: int, near: str | None) -> tuple[int, str]:
        """The folder and the name of what was replaced; raises ``OSError``."""
        return self._spot(replaced(number), near)

    def _spot(self, name: str, near: str | None) -> tuple[int, str]:
        if near is not None:
            return self.tree.folder(near), beside(self._token, name)
        if self.staging is None:
            raise FileNotFoundError(errno.ENOENT, "there is no staging folder")
        return self.staging, name


def undo(journal: Journal, shop: Workshop, disk: Disk) -> list[str]:
    """Take back what was changed, last change first; the places where that failed."""
    failed = []
    for change in reversed(journal.changes):
        try:
            _undo(change, shop, disk)
        except FileNotFoundError:
            continue  # not made yet, or its folder is gone
        except OSError:
            failed.append(change.target)
    return failed


def sweep_beside(journal: Journal, shop: Workshop) -> None:
    """Remove the staged and replaced files that are next to their targets."""
    for change in journal.changes:
        match change:
            case Made(number=number, near=str() as near):
                names = (shop.staged, shop.replaced)
            case NewFolder(number=number, near=str() as near):
                names = (shop.replaced, shop.replaced)
            case Removed(number=number, near=str() as near):
                names = (shop.replaced, shop.replaced)
            case _:
                continue
        for spot in names:
            with contextlib.suppress(OSError):
                folder, name = spot(number, near)
                delete_tree(name, at=folder)


def encode(journal: Journal) -> bytes:
    """The journal as JSON."""
    return json.dumps(
        {
            "key": journal.key,
            "token": journal.token,
            "home": journal.home,
            "changes": [[_NAMES[type(c)], *_fields(c)] for c in journal.changes],
        },
        separators=(",", ":"),
    ).encode()


def read(folder: int, name: str) -> Journal | None:
    """A journal in a staging folder, ``None`` when there is none that can be believed."""
    try:
        with opened(name, READ, at=folder) as fd:
            info = os.fstat(fd)
            if not regular(info) or info.st_size > _LIMIT:
                return None
            return decode(b"".join(pieces(fd)))
    except OSError:
        return None


def decode(data: bytes) -> Journal | None:
    """A journal from its JSON; ``None`` for anything else.  Never raises."""
    try:
        value = json.loads(data)
        key, name, home = value["key"], value["token"], value["home"]
        if not is_digest(key) or not _is_token(name) or not isinstance(home, str):
            return None
        return Journal(key, name, tuple(map(_change, value["changes"])), home)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):  # wrong shapes
        return None


def _undo(change: Change, shop: Workshop, disk: Disk) -> None:
    tree = shop.tree
    parent, name = split(change.target)
    match change:
        case Made(here=Here.NOTHING):
            if tree.inode(change.target) == change.ino:
                disk.unlink(name, at=tree.folder(parent))
        case Made():
            there = tree.inode(change.target)
            folder, old = shop.replaced(change.number, change.near)
            os.stat(old, dir_fd=folder, follow_symlinks=False)
            if there == change.ino and change.here is Here.EMPTY:
                disk.unlink(name, at=tree.folder(parent))
            elif there not in (None, change.ino):
                return  # somebody else's by now, or the old one itself
            disk.rename(old, name, at=folder, to=tree.folder(parent))
        case NewFolder():
            tree.forget(change.target)
            _remove_folder(name, tree.folder(parent), disk)
            if change.here is Here.LINK and tree.stat(change.target) is None:
                folder, old = shop.replaced(change.number, change.near)
                disk.rename(old, name, at=folder, to=tree.folder(parent))
        case NewMode():
            if tree.inode(change.target) == change.ino:
                disk.chmod(tree.folder(change.target), change.old)
        case Removed():
            if tree.stat(change.target) is None:
                folder, old = shop.replaced(change.number, change.near)
                disk.rename(old, name, at=folder, to=tree.folder(parent))
        case RemovedFolder():
            if tree.stat(change.target) is None:
                disk.mkdir(name, at=tree.folder(parent))
                disk.chmod(tree.folder(change.target), change.mode)


def _remove_folder(name: str, at: int, disk: Disk) -> None:
    try:
        disk.rmdir(name, at=at)
    except OSError as problem:
        if problem.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.ENOENT):
            raise


_NAMES: dict[type[Change], str] = {
    Made: "made",
    NewFolder: "folder",
    NewMode: "mode",
    Removed: "removed",
    RemovedFolder: "removed-folder",
}


def _fields(change: Change) -> list[str | int | None]:
    match change:
        case Made(target, ino, here, number, near):
            return [target, ino, here.value, number, near]
        case NewFolder(target, here, number, near):
            return [target, here.value, number, near]
        case NewMode(target, ino, old):
            return [target, ino, old]
        case Removed(target, ino, number, near):
            return [target, ino, number, near]
        case RemovedFolder(target, mode):
            return [target, mode]


def _change(value: list[object]) -> Change:
    match value:
        case ["made", str(target), int(ino), str(here), int(number), near]:
            return Made(_place(target), ino, Here(here), number, _near(near))
        case ["folder", str(target), str(here), int(number), near]:
            return NewFolder(_place(target), Here(here), number, _near(near))
        case ["mode", str(target), int(ino), int(old)]:
            return NewMode(_place(target), ino, old & 0o7777)
        case ["removed", str(target), int(ino), int(number), near]:
            return Removed(_place(target), ino, number, _near(near))
        case ["removed-folder", str(target), int(mode)]:
            return RemovedFolder(_place(target), mode & 0o777)
        case _:
            raise ValueError("not a change")


def _place(text: str) -> str:
    check_path("/" + text)
    return text


def _near(value: object) -> str | None:
    if value is None or value == "":
        return None if value is None else ""
    if not isinstance(value, str):
        raise TypeError("not a place")
    return _place(value)


def _is_token(value: object) -> bool:
    return isinstance(value, str) and len(value) == 16 and not set(value) - set("0123456789abcdef")
