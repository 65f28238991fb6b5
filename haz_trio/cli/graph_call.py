"""From the words of ``haz graph`` to its call, and what its words mean (cli.md 14.3)."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from haz_trio.cli.options import parse_target
from haz_trio.cli.state import State
from haz_trio.cli.values import parse_word
from haz_trio.errors import UsageError
from haz_trio.model.references import Reference
from haz_trio.values import frozen


class GraphFormat(enum.Enum):
    """The values of ``--format``: those of ``haz query --graph``."""

    DOT = "dot"
    MERMAID = "mermaid"
    JSON = "json"


@frozen
class GraphOptions:
    """The arguments and options of ``haz graph``; no reference means all tasks."""

    references: tuple[Reference, ...]
    format: GraphFormat


def graph(state: State, *, tasks: Sequence[str] | None, format: str | None, json: bool) -> int:
    """Check the words and draw; raises ``UsageError``, and what ``graph_command`` raises."""
    if json and format is not None:
        raise UsageError("couldn't parse: `--format` and `--json` are mutually exclusive")
    chosen = GraphFormat.JSON if json else GraphFormat.DOT
    if format is not None:
        chosen = parse_word(format, GraphFormat, "--format", "graph form")
    options = GraphOptions(tuple(parse_target(task) for task in tasks or ()), chosen)
    # Imported here: bad arguments need no YAML (cli.md 14.5).
    from haz_trio.cli.graph import graph_command

    return graph_command(state.options, options)
