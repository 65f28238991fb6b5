"""The declaration of ``haz graph``, and what its words mean (cli.md 14.3)."""

from __future__ import annotations

import enum
from typing import Annotated

import attrs
import typer

from haz_trio.cli.options import RootOptions, parse_target
from haz_trio.cli.state import Settings
from haz_trio.cli.strict import StrictCommand
from haz_trio.cli.values import parse_word
from haz_trio.errors import UsageError
from haz_trio.model.references import Reference

# The first character keeps the parser from filling the lines.
_EXAMPLES = """\b
Edges: solid for deps, dashed for weakDeps, dotted (Mermaid: `files`) for files
that one task makes and the other reads. In JSON: hard, soft, producer.
\b
Examples:
  haz graph | dot -Tsvg > graph.svg           the whole workspace
  haz graph lib:test --format mermaid         one task and all that it needs
  haz graph --json | jq '.edges | length'     for programs"""


class GraphFormat(enum.Enum):
    """The values of ``--format``: those of ``haz query --graph``."""

    DOT = "dot"
    MERMAID = "mermaid"
    JSON = "json"


@attrs.frozen
class GraphOptions:
    """The arguments and options of ``haz graph``; no reference means all tasks."""

    references: tuple[Reference, ...]
    format: GraphFormat


def register_graph(app: typer.Typer, settings: Settings) -> None:
    """Add the command to the application."""
    app.command(
        "graph",
        short_help="Draw the task graph.",
        cls=StrictCommand,
        context_settings=settings,
        epilog=_EXAMPLES,
    )(graph)


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
) -> int:
    """Draw the task graph; an arrow leads from a task to what it needs."""
    if json and format is not None:
        raise UsageError("couldn't parse: `--format` and `--json` are mutually exclusive")
    chosen = GraphFormat.JSON if json else GraphFormat.DOT
    if format is not None:
        chosen = parse_word(format, GraphFormat, "--format", "graph form")
    options = GraphOptions(tuple(parse_target(task) for task in tasks or ()), chosen)
    root: RootOptions = ctx.obj.options
    # Imported here: help and bad arguments need no YAML (cli.md 14.5).
    from haz_trio.cli.graph import graph_command

    return graph_command(root, options)
