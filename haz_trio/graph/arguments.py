"""Tasks with further arguments from the command line (``--arg`` and ``--args``, cli.md 14.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_never

from haz_trio.errors import SelectionError
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.model.tasks import Action, Argv, Function, Shell
from haz_trio.values import evolve


def with_arguments(
    graph: TaskGraph, tasks: Iterable[TaskId], arguments: Sequence[str]
) -> TaskGraph:
    """The graph with arguments appended to the actions of some tasks, and so to their keys.

    Raises ``SelectionError`` for a task that is a function.
    """
    if not arguments:
        return graph
    nodes = dict(graph.nodes)
    for id in tasks:
        node = nodes[id]
        action = _extended(id, node.task.action, tuple(arguments))
        nodes[id] = evolve(node, task=evolve(node.task, action=action))
    return graph.replaced(nodes=nodes)


def _extended(id: TaskId, action: Action, arguments: tuple[str, ...]) -> Action:
    match action:
        case Argv(argv):
            return Argv(argv + arguments)
        case Shell(_, shell):
            # The first word behind a script is its $0, the others are $1, $2 and so on.
            return Argv((*action.argv, shell, *arguments))
        case Function():
            raise SelectionError(
                [
                    f"task {id} is the function {action}, which takes no arguments: "
                    "leave out --arg and --args"
                ]
            )
        case _:
            assert_never(action)
