"""The Typer application: every command, option and help text, declared once (cli.md 14.4)."""

from __future__ import annotations

from typing import Annotated

import attrs
import typer

from haz_trio import __version__
from haz_trio.cli.cache_options import cache_app
from haz_trio.cli.completions_options import register_completions
from haz_trio.cli.graph_options import register_graph
from haz_trio.cli.init_options import register_init
from haz_trio.cli.options import RootOptions
from haz_trio.cli.query_declared import query
from haz_trio.cli.run_options import register_run
from haz_trio.cli.schema_options import register_schema
from haz_trio.cli.strict import StrictCommand, StrictGroup
from haz_trio.cli.why_options import register_why

_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

app = typer.Typer(
    name="haz",
    cls=StrictGroup,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=_SETTINGS,
    help="haz: task dependency graph runner",
    epilog="Exit codes: 0 success, 1 a task failed, 2 bad arguments or configuration, "
    "128 + N stopped by signal N.",
)


@attrs.define
class State:
    """What one command line shares between its parser, its command and its error report."""

    options: RootOptions = attrs.field(factory=RootOptions)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"Version: {__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    directory: Annotated[
        str | None,
        typer.Option(
            "-C", metavar="DIR", help="Work as if started in DIR. Example: haz -C web run"
        ),
    ] = None,
    workspace_root: Annotated[
        str | None,
        typer.Option(
            "--root",
            metavar="DIR",
            envvar="HAZ_ROOT",
            show_envvar=True,
            help="Take DIR as the workspace root instead of looking for one upwards. "
            "Example: haz --root ~/mono check",
        ),
    ] = None,
    color: Annotated[
        str | None,
        typer.Option(
            "--color",
            metavar="WHEN",
            help="Colour the output: auto, always or never. Example: haz --color never run",
        ),
    ] = None,
    verbose: Annotated[
        bool,
        typer.Option("-v", "--verbose", help="Say more on stderr. Example: haz -v run"),
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "-V",
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Prints version information",
        ),
    ] = False,
) -> None:
    ctx.ensure_object(State).options = RootOptions.parse(directory, workspace_root, color, verbose)


register_run(app, _SETTINGS)


@app.command(
    "check",
    short_help="Validate the whole workspace.",
    cls=StrictCommand,
    context_settings=_SETTINGS,
)
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
) -> int:
    """Validate the whole workspace without running anything."""
    # Imported here: help and bad arguments need no YAML (cli.md 14.5).
    from haz_trio.cli.check import CheckOptions, check_command

    options = CheckOptions.parse(
        everything=everything, workspace=workspace, strict=strict, json=json
    )
    return check_command(ctx.ensure_object(State).options, options)


register_why(app, _SETTINGS)
register_init(app, _SETTINGS)
register_graph(app, _SETTINGS)
register_schema(app, _SETTINGS)
register_completions(app, _SETTINGS)
app.add_typer(cache_app)


app.command(
    "query",
    short_help="List the tasks that match.",
    cls=StrictCommand,
    context_settings=_SETTINGS,
)(query)
