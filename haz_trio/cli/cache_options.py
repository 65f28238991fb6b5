"""`haz cache`: its commands, options and help texts, and what their words mean (cli.md 12)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

import typer

from haz_trio.cli.options import RootOptions
from haz_trio.cli.state import Settings
from haz_trio.cli.strict import StrictCommand, StrictGroup, bad_value
from haz_trio.errors import InvalidTextError
from haz_trio.model.quantities import parse_age, parse_size

_KEY = re.compile(r"[0-9a-fA-F]{4,64}", re.ASCII)

cache_app = typer.Typer(
    name="cache",
    cls=StrictGroup,
    add_completion=False,
    rich_markup_mode=None,
    short_help="Look at stored results, and remove them.",
    help="Look at stored results, and remove them. The cache is in .haz/cache of the workspace; "
    "it is always safe to remove.",
)


@cache_app.command("info", cls=StrictCommand, short_help="Count entries, leftovers and bytes.")
def info(
    ctx: typer.Context,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print JSON for programs. Example: haz cache info --json"),
    ] = False,
) -> int:
    """Count entries, leftovers of killed runs and bytes; changes nothing (AUX-017 to AUX-021)."""
    # Imported here, as in the other commands: help and bad arguments need no YAML (cli.md 14.5).
    from haz_trio.cli.cache import info_command

    return info_command(_root(ctx), as_json=json)


@cache_app.command("clear", cls=StrictCommand, short_help="Remove the whole cache.")
def clear(ctx: typer.Context) -> int:
    """Remove the whole cache; the outputs of tasks stay (CACHE-021). Example: haz cache clear"""
    from haz_trio.cli.cache import clear_command

    return clear_command(_root(ctx))


@cache_app.command("clean", cls=StrictCommand, short_help="Remove a part of the cache.")
def clean(
    ctx: typer.Context,
    soft: Annotated[
        bool,
        typer.Option(
            "--soft",
            help="Remove what is of no use: damaged entries, entries of another hash function, "
            "leftovers of killed runs (CACHE-022). Example: haz cache clean --soft",
        ),
    ] = False,
    max_age: Annotated[
        str | None,
        typer.Option(
            "--max-age",
            metavar="DURATION",
            help="Remove entries stored longer ago than DURATION: numbers with s, m, h, d or w "
            "(AUX-022). Default: cache.clean.max_age of the workspace. "
            "Example: haz cache clean --max-age 2w",
        ),
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option(
            "--max-size",
            metavar="BYTES",
            help="Remove the oldest entries until at most BYTES are left: a number, maybe with "
            "KB, MB, GB, TB, KiB, MiB, GiB or TiB (AUX-022). Default: cache.clean.max_size of "
            "the workspace. Example: haz cache clean --max-size 2GiB",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print what would be removed, and remove nothing (AUX-024). "
            "Example: haz cache clean --soft --dry-run",
        ),
    ] = False,
) -> int:
    """Remove a part of the cache: what is of no use, what is old, or what is too much."""
    age = _quantity(parse_age, max_age, "--max-age")
    size = _quantity(parse_size, max_size, "--max-size")
    from haz_trio.cli.cache import clean_command

    return clean_command(_root(ctx), soft=soft, max_age=age, max_size=size, dry_run=dry_run)


@cache_app.command("ls", cls=StrictCommand, short_help="List the entries, newest first.")
def ls(
    ctx: typer.Context,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print JSON for programs. Example: haz cache ls --json"),
    ] = False,
) -> int:
    """List the well-formed entries, newest first: key, task, size and age."""
    from haz_trio.cli.cache_entries import ls_command

    return ls_command(_root(ctx), as_json=json)


@cache_app.command("show", cls=StrictCommand, short_help="Print what one entry records.")
def show(
    ctx: typer.Context,
    key: Annotated[
        str,
        typer.Argument(
            metavar="KEY",
            show_default=False,
            help="The key of an entry, or at least the first four digits of it. "
            "Example: haz cache show 3f2a9c01",
        ),
    ],
    json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print JSON for programs. Example: haz cache show 3f2a9c01 --json"
        ),
    ] = False,
) -> int:
    """Print what one entry records: its outputs, and the recipe that its key is made of."""
    if not _KEY.fullmatch(key):
        raise bad_value(key, "a key is given by 4 to 64 hexadecimal digits, see `haz cache ls`")
    from haz_trio.cli.cache_entries import show_command

    return show_command(_root(ctx), key.lower(), as_json=json)


def _root(ctx: typer.Context) -> RootOptions:
    """The options before the command, which the application's callback left in the context."""
    options: RootOptions = ctx.obj.options
    return options


def _quantity(parse: Callable[[str], int], text: str | None, flag: str) -> int | None:
    if text is None:
        return None
    try:
        return parse(text)
    except InvalidTextError as problem:
        raise bad_value(text, problem, flag) from None


def register_cache(app: typer.Typer, settings: Settings) -> None:
    """Add the group of commands to the application; it has settings of its own."""
    app.add_typer(cache_app)
