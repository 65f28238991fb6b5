"""What a set of changed files can have changed, generously (``--affected``, cli.md 9.3, 14.3).

More than the git filters look at: configuration counts, outputs count, and so does whatever
depends on a task that counts.
"""

from __future__ import annotations

from collections.abc import Iterable

from haz_trio.graph.effective import Node
from haz_trio.graph.graph import TaskGraph
from haz_trio.graph.selection import called_from
from haz_trio.model.names import TaskId
from haz_trio.model.patterns import WORKSPACE_ROOT
from haz_trio.model.workspace import Workspace

WORKSPACE_FILE = "/.haz/workspace.yml"
OVERLAYS = "/.haz/tasks/"
PROJECT_FILE = "haz.yml"


def affected_tasks(
    graph: TaskGraph, workspace: Workspace, changed_paths: Iterable[str]
) -> frozenset[TaskId]:
    """The tasks that changed workspace-absolute paths touch, and all that depend on them.

    A path touches the tasks that read or make it or have their function from it; a project's file
    touches its tasks, an overlay those that could have their body from it, and ``workspace.yml``
    all of them.
    """
    paths = frozenset(changed_paths)
    if WORKSPACE_FILE in paths:
        return frozenset(graph.nodes)
    touched: set[TaskId] = set()
    touched.update(called_from(graph, paths))
    for path in paths:
        touched.update(graph.consumers_of(path))
        touched.update(graph.producers_of(path))
    overlays = [path.removeprefix(OVERLAYS) for path in paths if path.startswith(OVERLAYS)]
    overlays = [name.removesuffix(".yml") for name in overlays if name.endswith(".yml")]
    for id, node in graph.nodes.items():
        own = node.project.root.rstrip(WORKSPACE_ROOT) + "/" + PROJECT_FILE
        if own in paths or any(_may_come_from(node, name, workspace) for name in overlays):
            touched.add(id)
    return dependents(graph, touched)


def dependents(graph: TaskGraph, tasks: Iterable[TaskId]) -> frozenset[TaskId]:
    """Tasks and their transitive hard successors in the whole graph."""
    after: dict[TaskId, list[TaskId]] = {}
    for id, predecessors in graph.hard.items():
        for before in predecessors:
            after.setdefault(before, []).append(id)
    reached = set(tasks)
    pending = list(reached)
    while pending:
        new = set(after.get(pending.pop(), ())).difference(reached)
        reached |= new
        pending += new
    return frozenset(reached)


def _may_come_from(node: Node, overlay: str, workspace: Workspace) -> bool:
    """Whether a changed overlay can have given a task its body, now or before the change."""
    if node.task.source is None:
        return False
    known = workspace.overlays.get(overlay)
    return known is None or node.task.source == overlay or node.id.task in known.tasks
