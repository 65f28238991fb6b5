"""The declaration of ``haz why`` (cli.md 11, 14.3)."""

from __future__ import annotations

from typing import Annotated

import typer

from haz_trio.cli.declared import Settings, forwards
from haz_trio.cli.strict import StrictCommand

# The first character keeps the parser from filling the lines.
_EXAMPLES = """\b
Examples:
  haz why lib:test                 what its key is made of, and whether that is a hit
  haz why --diff lib:test          what changed since its last result
  haz why --diff --json lib:test   the same for programs
  haz why --receipt lib:test       why it did not succeed when it last did not"""


def register_why(app: typer.Typer, settings: Settings) -> None:
    """Add the command to the application."""
    app.command(
        "why",
        short_help="Explain a task's cache key: hit or miss, and what changed.",
        cls=StrictCommand,
        context_settings=settings,
        epilog=_EXAMPLES,
    )(why)


@forwards("haz_trio.cli.why_call:why")
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
    receipt: Annotated[
        bool,
        typer.Option(
            "--receipt",
            help="Tell how the task ended when it last did not succeed: why, back to one root, "
            "which signals its command got and when, and who outlived it. "
            "Example: haz why --receipt lib:test",
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
) -> None:
    """Show what a task's cache key is made of and whether the cache has its result.

    Nothing is run and nothing is written.
    """
