"""The entries of `projects` into directories (DISC-005..007, 009, 020..022), all problems at once.

A literal names one directory, links followed.  A glob is matched against canonical paths below its
literal prefix; a link can therefore add no directory that the walk does not meet by itself, and
is only looked at for what is wrong with it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from haz_trio.config.disk import describe, kind, resolve, shown, within
from haz_trio.config.files import Entry
from haz_trio.config.walk import Link, walk
from haz_trio.errors import Diagnostic, InvalidTextError
from haz_trio.model.names import quote
from haz_trio.model.patterns import WORKSPACE_ROOT, below, check_segment
from haz_trio.trust import SENSES, Senses
from haz_trio.values import field, frozen

if TYPE_CHECKING:
    from haz_trio.trust import Row

NEVER_CANDIDATES = frozenset({".haz", ".git"})


@frozen
class ProjectRoot:
    """A directory that the entry of this index stands for: on the host, and in the workspace."""

    entry: int
    directory: str
    root: str


@frozen
class Expansion:
    """The roots in the order of entries (by bytes within a glob), and every problem.

    ``listed`` are the folders that globs have looked into, as a walk found them first;
    ``linked`` says that a link was met.
    """

    roots: tuple[ProjectRoot, ...]
    diagnostics: tuple[Diagnostic, ...]
    listed: Mapping[str, tuple[Row, bytes]] = field(factory=dict)
    linked: bool = False


def expand(root: str, entries: Sequence[Entry], *, senses: Senses = SENSES) -> Expansion:
    """The project directories of a workspace with the canonical root ``root``; never raises."""
    expander = _Expander(root, entries, senses)
    for index, entry in enumerate(entries):
        if entry.pattern.is_glob:
            expander.add_glob(index, entry)
        else:
            expander.add_literal(index, entry)
    return Expansion(
        tuple(expander.roots), tuple(expander.problems), expander.listed, expander.linked
    )


def lists(root: str, entries: Sequence[Entry], directory: str) -> bool:
    """Whether a canonical directory is one of the projects that the entries stand for."""
    inside = within(directory, root)
    if inside is None or inside == WORKSPACE_ROOT:
        return False
    return any(_names(root, entry, directory, inside) for entry in entries)


def _names(root: str, entry: Entry, directory: str, inside: str) -> bool:
    if entry.pattern.is_glob:
        passed = _passed_over(entry).intersection(inside.split("/"))
        return not passed and entry.pattern.anchored(WORKSPACE_ROOT).matches(inside)
    try:
        return resolve(root.rstrip("/") + entry.pattern.text)[0] == directory
    except OSError:
        return False


def _passed_over(entry: Entry) -> frozenset[str]:
    """The names that a glob's walk passes over: those that it does not spell out itself."""
    return NEVER_CANDIDATES.difference(entry.pattern.text.split("/"))


