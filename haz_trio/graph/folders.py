"""Whose files a pattern takes in: the folders of projects, and the files of the configuration."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from haz_trio.model.automata import intersects
from haz_trio.model.globs import Glob, compile_glob, escape
from haz_trio.model.patterns import WORKSPACE_ROOT, Anchored, below, join
from haz_trio.model.workspace import Mode, Project, Workspace

PROJECT_FILE = "haz.yml"
WORKSPACE_FILE = "/.haz/workspace.yml"
OVERLAYS = "/.haz/tasks"


class Folders:
    """The projects of a workspace by their folders; a pattern meets only those near its prefix."""

    def __init__(self, workspace: Workspace) -> None:
        self._projects = {project.root: project for project in workspace.projects.values()}
        self._roots = sorted(self._projects)
        self._others: list[str] = []
        if workspace.mode is Mode.EXPLICIT:
            overlays = sorted(f"{OVERLAYS}/{name}.yml" for name in workspace.overlays)
            self._others = [WORKSPACE_FILE, *overlays]

    def stranger(self, pattern: Anchored, owner: Project) -> Project | None:
        """The first project, other than the owner, whose folder a pattern may lead into.

        A folder inside of another project's folder is no part of that one.
        """
        if pattern.glob is None:
            home = self._home(pattern.text)
            return None if home is None or home is owner else home
        home = self._home(pattern.prefix, inside=True)
        if home is not None and home is not owner:
            return home
        for project in self._inside(pattern.prefix):
            if project is not owner and intersects(pattern.glob, _everything_in(project.root)):
                return project
        return None

    def configuration_in(self, pattern: Anchored, but: Project | None) -> str | None:
        """The first file of the configuration that a pattern matches, without that of ``but``."""
        for project in self._near(pattern):
            path = join(project.root, PROJECT_FILE)
            if project is not but and pattern.matches(path):
                return path
        return next((path for path in self._others if pattern.matches(path)), None)

    def _near(self, pattern: Anchored) -> Iterator[Project]:
        """The projects whose `haz.yml` a pattern can match."""
        if pattern.glob is None:
            own = self._projects.get(pattern.prefix)
            return iter(() if own is None else (own,))
        return self._inside(pattern.prefix)

    def _home(self, path: str, *, inside: bool = False) -> Project | None:
        """The deepest project above a file, or one that ``inside`` of the path may be its root."""
        folder = path if inside else path.rpartition("/")[0] or WORKSPACE_ROOT
        while folder not in self._projects:
            if folder == WORKSPACE_ROOT:
                return None
            folder = folder.rpartition("/")[0] or WORKSPACE_ROOT
        return self._projects[folder]

    def _inside(self, folder: str) -> Iterator[Project]:
        """The projects in a folder or below it, by their roots."""
        at = bisect_left(self._roots, folder)
        for root in self._roots[at:]:
            if not root.startswith(folder):
                return
            if below(root, folder):
                yield self._projects[root]


def _everything_in(root: str) -> Glob:
    return compile_glob(join(escape(root), "**"))
