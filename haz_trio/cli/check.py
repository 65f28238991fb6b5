"""``haz check``: the whole workspace is validated, whatever is counted (cli.md 10 and 14.3)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from haz_trio.cli.options import RootOptions, Scope
from haz_trio.cli.printing import Printer
from haz_trio.cli.session import current_directory
from haz_trio.config.snapshot import find_snapshot
from haz_trio.errors import ConfigError, Diagnostic, HazError, Severity
from haz_trio.graph.graph import TaskGraph
from haz_trio.graph.lints import lint
from haz_trio.model.workspace import Workspace
from haz_trio.plan.exit_codes import EXIT_CONFIGURATION, EXIT_SUCCESS
from haz_trio.values import frozen

VERSION = 1


@frozen
class CheckOptions:
    """What the command line of ``haz check`` said."""

    scope: Scope
    strict: bool
    json: bool


@frozen
class Findings:
    """Everything that was found out about a workspace, in order.

    ``tasks`` is how many are counted, ``None`` when there are errors.
    ``unchecked`` are sentences about what could not be looked at because of the ``problem``;
    ``note`` is the workspace's.
    """

    tasks: int | None
    warnings: tuple[Diagnostic, ...] = ()
    problem: ConfigError | None = None
    unchecked: tuple[str, ...] = ()
    note: str = ""

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        errors = () if self.problem is None else self.problem.diagnostics
        return (*errors, *self.warnings)


def check_command(root: RootOptions, options: CheckOptions) -> int:
    """Report everything that is wrong or odd at once; warnings alone are exit code 0.

    With ``strict`` they are exit code 2, like errors.
    """
    directory = current_directory(root)
    findings = examine(directory, root.root, options.scope)
    failed = findings.problem is not None or (options.strict and bool(findings.warnings))
    code = EXIT_CONFIGURATION if failed else EXIT_SUCCESS
    printer = Printer(root)
    if options.json:
        return printer.out(as_json(findings, directory)) or code
    if root.verbose and findings.note:
        printer.say(findings.note)
    if findings.problem is not None:
        printer.error(findings.problem)
    printer.warn(findings.warnings)
    for sentence in findings.unchecked:
        printer.say(sentence)
    if findings.problem is None and failed:
        count = len(findings.warnings)
        printer.error(HazError(f"{count} warning(s) found, and `--strict` allows none"))
    if failed:
        return code
    return printer.out(f"{findings.tasks} task(s) validated.\n") or code


def examine(directory: str, root: str | None, scope: Scope) -> Findings:
    """Look at everything around a directory, as far as errors allow; never raises for them."""
    unchanged = find_snapshot(directory, root=root)
    if unchanged is not None and not unchanged.warned:
        found = _look_at(unchanged.workspace, unchanged.graph, directory, scope)
        if not found.warnings:
            return found
    # Imported here: where there is nothing to be said nobody needs places (cli.md 14.5).
    from haz_trio.config.load import load_workspace
    from haz_trio.graph.build import build_graph

    try:
        workspace = load_workspace(directory, root=root)
    except ConfigError as problem:
        return Findings(None, problem=problem, unchecked=_without_graph(problem.diagnostics))
    try:
        graph = build_graph(workspace)
    except ConfigError as problem:
        unchecked = "not checked: races and oddities of tasks, because the task graph is broken"
        return Findings(None, workspace.warnings, problem, (unchecked,), workspace.note)
    return _look_at(workspace, graph, directory, scope)


def _look_at(workspace: Workspace, graph: TaskGraph, directory: str, scope: Scope) -> Findings:
    """What there is to be said of a workspace without errors."""
    odd = lint(workspace, graph, partial(_finds, workspace))
    bearing = None if scope is Scope.WORKSPACE else workspace.bearing_project(directory)
    count = sum(bearing is None or id.project == bearing.name for id in graph.nodes)
    warnings = (*workspace.warnings, *graph.warnings, *odd)
    return Findings(count, warnings, note=workspace.note)


def as_json(findings: Findings, cwd: str) -> str:
    """One object; ``diagnostics`` as in ``haz_trio.output.machine``, errors first."""
    # Imported here: the text needs neither.
    import json

    from haz_trio.output.machine import to_objects

    document = {
        "v": VERSION,
        "tasks": findings.tasks,
        "diagnostics": to_objects(findings.diagnostics, cwd=cwd),
        "unchecked": list(findings.unchecked),
    }
    return json.dumps(document, indent=2) + "\n"


def _without_graph(problems: Sequence[Diagnostic]) -> tuple[str, ...]:
    """What broken files keep from being checked; without any file there was nothing to check."""
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    files = {problem.span.path for problem in errors if problem.span is not None}
    if not files:
        return ()
    broken = "1 file is" if len(files) == 1 else f"{len(files)} files are"
    return (f"not checked: the task graph, because {broken} broken",)


def _finds(workspace: Workspace, program: str) -> bool:
    """Whether this host finds a program for a task that has no PATH."""
    # Imported here: few tasks have no PATH (cli.md 14.5).
    from haz_trio.abc import Command
    from haz_trio.errors import SpawnError
    from haz_trio.process.lookup import find_program

    try:
        find_program(Command((program,), workspace.root, {}))
    except SpawnError:
        return False
    return True
