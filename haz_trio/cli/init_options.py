"""How ``haz init`` is written: its options, their help, and what they mean together."""

from __future__ import annotations

from typing import Annotated

import typer

from haz_trio.cli.declared import Settings, forwards
from haz_trio.cli.strict import StrictCommand


@forwards("haz_trio.cli.init_call:init")
def init(
    ctx: typer.Context,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            help="Ask nothing: register no projects, or those that the other options name "
            "(AUX-007). Example: haz init --yes",
        ),
    ] = False,
    discover: Annotated[
        bool,
        typer.Option(
            "--discover",
            help="Register every directory below that has a haz.yml; those that are hidden or "
            "ignored by git are not looked into. Example: haz init --discover",
        ),
    ] = False,
    projects: Annotated[
        list[str] | None,
        typer.Option(
            "--project",
            metavar="DIR",
            show_default=False,
            help="Register DIR as a project, with a haz.yml if it has none; may be repeated. "
            "Example: haz init --project web --project tools/gen",
        ),
    ] = None,
    parents: Annotated[
        list[str] | None,
        typer.Option(
            "--projects-parent",
            metavar="DIR",
            show_default=False,
            help="Register each directory in DIR as a project (`/DIR/*`); may be repeated. "
            "Example: haz init --projects-parent packages",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print what would be written, and write nothing. "
            "Example: haz init --discover --dry-run",
        ),
    ] = False,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print what is written, or would be, as one JSON object. "
            "Example: haz init --discover --json",
        ),
    ] = False,
) -> None:
    """Make this directory a workspace; without options, choose its projects on the screen."""


def register_init(app: typer.Typer, settings: Settings) -> None:
    """Add the command to the application."""
    app.command(
        "init",
        short_help="Make this directory a workspace.",
        cls=StrictCommand,
        context_settings=settings,
    )(init)
