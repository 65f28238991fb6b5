"""A task as declared: its action, files, dependencies, mutex and environment (CFG-016 to 033)."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import TypeAlias

from haz_trio.errors import InvalidTextError, Span
from haz_trio.model.names import quote
from haz_trio.model.patterns import Pattern, parse_pattern
from haz_trio.model.references import Reference
from haz_trio.values import field, frozen


@frozen
class Argv:
    """``command``: a program and its arguments, no shell (CFG-021)."""

    argv: tuple[str, ...]


@frozen
class Shell:
    """``shell``: a script for ``NAME -c`` (CFG-022)."""

    script: str
    shell: str = "sh"

    @property
    def argv(self) -> tuple[str, ...]:
        return (self.shell, "-c", self.script)


@frozen
class Function:
    """``function``: a Python function, called instead of running a program.

    ``module`` is its file, relative to the project or workspace-absolute; ``name`` its name in it.
    A function that a program gives has no file, but is there as ``given``.
    """

    module: str
    name: str
    given: Callable[..., object] | None = field(default=None, repr=False)

    @property
    def argv(self) -> tuple[str, ...]:
        """No words: it runs no program of its own."""
        return ()

    def __str__(self) -> str:
        return f"{self.module}:{self.name}" if self.module else self.name


def parse_function(text: str) -> Function:
    """``PATH.py:NAME``; raises ``InvalidTextError``."""
    module, colon, name = text.rpartition(":")
    if not colon:
        raise InvalidTextError("it has no `:` between a file and a name")
    if parse_pattern(module).is_glob or not module.endswith(".py"):
        raise InvalidTextError(f"the file {quote(module)} is not the path of one `.py` file")
    if not all(part.isidentifier() for part in name.split(".")):
        raise InvalidTextError(f"the name {quote(name)} is none of a Python function")
    return Function(module, name)


@frozen
class Called:
    """A function as it enters a key: its parts, sorted by name, each with its digest.

    Without parts its code has not been read.
    """

    function: str
    parts: tuple[tuple[str, bytes], ...] = ()


Action: TypeAlias = Argv | Shell | Function
Keyable: TypeAlias = Argv | Shell | Called
"""An action with all that a key has to know of it."""


class MutexScope(enum.Enum):
    WORKSPACE = "workspace"
    PROJECT = "project"


class MutexMode(enum.Enum):
    EXCLUSIVE = "exclusive"
    SHARED = "shared"


@frozen
class Mutex:
    """At most one per task (MUTEX-001, MUTEX-002); not part of the cache key (MUTEX-008)."""

    name: str
    scope: MutexScope = MutexScope.WORKSPACE
    mode: MutexMode = MutexMode.EXCLUSIVE

    def lock(self, owner: str) -> str:
        """What is locked: the name alone, or the name inside project ``owner``."""
        return self.name if self.scope is MutexScope.WORKSPACE else f"{owner}/{self.name}"


@frozen
class Environment:
    """Variables copied from the host, and variables set here, which win (CFG-032, CFG-033)."""

    from_host: frozenset[str] = frozenset()
    override: tuple[tuple[str, str], ...] = ()  # sorted by name

    def for_task(self, host: Mapping[str, str]) -> dict[str, str]:
        """Exactly what a task sees, given the environment of this process (execution.md 5.3)."""
        seen = {name: host[name] for name in sorted(self.from_host) if name in host}
        seen.update(self.override)
        return seen

    @property
    def names(self) -> frozenset[str]:
        return self.from_host.union(name for name, _ in self.override)


@frozen
class Task:
    """One task body; ``places`` gives the span of a key path such as ``deps[0]``, for messages.

    ``source`` is the name of the overlay that the body comes from, ``None`` for the project.
    """

    name: str
    action: Action
    inputs: tuple[Pattern, ...] = ()
    outputs: tuple[Pattern, ...] = ()
    deps: tuple[Reference, ...] = ()
    weak_deps: tuple[Reference, ...] = ()
    mutex: Mutex | None = None
    env: Environment = Environment()
    source: str | None = None
    places: Mapping[str, Span] = field(factory=dict, eq=False, repr=False)

    def place(self, key: str) -> Span | None:
        """Where a key of the body stands, or where the body itself stands."""
        return self.places.get(key) or self.places.get("")

    def forget_places(self) -> None:
        """Let go of them, which are no part of the value: nobody is going to be told."""
        if isinstance(self.places, dict):
            self.places.clear()
