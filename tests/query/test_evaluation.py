"""Evaluation against asking every task alone, on random graphs; its cost; its corners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from haz_trio.errors import GraphError
from haz_trio.graph.build import build_graph
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.model.patterns import parse_pattern
from haz_trio.model.tasks import Mutex
from haz_trio.model.workspace import Workspace
from haz_trio.query.evaluation import evaluate, have_common_path
from haz_trio.query.filters import Filter, read_filter, read_filters
from haz_trio.values import evolve
from tests.graph.builders import ids, one, project, task, workspace
from tests.query.reference import common, holds, reaches

NAMES = [TaskId(p, t) for p in ("p", "q") for t in ("a", "b", "b-c")]
PATTERNS = [
    "x",
    "/p/x",
    "/q/d/x",
    "d/x",
    "*",
    "d/*",
    "**",
    "/**/x",
    "/{p,q}/?",
    "/p/[x]",
    "/q/**/y",
]
ATOMS = ["tag:t", "tag:u", "project:p", "name:a", "name:b*", "task:q:b", "mutex", "has-deps"]
ATOMS += ["no-inputs", "has-outputs", "tag:no", *(f"input:{p}" for p in PATTERNS)]
ATOMS += [f"output:{p}" for p in PATTERNS[:4]]
RELATIONS = ["child-of", "parent-of", "depends-on", "ancestor-of"]


@st.composite
def graphs(draw: st.DrawFn) -> TaskGraph:
    """Two projects of some tasks; each task depends on some that come before it in a shuffle."""
    order = draw(st.permutations(NAMES))[: draw(st.integers(0, len(NAMES)))]
    some = st.lists(st.sampled_from(PATTERNS), max_size=2, unique=True)
    bodies: dict[str, list[Any]] = {"p": [], "q": []}  # Any: builders take what they are given
    for place, id in enumerate(order):
        earlier = st.lists(st.sampled_from(order[:place]), unique=True) if place else st.just([])
        hard = draw(earlier)
        weak = [each for each in draw(earlier) if each not in hard]
        body = task(
            id.task,
            inputs=draw(some),
            outputs=draw(some),
            deps=map(str, hard),
            weak=map(str, weak),
        )
        mutex = Mutex("m") if draw(st.booleans()) else None
        bodies[id.project].append(evolve(body, mutex=mutex))
    tags = st.frozensets(st.sampled_from(["t", "u"]))
    try:
        return build_graph(
            workspace(*(project(name, *made, tags=draw(tags)) for name, made in bodies.items()))
        )
    except GraphError:  # outputs that collide, or cycles through files
        assume(False)
        raise


def combine(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return (
        inner.map("!({})".format)
        | st.builds("({} & {})".format, inner, inner)
        | st.builds("({} | {})".format, inner, inner)
        | st.builds("{}({})".format, st.sampled_from(RELATIONS), inner)
    )


expressions = st.recursive(st.sampled_from(ATOMS), combine, max_leaves=6)
relational = st.sampled_from(["name:b", "project:p", "tag:t", "!name:a", "name:a | tag:u"])


@given(graphs(), expressions, st.sampled_from(["/", "/p", "/q"]), st.data())
def test_evaluation_is_asking_every_task(
    graph: TaskGraph, text: str, folder: str, data: st.DataObject
) -> None:
    """Any expression, any candidates, any folder: the same tasks, in canonical order."""
    question = read_filter(Filter.EXPR, text)
    candidates = data.draw(st.frozensets(st.sampled_from(graph.ids))) if graph.ids else ()
    expected = [t for t in graph.ids if t in candidates and holds(question, t, graph, folder)]
    assert list(evaluate(graph, question, candidates, folder=folder)) == expected


@given(graphs(), relational)
def test_the_flags_for_distant_relations_leave_their_targets_out(
    graph: TaskGraph, text: str
) -> None:
    """``--depends-on`` and ``--ancestor-of`` list no task that the expression describes."""
    targets = set(evaluate(graph, read_filter(Filter.EXPR, text), graph.ids))
    others = [t for t in graph.ids if t not in targets]
    below = [t for t in others if any(reaches(t, target, graph) for target in targets)]
    above = [t for t in others if any(reaches(target, t, graph) for target in targets)]
    assert list(evaluate(graph, read_filter(Filter.DEPENDS_ON, text), graph.ids)) == below
    assert list(evaluate(graph, read_filter(Filter.ANCESTOR_OF, text), graph.ids)) == above


@given(st.sampled_from(PATTERNS), st.sampled_from(PATTERNS), st.sampled_from(["/p", "/q", "/p/d"]))
def test_common_paths(one_text: str, other: str, folder: str) -> None:
    """Literals and globs in all four combinations agree with trying paths."""
    a = parse_pattern(one_text).anchored(folder)
    b = parse_pattern(other).anchored("/p")
    expected = common(a, b)
    assert have_common_path(a, b) == expected
    assert have_common_path(b, a) == expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("/a*", "/ab", True),
        ("/ab*", "/ac*", False),
        ("/*.rs", "/*.ts", False),
        ("/a*b", "/ab", True),
        ("/a*ab", "/ab*b", True),
        ("/a/**", "/a*/b", True),
        ("/out", "/out/**", False),
    ],
)
def test_fixed_ends_are_no_more_than_a_hint(a: str, b: str, expected: bool) -> None:
    """Heads and tails may overlap in a short path."""
    first, second = (parse_pattern(text).anchored("/") for text in (a, b))
    assert have_common_path(first, second) is expected


class Counting(dict[TaskId, tuple[TaskId, ...]]):
    """Counts how often an item is looked up."""

    lookups = 0

    def __getitem__(self, key: TaskId) -> tuple[TaskId, ...]:
        self.lookups += 1
        return super().__getitem__(key)


@pytest.mark.parametrize("text", ["name:t0", "!name:x", "name:t*"])
def test_a_relation_is_computed_once(text: str) -> None:
    """Every task is looked up at most twice, also where each depends on all before it."""
    count = 60
    tasks = [task(f"t{i}", deps=[f"~:t{k}" for k in range(i)]) for i in range(count)]
    graph = build_graph(one(*tasks))
    counting = Counting(graph.hard)
    question = read_filter(Filter.ANCESTOR_OF, text)
    evaluate(graph.replaced(hard=counting), question, graph.ids)
    assert counting.lookups <= 2 * count


def small() -> Workspace:
    return workspace(
        project("a", task("x", inputs=["s/*"]), task("y", deps=["~:x"]), tags=["t"]),
        project("b", task("x", deps=["a:y"], weak=["a:x"])),
    )


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ("a:x", "a:y", "b:x")),
        ({Filter.TAGS: "t", Filter.TASKS: "x"}, ("a:x",)),
        ({Filter.CHILD_OF: "name:x"}, ("a:y",)),
        ({Filter.DEPENDS_ON: "task:a:x"}, ("a:y", "b:x")),
        ({Filter.EXPR: "depends-on(name:x)", Filter.PROJECTS: "!a"}, ("b:x",)),
        ({Filter.DEPENDS_ON: "name:x", Filter.PROJECTS: "!a"}, ()),
        ({Filter.INPUTS: "/a/s/f"}, ("a:x",)),
        ({Filter.INPUTS: "/a/s/"}, ("a:x",)),
        ({Filter.INPUTS: "/a/"}, ("a:x",)),
        ({Filter.INPUTS: "/b/"}, ()),
    ],
)
def test_filters_are_intersected(filters: Mapping[Filter, str], found: Sequence[str]) -> None:
    """What is given must all hold; nothing given is every task."""
    graph = build_graph(small())
    left = graph.ids
    for question in read_filters(filters).values():
        left = evaluate(graph, question, left)
    assert left == ids(*found)
