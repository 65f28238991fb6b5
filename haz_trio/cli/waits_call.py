"""From the words of ``haz waits`` to its call."""

from __future__ import annotations

from haz_trio.cli.state import State
from haz_trio.errors import UsageError
from haz_trio.values import frozen


@frozen
class WaitsOptions:
    """The argument and the options of ``haz waits``; without ``run`` the last one is meant."""

    run: str | None
    list: bool
    all: bool
    json: bool


def waits(state: State, *, run: str | None, list: bool, all: bool, json: bool) -> int:
    """Check the words and print; raises ``UsageError``, and what ``waits_command`` raises."""
    if list and run is not None:
        raise UsageError("couldn't parse: `--list` takes no run")
    options = WaitsOptions(run, list, all, json)
    # Imported here: bad arguments need no workspace (cli.md 14.5).
    from haz_trio.cli.waits import waits_command

    return waits_command(state.options, options)
