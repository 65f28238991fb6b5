"""The declarations of ``haz completions`` and of the hidden command behind its scripts."""

from __future__ import annotations

from typing import Annotated

import typer

from haz_trio.cli.options import RootOptions
from haz_trio.cli.state import Settings
from haz_trio.cli.strict import StrictCommand
from haz_trio.cli.values import parse_word

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
) -> int:
    """Print a script that lets a shell complete commands, flags, values and task names."""
    # Imported here: no other command needs them.
    from haz_trio.cli.completions import Shell, completion_script
    from haz_trio.cli.printing import Printer

    root: RootOptions = ctx.obj.options
    chosen = parse_word(shell, Shell, "", "shell")
    return Printer(root).out(completion_script(chosen))


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
) -> int:
    """Answer a completion script."""
    # Imported here: no other command needs them.
    from haz_trio.cli.printing import Printer
    from haz_trio.cli.suggest import suggest as candidates

    *before, current = words
    found = candidates(ctx.find_root().command, before, current.removeprefix("="))
    root: RootOptions = ctx.obj.options
    return Printer(root).out("".join(f"{each}\n" for each in found))
