"""What output patterns match on disk, and what becomes of the links among them (cache.md C5).

A link that matches stays a link if what it points to belongs to the same result, or is absent
and would lie in the workspace; any other link stands for a copy of what it leads to.
"""

from __future__ import annotations

import enum
import errno
import os
import posixpath
import stat
from collections.abc import Iterator, Sequence

from haz_trio.cache.files import is_straight
from haz_trio.cache.layout import CACHE_PATH
from haz_trio.cache.walk import is_absence
from haz_trio.model.names import quote, quote_place
from haz_trio.model.patterns import WORKSPACE_ROOT, Anchored, below, join
from haz_trio.values import frozen

_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


class _Kind(enum.Enum):
    FILE = enum.auto()
    FOLDER = enum.auto()
    LINK = enum.auto()


@frozen
class Matches:
    """Workspace-absolute paths; ``links`` maps a link to its text.

    ``obstacle`` says why a result with these matches cannot be stored, or is empty.
    """

    files: frozenset[str]
    links: dict[str, str]
    folders: frozenset[str]
    obstacle: str


def find_matches(root: str, patterns: Sequence[Anchored]) -> Matches:
    """Everything below the workspace ``root`` (host path) that is an output.

    FIFOs, sockets and devices are passed over, and the cache is never entered.
    Names that are not UTF-8 are an obstacle and are left out.
    """
    search = _Search(root, patterns)
    search.run()
    return Matches(
        frozenset(search.files),
        search.links,
        frozenset(search.folders - search.files - search.links.keys()),
        search.obstacle,
    )


def link_target(root: str, path: str, text: str) -> str | None:
    """Where a link at ``path`` points, by its text alone; ``None`` outside the workspace.

    ``root`` is the workspace on the host, for links with absolute text.
    """
    if text.startswith("/"):
        whole = posixpath.normpath(text)
        for start in (root or "/", os.path.realpath(root or "/")):
            base = posixpath.normpath(start)
            if whole == base or whole.startswith(base.rstrip("/") + "/"):
                return whole[len(base.rstrip("/")) :] or WORKSPACE_ROOT
        return None
    steps = [step for step in path.split("/")[:-1] if step]
    for step in text.split("/"):
        if step == "..":
            if not steps:
                return None
            steps.pop()
        elif step not in ("", "."):
            steps.append(step)
    return "/" + "/".join(steps)


