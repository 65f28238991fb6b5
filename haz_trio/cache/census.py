"""What is in a cache: entries, orphans and bytes, seen without changing anything (AUX-017..021).

Shards are all folders of the root but our own (cache.md C4), entries all folders in shards.
No link is followed below the root, and what a living run works on is not seen at all.
"""

from __future__ import annotations

import enum
import errno
import os
import stat
from collections.abc import Iterator

from haz_trio.cache.files import FOLDER, READ, Disk, lock, opened, pieces, regular
from haz_trio.cache.layout import (
    CACHE,
    MANIFEST,
    ORDER,
    OUTPUTS,
    POOL,
    QUARANTINE,
    RECIPE,
    RESTORING,
    STATE,
    STDERR,
    STDOUT,
    TEMPORARY,
    TRASH,
    is_digest,
)
from haz_trio.cache.locks import Locks, existing_locks, is_in_use
from haz_trio.cache.manifest_reader import LIMIT
from haz_trio.cache.problems import Problem, Step
from haz_trio.cache.record import parse_record
from haz_trio.model.workspace import HashName
from haz_trio.values import evolve, frozen

_OURS = frozenset((POOL, QUARANTINE, STATE))
_WRITTEN = frozenset((MANIFEST, ORDER, RECIPE, STDOUT, STDERR))
_GONE = (errno.ENOENT, errno.ESTALE)
# What is no manifest to us: a link, a folder, a file that cannot be opened as one.
_NO_MANIFEST = (errno.ENOENT, errno.ELOOP, errno.EISDIR, errno.ENOTDIR, errno.ENXIO)


class Standing(enum.Enum):
    """Whether an entry is of the workspace's schema; blobs are not looked at (AUX-019)."""

    WELL_FORMED = "well-formed"
    CORRUPT = "corrupt"


@frozen
class Entry:
    """A folder in a shard; the figures are zero where its manifest cannot be understood.

    ``stranger`` names a file in a folder without a key for a name that we did not write there,
    and is empty where there is none: nobody but its owner may delete it.
    ``in_use`` says that a living run looks at it or restores it at this moment.
    """

    shard: str
    name: str
    inode: int
    standing: Standing
    created_at: int = 0
    footprint: int = 0
    task: str = ""
    stranger: str = ""
    in_use: bool = False

    @property
    def place(self) -> str:
        """The path inside the cache."""
        return f"{self.shard}/{self.name}"


@frozen
class Census:
    """What was found below ``path``; everything is sorted by place.

    ``temporary`` are stores and ``restoring`` restores that nobody works on any more, by their
    places; those of ``misplaced`` have the name of one but are no folders.
    ``quarantined`` is how many damaged entries have been set aside.
    """

    path: str
    entries: tuple[Entry, ...] = ()
    temporary: tuple[str, ...] = ()
    restoring: tuple[str, ...] = ()
    misplaced: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    quarantined: int = 0

    def count(self, standing: Standing) -> int:
        return sum(entry.standing is standing for entry in self.entries)


@frozen
class Bulk:
    """Bytes of all files, each inode once, and what could not be seen."""

    total: int = 0
    problems: tuple[Problem, ...] = ()


def cache_path(workspace: str) -> str:
    """The folder of the cache of the workspace at a path of the host."""
    return os.path.join(workspace, CACHE)


def open_cache(workspace: str) -> int | None:
    """A descriptor of the cache, which may be behind a link, or ``None`` where there is none.

    Raises ``OSError``.
    """
    try:
        return os.open(os.path.realpath(cache_path(workspace)), FOLDER)
    except FileNotFoundError:
        return None


def census(workspace: str, hash_name: HashName) -> Census:
    """Look at all entries and orphans; writes nothing.

    Raises ``OSError`` when the root cannot be read; what fails below it is in ``problems``.
    """
    path = cache_path(workspace)
    root = open_cache(workspace)
    if root is None:
        return Census(path)
    try:
        with existing_locks(root, Disk()) as locks:
            return _Taker(path, root, hash_name, locks).take()
    finally:
        os.close(root)


def measure(workspace: str) -> Bulk:
    """The apparent size of every regular file of the cache, links not followed.

    A file with several names counts once.  Raises ``OSError`` when the root cannot be read.
    """
    path = cache_path(workspace)
    top = os.path.realpath(path)
    waiting, seen, total = [top], set[tuple[int, int]](), 0
    problems: list[Problem] = []
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as found:
                for item in found:
                    if item.is_dir(follow_symlinks=False):
                        waiting.append(item.path)
                        continue
                    info = item.stat(follow_symlinks=False)
                    if not regular(info) or (info.st_dev, info.st_ino) in seen:
                        continue
                    if info.st_nlink > 1:
                        seen.add((info.st_dev, info.st_ino))
                    total += info.st_size
        except OSError as problem:
            if problem.errno in _GONE:
                continue  # removed while we looked, or no cache at all
            if folder == top:
                raise
            problems.append(Problem.of(Step.READ, path + folder[len(top) :], problem))
    return Bulk(total, tuple(problems))


