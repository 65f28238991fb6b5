"""The declaration of ``haz doctor`` (cli.md 14.3)."""

from __future__ import annotations

from typing import Annotated

import typer

from haz_trio.cli.declared import Settings, forwards
from haz_trio.cli.strict import StrictCommand


def register_doctor(app: typer.Typer, settings: Settings) -> None:
    """Add the command to the application."""
    app.command(
        "doctor",
        short_help="Look for what may be wrong here, and say the way out.",
        cls=StrictCommand,
        context_settings=settings,
        epilog="Exit codes: 0 all is well, 1 something needs attention.",
    )(doctor)


@forwards("haz_trio.cli.doctor_call:doctor")
def doctor(
    ctx: typer.Context,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON object. Example: haz doctor --json"),
    ] = False,
) -> None:
    """Look at the workspace, its cache, the file system and the machine.

    Nothing is changed; the file system is tried out in a folder that is removed again.
    """
