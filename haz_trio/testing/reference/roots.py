"""Which folder is the workspace, seen from inside (DISC-001 to DISC-004)."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

MARKS = ("", "explicit", "hollow", "git", "git file", "git and project", "file")


@attrs.frozen
class Level:
    """A folder inside of the one before: its mark, and whether its workspace lists the next."""

    mark: str
    lists: bool = False

    @property
    def has_project(self) -> bool:
        return self.mark == "git and project"


def root_of(levels: Sequence[Level]) -> tuple[int, bool] | None:
    """The number of the root's level, seen from the last one, and whether it is explicit.

    ``None`` if there is none. The innermost mark counts, but for three: ``.haz`` without a
    ``workspace.yml``; ``.git`` without a ``haz.yml``, below an explicit workspace; and ``.git``
    with a ``haz.yml`` in a folder that an explicit workspace around it lists as a project.
    """
    explicit = [number for number, level in enumerate(levels) if level.mark == "explicit"]
    if not explicit:
        return _implicit(levels)
    outer = explicit[-1]
    for number in range(len(levels) - 1, outer, -1):
        if levels[number].has_project:
            listed = number == outer + 1 and levels[outer].lists
            return (outer, True) if listed else (number, False)
    return outer, True


def _implicit(levels: Sequence[Level]) -> tuple[int, bool] | None:
    """The same where no workspace is explicit; a root without a ``haz.yml`` is an error later."""
    marked = [number for number, it in enumerate(levels) if it.mark not in ("", "file")]
    solid = [number for number in marked if levels[number].mark != "hollow"]
    if not solid:
        return None
    innermost = solid[-1]
    return (innermost, False) if innermost == marked[-1] or levels[innermost].has_project else None
