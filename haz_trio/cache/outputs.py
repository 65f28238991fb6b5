"""Which files a task left: its declared outputs before and after the command (CFG-017, C5, C10).

Every existing match of a pattern belongs to the result, however old (decisions.md 10).
What the command created or changed is told apart by stat rows taken before it ran.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from haz_trio.cache.files import is_straight
from haz_trio.cache.layout import CACHE_PATH
from haz_trio.cache.manifest import Folder, Link, check_path
from haz_trio.cache.matches import find_matches
from haz_trio.errors import InvalidTextError, OutputError
from haz_trio.model.names import quote
from haz_trio.model.patterns import Anchored, below
from haz_trio.values import frozen

Row: TypeAlias = tuple[int, ...]
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@frozen
class Produced:
    """A file of the result; ``linked`` says that a link stands there and is taken as a copy."""

    path: str
    mode: int  # all twelve bits
    row: Row
    linked: bool = False


@frozen
class Result:
    """What the patterns match now, each list sorted by path.

    ``rows`` has the stat row of every file and link.
    ``obstacle`` says why the result cannot be stored, or is empty.
    """

    files: tuple[Produced, ...]
    links: tuple[Link, ...]
    folders: tuple[Folder, ...]
    rows: Mapping[str, Row]
    obstacle: str = ""

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(sorted(self.rows))


def stat_row(info: os.stat_result) -> Row:
    """What tells whether a file was touched: ino, size, mtime_ns, ctime_ns, mode."""
    return (info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_mode)


def resolve(root: str, patterns: Sequence[Anchored]) -> Result:
    """What stands at the outputs now; ``root`` is the workspace on the host.  Never raises."""
    plain = _resolve_plain(root, patterns)
    if plain is not None:
        return plain
    matches = find_matches(root, patterns)
    rows: dict[str, Row] = {}
    files: list[Produced] = []
    obstacle = matches.obstacle
    for path in sorted(matches.files):
        produced = _produced(root, path)
        if produced is not None:
            rows[path] = produced.row
            files.append(produced)
    links = [
        Link(path, target)
        for path, target in sorted(matches.links.items())
        if _note_link(root + path, path, rows)
    ]
    folders: list[Folder] = []
    for path in sorted(matches.folders):
        try:
            folders.append(Folder(path, os.stat(root + path).st_mode & 0o777))
        except OSError:
            continue  # removed since it was seen
    obstacle = obstacle or _first_unrepresentable(
        {*matches.files, *matches.links, *matches.folders}
    )
    return Result(tuple(files), tuple(links), tuple(folders), rows, obstacle)


def require(root: str, project: str, patterns: Sequence[Anchored]) -> None:
    """Every literal output is a regular file, maybe behind links; raises ``OutputError``."""
    for pattern in patterns:
        if not pattern.is_glob:
            _require_file(root + pattern.text, pattern.text, project)


def written(before: Mapping[str, Row], after: Result) -> tuple[str, ...]:
    """The paths of a result that were created or changed since ``before``, sorted."""
    return tuple(path for path in after.paths if before.get(path) != after.rows[path])


def _require_file(host: str, path: str, project: str) -> None:
    try:
        mode = os.stat(host).st_mode
    except (FileNotFoundError, NotADirectoryError):
        if os.path.islink(host):
            problem = f"is a link to {quote(os.readlink(host))}, which is not there"
        else:
            problem = (
                "was not made: there is nothing at this path after the command; "
                "let the command write it, or correct `outputs`"
            )
        raise OutputError(f"output `{path}` {problem}") from None
    except OSError as error:
        raise OutputError(f"output `{path}` cannot be examined: {error.strerror}") from None
    if stat.S_ISREG(mode):
        return
    kind = _KINDS.get(stat.S_IFMT(mode), "no regular file")
    advice = ""
    if stat.S_ISDIR(mode):
        shown = path if project == "/" or not below(path, project) else path[len(project) + 1 :]
        advice = f"; declare `{shown}/**` to take the files in it"
    raise OutputError(f"output `{path}` is {kind}, not a file{advice}")


def _produced(root: str, path: str) -> Produced | None:
    host = root + path
    try:
        info = own = os.lstat(host)
        linked = stat.S_ISLNK(own.st_mode)
        if linked:
            info = os.stat(host)
    except OSError:
        return None  # removed since it was seen
    if not stat.S_ISREG(info.st_mode):
        return None
    row = stat_row(info) + (stat_row(own) if linked else ())
    return Produced(path, stat.S_IMODE(info.st_mode), row, linked)


def _note_link(host: str, path: str, rows: dict[str, Row]) -> bool:
    try:
        rows[path] = stat_row(os.lstat(host))
    except OSError:
        return False
    return True


def _resolve_plain(root: str, patterns: Sequence[Anchored]) -> Result | None:
    """The same where all outputs are literals and no link is about; ``None``: look closely."""
    if any(pattern.is_glob or below(pattern.text, CACHE_PATH) for pattern in patterns):
        return None
    if not all(is_straight(root, prefix) for prefix in {p.prefix for p in patterns}):
        return None
    files: list[Produced] = []
    for path in sorted({pattern.text for pattern in patterns}):
        try:
            info = os.lstat(root + path)
        except OSError:
            continue
        if stat.S_ISREG(info.st_mode):
            files.append(Produced(path, stat.S_IMODE(info.st_mode), stat_row(info)))
        elif stat.S_ISLNK(info.st_mode):
            return None
    rows = {file.path: file.row for file in files}
    return Result(tuple(files), (), (), rows, _first_unrepresentable(rows))


def _first_unrepresentable(paths: Iterable[str]) -> str:
    for path in sorted(paths):
        try:
            check_path(path)
        except InvalidTextError as problem:
            return f"output {quote(path)} cannot be recorded: {problem}"
    return ""
