"""From the words of ``haz check`` to its call."""

from __future__ import annotations

from haz_trio.cli.options import parse_scope
from haz_trio.cli.state import State


def check(state: State, *, everything: bool, workspace: bool, strict: bool, json: bool) -> int:
    """Check the words and the workspace; raises ``UsageError``."""
    scope = parse_scope(everything, workspace)
    # Imported here: bad arguments need no YAML (cli.md 14.5).
    from haz_trio.cli.check import CheckOptions, check_command

    return check_command(state.options, CheckOptions(scope, strict, json))
