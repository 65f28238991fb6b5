"""What a restore has to change: the recorded result compared with what is there (C7.1)."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from haz_trio.cache.files import READ, Disk, copy, opened
from haz_trio.cache.hashing import new_hasher
from haz_trio.cache.ledger import Row
from haz_trio.cache.manifest import Folder, Link, Manifest, Output
from haz_trio.cache.tree import Here, Obstacle, Tree, split
from haz_trio.model.names import quote
from haz_trio.model.patterns import Anchored, below
from haz_trio.model.workspace import HashName
from haz_trio.values import evolve, frozen

Vouch: TypeAlias = Callable[[str, os.stat_result, str], bool]


def no_vouch(path: str, info: os.stat_result, digest: str) -> bool:
    """Nothing is known about any file: each one is read."""
    return False


@frozen
class Want:
    """A file or link to be put at a place."""

    place: str
    item: Output | Link
    here: Here


@frozen
class Need:
    """A folder to be made at a place; ``mode`` is ``None`` for what the umask gives."""

    place: str
    mode: int | None
    here: Here


@frozen
class Mode:
    """A folder at a place that has other permission bits."""

    place: str
    mode: int
    old: int
    ino: int


@frozen
class Gone:
    """Something at a place of an output that we left there earlier and that this result lacks."""

    place: str
    ino: int
    folder_mode: int | None  # None for files and links


@frozen
class Work:
    """All changes, folders before what is in them; nothing to do when all parts are empty.

    ``aliases`` are paths of the result that links lead to the place of a wanted one.
    """

    needs: tuple[Need, ...] = ()
    wants: tuple[Want, ...] = ()
    gone: tuple[Gone, ...] = ()
    modes: tuple[Mode, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def single(self) -> Want | None:
        """The only change, if there is one and it can be made in one step."""
        if self.needs or self.gone or self.modes or len(self.wants) != 1:
            return None
        want = self.wants[0]
        return None if want.here is Here.EMPTY else want

    def __bool__(self) -> bool:
        return bool(self.needs or self.wants or self.gone or self.modes)


class Comparison:
    """Compares one manifest with the tree; raises ``Obstacle`` and ``OSError``.

    ``vouch`` may know that a file has a digest without reading it (cache.md C8).
    """

    def __init__(
        self, tree: Tree, patterns: Sequence[Anchored], hash_name: HashName, vouch: Vouch
    ) -> None:
        self._tree = tree
        self._patterns = patterns
        self._hash_name = hash_name
        self._vouch = vouch
        self._modes: dict[str, int] = {}
        self._standing: dict[str, bool] = {"": True}
        self._needs: dict[str, Need] = {}
        self._literals = {p.text: p for p in patterns if not p.is_glob}
        self._globs = sorted(
            (p for p in patterns if p.is_glob), key=lambda p: len(p.prefix), reverse=True
        )

    def work(self, manifest: Manifest, leavings: Mapping[str, Row]) -> Work:
        """What has to change; ``leavings`` are paths of ours that nobody touched since."""
        folders = [(self._place(f.path, self._folder_prefix(f.path)), f) for f in manifest.folders]
        self._modes = {place: folder.mode for (place, _), folder in folders}
        modes = []
        for (place, prefix), folder in folders:
            if self._stands(place, prefix) and (mode := self._mode(place, folder)) is not None:
                modes.append(mode)
        wants: dict[str, Want] = {}
        placed: dict[str, Output | Link] = {}
        aliases = []
        items: list[Output | Link] = [*manifest.outputs, *manifest.links]
        for item in sorted(items, key=lambda item: item.path):
            place, prefix = self._place(item.path, self._prefix(item.path))
            first = placed.setdefault(place, item)
            if first is not item:
                _check_alike(first, item)
                if place in wants:
                    aliases.append(item.path)
            elif (want := self._want(place, prefix, item)) is not None:
                wants[place] = want
        places = {*self._modes, *placed}
        gone = self._gone(leavings, places)
        return Work(
            tuple(self._needs.values()), tuple(wants.values()), gone, tuple(modes), tuple(aliases)
        )

    def _place(self, path: str, prefix: str) -> tuple[str, str]:
        return self._tree.place(path, prefix), self._tree.place(prefix, prefix)

    def _prefix(self, path: str) -> str:
        """The deepest fixed prefix of the patterns that match a file or link."""
        if path in self._literals:
            return self._literals[path].prefix
        for pattern in self._globs:
            if pattern.matches(path):
                return pattern.prefix
        raise Obstacle(f"{quote(path)} matches no declared output")

    def _folder_prefix(self, path: str) -> str:
        for pattern in self._globs:
            if below(path, pattern.prefix):
                return pattern.prefix
        raise Obstacle(f"the folder {quote(path)} lies below no declared output")

    def _stands(self, place: str, prefix: str) -> bool:
        """Whether a folder is there now; those that are not are noted as needed."""
        known = self._standing.get(place)
        if known is not None:
            return known
        if self._tree.stands(place):
            self._standing[place] = True
            return True
        above = ""
        for step in place.split("/"):
            at = f"{above}/{step}" if above else step
            if at not in self._standing:
                here = self._folder_here(at, prefix) if self._standing[above] else Here.NOTHING
                self._standing[at] = here is Here.FOLDER
                if here is not Here.FOLDER:
                    self._needs[at] = Need(at, self._modes.get(at), here)
            above = at
        return self._standing[place]

    def _folder_here(self, place: str, prefix: str) -> Here:
        info = self._tree.stat(place)
        if info is None:
            return Here.NOTHING
        if stat.S_ISDIR(info.st_mode):
            return Here.FOLDER
        if stat.S_ISLNK(info.st_mode) and below("/" + place, "/" + prefix) and place != prefix:
            return Here.LINK
        raise Obstacle(f"{quote('/' + place)} is a file where a folder has to be")

    def _mode(self, place: str, folder: Folder) -> Mode | None:
        info = os.fstat(self._tree.folder(place))
        if info.st_mode & 0o777 == folder.mode:
            return None
        return Mode(place, folder.mode, stat.S_IMODE(info.st_mode), info.st_ino)

    def _want(self, place: str, prefix: str, item: Output | Link) -> Want | None:
        parent, name = split(place)
        if not self._stands(parent, prefix):
            return Want(place, item, Here.NOTHING)
        info = self._tree.stat(place)
        if info is None:
            return Want(place, item, Here.NOTHING)
        if stat.S_ISLNK(info.st_mode):
            if isinstance(item, Link):
                text = os.readlink(name, dir_fd=self._tree.folder(parent))
                if text == item.target:
                    return None
            return Want(place, item, Here.LINK)
        if stat.S_ISDIR(info.st_mode):
            if self._tree.here(place) is Here.FOLDER:
                raise Obstacle(f"{quote('/' + place)} is a folder with something in it")
            return Want(place, item, Here.EMPTY)
        if isinstance(item, Output) and self._right(place, info, item):
            return None
        return Want(place, item, Here.FILE)

    def _right(self, place: str, info: os.stat_result, output: Output) -> bool:
        """Whether a file is as recorded in kind, mode and bytes."""
        if not stat.S_ISREG(info.st_mode) or info.st_size != output.size:
            return False
        if info.st_mode & 0o777 != output.mode:
            return False
        if self._vouch(output.path, info, output.digest):
            return True
        parent, name = split(place)
        hasher = new_hasher(self._hash_name)
        try:
            with opened(name, READ, at=self._tree.folder(parent)) as fd:
                seen = copy(fd, hasher, size=output.size, disk=_READER)
        except OSError:
            return False
        return seen == output.size and hasher.digest().hex() == output.digest

    def _gone(self, leavings: Mapping[str, Row], places: set[str]) -> tuple[Gone, ...]:
        kept = set(places)
        for place in places:
            while (place := split(place)[0]) and place not in kept:
                kept.add(place)
        gone = []
        for path, row in leavings.items():
            place = path[1:]
            if place in kept:
                continue
            try:
                info = self._tree.stat(place)
            except OSError:
                continue  # behind a link or gone: not where we left it
            if info is None or info.st_ino != row[0]:
                continue
            folder = stat.S_IMODE(info.st_mode) if stat.S_ISDIR(info.st_mode) else None
            if self._is_declared(path, folder=folder is not None):
                gone.append(Gone(place, info.st_ino, folder))
        return tuple(
            sorted((g for g in gone if g.folder_mode is None), key=lambda g: g.place)
        ) + tuple(
            sorted((g for g in gone if g.folder_mode is not None), key=lambda g: g.place)[::-1]
        )

    def _is_declared(self, path: str, *, folder: bool) -> bool:
        """Whether a path can be in a result; what has left the outputs may be needed by others."""
        if folder:
            return any(below(path, pattern.prefix) for pattern in self._globs)
        return path in self._literals or any(p.matches(path) for p in self._globs)


def _check_alike(first: Output | Link, second: Output | Link) -> None:
    if evolve(second, path=first.path) != first:
        raise Obstacle(
            f"{quote(first.path)} and {quote(second.path)} are one file through a link, "
            "and were two"
        )


_READER = Disk()
