"""What stands at declared outputs, seen without following a link below the fixed prefixes.

This is what a backup of outputs keeps and what putting it back may remove (decisions.md 12), so it
never leads out of what was declared: a link is a thing of its own, whatever it points to.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeAlias, TypeVar

from haz_trio.cache.layout import CACHE_PATH
from haz_trio.cache.tree import Tree
from haz_trio.model.patterns import Anchored, below, join
from haz_trio.values import frozen

T = TypeVar("T")
_ABSENT = (errno.ENOENT, errno.ENOTDIR)


@frozen
class Area:
    """Output patterns, and where their fixed prefixes were when this was made.

    ``places`` maps prefixes to places (see ``haz_trio.cache.tree``); a prefix that a command
    replaces by a link leads nowhere else because of that.
    """

    patterns: tuple[Anchored, ...]
    places: Mapping[str, str]


def area_of(tree: Tree, patterns: Sequence[Anchored]) -> Area:
    """The area of output patterns; raises ``Obstacle`` where a prefix leads outside."""
    places = {pattern.prefix: tree.place(pattern.prefix, pattern.prefix) for pattern in patterns}
    return Area(tuple(patterns), places)


class UnseenError(Exception):
    """A place that nobody may look at, or that cannot be looked at for another reason."""

    def __init__(self, place: str, problem: OSError) -> None:
        self.place: str = place
        self.problem: OSError = problem
        super().__init__(place)


Refused: TypeAlias = Callable[[UnseenError], bool]


def _never(unseen: UnseenError) -> bool:
    raise unseen


def standing(root: str, area: Area, refused: Refused = _never) -> dict[str, os.stat_result]:
    """Everything that is an output now, by place; ``root`` is the real workspace.

    A folder is one if it matches itself, or if all that it may hold does. The cache is none.
    ``refused`` is told of what cannot be looked at, and says whether it is worth another look;
    without it ``UnseenError`` is raised: to take such a place for an empty one would lose it.
    """
    found: dict[str, os.stat_result] = {}
    for pattern in area.patterns:
        place = area.places[pattern.prefix]
        if not _is_straight(root, place, refused):
            continue
        if not pattern.is_glob:
            name = pattern.text.rpartition("/")[2]
            _note(root, f"{place}/{name}".lstrip("/"), found, refused)
            continue
        if place and pattern.text == join(pattern.prefix, "**"):
            _note(root, place, found, refused)
        for path in _walk(root, pattern, place, refused):
            _note(root, path, found, refused)
    return found


def is_there(root: str, place: str) -> bool:
    """Whether anything is at a place; raises ``UnseenError``."""
    return _asked(partial(os.lstat, f"{root}/{place}"), place, _never) is not None


def _note(root: str, place: str, found: dict[str, os.stat_result], refused: Refused) -> None:
    if place not in found:
        info = _asked(partial(os.lstat, f"{root}/{place}"), place, refused)
        if info is not None:
            found[place] = info


def _asked(ask: Callable[[], T], place: str, refused: Refused) -> T | None:
    """The answer, or None when nothing is there, or nobody says what."""
    while True:
        try:
            return ask()
        except OSError as problem:
            if problem.errno in _ABSENT or not refused(UnseenError(place, problem)):
                return None


def _walk(root: str, pattern: Anchored, start: str, refused: Refused) -> Iterator[str]:
    """The places below the prefix that match."""
    stack = [(pattern.prefix, start, 0)]
    while stack:
        path, place, level = stack.pop()
        listed = _asked(partial(_list, f"{root}/{place}"), place, refused)
        for name, is_folder in listed or ():
            below_it = f"{place}/{name}".lstrip("/")
            if below(f"/{below_it}", CACHE_PATH):
                continue
            inside = join(path, name)
            if pattern.matches(inside):
                yield below_it
            if is_folder and (pattern.depth is None or level + 1 < pattern.depth):
                stack.append((inside, below_it, level + 1))


def _list(path: str) -> list[tuple[str, bool]]:
    """The names in a folder, and which of them are folders."""
    with os.scandir(path) as entries:
        return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]


def _is_straight(root: str, place: str, refused: Refused) -> bool:
    """Whether real folders lead to a place that is one."""
    at = ""
    for step in place.split("/") if place else ():
        at = f"{at}/{step}".lstrip("/")
        info = _asked(partial(os.lstat, f"{root}/{at}"), at, refused)
        if info is None or not stat.S_ISDIR(info.st_mode):
            return False
    return True
