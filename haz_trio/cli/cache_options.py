"""`haz cache`: its commands, options and help texts (cli.md 12)."""

from __future__ import annotations

from typing import Annotated

import typer

from haz_trio.cli.declared import Settings, forwards
from haz_trio.cli.strict import StrictCommand, StrictGroup

cache_app: typer.Typer = typer.Typer(
    name="cache",
    cls=StrictGroup,
    add_completion=False,
    rich_markup_mode=None,
    short_help="Look at stored results, and remove them.",
    help="Look at stored results, and remove them. The cache is in .haz/cache of the workspace; "
    "it is always safe to remove.",
)


@cache_app.command("info", cls=StrictCommand, short_help="Count entries, leftovers and bytes.")
@forwards("haz_trio.cli.cache_call:info")
def info(
    ctx: typer.Context,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print JSON for programs. Example: haz cache info --json"),
    ] = False,
) -> None:
    """Count entries, leftovers of killed runs and bytes; changes nothing (AUX-017 to AUX-021)."""


@cache_app.command("clear", cls=StrictCommand, short_help="Remove the whole cache.")
@forwards("haz_trio.cli.cache_call:clear")
def clear(ctx: typer.Context) -> None:
    """Remove the whole cache; the outputs of tasks stay (CACHE-021). Example: haz cache clear"""


@cache_app.command("clean", cls=StrictCommand, short_help="Remove a part of the cache.")
@forwards("haz_trio.cli.cache_call:clean")
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
) -> None:
    """Remove a part of the cache: what is of no use, what is old, or what is too much."""


@cache_app.command("ls", cls=StrictCommand, short_help="List the entries, newest first.")
@forwards("haz_trio.cli.cache_call:ls")
def ls(
    ctx: typer.Context,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print JSON for programs. Example: haz cache ls --json"),
    ] = False,
) -> None:
    """List the well-formed entries, newest first: key, task, size and age."""


@cache_app.command("show", cls=StrictCommand, short_help="Print what one entry records.")
@forwards("haz_trio.cli.cache_call:show")
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
) -> None:
    """Print what one entry records: its outputs, and the recipe that its key is made of."""


@cache_app.command("verify", cls=StrictCommand, short_help="Verify every entry and blob.")
@forwards("haz_trio.cli.cache_call:verify")
def verify(
    ctx: typer.Context,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Move damaged entries to quarantine and remove damaged blobs; the next run makes "
            "them again. Example: haz cache verify --repair",
        ),
    ] = False,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print JSON for programs. Example: haz cache verify --json"),
    ] = False,
) -> None:
    """Read every manifest and every blob, and name what is damaged or not of the cache.

    Runs may go on meanwhile. The exit code is 1 when damage is left, 2 when something cannot be
    read.
    """


def register_cache(app: typer.Typer, settings: Settings) -> None:
    """Add the group of commands to the application; it has settings of its own."""
    app.add_typer(cache_app)
