"""What every command that looks at a workspace needs: where we are, what is loaded, who bears."""

from __future__ import annotations

import os

import attrs

from haz_trio.cli.options import RootOptions
from haz_trio.cli.printing import Printer
from haz_trio.config.load import load_workspace
from haz_trio.errors import ConfigError, Diagnostic
from haz_trio.graph.build import build_graph
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.workspace import Project, Workspace


@attrs.frozen
class Session:
    """A loaded workspace with its graph, seen from a directory."""

    workspace: Workspace
    graph: TaskGraph
    bearing: Project | None

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        return self.workspace.warnings + self.graph.warnings


def open_session(options: RootOptions) -> Session:
    """Load the workspace around the current directory; raises ``ConfigError``."""
    directory = current_directory(options)
    workspace = load_workspace(directory, root=options.root)
    if options.verbose and workspace.note:
        Printer(options).say(workspace.note)
    graph = build_graph(workspace)
    return Session(workspace, graph, workspace.bearing_project(directory))


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
