"""What is known of earlier results of a task: their keys, their stream digests, their recipes.

The ledger names the last result of each task; where it cannot, the entries themselves tell.
Reads only, believes nothing that is not well-formed, and never raises.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property

from haz_trio.cache.entries import open_entry
from haz_trio.cache.files import FOLDER, READ, opened, pieces, regular
from haz_trio.cache.layout import MANIFEST, RECIPE, is_digest
from haz_trio.cache.ledger import Leavings
from haz_trio.cache.ledger_file import load
from haz_trio.cache.manifest import Manifest
from haz_trio.cache.manifest_reader import LIMIT
from haz_trio.cache.manifest_reader import parse as parse_manifest
from haz_trio.cache.recorded import Recorded, Streams
from haz_trio.cache.recorded import parse as parse_recipe
from haz_trio.cache.root import CacheRoot
from haz_trio.cache.secret import read_secret
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import HashName
from haz_trio.values import field, frozen


@frozen
class Result:
    """An earlier result of a task that is still in the cache, and what its key was made of."""

    key: str
    recipe: Recorded
    stored_ns: int = field(default=0, eq=False)
    """When it was stored, in nanoseconds of unix time as the file system tells them."""


@frozen
class _Past:
    """An entry as far as it concerns its task; the order is that of time."""

    created_at: int
    mtime_ns: int
    key: str
    streams: Streams


class History:
    """The earlier results of one cache, whatever hash function they were stored with."""

    def __init__(self, root: CacheRoot) -> None:
        self._root = root

    @cached_property
    def secret(self) -> bytes | None:
        """The secret with which environment values were veiled."""
        return None if self._root.reading() is None else read_secret(self._root.path)

    def last(self, task: TaskId) -> Result | None:
        """The last result of a task that was stored and can still be read."""
        row = self._ledger.get(str(task))
        if row is not None and is_digest(row.key):
            result = self._result(row.key)
            if result is not None:
                return result
        return self._newest(self._past.get(str(task), ()))

    def with_streams(self, task: TaskId, streams: Streams) -> Result | None:
        """The newest result of a task that printed exactly this."""
        return self._newest(p for p in self._past.get(str(task), ()) if p.streams == streams)

    def _newest(self, past: Iterable[_Past]) -> Result | None:
        for each in sorted(past, key=lambda p: (p.created_at, p.mtime_ns, p.key), reverse=True):
            result = self._result(each.key)
            if result is not None:
                return result
        return None

    @cached_property
    def _ledger(self) -> dict[str, Leavings]:
        return load(self._root)

    @cached_property
    def _past(self) -> dict[str, list[_Past]]:
        """All sound entries by task: one pass over the cache, made only when it is asked for."""
        found: dict[str, list[_Past]] = {}
        root = self._root.reading()
        if root is None:
            return found
        for shard in _names(root, 2):
            with suppress(OSError), opened(shard, FOLDER, at=root) as folder:
                for key in _names(folder, 64):
                    with suppress(OSError), opened(key, FOLDER, at=folder) as entry:
                        _note(found, key, entry)
        return found

    def _result(self, key: str) -> Result | None:
        root = self._root.reading()
        if root is None:
            return None
        with suppress(OSError), open_entry(root, key) as entry:
            data = _read(RECIPE, entry)
            recipe = None if data is None else parse_recipe(data)
            if recipe is not None:
                info = os.stat(RECIPE, dir_fd=entry, follow_symlinks=False)
                return Result(key, recipe, info.st_mtime_ns)
        return None


def _note(found: dict[str, list[_Past]], key: str, entry: int) -> None:
    data = _read(MANIFEST, entry)
    for hash_name in HashName:
        manifest = None if data is None else parse_manifest(data, hash_name)
        if isinstance(manifest, Manifest) and manifest.key == key:
            mtime = os.stat(MANIFEST, dir_fd=entry, follow_symlinks=False).st_mtime_ns
            past = _Past(
                manifest.created_at, mtime, key, Streams(manifest.stdout, manifest.stderr)
            )
            found.setdefault(manifest.task, []).append(past)


def _names(folder: int, length: int) -> list[str]:
    """The names of shards or entries in a folder: lower-case hexadecimal digits."""
    return sorted(
        name
        for name in os.listdir(folder)
        if len(name) == length and is_digest(name * (64 // length))
    )


def _read(name: str, at: int) -> bytes | None:
    """The bytes of a regular file of bounded size; raises ``OSError``."""
    with opened(name, READ, at=at) as fd:
        info = os.fstat(fd)
        if not regular(info) or info.st_size > LIMIT:
            return None
        return b"".join(pieces(fd))
