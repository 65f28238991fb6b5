"""Files into a workspace, and all problems of all of them in one error (config.md 12, phases 2–5).

Effective tasks are not computed here: projects and overlays are handed over as declared.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import attrs

from haz_trio.config.discovery import PROJECT_FILE, Root, find_root, misspelled
from haz_trio.config.disk import Unreadable, read_file, shown
from haz_trio.config.expansion import ProjectRoot, expand
from haz_trio.config.files import (
    Entry,
    WorkspaceFile,
    parse_overlay_file,
    parse_project_file,
    parse_workspace_file,
)
from haz_trio.config.overlay_files import list_overlays
from haz_trio.config.sources import Sources
from haz_trio.errors import ConfigError, Diagnostic, Severity
from haz_trio.model.patterns import WORKSPACE_ROOT
from haz_trio.model.workspace import Mode, Overlay, Project, Settings, Workspace
from haz_trio.trust import ABSENT, SENSES, Senses, identity
from haz_trio.values import evolve

if TYPE_CHECKING:
    from haz_trio.trust import Row

_ENTRY_CODES = frozenset({"haz::cfg::009", "haz::cfg::010"})


def load_workspace(start: str | os.PathLike[str] = ".", *, root: str | None = None) -> Workspace:
    """The workspace around the directory ``start``; writes nothing (DISC-030).

    ``root`` is what `--root` or `HAZ_ROOT` says and skips the search; relative to ``start``.
    Raises ``ConfigError`` with every problem of `workspace.yml`, the expansion of `projects`,
    every `haz.yml` and every overlay, in this order.
    """
    return _Loader(load_root(start, root=root)).load()


def load_with_sources(
    start: str | os.PathLike[str] = ".", *, root: str | None = None, senses: Senses = SENSES
) -> tuple[Workspace, Sources | None]:
    """The same with the places that were looked at; ``None`` where links make them uncertain."""
    loader = _Loader(load_root(start, root=root), senses)
    return loader.load(), loader.sources


def load_root(start: str | os.PathLike[str] = ".", *, root: str | None = None) -> Root:
    """Only the root; no file is asked beyond what finding it takes.  Raises ``ConfigError``."""
    return find_root(os.fspath(start), root=root)


def read_cache_settings(root: Root) -> Settings:
    """The settings of a workspace whose projects may be broken or missing.

    Raises ``ConfigError`` when `workspace.yml` cannot be read or has problems of its own; what
    is wrong with the entries of `projects` does not matter.
    """
    if root.mode is Mode.IMPLICIT:
        return Settings()
    report = _Report()
    parsed = _read_workspace_file(root, report)
    report.raise_problems(but=_ENTRY_CODES)
    return parsed.settings


@attrs.define
class _Report:
    """Problems by file, in order of their finding, and warnings."""

    problems: dict[str, list[Diagnostic]] = attrs.field(factory=dict)
    warnings: list[Diagnostic] = attrs.field(factory=list)

    def add(self, path: str, diagnostics: Iterable[Diagnostic]) -> None:
        for diagnostic in diagnostics:
            match diagnostic.severity:
                case Severity.ERROR:
                    self.problems.setdefault(path, []).append(diagnostic)
                case Severity.WARNING:
                    self.warnings.append(diagnostic)

    def warn(self, message: str) -> None:
        self.warnings.append(Diagnostic(message, severity=Severity.WARNING))

    def raise_problems(self, *, but: frozenset[str] = frozenset()) -> None:
        """Raise what has been found except for the codes ``but``, summed up if files are many."""
        kept = [[d for d in found if d.code not in but] for found in self.problems.values()]
        kept = [found for found in kept if found]
        if not kept:
            return
        every = [diagnostic for found in kept for diagnostic in found]
        headline = f"{len(every)} configuration error(s) found" if len(kept) > 1 else ""
        raise ConfigError(every, headline)


class _Loader:
    """One load of one workspace."""

    def __init__(self, root: Root, senses: Senses = SENSES) -> None:
        self._root = root
        self._senses = senses
        self._report = _Report()
        self._files: dict[str, Row] = {}
        self._folders: dict[str, Row] = {}
        self._listings: Mapping[str, tuple[Row, bytes]] = {}
        self._overlays: tuple[str, Row] | None = None
        self._linked = False
        self._note_folder(root.path)

    @property
    def sources(self) -> Sources | None:
        """What has been looked at, if a row for each place can vouch for it."""
        seen = [*self._files.values(), *self._folders.values()]
        if self._linked or ABSENT in seen:
            return None
        seen.append(self._overlays[1] if self._overlays is not None else ABSENT)
        if any(stat.S_ISLNK(row[5]) for row in seen):
            return None
        return Sources(self._files, self._folders, self._listings, self._overlays)

    def load(self) -> Workspace:
        match self._root.mode:
            case Mode.EXPLICIT:
                return self._load_explicit()
            case Mode.IMPLICIT:
                return self._load_implicit()

    def _load_explicit(self) -> Workspace:
        path = self._root.workspace_file
        self._note_folder(os.path.dirname(path))
        self._files[path] = self._senses.row_at(path)
        parsed = _read_workspace_file(self._root, self._report)
        expansion = expand(self._root.path, parsed.entries, senses=self._senses)
        self._report.add(path, expansion.diagnostics)
        self._listings, self._linked = expansion.listed, expansion.linked
        projects = self._load_projects(expansion.roots, parsed.entries)
        overlays = self._load_overlays()
        self._report.raise_problems()
        self._warn_of_idle_overlays(projects, overlays)
        return self._assemble(projects, overlays, parsed.settings)

    def _load_implicit(self) -> Workspace:
        only = ProjectRoot(0, self._root.path, WORKSPACE_ROOT)
        projects = self._load_projects((only,), ())
        self._report.raise_problems()
        return self._assemble(projects, {}, Settings())

    def _assemble(
        self,
        projects: Mapping[str, Project],
        overlays: Mapping[str, Overlay],
        settings: Settings,
    ) -> Workspace:
        return Workspace(
            root=self._root.path,
            mode=self._root.mode,
            projects=dict(sorted(projects.items())),
            overlays=dict(sorted(overlays.items())),
            settings=settings,
            warnings=tuple(self._report.warnings),
            note=self._root.note,
        )

    # -- projects -----------------------------------------------------------------------------

    def _load_projects(
        self, roots: Iterable[ProjectRoot], entries: tuple[Entry, ...]
    ) -> dict[str, Project]:
        projects: dict[str, Project] = {}
        for found in roots:
            path = os.path.join(found.directory, PROJECT_FILE)
            self._note_project(path)
            data = read_file(path)
            if isinstance(data, Unreadable):
                entry = entries[found.entry] if entries else None
                self._report.add(path, (_unread_project(path, data, entry),))
                continue
            parsed = parse_project_file(path, data)
            self._report.add(path, parsed.diagnostics)
            if parsed.name is None:
                continue  # its file has been reported
            project = Project(
                parsed.name, found.root, parsed.tags, parsed.tasks, parsed.name_place
            )
            first = projects.setdefault(parsed.name, project)
            if first is not project:
                self._report.add(path, (_same_name(first, project),))
        return projects

    def _note_project(self, path: str) -> None:
        """Remember a project's file and the folders between it and the root."""
        folder = os.path.dirname(path)
        while folder not in self._folders:
            self._note_folder(folder)
            folder = os.path.dirname(folder)
        self._files[path] = self._senses.row_at(path)

    def _note_folder(self, folder: str) -> None:
        self._folders[folder] = identity(self._senses.row_at(folder))

    # -- overlays -----------------------------------------------------------------------------

    def _load_overlays(self) -> dict[str, Overlay]:
        folder = os.path.join(self._root.path, ".haz", "tasks")
        self._overlays = (folder, self._senses.row_at(folder))
        listing = list_overlays(self._root.path)
        self._linked |= listing.linked
        self._report.add(listing.folder, (*listing.problems, *listing.notes))
        overlays: dict[str, Overlay] = {}
        for name, path in listing.files:
            self._files[path] = self._senses.row_at(path)
            data = read_file(path)
            if isinstance(data, Unreadable):
                self._report.add(path, (_unread(path, "overlay file", data, rule="CFG-001"),))
                continue
            parsed = parse_overlay_file(path, data, name)
            self._report.add(path, parsed.diagnostics)
            tags_filter = parsed.tags_filter or frozenset()
            overlays[name] = Overlay(name, tags_filter, parsed.tasks, parsed.place)
        return overlays

    def _warn_of_idle_overlays(
        self, projects: Mapping[str, Project], overlays: Mapping[str, Overlay]
    ) -> None:
        """Note the overlays that attach to no project (CFG-026); equal tag sets are asked once."""
        carried = {project.tags for project in projects.values()}
        for overlay in overlays.values():
            if not any(overlay.tags_filter <= tags for tags in carried):
                tags = ", ".join(sorted(overlay.tags_filter))
                why = f"; none carries all of its tags: {tags}" if tags else ""
                self._report.warnings.append(
                    Diagnostic(
                        f"overlay `{overlay.name}` matches no project{why} (CFG-026)",
                        span=overlay.place,
                        severity=Severity.WARNING,
                    )
                )


