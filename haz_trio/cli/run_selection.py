"""Which tasks a command line of ``haz run`` means (execution.md 2, 3.2; cli.md 14.3)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from haz_trio.cli.options import RunOptions, Scope
from haz_trio.cli.printing import Printer
from haz_trio.cli.run_choices import RunChoices
from haz_trio.cli.session import Session
from haz_trio.graph.graph import TaskGraph
from haz_trio.graph.selection import (
    All,
    Default,
    Everything,
    Named,
    Targets,
    affected,
    resolve,
    select,
)
from haz_trio.model.names import TaskId
from haz_trio.model.patterns import WORKSPACE_ROOT
from haz_trio.values import frozen

if TYPE_CHECKING:
    from haz_trio.vcs import Changes


@frozen
class Chosen:
    """What was asked for by name or scope, and all that runs for it, in canonical order."""

    named: frozenset[TaskId]
    tasks: tuple[TaskId, ...]


def choose(session: Session, options: RunOptions, choices: RunChoices, printer: Printer) -> Chosen:
    """The tasks to run.

    Raises ``SelectionError`` for references, and ``ChangesetError`` when git cannot say.
    """
    graph, workspace, bearing = session.graph, session.workspace, session.bearing
    skipped = resolve(graph, choices.skip, bearing)
    seeds = named = select(graph, workspace, _targets(options, choices), bearing) - skipped
    if options.git is not None:
        seeds = affected(graph, seeds, _changed(session, options.git, printer))
    if choices.affected is not None:
        # Imported here and below: most runs take what they are told (cli.md 14.5).
        from haz_trio.graph.affected import affected_tasks

        paths = _changed(session, choices.affected, printer)
        seeds &= affected_tasks(graph, workspace, paths)
    if choices.query is not None:
        folder = bearing.root if bearing else WORKSPACE_ROOT
        # Imported here: few runs are chosen by an expression (cli.md 14.5).
        from haz_trio.query.evaluation import evaluate

        seeds = frozenset(evaluate(graph, choices.query, seeds, folder=folder))
    if choices.with_dependents:
        from haz_trio.graph.affected import dependents

        seeds = dependents(graph, seeds)
        seeds -= skipped
    if choices.only:
        return Chosen(named, graph.in_order(seeds))
    return Chosen(named, _closure(graph, seeds, skipped))


def _changed(session: Session, changes: Changes, printer: Printer) -> Collection[str]:
    # Imported here: most runs ask git nothing (cli.md 14.5).
    from haz_trio.vcs import changed_paths

    found = changed_paths(session.workspace.root, changes)
    for note in found.notes:
        printer.say(note)
    return found.paths


def _targets(options: RunOptions, choices: RunChoices) -> Targets:
    if options.references:
        return Named(options.references)
    match options.scope:
        case Scope.WORKSPACE:
            return Everything()
        case Scope.ALL:
            return All()
        case Scope.DEFAULT:
            # A filter looks at all tasks of the scope, not at the default one.
            return All() if options.git is not None or choices.filters else Default()


def _closure(
    graph: TaskGraph, seeds: Iterable[TaskId], skipped: frozenset[TaskId]
) -> tuple[TaskId, ...]:
    """The seeds and what they need, not going through what is skipped."""
    if not skipped:
        return graph.closure(seeds)
    reached = set(seeds)
    pending = list(reached)
    while pending:
        new = set(graph.hard[pending.pop()]).difference(reached, skipped)
        reached |= new
        pending += new
    return graph.in_order(reached)
