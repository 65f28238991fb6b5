"""What each task left in the workspace: the only files that a hit may remove (decisions.md 11).

A path is in the ledger only if our run or restore wrote it, and it counts only while its stat
row is still the one that we saw then: what people or other tools made or changed is not ours.

Several tasks may have left the same file: one wrote it, others found it right for a result of
theirs.  Then it goes with the last of them; nobody changes what another one has left, which may
be known better to another process.
"""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable, Container, Iterable, Mapping
from typing import TypeAlias

from haz_trio.cache.manifest import check_path, is_path
from haz_trio.values import frozen

Row: TypeAlias = tuple[int, int, int, int]
Declares: TypeAlias = Callable[[str, str], bool]


def all_declare(task: str, path: str) -> bool:
    """Nothing is known of any task: what it has left is still its output."""
    return True


@frozen
class Leavings:
    """The last key of a task, and its paths with ino, size, mtime_ns and ctime_ns, sorted."""

    task: str
    key: str
    paths: tuple[tuple[str, Row], ...]


def left_row(host: str) -> Row | None:
    """The stat row of what stands at a host path, ``None`` for nothing.

    Of a folder only the inode counts, its size is given as -1.
    """
    try:
        info = os.lstat(host)
    except OSError:
        return None
    if stat.S_ISDIR(info.st_mode):
        return (info.st_ino, -1, 0, 0)
    return (info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)


class Ledger:
    """The ledger of one run: what was on disk when it began, and what the run adds."""

    def __init__(self, root: str, rows: Mapping[str, Leavings]) -> None:
        self._root = root
        self._rows = dict(rows)
        self._owners: dict[str, dict[str, Row]] | None = None
        self._new: dict[str, Leavings] = {}
        self._lock = threading.Lock()

    @property
    def new(self) -> Mapping[str, Leavings]:
        """The rows that this run added or changed."""
        return self._new

    @property
    def rows(self) -> Mapping[str, Leavings]:
        """All rows, the new ones among them."""
        return self._rows

    def ours(self, task: str) -> dict[str, Row]:
        """The paths that a task left and that nobody touched since."""
        with self._lock:
            row = self._rows.get(task)
        if row is None:
            return {}
        return {p: seen for p, seen in row.paths if left_row(self._root + p) == seen}

    def own(self, task: str, parts: Container[str], declares: Declares) -> dict[str, Row]:
        """The same without what other tasks have and declare, unless it is a part of a result."""
        return {
            path: row
            for path, row in self.ours(task).items()
            if path in parts or not any(declares(it, path) for it in self.others(path, task))
        }

    def has_only(self, task: str, path: str) -> bool:
        """Whether a task has left nothing but at most this path, for all that is known."""
        with self._lock:
            row = self._rows.get(task)
        return row is None or all(left == path for left, _ in row.paths)

    def others(self, path: str, task: str) -> frozenset[str]:
        """The other tasks that have left what stands at a path and that nobody touched since."""
        with self._lock:
            if self._owners is None:
                self._owners = {}
                for leavings in self._rows.values():
                    _own(self._owners, leavings)
            owners = dict(self._owners.get(path, ()))
        owners.pop(task, None)
        if not owners:
            return frozenset()
        seen = left_row(self._root + path)
        return frozenset(owner for owner, row in owners.items() if row == seen)

    def record(self, task: str, key: str, *, wrote: Iterable[str], kept: Iterable[str]) -> None:
        """Note what a run or restore left: paths just written, and older ones still ours."""
        found = {path: left_row(self._root + path) for path in (*kept, *wrote)}
        paths = tuple(
            sorted((p, row) for p, row in found.items() if row is not None and is_path(p))
        )
        leavings = Leavings(task, key, paths)
        with self._lock:
            old = self._rows.get(task)
            if old == leavings:
                return
            self._rows[task] = self._new[task] = leavings
            if self._owners is not None:
                for path, _ in () if old is None else old.paths:
                    self._owners[path].pop(task, None)
                _own(self._owners, leavings)


def _own(owners: dict[str, dict[str, Row]], leavings: Leavings) -> None:
    """Add the paths of a task to the owners of paths."""
    for path, row in leavings.paths:
        owners.setdefault(path, {})[leavings.task] = row


def encode(rows: Mapping[str, Leavings]) -> bytes:
    """The rows as JSON."""
    return json.dumps(
        [
            {"task": row.task, "key": row.key, "paths": [[p, *seen] for p, seen in row.paths]}
            for _, row in sorted(rows.items())
        ],
        separators=(",", ":"),
    ).encode()


def decode(data: bytes) -> dict[str, Leavings]:
    """The rows of a ledger; whatever is not one has none.  Never raises."""
    try:
        return {row.task: row for row in map(_row, json.loads(data))}
    except (ValueError, TypeError, KeyError, RecursionError):  # all that a wrong shape raises
        return {}


def _row(value: Mapping[str, object]) -> Leavings:
    task, key, paths = value["task"], value["key"], value["paths"]
    if not isinstance(task, str) or not isinstance(key, str) or not isinstance(paths, list):
        raise TypeError("a row of the ledger has a wrong shape")
    return Leavings(task, key, tuple(map(_path, paths)))


def _path(value: list[object]) -> tuple[str, Row]:
    path, ino, size, mtime, ctime = value
    if not isinstance(path, str):
        raise TypeError("a path of the ledger is not a text")
    check_path(path)
    if not (
        isinstance(ino, int)
        and isinstance(size, int)
        and isinstance(mtime, int)
        and isinstance(ctime, int)
    ):
        raise TypeError("a stat row of the ledger is not made of integers")
    return path, (ino, size, mtime, ctime)
