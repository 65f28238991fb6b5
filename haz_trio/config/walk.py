"""The walk of a project glob: which directories match, which links lie there, what went wrong.

Only real directories are entered: every match begins with the glob's literal prefix and is
canonical, so a link cannot lead to one that the walk does not meet by itself.
Knows nothing of rules and messages.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from haz_trio.config.sources import digest_of_subfolders, mark
from haz_trio.model.patterns import Anchored
from haz_trio.trust import Senses
from haz_trio.values import frozen

if TYPE_CHECKING:
    from haz_trio.trust import Row


@frozen
class Link:
    """A link on the way; ``enters`` says that the glob reaches below the link's own level."""

    path: str
    enters: bool


@frozen
class Walk:
    """Matches in workspace coordinates, links and unreadable folders on the host; byte order.

    ``listed`` are the folders on the host whose names were read, each with its row before that
    and the digest of its subfolders (``config.sources``).
    """

    matches: tuple[str, ...]
    links: tuple[Link, ...]
    failures: tuple[tuple[str, OSError], ...]
    listed: dict[str, tuple[Row, bytes]]


def walk(
    start: str, base: str, pattern: Anchored, passed_over: frozenset[str], senses: Senses
) -> Walk:
    """Look for a pattern below the canonical host directory ``start``.

    ``base`` is the workspace root without a final slash.
    Names in ``passed_over`` are neither offered to the pattern nor entered.
    """
    matches: list[str] = []
    links: list[Link] = []
    failures: list[tuple[str, OSError]] = []
    listed: dict[str, tuple[Row, bytes]] = {}
    open_folders = [(start, 1)]
    while open_folders:
        folder, depth = open_folders.pop()
        deeper = pattern.depth is None or depth < pattern.depth
        row = senses.row_at(folder)
        try:
            subfolders, linked, digest = _list(folder, passed_over)
        except (FileNotFoundError, NotADirectoryError):
            continue  # gone since its parent was listed
        except OSError as error:
            failures.append((folder, error))
            continue
        listed[folder] = (row, digest)
        links += (Link(path, deeper) for path in linked)
        for path in subfolders:
            inside = path[len(base) :]
            if pattern.matches(inside):
                matches.append(inside)
            if deeper:
                open_folders.append((path, depth + 1))
    matches.sort(key=os.fsencode)
    links.sort(key=lambda link: os.fsencode(link.path))
    failures.sort(key=lambda failure: os.fsencode(failure[0]))
    return Walk(tuple(matches), tuple(links), tuple(failures), listed)


def _list(folder: str, passed_over: frozenset[str]) -> tuple[list[str], list[str], bytes]:
    """The subfolders and the links of a folder, and a digest of both; raises ``OSError``."""
    subfolders: list[str] = []
    links: list[str] = []
    marks: list[bytes] = []
    with os.scandir(folder) as listing:
        for item in listing:
            found = mark(item)
            if found is None:
                continue
            marks.append(found)
            if item.name not in passed_over:
                (links if item.is_symlink() else subfolders).append(item.path)
    return subfolders, links, digest_of_subfolders(marks)
