"""The declaration of ``haz check`` (cli.md 10, 14.3)."""

from __future__ import annotations

from typing import Annotated

import typer

from haz_trio.cli.declared import Settings, forwards
from haz_trio.cli.strict import StrictCommand


def register_check(app: typer.Typer, settings: Settings) -> None:
    """Add the command to an application."""
    app.command(
        "check",
        short_help="Validate the whole workspace.",
        cls=StrictCommand,
        context_settings=settings,
    )(check)


@forwards("haz_trio.cli.check_call:check")
def check(
    ctx: typer.Context,
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Count the tasks of this project; the same as no flag (AUX-009). "
            "Example: haz check --all",
        ),
    ] = False,
    workspace: Annotated[
        bool,
        typer.Option(
            "--workspace",
            help="Count the tasks of every project, wherever you are (AUX-009). "
            "Example: haz check --workspace",
        ),
    ] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Fail with exit code 2 on warnings too. Example: haz check --strict"
        ),
    ] = False,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print the number of tasks and every diagnostic as one JSON object. "
            "Example: haz check --json",
        ),
    ] = False,
) -> None:
    """Validate the whole workspace without running anything."""
