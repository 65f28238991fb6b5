"""Entries judged down to their last byte, so that a hit foretold is a hit (cache.md C6).

A run verifies bytes when it uses them; ``why`` and ``cache verify`` read them all and change
nothing.  What stands in the way of a restore is looked for where a task is known.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeAlias

from haz_trio.abc import Subject
from haz_trio.cache.entries import (
    Damaged,
    Examined,
    NoEntry,
    Unreadable,
    examine,
    misfit,
    open_entry,
    unless_replaced,
)
from haz_trio.cache.files import FOLDER, READ, Damage, Disk, copy, explain, opened, regular
from haz_trio.cache.hashing import new_hasher
from haz_trio.cache.layout import OUTPUTS, STDERR, STDOUT
from haz_trio.cache.manifest import Manifest
from haz_trio.cache.order import read_order
from haz_trio.cache.streams import open_recorded
from haz_trio.cache.targets import Comparison
from haz_trio.cache.tree import Obstacle, Tree
from haz_trio.model.workspace import HashName
from haz_trio.values import frozen


@frozen
class Blocked:
    """A sound entry that a run could not restore, for what stands at a target or on the way."""

    reason: str


Foretold: TypeAlias = Examined | Blocked
_Seen: TypeAlias = tuple[int, int, int, int, int]
_READER = Disk()


class Verifier:
    """Verifies entries of one cache; a blob that many entries share is read once.

    ``workspace`` is the root on the host, ``root`` the descriptor of the cache, or ``None`` when
    there is no cache that may be used.
    """

    def __init__(self, workspace: str, root: int | None, hash_name: HashName) -> None:
        self._workspace = workspace
        self._root = root
        self._hash_name = hash_name
        self._right: dict[_Seen, str] = {}

    def verify(self, key: str, subject: Subject) -> Foretold:
        """The manifest of a key if a run of this task would use it; never raises."""
        found = self._verify(key, lambda found: misfit(found, subject, self._workspace))
        if isinstance(found, Manifest) and (obstacle := self._obstacle(found, subject)):
            return Blocked(f"{subject.task} cannot be restored: {obstacle}")
        return found

    def verify_alone(self, key: str) -> Examined:
        """The same without asking whose entry it is."""
        return self._verify(key, lambda found: "")

    def _verify(self, key: str, misfit_of: Callable[[Manifest], str]) -> Examined:
        root = self._root
        if root is None:
            return NoEntry()
        return unless_replaced(root, key, lambda: self._judge(root, key, misfit_of))

    def _judge(self, root: int, key: str, misfit_of: Callable[[Manifest], str]) -> Examined:
        found = examine(root, key, self._hash_name)
        if not isinstance(found, Manifest):
            return found
        if reason := misfit_of(found):
            return Damaged(reason, "manifest")
        try:
            with open_entry(root, key) as entry:
                self._streams(found, entry)
                self._blobs(found, entry)
        except Damage as damage:
            return Damaged(damage.reason, damage.kind)
        except OSError as problem:
            return Unreadable(problem)
        return found

    def _obstacle(self, manifest: Manifest, subject: Subject) -> str:
        """Why a restore would not begin, or an empty text."""
        try:
            tree = Tree(self._workspace or "/")
            try:
                comparison = Comparison(tree, subject.outputs, self._hash_name, _as_recorded)
                comparison.work(manifest, {})
            finally:
                tree.close()
        except Obstacle as obstacle:
            return str(obstacle)
        except OSError as problem:
            return explain(problem)
        return ""

    def _streams(self, manifest: Manifest, entry: int) -> None:
        for name, size, digest in (
            (STDOUT, manifest.stdout_size, manifest.stdout),
            (STDERR, manifest.stderr_size, manifest.stderr),
        ):
            open_recorded(name, at=entry, size=size, digest=digest, hash_name=self._hash_name)
        read_order(manifest.stdout_size, manifest.stderr_size, at=entry)

    def _blobs(self, manifest: Manifest, entry: int) -> None:
        if not manifest.outputs:
            return
        with opened(OUTPUTS, FOLDER, at=entry) as folder:
            for digest, size in {o.digest: o.size for o in manifest.outputs}.items():
                self.check_blob(digest, size, folder)

    def check_blob(self, digest: str, size: int | None, folder: int) -> None:
        """A blob in a folder has its bytes, and its size if that is known.

        Raises ``Damage`` and ``OSError``.
        """
        with opened(digest, READ, at=folder) as fd:
            info = os.fstat(fd)
            size = info.st_size if size is None else size
            seen = (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
            if self._right.get(seen) == digest:
                return
            hasher = new_hasher(self._hash_name)
            count = copy(fd, hasher, size=size, disk=_READER) if regular(info) else -1
            if count != size or hasher.digest().hex() != digest:
                raise Damage(f"blob {digest} has other bytes", kind="blob", blob=digest)
            self._right[seen] = digest


def _as_recorded(path: str, info: os.stat_result, digest: str) -> bool:
    """A file is in nobody's way, whatever its bytes are: none is read."""
    return True
