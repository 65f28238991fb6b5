"""What a finished graph answers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.errors import GraphError
from haz_trio.graph.build import build_graph
from haz_trio.graph.selection import affected
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import Workspace
from tests.graph.builders import ids, one, project, task, workspace, workspaces
from tests.graph.reference_graph import reached

PATHS = ["/p/x", "/p/d/x", "/q/x", "/x", "/p-x/d/y", "/q/d/x", "/elsewhere"]


@settings(max_examples=150, deadline=None)
@given(workspaces(references=False), st.data())
def test_readers_and_makers_are_those_whose_patterns_match(
    whole: Workspace, data: st.DataObject
) -> None:
    """The index answers like all patterns together, in canonical order."""
    try:
        graph = build_graph(whole)
    except GraphError:
        return
    nodes = graph.nodes
    readers = {
        path: [i for i in nodes if any(p.matches(path) for p in nodes[i].inputs)] for path in PATHS
    }
    for path in PATHS:
        makers = [i for i in nodes if any(p.matches(path) for p in nodes[i].outputs)]
        assert list(graph.consumers_of(path)) == readers[path]
        assert list(graph.producers_of(path)) == makers
    changed = data.draw(st.sets(st.sampled_from(PATHS)))
    candidates = set(data.draw(st.lists(st.sampled_from(list(nodes))))) if nodes else set()
    expected = candidates.intersection(*[{i for path in changed for i in readers[path]}])
    assert affected(graph, candidates, changed) == expected


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sets(st.integers(0, 6), max_size=3), min_size=1, max_size=7),
    st.sets(st.integers(0, 6)),
)
def test_closure_agrees_with_the_recursion(lists: list[set[int]], picked: set[int]) -> None:
    """Seeds and their transitive hard predecessors, in canonical order; weak ones stay out."""
    count = len(lists)
    whole = one(
        *(
            task(
                f"t{n}",
                deps=[f"~:t{m}" for m in sorted(lower) if m < n],
                weak=[f"~:t{n - 1}"] if n and n - 1 not in lower else [],
            )
            for n, lower in enumerate(lists)
        )
    )
    graph = build_graph(whole)
    seeds = {TaskId("p", f"t{n}") for n in picked if n < count}
    hard = {id_: set(before) for id_, before in graph.hard.items()}
    expected = seeds.union(*(reached(seed, hard) for seed in seeds))
    assert graph.closure(seeds) == tuple(sorted(expected))


def test_a_closure_of_a_stranger_is_refused() -> None:
    """A seed has to be a task of the graph."""
    with pytest.raises(KeyError):
        build_graph(one(task("a"))).closure(ids("p:b"))


def test_a_deep_chain_is_closed_without_recursion() -> None:
    """20,000 tasks, one after another."""
    size = 20_000
    whole = one(*(task(f"t{i:05}", deps=[f"~:t{i - 1:05}"] if i else []) for i in range(size)))
    graph = build_graph(whole)
    assert graph.closure(ids(f"p:t{size - 1:05}")) == tuple(graph.nodes)


def test_a_million_edges_are_groups() -> None:
    """A thousand projects with one sibling fan-out each (config.md 18, 11)."""
    names = [f"p{i:04}" for i in range(1000)]
    bodies = (task("all", deps=["^~:one"]), task("one"))
    graph = build_graph(workspace(*(project(name, *bodies) for name in names)))
    assert sum(map(len, graph.hard.values())) == 999_000
    assert graph.hard[TaskId("p0500", "all")] == tuple(
        TaskId(name, "one") for name in names if name != "p0500"
    )
