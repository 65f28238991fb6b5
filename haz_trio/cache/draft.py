"""A store in progress: a locked temporary folder that becomes an entry in one step (CACHE-018)."""

from __future__ import annotations

import errno
import os
from contextlib import suppress

from haz_trio.cache.durable import sync_entry
from haz_trio.cache.entries import Damaged, Examined, examine
from haz_trio.cache.files import FOLDER, Disk, delete_tree, hold, opened, token
from haz_trio.cache.layout import (
    MANIFEST,
    ORDER,
    OUTPUTS,
    RECIPE,
    STDERR,
    STDOUT,
    shard,
    temporary,
)
from haz_trio.cache.manifest import Manifest, render
from haz_trio.cache.pool import Target
from haz_trio.cache.quarantine import open_folder, set_aside, throw_away
from haz_trio.values import evolve

_TRIES = 8  # others store under the same key, and collectors take it away, at any moment
_TAKEN = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR})


class Draft:
    """The folder ``.tmp-…`` of one key; its maker holds the lock of the folder.

    ``discard`` is called last, also after ``publish``, and leaves nothing behind.
    """

    def __init__(self, root: int, key: str, disk: Disk) -> None:
        """Make the folder; raises ``OSError`` and leaves nothing then.

        ``FileNotFoundError``: a collector took it, or its shard, before the lock was ours.
        """
        self.root = root
        self._key = key
        self._disk = disk
        self._name = temporary(key, token())
        self._shard = open_folder(shard(key), at=root, disk=disk)
        self._opened = [self._shard]
        self._published = False
        try:
            disk.mkdir(self._name, at=self._shard)
            self.folder: int = self._open(self._name, self._shard)
            hold(self.folder)
            disk.mkdir(OUTPUTS, at=self.folder)
            self.target: Target = Target(root, self._open(OUTPUTS, self.folder))
        except OSError:
            self.discard()
            raise

    def publish(self, manifest: Manifest, *, doubted: bool) -> Manifest | None:
        """Become the entry of the key; raises ``OSError``.

        The last store wins, but an equal entry that stands there stays, unless it is ``doubted``.
        Returns the intact entry with another result that was replaced.
        """
        self._disk.write_new(MANIFEST, render(manifest), at=self.folder)
        if self._disk.durable:
            sync_entry(self.folder, self.root, self._disk)
        beaten = self._become(manifest, doubted)
        self._published = True
        if self._disk.durable:
            self._disk.sync(self._shard)
            self._disk.sync(self.root)  # the shard may be new
        return beaten

    def _become(self, manifest: Manifest, doubted: bool) -> Manifest | None:
        beaten: Manifest | None = None
        for last in (False,) * (_TRIES - 1) + (True,):
            try:
                self._disk.rename(self._name, self._key, at=self._shard, to=self._shard)
                break
            except OSError as problem:
                if last or problem.errno not in _TAKEN:
                    raise
            found = examine(self.root, self._key, manifest.hash_name)
            try:
                if isinstance(found, Manifest) and not doubted:
                    if result_of(found) == result_of(manifest):
                        self._give_way()
                        return None
                    beaten = found
                self._free(found)
            except FileNotFoundError:
                continue  # a collector was quicker, and the name is free
        return beaten

    def _give_way(self) -> None:
        """Leave the name to an equal entry."""
        if self._disk.durable:  # whoever stored it may not have been
            with opened(self._key, FOLDER, at=self._shard) as entry:
                sync_entry(entry, self.root, self._disk)
        delete_tree(self._name, at=self._shard)

    def _free(self, found: Examined) -> None:
        """Move away what has the name."""
        if isinstance(found, Damaged):
            set_aside(self.root, self._key, found.kind, disk=self._disk)
        else:
            throw_away(self._key, at=self._shard, root=self.root, disk=self._disk)

    def discard(self) -> None:
        """Remove the folder unless it became an entry, and let go of everything."""
        if self._opened and not self._published:
            self._empty()
            delete_tree(self._name, at=self._shard)
        while self._opened:
            os.close(self._opened.pop())

    def _empty(self) -> None:
        """Remove what it is made of, as far as that takes no descriptor: there may be no more."""
        with suppress(ValueError, OSError):
            _, folder, *rest = self._opened
            for outputs in rest:
                for name in self.target.have:
                    os.unlink(name, dir_fd=outputs)
            for name in (STDOUT, STDERR, ORDER, RECIPE, MANIFEST):
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=folder)
            os.rmdir(OUTPUTS, dir_fd=folder)

    def _open(self, name: str, at: int) -> int:
        fd = os.open(name, FOLDER, dir_fd=at)
        self._opened.append(fd)
        return fd


def result_of(manifest: Manifest) -> Manifest:
    """A manifest without what differs between two runs with the same result."""
    return evolve(manifest, seal="", created_at=0, duration=0, task="")
