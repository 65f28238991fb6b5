"""Projects, overlays, settings and the workspace that holds them."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from haz_trio.errors import Diagnostic, Span
from haz_trio.model.patterns import WORKSPACE_ROOT, below
from haz_trio.model.tasks import Task
from haz_trio.values import field, frozen


class Mode(enum.Enum):
    """How the workspace was declared (DISC-003, DISC-004)."""

    EXPLICIT = "explicit"
    IMPLICIT = "implicit"


class OutputMode(enum.Enum):
    LIVE = "live"
    BUFFERED = "buffered"


class KeepOutputs(enum.Enum):
    """``execution.outputs``: what happens to outputs after a failure (decisions.md 12)."""

    KEEP = "keep"
    ROLLBACK = "rollback"


class Containment(enum.Enum):
    """``execution.containment``: which descendants end with their task (decisions.md 7)."""

    GROUP = "group"
    STRICT = "strict"


class HashName(enum.Enum):
    BLAKE3 = "blake3"
    SHA256 = "sha256"


@frozen
class Settings:
    """The settings of ``workspace.yml``; ages in seconds, sizes in bytes."""

    hash: HashName = HashName.BLAKE3
    max_age: int | None = None
    max_size: int | None = None
    concurrency: int | None = None  # None: as many as the process has processors
    tag_caps: Mapping[str, int] = field(factory=dict)
    output_mode: OutputMode = OutputMode.LIVE
    cancel_grace: float = 5.0
    containment: Containment = Containment.GROUP
    outputs: KeepOutputs = KeepOutputs.KEEP


@frozen
class Project:
    """A project: ``root`` is workspace-absolute, ``/`` only in implicit mode."""

    name: str
    root: str
    tags: frozenset[str] = frozenset()
    tasks: Mapping[str, Task] = field(factory=dict)
    place: Span | None = field(default=None, eq=False, repr=False)

    def forget_places(self) -> None:
        """Let go of its own and those of its tasks: they are no part of the value.

        With them goes the text of the file.
        """
        object.__setattr__(self, "place", None)
        for task in self.tasks.values():
            task.forget_places()


@frozen
class Overlay:
    """Task bodies for every project that carries all of ``tags_filter`` (CFG-024 to CFG-026)."""

    name: str
    tags_filter: frozenset[str] = frozenset()
    tasks: Mapping[str, Task] = field(factory=dict)
    place: Span | None = field(default=None, eq=False, repr=False)


@frozen
class Workspace:
    """A loaded workspace; ``root`` is an absolute path of the host with links resolved.

    ``projects`` and ``overlays`` are sorted by name.
    ``warnings`` are remarks of the loader that change no exit code.
    ``note`` says which markers were passed over on the way to the root (decisions.md 3).
    """

    root: str
    mode: Mode = Mode.EXPLICIT
    projects: Mapping[str, Project] = field(factory=dict)
    overlays: Mapping[str, Overlay] = field(factory=dict)
    settings: Settings = Settings()
    warnings: tuple[Diagnostic, ...] = field(default=(), eq=False, repr=False)
    note: str = field(default="", eq=False, repr=False)

    def host_path(self, path: str) -> str:
        """A workspace-absolute path as a path of the host."""
        return self.root if path == WORKSPACE_ROOT else self.root.rstrip("/") + path

    def bearing_project(self, directory: str) -> Project | None:
        """The deepest project that contains a canonical directory of the host (EXEC-022)."""
        root = self.root.rstrip("/")
        if directory != self.root and not directory.startswith(root + "/"):
            return None
        inside = directory.removeprefix(root) or WORKSPACE_ROOT
        holding = [p for p in self.projects.values() if below(inside, p.root)]
        return max(holding, key=lambda p: len(p.root), default=None)