class _Search:
    """One enumeration; a folder is listed once however many patterns look into it."""

    def __init__(self, root: str, patterns: Sequence[Anchored]) -> None:
        self._root = root
        self._globs = tuple(p for p in patterns if p.is_glob)
        self._literals = tuple(p for p in patterns if not p.is_glob)
        self._listings: dict[str, tuple[tuple[str, _Kind], ...]] = {}
        self._candidates: set[str] = set()
        self._passed: list[str] = []  # links to folders that match nothing themselves
        self._entered: set[str] = set()
        self._marked: set[tuple[str, str]] = set()  # prefixes with folders known above a match
        self._texts: dict[str, str] = {}
        self.files: set[str] = set()
        self.links: dict[str, str] = {}
        self.folders: set[str] = set()
        self.obstacle = ""

    def run(self) -> None:
        for prefix in sorted({p.prefix for p in (*self._globs, *self._literals)}):
            self._check_prefix(prefix)
        for pattern in self._literals:
            self._take_literal(pattern.text)
        for pattern in self._globs:
            whole = pattern.text == join(pattern.prefix, "**") != "/**"
            if whole and self._is_folder(pattern.prefix):
                self.folders.add(pattern.prefix)
            self._walk(pattern, pattern.prefix, 0)
        while self._passed or self._candidates:
            passed, self._passed = self._passed, []
            for path in passed:
                self._enter(path)
            if passed:
                continue
            self._keep_links()
            left, self._candidates = sorted(self._candidates), set()
            for path in left:
                self._copy(path)
        if self.links:
            self._refuse_below_links()

    def _check_prefix(self, prefix: str) -> None:
        if is_straight(self._root, prefix):
            return
        real = os.path.realpath(self._root + prefix)
        whole = os.path.realpath(self._root or "/")
        if real != whole and not real.startswith(whole.rstrip("/") + "/"):
            self._hinder(f"{quote(prefix)} leads outside the workspace, to {quote(real)}")

    def _hinder(self, obstacle: str) -> None:
        self.obstacle = self.obstacle or obstacle

    def _refuse_below_links(self) -> None:
        """A link that stays cannot be restored together with what other patterns find in it."""
        folders: set[str] = set()
        for path in (*self.files, *self.links, *self.folders):
            while (path := path.rpartition("/")[0]) and path not in folders:
                folders.add(path)
        behind = folders & self.links.keys()
        if behind:
            self._hinder(
                f"{quote(min(behind))} is a link and an output, and other outputs lie behind it; "
                "declare them where the link leads to"
            )

    def _take_literal(self, path: str) -> None:
        if below(path, CACHE_PATH):
            self._hinder(f"output {quote(path)} lies inside the cache")
            return
        try:
            mode = os.lstat(self._root + path).st_mode
        except OSError:
            return
        if stat.S_ISLNK(mode):
            self._candidates.add(path)
        elif stat.S_ISREG(mode):
            self.files.add(path)

    def _walk(self, pattern: Anchored, start: str, level: int) -> None:
        stack = [(start, level)]
        while stack:
            folder, level = stack.pop()
            deeper = pattern.depth is None or level + 1 < pattern.depth
            for path, kind in self._list(folder):
                if pattern.matches(path):
                    self._matched(pattern, path, kind)
                    if kind is _Kind.LINK:
                        continue
                if kind is _Kind.FOLDER and deeper:
                    stack.append((path, level + 1))
                elif kind is _Kind.LINK and deeper and path not in self._entered:
                    self._passed.append(path)

    def _matched(self, pattern: Anchored, path: str, kind: _Kind) -> None:
        if not _is_text(path):
            self._hinder(f"output {quote(path)} has a name that is not UTF-8")
            return
        match kind:
            case _Kind.FILE:
                self.files.add(path)
            case _Kind.FOLDER:
                self.folders.add(path)
            case _Kind.LINK:
                if path not in self._entered:
                    self._candidates.add(path)
        parent = path.rpartition("/")[0] or WORKSPACE_ROOT
        while parent != pattern.prefix and (pattern.prefix, parent) not in self._marked:
            self._marked.add((pattern.prefix, parent))
            self.folders.add(parent)
            parent = parent.rpartition("/")[0] or WORKSPACE_ROOT

    def _list(self, folder: str) -> tuple[tuple[str, _Kind], ...]:
        known = self._listings.get(folder)
        if known is None:
            known = self._listings[folder] = tuple(self._scan(folder))
        return known

    def _scan(self, folder: str) -> Iterator[tuple[str, _Kind]]:
        if below(folder, CACHE_PATH):
            return
        try:
            with os.scandir(self._root + folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as problem:
            self._hinder(f"{quote_place(folder)} cannot be listed: {problem.strerror}")
            return
        for entry in entries:
            path = join(folder, entry.name)
            if path == CACHE_PATH:
                continue
            if entry.is_symlink():
                yield path, _Kind.LINK
            elif entry.is_dir(follow_symlinks=False):
                yield path, _Kind.FOLDER
            elif entry.is_file(follow_symlinks=False):
                yield path, _Kind.FILE

    def _enter(self, path: str) -> None:
        """Walk the folder that a link leads to, under the link's path; not twice on one path."""
        self._entered.add(path)
        host = os.fsencode(self._root + path)
        try:
            info = os.stat(host)
        except OSError as problem:
            if problem.errno == errno.ENAMETOOLONG and not is_absence(problem, host):
                self._hinder(f"{quote_place(path)} cannot be listed: {problem.strerror}")
            return
        if not stat.S_ISDIR(info.st_mode) or self._is_ancestor(info, path):
            return
        for pattern in self._globs:
            if below(path, pattern.prefix):
                level = _depth(path) - _depth(pattern.prefix)
                if pattern.depth is None or level < pattern.depth:
                    self._walk(pattern, path, level)

    def _is_ancestor(self, info: os.stat_result, path: str) -> bool:
        while path:
            path = path.rpartition("/")[0]
            try:
                if os.path.samestat(info, os.stat(self._root + path + "/")):
                    return True
            except OSError:
                return True
        return False

    def _keep_links(self) -> None:
        """Keep the candidates that point into the result, until no more of them do."""
        while kept := [p for p in sorted(self._candidates) if self._stays(p)]:
            self._candidates.difference_update(kept)
            for path in kept:
                self.links[path] = self._text(path)

    def _text(self, path: str) -> str:
        if path not in self._texts:
            try:
                self._texts[path] = os.readlink(self._root + path)
            except OSError:
                self._texts[path] = ""  # removed since it was seen
        return self._texts[path]

    def _stays(self, path: str) -> bool:
        text = self._text(path)
        target = link_target(self._root, path, text)
        if not text or target is None or not _is_text(text):
            return False
        if target in self.files or target in self.folders or target in self.links:
            try:
                there = os.stat(self._root + path)
                return os.path.samestat(there, os.stat(self._root + target))
            except OSError as problem:
                return problem.errno in _ABSENT
        return self._dangles(path)

    def _dangles(self, path: str) -> bool:
        try:
            os.stat(self._root + path)
        except OSError as problem:
            return problem.errno in _ABSENT
        return False

    def _copy(self, path: str) -> None:
        """Take a link as what it leads to."""
        if self._dangles(path):
            self._hinder(f"{quote(path)} is a link to something outside that is not there")
            return
        try:
            mode = os.stat(self._root + path).st_mode
        except OSError as problem:
            self._hinder(f"{quote_place(path)} cannot be examined: {problem.strerror}")
            return
        if stat.S_ISREG(mode):
            self.files.add(path)
        elif stat.S_ISDIR(mode):
            self.folders.add(path)
            self._enter(path)

    def _is_folder(self, path: str) -> bool:
        try:
            return stat.S_ISDIR(os.stat(self._root + path).st_mode)
        except OSError:
            return False


def _depth(path: str) -> int:
    return 0 if path == WORKSPACE_ROOT else path.count("/")


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
