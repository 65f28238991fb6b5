"""What can be asked of one task: the meaning of every operand (QRY-003 to QRY-005)."""

from __future__ import annotations

import enum
from typing import TypeAlias

from haz_trio.errors import Span
from haz_trio.model.globs import Glob
from haz_trio.model.names import TaskId
from haz_trio.model.patterns import Pattern
from haz_trio.query.syntax import Expression
from haz_trio.values import field, frozen


@frozen
class Name:
    """A name that need not exist, or a glob over names."""

    text: str
    glob: Glob | None = None

    def matches(self, name: str) -> bool:
        return name == self.text if self.glob is None else self.glob.matches(name.encode())


@frozen
class HasTag:
    """The project of the task carries a tag."""

    name: Name


@frozen
class InProject:
    """The project of the task is called so."""

    name: Name


@frozen
class IsNamed:
    """The task is called so."""

    name: Name


@frozen
class IsTask:
    """It is this very task."""

    id: TaskId


class Side(enum.Enum):
    """What files are to a task, by the key of its body."""

    INPUTS = "inputs"
    OUTPUTS = "outputs"


@frozen
class Touches:
    """Some declared pattern of the task can match a path that ``pattern`` matches."""

    side: Side
    pattern: Pattern
    place: Span = field(eq=False, repr=False)


class Trait(enum.Enum):
    """What a body declares or leaves out; ``weakDeps`` are no ``deps`` (QRY-005)."""

    DEPS = "deps"
    INPUTS = "inputs"
    OUTPUTS = "outputs"
    MUTEX = "mutex"


@frozen
class Declares:
    """The body has a non-empty list of this kind, or a mutex."""

    trait: Trait


class Relation(enum.Enum):
    """How a task is related to others by hard edges (QRY-004)."""

    CHILD_OF = "child-of"
    PARENT_OF = "parent-of"
    DEPENDS_ON = "depends-on"
    ANCESTOR_OF = "ancestor-of"


@frozen
class Related:
    """The task is related to some task of the whole workspace that ``targets`` describes.

    A task that ``targets`` describes itself is not left out: that is for the flags to say.
    """

    relation: Relation
    targets: Expression[Condition]


Condition: TypeAlias = HasTag | InProject | IsNamed | IsTask | Touches | Declares | Related
