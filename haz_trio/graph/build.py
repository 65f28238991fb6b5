"""From a workspace to its task graph, with every problem of it at once (DAG-001 to DAG-016)."""

from __future__ import annotations

from collections.abc import Sequence

from haz_trio.errors import (
    CycleError,
    Diagnostic,
    GraphError,
    OutputCollisionError,
    UnknownTaskError,
)
from haz_trio.graph.cycles import find_components
from haz_trio.graph.edges import resolve_edges
from haz_trio.graph.effective import effective_tasks
from haz_trio.graph.files import collisions, index_files, overlaps, trespasses
from haz_trio.graph.graph import TaskGraph
from haz_trio.graph.races import find_races, race_warnings
from haz_trio.graph.references import Resolver
from haz_trio.graph.reports import Wiring, report_cycle
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import Workspace


def build_graph(workspace: Workspace) -> TaskGraph:
    """The graph of the effective tasks of a workspace.

    Raises ``GraphError`` with all problems: outputs among the files of haz (CFG-017), references,
    both in canonical order of their tasks, cycles by their first members, and literal outputs by
    path (DAG-011).
    If nothing but one kind is wrong, it is a ``CycleError``, an ``UnknownTaskError`` or an
    ``OutputCollisionError``.
    Colliding overlays (DAG-006) are reported alone, since all else depends on them.
    """
    nodes, ambiguous = effective_tasks(workspace)
    if ambiguous:
        raise GraphError(ambiguous, _headline(ambiguous))
    bodies = tuple(nodes.values())
    resolver = Resolver(nodes, workspace)
    edges = resolve_edges(bodies, resolver)
    files = index_files(bodies)
    producers = files.producers(len(bodies))
    components = find_components(edges.hard, edges.weak, producers)
    wiring = Wiring(bodies, edges, producers, resolver)
    cycles = [report_cycle(members, wiring) for members in components.cycles]
    shared = collisions(files, bodies)
    problems = (*trespasses(bodies), *edges.problems, *cycles, *shared)
    if problems:
        counts = (edges.references, len(cycles), len(shared))
        raise _error_class(counts, len(problems))(problems, _headline(problems))
    races = find_races(producers, edges.hard, components.order)
    warnings = (*race_warnings(races, bodies), *overlaps(files, bodies))
    ids = tuple(nodes)
    return TaskGraph(
        nodes=nodes,
        hard=_named(ids, edges.hard),
        weak=_named(ids, edges.weak),
        producers=_named(ids, producers),
        warnings=warnings,
        ids=ids,
        numbers={task: number for number, task in enumerate(ids)},
        traits=lambda task: (nodes[task].project, nodes[task].task.mutex),
        make_resolver=lambda: resolver,
        make_files=lambda: files,
    )


def _named(
    ids: Sequence[TaskId], lists: Sequence[Sequence[int]]
) -> dict[TaskId, tuple[TaskId, ...]]:
    name = ids.__getitem__
    return {task: tuple(map(name, numbers)) for task, numbers in zip(ids, lists, strict=True)}


def _error_class(counts: tuple[int, int, int], total: int) -> type[GraphError]:
    references, cycles, shared = counts
    if references == total:
        return UnknownTaskError
    if cycles == total:
        return CycleError
    return OutputCollisionError if shared == total else GraphError


def _headline(problems: Sequence[Diagnostic]) -> str:
    count = len(problems)
    return f"the task graph cannot be built: {count:,} problem{'s' * (count != 1)}"
