"""From the words before the command to the options that every command has."""

from __future__ import annotations

from haz_trio.cli.options import RootOptions
from haz_trio.cli.state import State


def start(
    state: State,
    *,
    directory: str | None,
    workspace_root: str | None,
    color: str | None,
    diagnostics: str | None,
    quiet: bool,
    verbose: bool,
) -> int:
    """Note the options for the command and for error reports; raises ``UsageError``."""
    state.options = RootOptions.parse(
        directory,
        workspace_root,
        color=color,
        diagnostics=diagnostics,
        quiet=quiet,
        verbose=verbose,
    )
    return 0
