"""The declaration of ``haz graph``, and what its words mean (cli.md 14.3)."""

from __future__ import annotations

from typing import Annotated

import typer

from haz_trio.cli.declared import Settings, forwards
from haz_trio.cli.strict import StrictCommand

# The first character keeps the parser from filling the lines.
_EXAMPLES = """\b
Edges: solid for deps, dashed for weakDeps, dotted (Mermaid: `files`) for files
that one task makes and the other reads. In JSON: hard, soft, producer.
\b
Examples:
  haz graph | dot -Tsvg > graph.svg           the whole workspace
  haz graph lib:test --format mermaid         one task and all that it needs
  haz graph --json | jq '.edges | length'     for programs"""


def register_graph(app: typer.Typer, settings: Settings) -> None:
    """Add the command to the application."""
    app.command(
        "graph",
        short_help="Draw the task graph.",
        cls=StrictCommand,
        context_settings=settings,
        epilog=_EXAMPLES,
    )(graph)


@forwards("haz_trio.cli.graph_call:graph")
def graph(
    ctx: typer.Context,
    tasks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TASK]...",
            show_default=False,
            help="Draw these tasks and all that they need by deps; every task of the workspace "
            "without any. References as for `haz run`. Example: haz graph lib:test '[py]:test'",
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORM",
            help="dot (for Graphviz, the default), mermaid, or json. "
            "Example: haz graph --format mermaid",
        ),
    ] = None,
    json: Annotated[
        bool,
        typer.Option("--json", help="The same as --format json. Example: haz graph --json"),
    ] = False,
) -> None:
    """Draw the task graph; an arrow leads from a task to what it needs."""
