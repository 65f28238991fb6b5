"""Which tasks a command line means (EXEC-022 to EXEC-026, REF-002 to REF-008)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.errors import SelectionError
from haz_trio.graph.build import build_graph
from haz_trio.graph.references import NoBearing, reason
from haz_trio.graph.selection import (
    All,
    Default,
    Everything,
    Named,
    Targets,
    affected,
    resolve,
    select,
)
from haz_trio.model.references import FanOut, Reference, Tagged, parse_reference
from tests.graph.builders import ids, project, task, workspace
from tests.graph.reference_graph import bodies_of, members

FOUR = workspace(
    project("api", task("build", inputs=["*.c"]), task("only"), tags=["backend"]),
    project("db", task("build", inputs=["/db/x"]), task("default"), tags=["backend"]),
    project("docs", task("spell")),
    project("web", task("build", inputs=["/**"], outputs=["/db/x"]), tags=["frontend"]),
)
GRAPH = build_graph(FOUR)

references = st.one_of(
    st.builds(
        "{}:{}".format,
        st.sampled_from(["~", "^", "^~", "[backend]", "[backend]~", "[docs]~", "api", "db", "no"]),
        st.sampled_from(["build", "only", "spell", "none"]),
    ).map(parse_reference),
)


def message(text: str, bearing: str | None = None) -> str:
    project_ = FOUR.projects[bearing] if bearing else None
    with pytest.raises(SelectionError) as caught:
        resolve(GRAPH, [parse_reference(text)], project_)
    (problem,) = caught.value.problems
    return problem


@settings(max_examples=200, deadline=None)
@given(st.lists(references, max_size=4), st.sampled_from([None, *FOUR.projects]))
def test_references_form_a_union_or_every_failure(
    wanted: list[Reference], bearing: str | None
) -> None:
    """All that can be resolved is united; else each failing reference is told once."""
    bodies, _ = bodies_of(FOUR)
    relative = {r for r in wanted if str(r).startswith("~") or getattr(r, "sibling", False)}
    groups = {
        r: members(r, bearing or "", bodies, FOUR) if bearing or r not in relative else set()
        for r in wanted
    }
    failing = [str(r) for r in groups if not groups[r]]
    project_ = FOUR.projects[bearing] if bearing else None
    if failing:
        with pytest.raises(SelectionError) as caught:
            select(GRAPH, FOUR, Named(tuple(wanted)), project_)
        assert [p.split("`")[1] for p in caught.value.problems] == failing
    else:
        found = select(GRAPH, FOUR, Named(tuple(wanted)), project_)
        assert found == frozenset().union(*groups.values())


@pytest.mark.parametrize(
    ("text", "bearing", "expected"),
    [
        (
            "nope:x",
            None,
            "task reference `nope:x` names unknown project `nope`; "
            "the projects are `api`, `db`, `docs`, `web`",
        ),
        (
            "docs:zz",
            None,
            "task reference `docs:zz` names task `zz` which project `docs` does not define; "
            "the tasks of `docs` are `spell`",
        ),
        (
            "ap:build",
            None,
            "task reference `ap:build` names unknown project `ap`; did you mean `api:build`?",
        ),
        (
            "dosc:build",
            None,
            "task reference `dosc:build` names unknown project `dosc`; did you mean `docs:build`?",
        ),
        (
            "docs:spel",
            None,
            "task reference `docs:spel` names task `spel` which project `docs` does not define; "
            "did you mean `docs:spell`?",
        ),
        (
            "~:build",
            "docs",
            "task reference `~:build` names task `build` which project `docs` does not define; "
            "did you mean `api:build` or `db:build` or `web:build`?",
        ),
        (
            "~:build",
            None,
            "task reference `~:build` requires a bearing project; "
            "cwd is outside every project root",
        ),
        ("^:zz", None, "task reference `^:zz` matched no tasks"),
        (
            "^:biuld",
            None,
            "task reference `^:biuld` matched no tasks; did you mean `^:build`?",
        ),
        (
            "[backedn]:build",
            None,
            "task reference `[backedn]:build` matched no tasks; did you mean `[backend]:build`?",
        ),
        (
            "[frontend]~:build",
            "web",
            "task reference `[frontend]~:build` matched no tasks; "
            "did you mean `api:build` or `db:build` or `web:build`?",
        ),
    ],
)
def test_a_failing_reference_is_explained(text: str, bearing: str | None, expected: str) -> None:
    """The sentences of execution.md 2.1, with near names."""
    assert message(text, bearing) == expected


@pytest.mark.parametrize(
    ("targets", "bearing", "expected"),
    [
        (Default(), "db", ids("db:default")),
        (All(), "db", ids("db:build", "db:default")),
        (All(), None, tuple(GRAPH.nodes)),
        (Everything(), "db", tuple(GRAPH.nodes)),
        (Named((FanOut("build", sibling=True),)), "db", ids("api:build", "web:build")),
        (Named((Tagged("backend", "build"),)), "docs", ids("api:build", "db:build")),
        (Named(()), None, ()),
    ],
)
def test_targets(targets: Targets, bearing: str | None, expected: tuple[object, ...]) -> None:
    """Each kind of target is its set of seeds (EXEC-023 to EXEC-025)."""
    project_ = FOUR.projects[bearing] if bearing else None
    assert select(GRAPH, FOUR, targets, project_) == frozenset(expected)


@pytest.mark.parametrize(
    ("bearing", "start"),
    [
        (None, "no bearing project: provide explicit task references"),
        ("api", "bearing project `api` defines no task named `default`; pass explicit"),
    ],
)
def test_without_a_default_task(bearing: str | None, start: str) -> None:
    """EXEC-023 says what else can be asked for."""
    with pytest.raises(SelectionError) as caught:
        select(GRAPH, FOUR, Default(), FOUR.projects[bearing] if bearing else None)
    assert str(caught.value).startswith(start)


def test_affected_tasks_are_candidates_with_a_matching_input() -> None:
    """Outputs and dependents do not count (execution.md 3.2)."""
    changed = ["/api/a.c", "/db/x"]
    everything = GRAPH.nodes
    assert affected(GRAPH, everything, changed) == set(ids("api:build", "db:build", "web:build"))
    assert affected(GRAPH, ids("db:build", "db:default"), changed) == set(ids("db:build"))
    assert affected(GRAPH, everything, []) == frozenset()


def test_relative_forms_outside_of_a_project_have_a_reason() -> None:
    """For commands that explain a reference without selecting anything."""
    reference = parse_reference("^~:build")
    result = GRAPH.resolver.resolve(reference, None)
    assert isinstance(result, NoBearing)
    assert reason(reference, result) == "it needs a bearing project, and there is none"
    assert message("^~:build").startswith("task reference `^~:build` requires a bearing project")
