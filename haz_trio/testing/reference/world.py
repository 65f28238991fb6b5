"""A workspace whose commands are known, as it goes through edits of its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeAlias

from haz_trio.testing.reference.history import Step
from haz_trio.testing.reference.references import Id
from haz_trio.testing.reference.workspace import Declared

Value: TypeAlias = "str | bool | int | tuple[str, ...] | None"


class World(Protocol):
    """What ``WorkspaceMachine`` needs of one: what is declared, and what each command does."""

    @property
    def hash(self) -> str: ...

    @property
    def comment(self) -> str: ...

    @property
    def buffered(self) -> bool: ...

    @property
    def rollback(self) -> bool:
        """Whether a command that fails leaves its outputs as they were."""

    @property
    def sources(self) -> Mapping[str, bytes]:
        """Files that are there from the beginning, by workspace-absolute paths."""

    @property
    def watched(self) -> tuple[str, ...]:
        """Patterns of places where folders count as files do."""

    def declared(self) -> Declared: ...

    def steps(self) -> Mapping[Id, Step]: ...

    def turned(self, knob: str, value: Value) -> World:
        """The same with one knob turned."""