def _read_workspace_file(root: Root, report: _Report) -> WorkspaceFile:
    """Read `workspace.yml`; where it cannot be read, report that and go on without entries."""
    path = root.workspace_file
    data = read_file(path)
    if isinstance(data, Unreadable):
        report.add(path, (_unread(path, "workspace.yml", data, rule="DISC-004"),))
        return WorkspaceFile(entries=(), settings=Settings(), diagnostics=())
    parsed = parse_workspace_file(path, data)
    report.add(path, parsed.diagnostics)
    return parsed


def _unread_project(path: str, why: Unreadable, entry: Entry | None) -> Diagnostic:
    """A project file that cannot be read; ``entry`` is ``None`` in implicit mode."""
    if entry is None:
        what = "haz.yml"
        way_out = "write haz.yml beside .git, or run `haz init` to make a workspace of projects"
    else:
        what = f"haz.yml of project entry `{entry.pattern.text}`"
        way_out = "write that file, or keep the entry from naming its directory"
    rule = "DISC-008" if why.missing else "CFG-001"
    problem = _unread(path, what, why, rule=rule)
    place = entry.place if entry else None
    return evolve(
        problem, span=place, label="names this directory", help=way_out if why.missing else ""
    )


def _unread(path: str, what: str, why: Unreadable, *, rule: str) -> Diagnostic:
    remarks = misspelled(path) if why.missing else ()
    return Diagnostic(
        f"failed to read {what} at {shown(path)} ({rule})", causes=(why.reason, *remarks)
    )


def _same_name(first: Project, second: Project) -> Diagnostic:
    return Diagnostic(
        f"duplicate project name `{first.name}`: {first.root} and {second.root} (DISC-010)",
        span=second.place,
        label="this name is taken",
        help="give one of the two projects another name",
        related=(Diagnostic(f"{first.root} has the name first", span=first.place),),
    )
