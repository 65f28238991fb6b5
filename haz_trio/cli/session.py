"""What every command that looks at a workspace needs: where we are, what is loaded, who bears."""

from __future__ import annotations

import os
import time

from haz_trio.cli.options import RootOptions
from haz_trio.cli.printing import Printer
from haz_trio.config.snapshot import Origin, find_snapshot
from haz_trio.errors import ConfigError, Diagnostic
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.workspace import Project, Workspace
from haz_trio.values import frozen


@frozen
class Session:
    """A loaded workspace with its graph, seen from a directory.

    ``origin`` is the snapshot that it was made of, or what a load has looked at.
    """

    workspace: Workspace
    graph: TaskGraph
    bearing: Project | None
    origin: Origin

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        return self.workspace.warnings + self.graph.warnings


def open_session(options: RootOptions, *, places: bool = False) -> Session:
    """Load the workspace around the current directory; raises ``ConfigError``.

    With ``places`` everything knows where it was declared, which a snapshot does not.
    """
    directory = current_directory(options)
    seen = time.time_ns()
    if not places and not options.verbose:
        snapshot = find_snapshot(directory, root=options.root)
        if snapshot is not None:
            bearing = snapshot.workspace.bearing_project(directory)
            return Session(
                snapshot.workspace, snapshot.graph, bearing, Origin(snapshot, None, seen)
            )
    # Imported here: an unchanged workspace needs no YAML (cli.md 14.5).
    from haz_trio.config.load import load_with_sources
    from haz_trio.graph.build import build_graph

    workspace, sources = load_with_sources(directory, root=options.root)
    if options.verbose and workspace.note:
        Printer(options).say(workspace.note)
    graph = build_graph(workspace)
    if not places and not options.verbose:  # as a snapshot would be
        for project in workspace.projects.values():
            project.forget_places()
    bearing = workspace.bearing_project(directory)
    return Session(workspace, graph, bearing, Origin(None, sources, seen))


def current_directory(options: RootOptions) -> str:
    """The canonical directory that the command works from (cli.md 3.1)."""
    try:
        directory = os.path.join(os.getcwd(), options.directory or "")
        canonical = os.path.realpath(directory, strict=True)
        if not os.path.isdir(canonical):
            raise NotADirectoryError(20, os.strerror(20))
    except OSError as problem:
        what = f"directory {options.directory}" if options.directory else "current directory"
        sentence = f"cannot read {what}"
        if not options.directory:
            sentence = "cannot read current working directory"
        diagnostic = Diagnostic(sentence, causes=(problem.strerror or str(problem),))
        raise ConfigError([diagnostic]) from None
    return canonical
