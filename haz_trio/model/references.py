"""Task references (REF-001 to REF-008): the six forms, parsed and printed."""

from __future__ import annotations

from typing import TypeAlias

from haz_trio.errors import InvalidTextError
from haz_trio.model.names import check_name
from haz_trio.values import frozen


@frozen
class SameProject:
    """``~:task``: the task of the bearing project (REF-002)."""

    task: str

    def __str__(self) -> str:
        return f"~:{self.task}"


@frozen
class InProject:
    """``project:task`` (REF-003)."""

    project: str
    task: str

    def __str__(self) -> str:
        return f"{self.project}:{self.task}"


@frozen
class FanOut:
    """``^:task``, all projects that have it; ``^~:task``, all but the bearing one (REF-004)."""

    task: str
    sibling: bool = False

    def __str__(self) -> str:
        return f"^{'~' * self.sibling}:{self.task}"


@frozen
class Tagged:
    """``[tag]:task``, every project with the tag; ``[tag]~:task`` its siblings (REF-005, 008)."""

    tag: str
    task: str
    sibling: bool = False

    def __str__(self) -> str:
        return f"[{self.tag}]{'~' * self.sibling}:{self.task}"


Reference: TypeAlias = SameProject | InProject | FanOut | Tagged


def parse_reference(text: str) -> Reference:
    """The reference that a text spells (``str`` gives it back); raises ``InvalidTextError``."""
    if not text:
        raise InvalidTextError("task reference is empty")
    if text.startswith("~:"):
        return SameProject(_name(text[2:], "task"))
    if text.startswith("^~:"):
        return FanOut(_name(text[3:], "task"), sibling=True)
    if text.startswith("^:"):
        return FanOut(_name(text[2:], "task"))
    if text.startswith("["):
        return _tagged(text)
    project, colon, task = text.partition(":")
    if not colon:
        raise InvalidTextError("task reference has no `:` separator")
    return InProject(_name(project, "project"), _name(task, "task"))


def _tagged(text: str) -> Tagged:
    tag, bracket, rest = text[1:].partition("]")
    sibling = rest.startswith("~:")
    if not bracket or not (sibling or rest.startswith(":")):
        raise InvalidTextError("tag reference malformed: missing `]` or `:` after `]`")
    return Tagged(_name(tag, "tag"), _name(rest[1 + sibling :], "task"), sibling)


def _name(text: str, kind: str) -> str:
    try:
        return check_name(text)
    except InvalidTextError as problem:
        raise InvalidTextError(f"invalid {kind} name: {problem}") from None
