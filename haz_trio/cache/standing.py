"""What stands at declared outputs, seen without following a link below the fixed prefixes.

This is what a backup of outputs keeps and what putting it back may remove (decisions.md 12), so it
never leads out of what was declared: a link is a thing of its own, whatever it points to.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence

from haz_trio.cache.layout import CACHE_PATH
from haz_trio.cache.tree import Tree
from haz_trio.model.patterns import Anchored, below, join
from haz_trio.values import frozen


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


def standing(root: str, area: Area) -> dict[str, os.stat_result]:
    """Files, links and folders that are outputs now, by place; ``root`` is the real workspace.

    A folder is one if it matches itself, or if all that it may hold does. FIFOs, sockets, devices
    and the cache are passed over.
    """
    found: dict[str, os.stat_result] = {}
    for pattern in area.patterns:
        place = area.places[pattern.prefix]
        if not _is_straight(root, place):
            continue
        if not pattern.is_glob:
            name = pattern.text.rpartition("/")[2]
            _note(root, f"{place}/{name}".lstrip("/"), found)
            continue
        if place and pattern.text == join(pattern.prefix, "**"):
            _note(root, place, found)
        for path in _walk(root, pattern, place):
            _note(root, path, found)
    return found


def _note(root: str, place: str, found: dict[str, os.stat_result]) -> None:
    if place in found:
        return
    try:
        info = os.lstat(f"{root}/{place}")
    except OSError:
        return
    if stat.S_ISREG(info.st_mode) or stat.S_ISLNK(info.st_mode) or stat.S_ISDIR(info.st_mode):
        found[place] = info


def _walk(root: str, pattern: Anchored, start: str) -> Iterator[str]:
    """The places below the prefix that match."""
    stack = [(pattern.prefix, start, 0)]
    while stack:
        path, place, level = stack.pop()
        try:
            with os.scandir(f"{root}/{place}") as entries:
                names = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        except OSError:
            continue  # it has gone, or nobody may look into it
        for name, is_folder in names:
            below_it = f"{place}/{name}".lstrip("/")
            if below(f"/{below_it}", CACHE_PATH):
                continue
            inside = join(path, name)
            if pattern.matches(inside):
                yield below_it
            if is_folder and (pattern.depth is None or level + 1 < pattern.depth):
                stack.append((inside, below_it, level + 1))


def _is_straight(root: str, place: str) -> bool:
    """Whether real folders lead to a place that is one."""
    at = root
    try:
        for step in place.split("/") if place else ():
            at = f"{at}/{step}"
            if not stat.S_ISDIR(os.lstat(at).st_mode):
                return False
    except OSError:
        return False
    return True
