"""The declaration of ``haz waits``."""

from __future__ import annotations

from typing import Annotated

import typer

from haz_trio.cli.declared import Settings, forwards
from haz_trio.cli.strict import StrictCommand

# The first character keeps the parser from filling the lines.
_EXAMPLES = """\b
The last eight runs in which a command ran are recorded below .haz/cache/state.
\b
Examples:
  haz waits                   the last run
  haz waits --list            the runs that are recorded
  haz waits 8a350a            one of them; the end of its name will do
  haz waits --json            all tasks, for programs"""


def register_waits(app: typer.Typer, settings: Settings) -> None:
    """Add the command to the application."""
    app.command(
        "waits",
        short_help="Show what the tasks of a run waited for.",
        cls=StrictCommand,
        context_settings=settings,
        epilog=_EXAMPLES,
    )(waits)


@forwards("haz_trio.cli.waits_call:waits")
def waits(
    ctx: typer.Context,
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN]",
            show_default=False,
            help="Which run, by the end of its name; the last one without it. "
            "Example: haz waits 8a350a",
        ),
    ] = None,
    list: Annotated[
        bool,
        typer.Option("--list", help="List the runs that are recorded. Example: haz waits --list"),
    ] = False,
    all: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Show all tasks, not only those that waited longest. Example: haz waits --all",
        ),
    ] = False,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON object. Example: haz waits --json"),
    ] = False,
) -> None:
    """Show what the tasks of a run waited for: slots, tags, mutexes and each other, by name."""
