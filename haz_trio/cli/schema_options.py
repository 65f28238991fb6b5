"""The declaration of ``haz schema`` (cli.md 14.3)."""

from __future__ import annotations

from typing import Annotated

import typer

from haz_trio.cli.options import RootOptions
from haz_trio.cli.state import Settings
from haz_trio.cli.strict import StrictCommand, bad_value

_KINDS = ("workspace", "project", "overlay")
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
) -> int:
    """Print the JSON Schema (2020-12) of the configuration files, as the parser has it."""
    root: RootOptions = ctx.obj.options
    if kind is not None and kind not in _KINDS:
        reason = f"unknown kind of file `{kind}` (expected `workspace`, `project` or `overlay`)"
        raise bad_value(kind, reason)
    # Imported here: help and bad arguments need no YAML (cli.md 14.5).
    from haz_trio.cli.schema import schema_command
    from haz_trio.config.json_schema import FileKind

    return schema_command(root, None if kind is None else FileKind(kind), write=write)
