"""``haz query``: which tasks match, from their declarations alone (query.md)."""

from __future__ import annotations

from collections.abc import Collection

from haz_trio.cli.options import RootOptions, Scope
from haz_trio.cli.printing import Printer
from haz_trio.cli.query_forms import needs_places, write_tasks
from haz_trio.cli.query_options import QueryOptions
from haz_trio.cli.session import Session, open_session
from haz_trio.graph.selection import affected, all_targets
from haz_trio.model.names import TaskId
from haz_trio.model.patterns import WORKSPACE_ROOT
from haz_trio.query.advice import check_paths, unknown_names
from haz_trio.query.evaluation import evaluate
from haz_trio.query.filters import Filter


def query_command(root: RootOptions, options: QueryOptions) -> int:
    """Print the tasks that match; any number of them is a success (QRY-009).

    Raises ``ConfigError``, ``QueryError`` and ``ChangesetError`` before anything is printed.
    """
    session = open_session(root, places=needs_places(options.form))
    printer = Printer(root)
    if session.bearing is None:
        check_paths(options.questions)
    candidates = _candidates(session, options, printer)
    found = evaluate(
        session.graph,
        options.whole,
        candidates,
        folder=session.bearing.root if session.bearing else WORKSPACE_ROOT,
    )
    _advise(session, options, printer)
    text = write_tasks(session.graph, found, options.form, session.workspace.root)
    return printer.out(text)


def _candidates(session: Session, options: QueryOptions, printer: Printer) -> Collection[TaskId]:
    """The tasks of the scope, or those of them that a change touches (EXEC-022, EXEC-026)."""
    bearing = None if options.scope is Scope.WORKSPACE else session.bearing
    tasks = all_targets(session.graph, bearing)
    if options.git is None:
        return tasks
    # Imported here: most queries ask git nothing (cli.md 14.5).
    from haz_trio.vcs import changed_paths

    changes = changed_paths(session.workspace.root, options.git)
    for note in changes.notes:
        printer.say(note)
    return affected(session.graph, tasks, changes.paths)


def _advise(session: Session, options: QueryOptions, printer: Printer) -> None:
    """Remarks on standard error about a query that surely misses what was meant."""
    for sentence in unknown_names(options.questions, session.workspace, session.graph):
        printer.say(sentence)
    projects = options.filters.get(Filter.PROJECTS)
    bearing = session.bearing
    if projects is None or bearing is None or options.scope is Scope.WORKSPACE:
        return
    own = all_targets(session.graph, bearing)
    if own and not evaluate(session.graph, projects, own):
        printer.say(
            f"`--projects` leaves out `{bearing.name}`, the only project that is looked at from "
            "here; `--workspace` looks at all"
        )
