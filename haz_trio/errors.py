"""What can go wrong before a task runs, and where: places, diagnostics, one tree of exceptions.

A task that fails is an outcome, not an exception; nothing here speaks of tasks that ran.

    HazError
    ├── InvalidTextError       a text breaks a rule (also a ValueError)
    ├── ArgumentError          a function of the library was called wrongly (also a ValueError)
    ├── UsageError             the command line cannot be understood
    ├── ConfigError            problems of the workspace, every one with its place
    │   └── GraphError         problems of the task graph
    │       ├── CycleError
    │       ├── UnknownTaskError
    │       └── OutputCollisionError
    ├── SelectionError         targets that name nothing
    ├── ChangesetError         git could not say what changed
    └── TaskError              why a task is errored: an outcome, never seen by callers of a run
        ├── InputError         an input is missing or cannot be read
        ├── SpawnError         a program cannot be started
        ├── OutputError        a declared output was not made
        └── CommandFailedError a program that a function ran (``functions.context``)
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

from haz_trio.values import field, frozen


@frozen
class SourceText:
    """A file as it was read: an absolute path and its lines without their ends."""

    path: str
    lines: tuple[str, ...] = field(repr=False)


@frozen
class Span:
    """A place in a file; lines and columns count characters from 1, the end is exclusive."""

    source: SourceText
    line: int
    column: int
    end_line: int
    end_column: int

    @property
    def path(self) -> str:
        return self.source.path


class Severity(enum.Enum):
    ERROR = "error"
    WARNING = "warning"


@frozen
class Diagnostic:
    """One problem, complete: what, which rule, where, and the way out.

    ``code`` is ``haz::cfg::021`` and the like, or empty when the rule has no printed code.
    ``message`` is one sentence that quotes the value.
    ``causes`` are further sentences, from the general to the particular.
    ``label`` stands below the underlined place, ``help`` says what to do.
    ``related`` are places that belong to the problem (the first occurrence, the other owner).
    """

    message: str
    code: str = ""
    span: Span | None = None
    label: str = ""
    key_path: str = ""
    help: str = ""
    causes: tuple[str, ...] = ()
    related: tuple[Diagnostic, ...] = ()
    severity: Severity = Severity.ERROR


class HazError(Exception):
    """The root of everything that haz_trio raises on purpose."""


class InvalidTextError(HazError, ValueError):
    """A name, path, pattern, reference or quantity breaks its rule; the message says which."""


class ArgumentError(HazError, ValueError):
    """An argument of a public function cannot be used; the message has its name and value.

    It is raised by the call itself, before anything has been started.
    """


class UsageError(HazError):
    """The command line cannot be understood; exit code 2."""


class ConfigError(HazError):
    """Problems of a workspace; ``diagnostics`` holds all of them, ``headline`` sums them up."""

    def __init__(self, diagnostics: Sequence[Diagnostic], headline: str = "") -> None:
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        self.headline = headline
        super().__init__(headline or "; ".join(d.message for d in self.diagnostics))


class GraphError(ConfigError):
    """The task graph cannot be built (DAG-001 to DAG-015); every problem is in ``diagnostics``."""


class CycleError(GraphError):
    """Nothing but dependency cycles (DAG-014)."""


class UnknownTaskError(GraphError):
    """Nothing but references that do not resolve (REF-002 to REF-008)."""


class OutputCollisionError(GraphError):
    """Nothing but literal outputs with several owners (DAG-015)."""


class SelectionError(HazError):
    """Targets cannot be resolved; ``problems`` has one sentence for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems: tuple[str, ...] = tuple(problems)
        super().__init__("; ".join(self.problems))


class ChangesetError(HazError):
    """Git could not say what changed (EXEC-026 to EXEC-029); exit code 2."""


class TaskError(HazError):
    """Expected trouble with one task (execution.md 5.2); the engine makes an outcome of it."""


class InputError(TaskError):
    """An input is missing or cannot be read; the message names pattern and path.

    ``missing`` is the workspace-absolute path of a literal input that does not exist, or empty.
    """

    def __init__(self, message: str, *, missing: str = "") -> None:
        self.missing = missing
        super().__init__(message)


class SpawnError(TaskError):
    """A program cannot be started; the message names it and the reason (EXEC-009)."""


class OutputError(TaskError):
    """A declared output is missing or not a regular file; the message names it (CFG-017)."""
