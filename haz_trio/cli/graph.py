"""``haz graph``: the task graph as text for Graphviz, Mermaid or programs (cli.md 14.3).

An arrow leads from a task to what it needs; its style says why: ``deps``, ``weakDeps``, or files
that one makes and the other reads.
"""

from __future__ import annotations

from haz_trio.cli.graph_call import GraphOptions
from haz_trio.cli.options import RootOptions
from haz_trio.cli.printing import Printer
from haz_trio.cli.query_forms import GraphForm, write_tasks
from haz_trio.cli.session import open_session
from haz_trio.graph.selection import resolve


def graph_command(root: RootOptions, options: GraphOptions) -> int:
    """Print the named tasks with all that they need, or the whole workspace.

    Raises ``ConfigError``, and ``SelectionError`` for references that stand for nothing.
    """
    session = open_session(root)
    graph = session.graph
    tasks = graph.ids
    if options.references:
        seeds = resolve(graph, options.references, session.bearing)
        tasks = graph.closure(seeds)
    form = GraphForm(options.format.value)
    return Printer(root).out(write_tasks(graph, tasks, form, session.workspace.root))
