"""The Typer application: every command, option and help text, declared once (cli.md 14.4).

A command is declared when it is wanted: a line that starts with the name of one pays for no other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated

import typer

from haz_trio.cli.declared import Settings
from haz_trio.cli.lane_types import Keywords
from haz_trio.cli.mistakes import bad_value
from haz_trio.cli.state import State
from haz_trio.cli.strict import StrictGroup

SETTINGS: Settings = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": 100,
}

# What is called for the options before a command, and for one of them alone.
START = "haz_trio.cli.start_call:start"
VERSION = "haz_trio.cli.plain_call:version"

# Where each command is declared, in the order in which help lists them.
_DECLARED = {
    "run": "run_options:register_run",
    "check": "check_options:register_check",
    "why": "why_options:register_why",
    "query": "query_declared:register_query",
    "graph": "graph_options:register_graph",
    "waits": "waits_options:register_waits",
    "simulate": "simulate_options:register_simulate",
    "cache": "cache_options:register_cache",
    "init": "init_options:register_init",
    "schema": "schema_options:register_schema",
    "completions": "completions_options:register_completions",
    "doctor": "doctor_options:register_doctor",
}


def make_app(command: str = "") -> typer.Typer:
    """The application, with all commands, or with one of them alone if ``command`` names one."""
    app = typer.Typer(
        name="haz",
        cls=StrictGroup,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=SETTINGS,
        help="haz: task dependency graph runner",
        epilog="Exit codes: 0 success, 1 a task failed, 2 bad arguments or configuration, "
        "124 stopped by --timeout, 128 + N stopped by signal N.",
    )
    app.callback()(root)
    for name in [command] if command in _DECLARED else _DECLARED:
        module, _, function = _DECLARED[name].partition(":")
        register: Callable[[typer.Typer, Settings], None] = getattr(
            import_module(f"haz_trio.cli.{module}"), function
        )
        register(app, SETTINGS)
    return app


def run_app(argv: Sequence[str], state: State) -> int:
    """Make the calls that a command line stands for; raises also what Typer's parser raises."""
    for word in argv:
        try:
            word.encode()
        except UnicodeEncodeError:
            shown = os.fsencode(word).decode("utf-8", "replace")
            raise bad_value(shown, f"{shown} is not valid UTF-8") from None
    app = make_app(argv[0] if argv else "")
    try:
        result = app(args=list(argv), prog_name="haz", standalone_mode=False, obj=state)
    except SystemExit:
        # What the parser makes of a closed pipe, while it prints help or the version.
        raise BrokenPipeError from None
    return result if isinstance(result, int) else 0


def _print_version(ctx: typer.Context, asked: bool) -> None:
    if asked:
        raise typer.Exit(ctx.ensure_object(State).call(VERSION, {}))


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
    diagnostics: Annotated[
        str | None,
        typer.Option(
            "--diagnostics",
            metavar="FORM",
            help="Form of errors and warnings on stderr: pretty, narrated (also with "
            "NO_GRAPHICS=1) or json, a line each, bad arguments included. "
            "Example: haz --diagnostics json check",
        ),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option(
            "-q",
            "--quiet",
            help="Results and trouble alone: no warnings, remarks and status line; of a run what "
            "the tasks print, failures, and the closing lines if something failed. "
            "Example: haz -q run",
        ),
    ] = False,
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
    keywords: Keywords = {
        "directory": directory,
        "workspace_root": workspace_root,
        "color": color,
        "diagnostics": diagnostics,
        "quiet": quiet,
        "verbose": verbose,
    }
    # As in the fast lane: where nothing is said, the state has what is right already.
    if any(value not in (None, False) for value in keywords.values()):
        ctx.ensure_object(State).call(START, keywords)
