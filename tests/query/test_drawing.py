"""Graphs of selected tasks: edges of three kinds, and their texts."""

from __future__ import annotations

from haz_trio.graph.build import build_graph
from haz_trio.query.drawing import Bond, Edge, dot, edges_among, mermaid
from tests.graph.builders import ids, one, task

GRAPH = build_graph(
    one(
        task("a", outputs=["f"]),
        task("b", deps=["~:a"], inputs=["f"]),
        task("c", weak=["~:b"]),
        task("d", inputs=["f"]),
    )
)
A, B, C, D = GRAPH.ids


def test_edges_among_all() -> None:
    """From each task to what it needs, hard before soft before producer."""
    assert edges_among(GRAPH, GRAPH.ids) == (
        Edge(B, A, Bond.HARD),
        Edge(B, A, Bond.PRODUCER),
        Edge(C, B, Bond.SOFT),
        Edge(D, A, Bond.PRODUCER),
    )


def test_edges_to_tasks_outside_are_left_out() -> None:
    """Both ends are selected."""
    assert edges_among(GRAPH, ids("p:b", "p:d")) == ()
    assert edges_among(GRAPH, (A, D)) == (Edge(D, A, Bond.PRODUCER),)


def test_dot() -> None:
    """Graphviz: boxes from left to right, the kinds by the style of the line."""
    assert dot((A, B), edges_among(GRAPH, (A, B))) == (
        "digraph haz {\n"
        "  rankdir=LR;\n"
        "  node [shape=box];\n"
        '  "p:a";\n'
        '  "p:b";\n'
        '  "p:b" -> "p:a" [style=solid];\n'
        '  "p:b" -> "p:a" [style=dotted];\n'
        "}\n"
    )


def test_mermaid() -> None:
    """Mermaid: numbered nodes, since names are no identifiers there."""
    assert mermaid((B, C), edges_among(GRAPH, (B, C))) == (
        'flowchart LR\n  t0["p:b"]\n  t1["p:c"]\n  t1 -.-> t0\n'
    )
    assert mermaid((), ()) == "flowchart LR\n"
