"""The declaration of ``haz why`` (cli.md 11, 14.3)."""

from __future__ import annotations

from typing import Annotated

import attrs
import typer

from haz_trio.cli.options import RootOptions, parse_target
from haz_trio.cli.state import Settings
from haz_trio.cli.strict import StrictCommand
from haz_trio.model.references import Reference

# The first character keeps the parser from filling the lines.
_EXAMPLES = """\b
Examples:
  haz why lib:test                 what its key is made of, and whether that is a hit
  haz why --diff lib:test          what changed since its last result
  haz why --diff --json lib:test   the same for programs"""


@attrs.frozen
class WhyOptions:
    """The argument and the options of ``haz why``."""

    reference: Reference
    diff: bool
    json: bool


def register_why(app: typer.Typer, settings: Settings) -> None:
    """Add the command to the application."""
    app.command(
        "why",
        short_help="Explain a task's cache key: hit or miss, and what changed.",
        cls=StrictCommand,
        context_settings=settings,
        epilog=_EXAMPLES,
    )(why)


def why(
    ctx: typer.Context,
    task: Annotated[
        str,
        typer.Argument(
            metavar="TASK",
            show_default=False,
            help="The task: `project:task`, `~:task` or just `task` (this project), or any "
            "reference that stands for one task. Example: haz why lib:test",
        ),
    ],
    diff: Annotated[
        bool,
        typer.Option(
            "--diff",
            help="Name what changed in the key since the task's last result, and in the keys of "
            "the predecessors to blame; no value of a variable is shown. "
            "Example: haz why --diff lib:test",
        ),
    ] = False,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print one JSON object; values of variables with secret-looking names are "
            "masked. Example: haz why --json lib:test",
        ),
    ] = False,
) -> int:
    """Show what a task's cache key is made of and whether the cache has its result.

    Nothing is run and nothing is written.
    """
    options = WhyOptions(parse_target(task), diff, json)
    root: RootOptions = ctx.obj.options
    # Imported here: help and bad arguments need neither hashing nor YAML (cli.md 14.5).
    from haz_trio.cli.why import why_command

    return why_command(root, options)
