"""Edges, cycles and collisions (DAG-007 to DAG-016), and what a task stands on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from haz_trio.testing.reference.globs import is_glob, matches
from haz_trio.testing.reference.references import Id, resolve
from haz_trio.testing.reference.workspace import Declared, Task, named

Edges = Mapping[Id, frozenset[Id]]  # from each task to those that come before it


@attrs.frozen
class Graph:
    """The predecessors of each task by kind, and the broken rules with what breaks them."""

    tasks: Mapping[Id, Task]
    hard: Edges
    weak: Edges
    producers: Edges
    problems: tuple[tuple[str, str], ...]


def build(declared: Declared, tasks: Mapping[Id, Task]) -> Graph:
    """The graph of the effective tasks."""
    projects = named(declared, tasks)
    problems: list[tuple[str, str]] = []
    edges: dict[str, dict[Id, frozenset[Id]]] = {"deps": {}, "weakDeps": {}}
    for id, task in tasks.items():
        for field, found in edges.items():
            before: set[Id] = set()
            for reference in task.texts(field):
                meant = resolve(reference, id[0], projects)
                if not meant:
                    problems.append(("REF", f"{label(id)} {reference}"))
                elif id in meant:
                    problems.append(("DAG-012", f"{label(id)} {reference}"))
                else:
                    before |= meant
            found[id] = frozenset(before)
        problems += [
            ("DAG-010", f"{label(id)} {label(both)}")
            for both in sorted(edges["deps"][id] & edges["weakDeps"][id])
        ]
    hard, weak = edges["deps"], edges["weakDeps"]
    producers = {
        reader: frozenset(
            maker for maker in tasks if maker != reader and _feeds(tasks[maker], tasks[reader])
        )
        for reader in tasks
    }
    everything = {id: hard[id] | weak[id] | producers[id] for id in tasks}
    problems += [("DAG-014", " ".join(map(label, knot))) for knot in knots(everything)]
    problems += [("DAG-015", path) for path in _collisions(tasks)]
    return Graph(tasks, hard, weak, producers, tuple(problems))


def label(id: Id) -> str:
    return f"{id[0]}:{id[1]}"


def closure(seeds: Iterable[Id], edges: Edges) -> frozenset[Id]:
    """The seeds and everything before them (EXEC-001)."""
    found: set[Id] = set()
    waiting = list(seeds)
    while waiting:
        id = waiting.pop()
        if id not in found:
            found.add(id)
            waiting += edges[id]
    return frozenset(found)


def races(graph: Graph) -> dict[Id, frozenset[Id]]:
    """Of each task those that make what it reads, without being sure to come before it."""
    found = {
        id: made_by - closure(graph.hard[id], graph.hard)
        for id, made_by in graph.producers.items()
    }
    return {id: made_by for id, made_by in found.items() if made_by}


def reversed_edges(edges: Edges) -> dict[Id, frozenset[Id]]:
    return {id: frozenset(after for after in edges if id in edges[after]) for id in edges}


def knots(edges: Edges) -> list[list[Id]]:
    """Sets of at least two tasks that all come before each other."""
    behind = {id: closure(edges[id], edges) for id in edges}
    found: list[list[Id]] = []
    for id in sorted(edges):
        knot = sorted({other for other in behind[id] if id in behind[other]} | {id})
        if len(knot) > 1 and knot not in found:
            found.append(knot)
    return found


def _feeds(maker: Task, reader: Task) -> bool:
    """DAG-013: an output and an input meet; two globs never do, statically."""
    return any(
        output == wanted
        or (is_glob(wanted) and not is_glob(output) and matches(wanted, output))
        or (is_glob(output) and not is_glob(wanted) and matches(output, wanted))
        for output in maker.patterns("outputs")
        for wanted in reader.patterns("inputs")
        if not (is_glob(output) and is_glob(wanted))
    )


def _collisions(tasks: Mapping[Id, Task]) -> list[str]:
    """Literal outputs that more than one task declares."""
    makers: dict[str, set[Id]] = {}
    for id, task in tasks.items():
        for output in task.patterns("outputs"):
            if not is_glob(output):
                makers.setdefault(output, set()).add(id)
    return sorted(path for path, ids in makers.items() if len(ids) > 1)
