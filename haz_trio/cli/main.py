"""From words to an exit code, by the fast lane or through Typer."""

from __future__ import annotations

import os

from haz_trio.cli.lane import match
from haz_trio.cli.state import State
from haz_trio.output.descriptors import reserve_standard_streams

TYPE_CHECKING = False  # in place of typing's: some answers need no library at all
if TYPE_CHECKING:
    from collections.abc import Sequence


def run_command_line(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code; everything said has been written."""
    reserve_standard_streams()
    return carry_out(argv, State())


def carry_out(argv: Sequence[str], state: State) -> int:
    """Make the calls that a command line stands for; the exit code, also of what they raise."""
    try:
        calls = match(argv, os.environ)
        if calls is None:
            # Imported here: the commonest lines are understood without it (cli.md 14.5).
            from haz_trio.cli.app import run_app

            return run_app(argv, state)
        code = 0
        for body, keywords in calls:
            code = state.call(body, keywords)
        return code
    # A fault of ours, whatever it is, ends in a report.
    except (Exception, BaseExceptionGroup) as problem:
        try:
            # Imported here: a line without errors reports none.
            from haz_trio.cli.faults import report
        except (MemoryError, OSError):  # no room for that either
            os.write(2, b"Error: haz cannot start: raise the limits (`ulimit -n` and `-v`)\n")
            return 2
        return report(problem, state, argv)
