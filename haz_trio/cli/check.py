"""``haz check``: the whole workspace is validated, whatever is counted (cli.md 10)."""

from __future__ import annotations

from haz_trio.cli.options import RootOptions, Scope, parse_scope
from haz_trio.cli.printing import Printer
from haz_trio.cli.session import open_session
from haz_trio.plan.outcome import EXIT_SUCCESS


def check_command(root: RootOptions, *, everything: bool, workspace: bool) -> int:
    """Print how many tasks are valid; raises ``ConfigError`` with everything that is not."""
    scope = parse_scope(everything, workspace)
    session = open_session(root)
    printer = Printer(root)
    printer.warn(session.warnings)
    bearing = None if scope is Scope.WORKSPACE else session.bearing
    count = sum(bearing is None or id.project == bearing.name for id in session.graph.nodes)
    return printer.out(f"{count} task(s) validated.\n") or EXIT_SUCCESS
