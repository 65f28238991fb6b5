"""Which files a pattern stands for: folders are listed once in a run and matched many times.

The rules are those of the original wherever it succeeds (config.md 5.3): links to files count
under their own names, links to folders are entered, nothing is hidden.
Ours are: the cache is never entered, a folder is not entered twice on one path, and a dangling
link that nothing matches does no harm.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

import attrs

from haz_trio.cache.layout import CACHE_PATH
from haz_trio.errors import InputError
from haz_trio.model.names import quote
from haz_trio.model.patterns import WORKSPACE_ROOT, Anchored, below

# A change within this time of a look may carry the same time stamp; nanoseconds (cache.md C8).
SLACK_NS = 20_000_000

Clock: TypeAlias = Callable[[], int]
_Identity: TypeAlias = tuple[int, int]
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR})


@attrs.frozen
class Listing:
    """The names in a folder as bytes, by kind; ``row`` is the folder's stat data when it was read.

    ``seen_ns`` is the time before it was read.
    Links are listed apart: what they lead to changes without a trace in the folder.
    """

    row: tuple[int, int, int, int]
    seen_ns: int
    files: tuple[bytes, ...]
    folders: tuple[bytes, ...]
    links: tuple[bytes, ...]


class Tree:
    """The folders below a workspace root, as far as they have been looked at in this run.

    Every method may be called from several threads at once.
    """

    def __init__(self, root: str, *, clock: Clock = time.time_ns) -> None:
        self._root = os.fsencode(root).rstrip(b"/")
        self._clock = clock
        self._listings: dict[bytes, Listing] = {}
        self._odd: set[bytes] = set()

    @property
    def odd_names(self) -> list[str]:
        """Names that are not UTF-8, which no pattern can match, for a remark."""
        return sorted(os.fsdecode(name) for name in self._odd)

    def host_path(self, path: str) -> bytes:
        """A workspace-absolute path on the host."""
        inside = b"" if path == WORKSPACE_ROOT else path.encode("utf-8", "surrogateescape")
        return self._root + inside or b"/"

    def find(self, pattern: Anchored, *, check: Callable[[], None]) -> Iterator[str]:
        """The workspace-absolute paths of regular files that a glob matches, in no order.

        ``check`` is called for every folder and may raise to give up.
        Raises ``InputError`` for a folder that cannot be read and for a matched dangling link.
        """
        assert pattern.glob is not None
        if below(pattern.prefix, CACHE_PATH):
            return
        cache = self._identity(self._root + CACHE_PATH.encode())
        start = pattern.prefix.encode().rstrip(b"/")
        ahead: list[tuple[bytes, int | None, tuple[_Identity, ...]]] = [(start, pattern.depth, ())]
        while ahead:
            check()
            folder, depth, above = ahead.pop()
            listing = self._list(folder)
            if listing is None or listing.row[:2] == cache or listing.row[:2] in above:
                continue
            for name in listing.files:
                path = folder + b"/" + name
                if pattern.glob.matches(path):
                    yield path.decode()
            folders = list(listing.folders)
            for name in listing.links:
                path = folder + b"/" + name
                kind = self._kind(path)
                if kind is None:
                    self._refuse_dangling(path, pattern)
                elif stat.S_ISDIR(kind):
                    folders.append(name)
                elif stat.S_ISREG(kind) and pattern.glob.matches(path):
                    yield path.decode()
            if depth is None or depth > 1:
                deeper = None if depth is None else depth - 1
                inner = (*above, listing.row[:2])
                ahead += [(folder + b"/" + name, deeper, inner) for name in folders]

    def _list(self, folder: bytes) -> Listing | None:
        """The listing of a folder, ``None`` when there is none; read again when in doubt."""
        host = self._root + folder or b"/"
        seen = self._clock()
        try:
            row = _row(os.stat(host))
            known = self._listings.get(folder)
            if known is not None and known.row == row and _is_settled(row, known.seen_ns):
                return known
            listing = self._read(host, row, seen)
        except OSError as problem:
            if problem.errno in _GONE:
                return None
            shown = quote(os.fsdecode(folder) or WORKSPACE_ROOT)
            raise InputError(f"cannot list folder {shown}: {problem.strerror}") from None
        self._listings[folder] = listing
        return listing

    def _read(self, host: bytes, row: tuple[int, int, int, int], seen: int) -> Listing:
        files, folders, links = [], [], []
        with os.scandir(host) as entries:
            for entry in entries:
                try:
                    entry.name.decode()
                except UnicodeDecodeError:
                    self._odd.add(entry.name)
                    continue
                if entry.is_symlink():
                    links.append(entry.name)
                elif entry.is_dir():
                    folders.append(entry.name)
                elif entry.is_file():
                    files.append(entry.name)
        return Listing(row, seen, tuple(files), tuple(folders), tuple(links))

    def _kind(self, path: bytes) -> int | None:
        """What a link leads to, ``None`` for nothing or for itself."""
        try:
            return os.stat(self._root + path).st_mode
        except OSError as problem:
            if problem.errno in _GONE or problem.errno == errno.ELOOP:
                return None
            raise InputError(
                f"cannot follow link {quote(os.fsdecode(path))}: {problem.strerror}"
            ) from None

    def _refuse_dangling(self, path: bytes, pattern: Anchored) -> None:
        if pattern.glob is not None and pattern.glob.matches(path):
            raise InputError(
                f"input {quote(os.fsdecode(path))} is a link that leads nowhere "
                f"(it matches {quote(pattern.text)})"
            )

    def _identity(self, host: bytes) -> _Identity | None:
        try:
            info = os.stat(host)
        except OSError:
            return None
        return info.st_dev, info.st_ino


def _row(info: os.stat_result) -> tuple[int, int, int, int]:
    return info.st_dev, info.st_ino, info.st_mtime_ns, info.st_ctime_ns


def _is_settled(row: tuple[int, int, int, int], seen_ns: int) -> bool:
    """Whether a later change would have got a later time stamp than the row has."""
    return max(row[2], row[3]) + SLACK_NS < seen_ns
