"""The declarations of ``haz completions`` and of the hidden command behind its scripts."""

from __future__ import annotations

from typing import Annotated

import typer

from haz_trio.cli.declared import Settings, forwards
from haz_trio.cli.strict import StrictCommand

# The first character keeps the parser from filling the lines.
_EXAMPLES = """\b
Examples:
  eval "$(haz completions bash)"                                  in ~/.bashrc
  eval "$(haz completions zsh)"                                   in ~/.zshrc, behind compinit
  haz completions fish > ~/.config/fish/completions/haz.fish      once
  haz completions powershell | Out-String | Invoke-Expression     in $PROFILE"""


def register_completions(
    app: typer.Typer,
    settings: Settings,
) -> None:
    """Add both commands to the application."""
    app.command(
        "completions",
        short_help="Print the completion script of a shell.",
        cls=StrictCommand,
        context_settings=settings,
        epilog=_EXAMPLES,
    )(completions)
    app.command("__suggest", hidden=True, cls=StrictCommand, context_settings=settings)(suggest)


@forwards("haz_trio.cli.plain_call:completions")
def completions(
    ctx: typer.Context,
    shell: Annotated[
        str,
        typer.Argument(
            metavar="SHELL",
            show_default=False,
            help="bash, zsh, fish or powershell. Example: haz completions bash",
        ),
    ],
) -> None:
    """Print a script that lets a shell complete commands, flags, values and task names."""


@forwards("haz_trio.cli.suggest_call:suggest")
def suggest(
    ctx: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="WORDS",
            show_default=False,
            help="The words behind `haz`; the last one is unfinished and begins with `=`. "
            "Example: haz __suggest -- run --output-mode =b",
        ),
    ],
) -> None:
    """Answer a completion script."""
