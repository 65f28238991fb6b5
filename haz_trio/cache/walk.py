"""Which files a glob stands for: a folder is listed once in a run, however many tasks look.

The rules are those of the original wherever it succeeds (config.md 5.3): links to files count
under their own names, links to folders are entered, nothing is hidden.
Ours are: the cache is never entered, a folder is not entered twice on one path, and a link
that leads nowhere does no harm unless it matches.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from haz_trio.cache.hashing import RowOf, reader_of, stat_row
from haz_trio.cache.layout import BESIDE, CACHE_PATH
from haz_trio.model.patterns import Anchored, below
from haz_trio.trust import ABSENT, is_settled
from haz_trio.values import frozen

if TYPE_CHECKING:
    from haz_trio.trust import Clock, Row

Check: TypeAlias = Callable[[], None]
_Identity: TypeAlias = tuple[int, int]  # device and inode
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
_PATH_MAX = 4096  # bytes that a call takes of a path, with the NUL at its end
_CACHE = CACHE_PATH.encode()
_BESIDE = BESIDE.encode()


@frozen
class Listing:
    """The names in a folder, by kind, as bytes that are UTF-8; of files, joined by slashes.

    Links stand apart: what they lead to can change without a trace in the folder.
    ``others`` are FIFOs, sockets and devices.
    ``seen_ns`` is the time just before the folder was read, ``stamp`` its mtime and ctime then.
    ``unnamable`` says that there are names that are not UTF-8.
    """

    stamp: tuple[int, int]
    seen_ns: int
    files: bytes
    folders: tuple[bytes, ...]
    links: tuple[bytes, ...]
    others: tuple[bytes, ...]
    unnamable: bool = False


class Found:
    """What globs match, by workspace-absolute path: the first glob that matches it.

    ``files`` are regular files and links to such, ``dangling`` links that lead nowhere.
    ``folders`` are the places that were looked into, whatever was found there, as bytes below
    the root, each with the row of what it was before that.  ``linked`` says that it was asked
    where a link leads: that can change without a trace in any of them.  ``odd`` says that there
    is something of which people are told.
    ``listed`` are the folders that were listed: host path, row, and the time just before.
    ``complete`` says that these are all that were looked into.
    """

    __slots__ = ("complete", "dangling", "files", "folders", "linked", "listed", "odd")

    def __init__(self) -> None:
        self.files: dict[str, Anchored] = {}
        self.dangling: dict[str, Anchored] = {}
        self.folders: dict[bytes, Row] = {}
        self.linked: bool = False
        self.odd: bool = False
        self.listed: list[tuple[bytes, Row, int]] = []
        self.complete: bool = True


@frozen
class _Folder:
    """A folder to look into: its workspace path without a slash at the end, ``b""`` the root.

    ``depth`` is how many levels of names below it can match; ``above`` are the folders on its
    path.
    """

    path: bytes
    depth: int | None
    above: tuple[_Identity, ...]


class Tree:
    """The folders below a workspace root (host path), as far as a run has looked at them.

    May be used from several threads at once.
    """

    def __init__(
        self, root: str, *, clock: Clock = time.time_ns, row_of: RowOf = stat_row
    ) -> None:
        self._root = os.fsencode(root).rstrip(b"/")
        self._clock = clock
        self._read_row = reader_of(row_of)
        self._listings: dict[_Identity, Listing] = {}
        self._unnamable: set[bytes] = set()
        self._special: set[bytes] = set()

    @property
    def root_size(self) -> int:
        """How many bytes of a host path below the root come before its workspace path."""
        return len(self._root)

    @property
    def unnamable(self) -> tuple[str, ...]:
        """Host paths met so far that are not UTF-8, so that no pattern can match; sorted."""
        return tuple(map(os.fsdecode, sorted(self._unnamable)))

    @property
    def special(self) -> tuple[str, ...]:
        """Workspace paths of FIFOs, sockets and devices that a glob matched so far; sorted."""
        return tuple(map(os.fsdecode, sorted(self._special)))

    def forget(self) -> None:
        """Let go of what stood in folders: they are listed again when they are needed."""
        self._listings.clear()

    def host_path(self, path: str) -> bytes:
        """A workspace-absolute path on the host."""
        return self._root + (b"" if path == "/" else path.encode()) or b"/"

    def workspace_path(self, host: bytes) -> str:
        """A host path below the root, workspace-absolute."""
        return os.fsdecode(host.removeprefix(self._root)) or "/"

    def find(self, patterns: Sequence[Anchored], *, check: Check | None = None) -> Found:
        """What globs match now; ``check`` is called for every folder and may raise to give up.

        Raises ``OSError`` with the host path of a folder that cannot be read.
        """
        found = Found()
        for pattern in patterns:
            if not below(pattern.prefix, CACHE_PATH):
                self._walk(pattern, found, check)
        return found

    def _walk(self, pattern: Anchored, found: Found, check: Check | None) -> None:
        cache = self._identity(_CACHE)
        ahead = [self._start(pattern)]
        while ahead:
            folder = ahead.pop()
            if check is not None:
                check()
            row, listing = self._open(folder, cache)
            if folder.path != _CACHE:  # which is never entered, and changes all the time
                found.folders.setdefault(folder.path[1:] or b".", row)
            if listing is None:
                found.complete = False
                continue
            found.listed.append((self._root + folder.path or b"/", row, listing.seen_ns))
            identity = (row[0], row[1])
            found.odd |= listing.unnamable
            inner = self._match(pattern, folder, listing, found)
            if folder.depth != 1:
                depth = None if folder.depth is None else folder.depth - 1
                above = (*folder.above, identity)
                ahead += [_Folder(path, depth, above) for path in inner]

    def _match(
        self, pattern: Anchored, folder: _Folder, listing: Listing, found: Found
    ) -> list[bytes]:
        """Take the matches in a folder; the paths of the folders in it."""
        matches = _matcher(pattern)
        base = folder.path + b"/"
        files = _matching(listing.files, base, matches)
        if found.files:
            for path in files:
                found.files.setdefault(path, pattern)
        else:
            found.files = dict.fromkeys(files, pattern)
        inner = [base + name for name in listing.folders]
        for name in listing.links:
            link = base + name
            is_match = matches(link)
            if not is_match and folder.depth == 1:
                continue
            found.linked = True
            mode = self._follow(link)
            if mode is None:
                if is_match:
                    found.dangling.setdefault(link.decode(), pattern)
            elif stat.S_ISDIR(mode):
                if not self._in_cache(link):
                    inner.append(link)
            elif is_match and stat.S_ISREG(mode):
                found.files.setdefault(link.decode(), pattern)
        special = [base + name for name in listing.others if matches(base + name)]
        found.odd |= bool(special)
        self._special.update(special)
        return inner

    def _start(self, pattern: Anchored) -> _Folder:
        """Where the walk begins; the folders that lead there are on its path, too."""
        path = pattern.prefix.encode().rstrip(b"/")
        steps = path.split(b"/")[:-1]
        ids = (self._identity(b"/".join(steps[: n + 1])) for n in range(len(steps)))
        return _Folder(path, pattern.depth, tuple(found for found in ids if found is not None))

    def _open(self, folder: _Folder, cache: _Identity | None) -> tuple[Row, Listing | None]:
        """What is in a folder; nothing when it is gone or not to be entered (again)."""
        host = self._root + folder.path or b"/"
        seen = self._clock()
        try:
            row = self._read_row(os.stat(host))
            identity = (row[0], row[1])
            if identity == cache or identity in folder.above or not stat.S_ISDIR(row[5]):
                return row, None
            stamp = (row[3], row[4])
            known = self._listings.get(identity)
            if (
                known is not None
                and known.stamp == stamp
                and is_settled(row[0], *stamp, seen_ns=known.seen_ns, now_ns=seen)
            ):
                return row, known
            listing = self._list(host, stamp, seen)
        except OSError as problem:
            if is_absence(problem, host):
                return ABSENT, None
            raise
        self._listings[identity] = listing
        return row, listing

    def _list(self, host: bytes, stamp: tuple[int, int], seen_ns: int) -> Listing:
        files, folders, links, others, unnamable = [], [], [], [], False
        with os.scandir(host) as entries:
            for entry in entries:
                name = entry.name
                if not name.isascii() and not _is_text(name):
                    self._unnamable.add(entry.path)
                    unnamable = True
                elif entry.is_file(follow_symlinks=False):
                    if not name.startswith(_BESIDE):  # a restore in progress, no file of a task
                        files.append(name)
                elif entry.is_symlink():
                    links.append(name)
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(name)
                else:
                    others.append(name)
        kinds = (b"/".join(files), tuple(folders), tuple(links), tuple(others))
        return Listing(stamp, seen_ns, *kinds, unnamable)

    def _follow(self, path: bytes) -> int | None:
        """The mode of what a link leads to, ``None`` for nothing and for a loop."""
        host = self._root + path
        try:
            return os.stat(host).st_mode
        except OSError as problem:
            if is_absence(problem, host):
                return None
            raise

    def _in_cache(self, path: bytes) -> bool:
        """Whether a link to a folder leads into the cache by whatever way."""
        real, cache = (os.path.realpath(self._root + place) for place in (path, _CACHE))
        return real == cache or real.startswith(cache + b"/")

    def _identity(self, path: bytes) -> _Identity | None:
        try:
            info = os.stat(self._root + path or b"/")
        except OSError:
            return None
        return info.st_dev, info.st_ino


def is_absence(problem: OSError, host: bytes) -> bool:
    """Whether there is nothing at a path: no name is too long that exists, but a path can be."""
    if problem.errno == errno.ENAMETOOLONG:
        return len(host) < _PATH_MAX
    return problem.errno in _ABSENT


def _matcher(pattern: Anchored) -> Callable[[bytes], object]:
    """What tells whether a path below the prefix of a glob matches."""
    assert pattern.glob is not None, "only globs need a walk"
    if pattern.text == pattern.prefix + "/**":
        return _anything  # most globs are of this kind, and compiling one takes 0.2 ms
    return pattern.glob.regex.fullmatch


def _matching(files: bytes, base: bytes, matches: Callable[[bytes], object]) -> list[str]:
    """The paths of the files of a folder that match, from their names joined by slashes."""
    if not files:
        return []
    if matches is _anything:
        start = base.decode()
        return [start + name for name in files.decode().split("/")]
    return [(base + name).decode() for name in files.split(b"/") if matches(base + name)]


def _anything(path: bytes) -> bool:
    return True


def _is_text(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True
