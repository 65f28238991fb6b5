"""Which tasks a command line of ``haz run`` stands for (EXEC-001, 008, 022 to 026, 030)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from haz_trio.testing.reference.graph import Graph, closure, reversed_edges
from haz_trio.testing.reference.names import is_name
from haz_trio.testing.reference.references import Id, Named, is_reference, resolve


class RefusedError(ValueError):
    """The command line is an error: exit code 2, and nothing runs."""


@attrs.frozen
class Request:
    """``references`` and ``skip`` as they are written; ``scope`` is "", "all" or "workspace"."""

    references: tuple[str, ...] = ()
    scope: str = ""
    only: bool = False
    with_dependents: bool = False
    skip: tuple[str, ...] = ()
    query: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether it is asked with references and scopes alone."""
        return not (self.only or self.with_dependents or self.skip or self.query)

    def words(self) -> list[str]:
        """The words of the command line."""
        found = [f"--{self.scope}"] if self.scope else []
        found += ["--only"] * self.only + ["--with-dependents"] * self.with_dependents
        found += [f"--skip={reference}" for reference in self.skip]
        found += [f"--query={self.query}"] * bool(self.query)
        return found + list(self.references)


def bearing(folder: str, roots: Mapping[str, str]) -> str | None:
    """The project (``roots`` gives the root of each) that a folder ``/…`` lies in, the deepest."""
    holding = [
        name for name, root in roots.items() if f"{folder}/".startswith(root.rstrip("/") + "/")
    ]
    return max(holding, key=lambda name: len(roots[name]), default=None)


def choose(
    request: Request,
    own: str | None,
    projects: Mapping[str, Named],
    graph: Graph,
    described: frozenset[Id] = frozenset(),
) -> list[Id]:
    """What runs, in canonical order, with ``own`` as the bearing project.

    ``described`` are the tasks that the request's expression is true of.
    """
    seeds = _seeds(request, own, projects, graph)
    skipped = _union(request.skip, own, projects)
    seeds -= skipped
    if request.query:
        seeds &= described
    if request.with_dependents:
        seeds = closure(seeds, reversed_edges(graph.hard)) - skipped
    if request.only:
        return sorted(seeds)
    passable = {id: graph.hard[id] - skipped for id in graph.tasks}
    return sorted(closure(seeds, passable))


def _seeds(
    request: Request, own: str | None, projects: Mapping[str, Named], graph: Graph
) -> frozenset[Id]:
    if request.references and request.scope:
        raise RefusedError("a scope beside references")
    if request.references:
        return _union(request.references, own, projects)
    scope = request.scope or ("all" if request.query else "")
    if scope == "workspace" or (scope == "all" and own is None):
        return frozenset(graph.tasks)
    if scope == "all":
        return frozenset(id for id in graph.tasks if id[0] == own)
    if own is None or (own, "default") not in graph.tasks:
        raise RefusedError("no default task here")
    return frozenset([(own, "default")])


def _union(
    references: Iterable[str], own: str | None, projects: Mapping[str, Named]
) -> frozenset[Id]:
    found: set[Id] = set()
    for written in references:
        reference = f"~:{written}" if is_name(written) else written  # decisions.md 5
        meant = resolve(reference, own, projects) if is_reference(reference) else None
        if not meant:
            raise RefusedError(written)
        found |= meant
    return frozenset(found)
