"""Which folder is the workspace, seen from inside, and which projects it has (DISC-001 to 008)."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from haz_trio.testing.reference.globs import matches

PLAIN = ("", "file", "project", "dangling", "dangling git")  # those that mark nothing
MARKS = (
    *PLAIN,
    *("explicit", "explicit and project", "hollow", "git", "git file"),
    *("git and project", "used git and project"),
)


@attrs.frozen
class Level:
    """A folder ``d`` inside of the one before: its mark, and what it lists, if it does.

    Links to the folders and files that mark it, ``linked``, are as good as these.
    """

    mark: str
    entry: str = ""
    linked: bool = False

    @property
    def has_project(self) -> bool:
        return self.mark.endswith("project")

    @property
    def is_explicit(self) -> bool:
        return self.mark.startswith("explicit")

    @property
    def is_repository(self) -> bool:
        """Whether it is a workspace of its own, if nobody else's project."""
        return self.mark.endswith("git and project")


def root_of(levels: Sequence[Level]) -> tuple[int, bool] | None:
    """The number of the root's level, seen from the last one, and whether it is explicit.

    ``None`` if there is none. The innermost mark counts, but for three: ``.haz`` without a
    ``workspace.yml``; ``.git`` without a ``haz.yml``, below an explicit workspace; and ``.git``
    with a ``haz.yml`` in a folder that an explicit workspace around it lists as a project.
    """
    explicit = [number for number, level in enumerate(levels) if level.is_explicit]
    if not explicit:
        return _implicit(levels)
    outer = explicit[-1]
    for number in range(len(levels) - 1, outer, -1):
        if levels[number].is_repository:
            return (outer, True) if number in listed(levels, outer) else (number, False)
    return outer, True


def _implicit(levels: Sequence[Level]) -> tuple[int, bool] | None:
    """The same where no workspace is explicit; a root without a ``haz.yml`` is an error later."""
    marked = [number for number, it in enumerate(levels) if it.mark not in PLAIN]
    solid = [number for number in marked if levels[number].mark != "hollow"]
    if not solid:
        return None
    innermost = solid[-1]
    right = innermost == marked[-1] or levels[innermost].is_repository
    return (innermost, False) if right else None


def listed(levels: Sequence[Level], outer: int) -> list[int]:
    """The levels that the explicit workspace at one of them lists as its projects."""
    entry = levels[outer].entry
    inside = range(outer + 1, len(levels))
    return [number for number in inside if entry and matches(entry, "/d" * (number - outer))]


def projects_of(levels: Sequence[Level], depth: int) -> list[int] | None:
    """The levels of the projects that are seen from the level before ``depth``; ``None`` if the
    workspace is none, or a wrong one."""
    root = root_of(levels[:depth])
    if root is None:
        return None
    outer, explicit = root
    if not explicit:
        return [outer] if levels[outer].has_project else None
    found = listed(levels, outer)
    if (levels[outer].entry and not found) or not all(levels[it].has_project for it in found):
        return None
    around = [number for number in found if number < depth]
    return around[-1:] or found
