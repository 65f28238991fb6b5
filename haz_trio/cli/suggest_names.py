"""The names of projects, tags and tasks for completion: from the snapshot, else from the files."""

from __future__ import annotations

from haz_trio.cli.options import RootOptions
from haz_trio.cli.session import current_directory
from haz_trio.config.snapshot import Snapshot, find_snapshot
from haz_trio.errors import ConfigError
from haz_trio.values import frozen


@frozen
class Known:
    """A project with its tasks, those of overlays included; ``root`` is workspace-absolute."""

    name: str
    root: str
    tags: frozenset[str]
    tasks: tuple[str, ...]


@frozen
class Names:
    """Everything that a reference can name, seen from a directory."""

    projects: tuple[Known, ...] = ()
    bearing: Known | None = None


def find_names(options: RootOptions) -> Names:
    """The names of the workspace around the current directory; none where there is none."""
    try:
        directory = current_directory(options)
    except ConfigError:
        return Names()
    snapshot = find_snapshot(directory, root=options.root)
    if snapshot is not None:
        return _remembered(snapshot, directory)
    # Imported here: an unchanged workspace needs no YAML (cli.md 14.5).
    from haz_trio.cli.suggest_files import read_names

    return read_names(directory, options.root)


def _remembered(snapshot: Snapshot, directory: str) -> Names:
    tasks: dict[str, list[str]] = {}
    for id in snapshot.graph.nodes:
        tasks.setdefault(id.project, []).append(id.task)
    projects = {
        name: Known(name, project.root, project.tags, tuple(sorted(tasks.get(name, ()))))
        for name, project in snapshot.workspace.projects.items()
    }
    bearing = snapshot.workspace.bearing_project(directory)
    return Names(tuple(projects.values()), projects[bearing.name] if bearing else None)
