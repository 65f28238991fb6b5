"""How ``haz init`` is written: its options, their help, and what they mean together."""

from __future__ import annotations

from typing import Annotated

import attrs
import typer

from haz_trio.cli.state import Settings, State
from haz_trio.cli.strict import StrictCommand
from haz_trio.errors import UsageError


@attrs.frozen
class InitOptions:
    """The options of ``haz init``; directories are as they were written."""

    yes: bool = False
    discover: bool = False
    projects: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    dry_run: bool = False
    json: bool = False

    @property
    def asks(self) -> bool:
        """Whether the screens ask what to write: nothing on the command line says it."""
        chosen = self.yes or self.discover or self.projects or self.parents
        return not (chosen or self.dry_run)

    def check(self) -> InitOptions:
        """The options themselves; raises ``UsageError`` where they do not fit together."""
        if self.json and self.asks:
            raise UsageError(
                "couldn't parse: `--json` needs one of `--yes`, `--discover`, `--project DIR`, "
                "`--projects-parent DIR` and `--dry-run`: the screens print no JSON"
            )
        for flag, values in (("--project", self.projects), ("--projects-parent", self.parents)):
            if "" in values:
                raise UsageError(f'couldn\'t parse `{flag}=""`: a directory has a name')
        return self


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
) -> int:
    """Make this directory a workspace; without options, choose its projects on the screen."""
    chosen = (tuple(projects or ()), tuple(parents or ()))
    options = InitOptions(yes, discover, *chosen, dry_run, json).check()
    # Imported here: help and bad arguments need neither YAML nor a terminal (cli.md 14.5).
    from haz_trio.cli.init import init_command

    return init_command(ctx.ensure_object(State).options, options)


def register_init(app: typer.Typer, settings: Settings) -> None:
    """Add the command to the application."""
    app.command(
        "init",
        short_help="Make this directory a workspace.",
        cls=StrictCommand,
        context_settings=settings,
    )(init)
