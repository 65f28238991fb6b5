"""The declaration of ``haz schema`` (cli.md 14.3)."""

from __future__ import annotations

from typing import Annotated

import typer

from haz_trio.cli.declared import Settings, forwards
from haz_trio.cli.strict import StrictCommand

# The first character keeps the parser from filling the lines.
_EXAMPLES = """\b
Examples:
  haz schema project > haz.schema.json   the schema of haz.yml
  haz schema                             all three, as one object
  haz schema --write                     into .haz/schema/, for editors"""


def register_schema(app: typer.Typer, settings: Settings) -> None:
    """Add the command to the application."""
    app.command(
        "schema",
        short_help="Print the JSON Schema of the configuration files.",
        cls=StrictCommand,
        context_settings=settings,
        epilog=_EXAMPLES,
    )(schema)


@forwards("haz_trio.cli.schema_call:schema")
def schema(
    ctx: typer.Context,
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="[KIND]",
            show_default=False,
            help="workspace (.haz/workspace.yml), project (haz.yml) or overlay "
            "(.haz/tasks/NAME.yml); all three without it. Example: haz schema project",
        ),
    ] = None,
    write: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Put the schemas into .haz/schema/ of the workspace, and print the line by "
            "which editors with a YAML language server find them. Example: haz schema --write",
        ),
    ] = False,
) -> None:
    """Print the JSON Schema (2020-12) of the configuration files, as the parser has it."""