class _Expander:
    """One pass over the entries of one workspace."""

    def __init__(self, root: str, entries: Sequence[Entry], senses: Senses) -> None:
        self.roots: list[ProjectRoot] = []
        self.problems: list[Diagnostic] = []
        self.listed: dict[str, tuple[Row, bytes]] = {}
        self.linked = False
        self._root = root
        self._base = root.rstrip("/")
        self._senses = senses
        self._entries = entries
        self._owners: dict[str, int] = {}
        self._folders = {self._base: root}
        self._reported = set[str]()

    # -- literals -----------------------------------------------------------------------------

    def add_literal(self, index: int, entry: Entry) -> None:
        path = self._base + entry.pattern.text
        try:
            directory, status = self._resolve(path)
        except OSError as error:
            self._refuse_literal(entry, path, error)
            return
        self.linked |= directory != path
        if within(directory, self._root) is None:
            self._refuse_outside(entry, path, directory)
        elif not stat.S_ISDIR(status.st_mode):
            self._problem(
                entry,
                f"project entry `{entry.pattern.text}` targets {shown(path)}, "
                f"which is {kind(status)}, not a directory (DISC-007)",
                label="not a directory",
            )
        else:
            self._take(index, entry, directory)

    def _resolve(self, path: str) -> tuple[str, os.stat_result]:
        """What ``disk.resolve`` says, at the cost of the last segment once the folder is known."""
        status = os.stat(path)
        folder, _, name = path.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder, strict=True)
        direct = f"{self._folders[folder].rstrip('/')}/{name}"
        if stat.S_ISLNK(os.lstat(direct).st_mode):
            return os.path.realpath(direct, strict=True), status
        return direct, status

    def _refuse_literal(self, entry: Entry, path: str, error: OSError) -> None:
        if isinstance(error, FileNotFoundError):
            what = f"targets {shown(path)}, which does not exist (DISC-007)"
            causes = _dangling(path)
        else:
            what = f"targets {shown(path)}, which cannot be resolved (DISC-007)"
            causes = (describe(error, path),)
        self._problem(
            entry,
            f"project entry `{entry.pattern.text}` {what}",
            *causes,
            label="no such directory",
            help="correct the entry, or create the directory",
        )

    # -- globs --------------------------------------------------------------------------------

    def add_glob(self, index: int, entry: Entry) -> None:
        pattern = entry.pattern.anchored(WORKSPACE_ROOT)
        start = self._root if pattern.prefix == WORKSPACE_ROOT else self._base + pattern.prefix
        try:
            canonical = resolve(start)[0]
        except (FileNotFoundError, NotADirectoryError):
            self._refuse_empty(entry, f"{shown(start)} does not exist")
            return
        except OSError as error:
            self._unlisted(entry, start, error)
            self._refuse_empty(entry)
            return
        if canonical != start:
            self._refuse_linked_prefix(entry, start, canonical)
            return
        found = walk(start, self._base, pattern, _passed_over(entry), self._senses)
        self.listed = found.listed | self.listed
        self.linked |= bool(found.links)
        for inside in found.matches:
            self._take(index, entry, self._base + inside)
        for folder, failure in found.failures:
            self._unlisted(entry, folder, failure)
        for link in found.links:
            self._check_link(entry, link, start)
        if not found.matches:
            self._refuse_empty(entry)

    def _check_link(self, entry: Entry, link: Link, start: str) -> None:
        """Report a link that leads outside, in circles, or back to where the walk came from."""
        path = link.path
        try:
            target, _ = resolve(path)
        except (FileNotFoundError, NotADirectoryError):
            return  # a dangling link is no directory
        except OSError as error:
            self._unlisted(entry, path, error)
            return
        if within(target, self._root) is None:
            self._refuse_outside(entry, path, target)
        elif below(path, target) and (link.enters or below(target, start)):
            self._once(
                path,
                entry,
                f"the link {shown(path)} leads back to {shown(target)}, a directory that it lies "
                f"in: a symlink cycle below `{entry.pattern.text}` (DISC-021)",
                label="matched here",
                help="remove the link, or write a narrower glob",
            )

    # -- what both end in ---------------------------------------------------------------------

    def _take(self, index: int, entry: Entry, directory: str) -> None:
        """Accept a canonical directory inside the root, unless its path or an entry forbids."""
        inside = within(directory, self._root)
        assert inside is not None, "checked by both callers"
        text = entry.pattern.text
        if inside == WORKSPACE_ROOT:
            self._problem(
                entry,
                f"project entry `{text}` resolves to the workspace root "
                f"{shown(directory)}, which cannot be a project beside others (DISC-004)",
                label="resolves to the workspace root",
            )
            return
        wrong = _wrong_segment(inside)
        if wrong:
            self._problem(
                entry,
                f"project entry `{text}` resolves to {shown(directory)}: {wrong} (PATH-002)",
                help="rename the directory",
            )
            return
        first = self._owners.setdefault(inside, index)
        if first != index:
            owner = self._entries[first]
            self._problem(
                entry,
                f"project entries `{owner.pattern.text}` and `{text}` both resolve to "
                f"project root {inside} (DISC-009)",
                label="resolves to the same directory",
                help="remove one of the two, or write a narrower glob",
                related=(Diagnostic("the first entry is here", span=owner.place),),
            )
            return
        self.roots.append(ProjectRoot(index, directory, inside))

    def _refuse_empty(self, entry: Entry, *causes: str, help: str = "") -> None:
        self._problem(
            entry,
            f"project glob `{entry.pattern.text}` matched no directories (DISC-006)",
            *causes,
            label="matches nothing",
            help=help or "correct the glob, or remove the entry",
        )

    def _refuse_linked_prefix(self, entry: Entry, start: str, canonical: str) -> None:
        target = within(canonical, self._root)
        if target is None:
            self._refuse_outside(entry, start, canonical)
            self._refuse_empty(entry)
            return
        self._refuse_empty(
            entry,
            f"{shown(start)} leads through a link to {shown(canonical)}, "
            "and globs are matched against paths without links (DISC-020)",
            help=f"let the glob begin with `{shown(target)}`",
        )

    def _refuse_outside(self, entry: Entry, path: str, target: str) -> None:
        self._once(
            path,
            entry,
            f"{shown(path)} leads to {shown(target)}, outside the workspace root "
            f"{shown(self._root)} (from project entry `{entry.pattern.text}`) (DISC-022)",
            label="leads outside",
            help="projects must lie inside the workspace; remove the link or the entry",
        )

    def _unlisted(self, entry: Entry, path: str, error: OSError) -> None:
        self._once(
            path,
            entry,
            f"cannot look for the projects of `{entry.pattern.text}` in {shown(path)} (DISC-005)",
            describe(error, path),
        )

    def _once(
        self, path: str, entry: Entry, message: str, *causes: str, label: str = "", help: str = ""
    ) -> None:
        """Report a problem of a path that several entries may meet."""
        if path not in self._reported:
            self._reported.add(path)
            self._problem(entry, message, *causes, label=label, help=help)

    def _problem(
        self,
        entry: Entry,
        message: str,
        *causes: str,
        label: str = "",
        help: str = "",
        related: tuple[Diagnostic, ...] = (),
    ) -> None:
        self.problems.append(
            Diagnostic(
                message, span=entry.place, label=label, help=help, causes=causes, related=related
            )
        )


def _dangling(path: str) -> tuple[str, ...]:
    try:
        return (f"it is a link to {shown(os.readlink(path))}, which leads nowhere",)
    except OSError:
        return ()


def _wrong_segment(inside: str) -> str:
    """What forbids one of the segments of a workspace path, or nothing."""
    for segment in inside[1:].split("/"):
        try:
            segment.encode()
        except UnicodeEncodeError:
            return f"component {shown(segment)} is not valid UTF-8"
        try:
            check_segment(segment)
        except InvalidTextError as problem:
            return f"component {quote(segment)} is not a valid path segment: {problem}"
    return ""
