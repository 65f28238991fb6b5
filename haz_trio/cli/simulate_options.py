"""The declaration of ``haz simulate``."""

from __future__ import annotations

from typing import Annotated

import typer

from haz_trio.cli.declared import Settings, forwards
from haz_trio.cli.strict import StrictCommand

# The first character keeps the parser from filling the lines.
_EXAMPLES = """\b
Each task takes as long as it took; where processors are scarce, more slots gain
less than this says. Nothing is run and nothing is written.
\b
Examples:
  haz simulate                                  the last run, and what would help it most
  haz simulate -j 8                             with eight slots
  haz simulate --set concurrency.tags.db=3      with another cap of a tag (`none`: without)
  haz simulate --set mutex.port=none            without a mutex"""


def register_simulate(app: typer.Typer, settings: Settings) -> None:
    """Add the command to the application."""
    app.command(
        "simulate",
        short_help="Reckon how long a run takes with other caps and mutexes.",
        cls=StrictCommand,
        context_settings=settings,
        epilog=_EXAMPLES,
    )(simulate)


@forwards("haz_trio.cli.simulate_call:simulate")
def simulate(
    ctx: typer.Context,
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN]",
            show_default=False,
            help="Which run, as for `haz waits`; the last one without it. "
            "Example: haz simulate 8a350a",
        ),
    ] = None,
    jobs: Annotated[
        str | None,
        typer.Option(
            "-j",
            "--jobs",
            metavar="N",
            help="As many slots as `haz run -j` would give. Example: haz simulate -j 16",
        ),
    ] = None,
    set: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change a setting: concurrency.default, concurrency.tags.NAME (a number, or "
            "none) or mutex.NAME (only none). Repeatable. "
            "Example: haz simulate --set concurrency.tags.db=3",
        ),
    ] = None,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON object. Example: haz simulate --json"),
    ] = False,
) -> None:
    """Reckon how long a recorded run would have taken with other caps and mutexes."""
