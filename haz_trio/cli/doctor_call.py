"""From the words of ``haz doctor`` to its call."""

from __future__ import annotations

from haz_trio.cli.state import State


def doctor(state: State, *, json: bool) -> int:
    """Look for what may be wrong."""
    # Imported here, as in the other calls (cli.md 14.5).
    from haz_trio.cli.doctor import doctor_command

    return doctor_command(state.options, as_json=json)