def shards(root: int) -> list[str]:
    """The names of the folders that hold entries, sorted; raises ``OSError``."""
    with os.scandir(root) as found:
        return sorted(
            item.name
            for item in found
            if item.name not in _OURS
            and not item.name.startswith((RESTORING, TRASH))
            and item.is_dir(follow_symlinks=False)
        )


def is_live(name: str, at: int) -> bool:
    """Whether a living run works in a temporary folder: then its lock is taken.

    A folder that cannot be opened by us counts as nobody's, and so does what is no folder.
    """
    try:
        with opened(name, FOLDER, at=at) as folder:
            return not lock(folder)
    except OSError:
        return False


def read_file(name: str, at: int) -> bytes:
    """The bytes of a regular file, at most one more than a manifest may have.

    Raises ``OSError``; anything but a regular file is ``EISDIR``.
    """
    with opened(name, READ, at=at) as fd:
        if not regular(os.fstat(fd)):
            raise IsADirectoryError(errno.EISDIR, "Not a regular file")
        data = bytearray()
        for piece in pieces(fd):
            data += piece
            if len(data) > LIMIT:
                break
        return bytes(data)


def quarantined(root: int) -> int:
    """How many damaged entries have been set aside and are still kept."""
    try:
        with opened(QUARANTINE, FOLDER, at=root) as place:
            return len(os.listdir(place))
    except OSError:
        return 0


class _Taker:
    """One census."""

    def __init__(self, path: str, root: int, hash_name: HashName, locks: Locks | None) -> None:
        self._path = path
        self._locks = locks
        self._root = root
        self._hash_name = hash_name
        self._entries: list[Entry] = []
        self._temporary: list[str] = []
        self._restoring: list[str] = []
        self._misplaced: set[str] = set()
        self._problems: list[Problem] = []

    def take(self) -> Census:
        for name in shards(self._root):
            try:
                with opened(name, FOLDER, at=self._root) as folder:
                    self._look_into(name, folder)
            except OSError as problem:
                self._complain(Step.READ_SHARD, name, problem)
        for item in sorted(_listed(self._root), key=lambda item: item.name):
            if item.name.startswith(RESTORING) and not is_live(item.name, self._root):
                self._restoring.append(item.name)
                if not item.is_dir(follow_symlinks=False):
                    self._misplaced.add(item.name)
        return Census(
            self._path,
            tuple(self._entries),
            tuple(self._temporary),
            tuple(self._restoring),
            frozenset(self._misplaced),
            tuple(self._problems),
            quarantined(self._root),
        )

    def _look_into(self, shard: str, at: int) -> None:
        for item in sorted(_listed(at), key=lambda item: item.name):
            if item.name.startswith(TEMPORARY):
                if not is_live(item.name, at):
                    self._temporary.append(place := f"{shard}/{item.name}")
                    if not item.is_dir(follow_symlinks=False):
                        self._misplaced.add(place)
            elif item.is_dir(follow_symlinks=False):
                try:
                    with opened(item.name, FOLDER, at=at) as entry:
                        self._entries.append(self._judge(shard, item, entry))
                except OSError as problem:
                    place = f"{shard}/{item.name}/{MANIFEST}"
                    self._complain(Step.READ_MANIFEST, place, problem)

    def _judge(self, shard: str, item: os.DirEntry[str], at: int) -> Entry:
        corrupt = Entry(
            shard,
            item.name,
            item.inode(),
            Standing.CORRUPT,
            stranger="" if is_digest(item.name) else _stranger(at),
            in_use=is_in_use(self._locks, item.name),
        )
        try:
            data = read_file(MANIFEST, at)
        except OSError as problem:
            if problem.errno in _NO_MANIFEST:
                return corrupt
            raise
        try:
            record = parse_record(data)
        except ValueError:
            return corrupt
        return evolve(
            corrupt,
            standing=Standing.WELL_FORMED if record.fits(self._hash_name) else Standing.CORRUPT,
            created_at=record.created_at,
            footprint=record.footprint,
            task=record.task,
        )

    def _complain(self, step: Step, place: str, problem: OSError) -> None:
        if problem.errno not in _GONE:  # removed while we looked
            self._problems.append(Problem.of(step, f"{self._path}/{place}", problem))


def _listed(at: int) -> list[os.DirEntry[str]]:
    with os.scandir(at) as found:
        return list(found)


def _stranger(at: int) -> str:
    """The first name in a folder that no store of ours would have given, or an empty text."""
    return min(strangers(at), default="")


def strangers(at: int) -> Iterator[str]:
    """All such names in an entry; raises ``OSError``."""
    for item in _listed(at):
        mode = item.stat(follow_symlinks=False).st_mode
        if item.name == OUTPUTS and stat.S_ISDIR(mode):
            with opened(OUTPUTS, FOLDER, at=at) as folder:
                for blob in _listed(folder):
                    if not is_digest(blob.name) or blob.is_dir(follow_symlinks=False):
                        yield f"{OUTPUTS}/{blob.name}"
        elif item.name not in _WRITTEN or stat.S_ISDIR(mode):
            yield item.name
