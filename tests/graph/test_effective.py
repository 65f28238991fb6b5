"""Which body a task has (DAG-001 to DAG-006)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from haz_trio.errors import GraphError
from haz_trio.graph.build import build_graph
from haz_trio.graph.effective import effective_tasks
from haz_trio.model.workspace import Overlay, Workspace
from tests.graph.builders import ids, overlay, project, task, workspace, workspaces
from tests.graph.reference_graph import bodies_of

LINT = task("lint")


def three(*overlays: Overlay) -> Workspace:
    return workspace(
        project("api", tags=["backend", "rust"]),
        project("db", tags=["backend"]),
        project("web"),
        overlays=overlays,
    )


def test_an_overlay_reaches_the_projects_with_all_its_tags() -> None:
    """No filter is every project; the task acts in the project that gets it (DAG-001)."""
    nodes, problems = effective_tasks(
        three(overlay("a", LINT, tags=["backend"]), overlay("b", task("clean", inputs=["x"])))
    )
    assert problems == ()
    assert tuple(nodes) == ids("api:clean", "api:lint", "db:clean", "db:lint", "web:clean")
    assert nodes[ids("db:clean")[0]].inputs[0].text == "/db/x"


def test_the_own_body_wins() -> None:
    """Also over overlays that collide (DAG-005)."""
    own = task("lint", line=99)
    layers = [overlay("a", LINT), overlay("b", LINT)]
    nodes, problems = effective_tasks(workspace(project("p", own), overlays=layers))
    assert problems == ()
    assert nodes[ids("p:lint")[0]].task is own


def test_the_narrower_overlay_wins() -> None:
    """Matched projects are compared, not filters (DAG-003)."""
    narrow, wide = task("lint", line=1), task("lint", line=2)
    nodes, problems = effective_tasks(
        three(overlay("z", narrow, tags=["backend"]), overlay("a", wide))
    )
    assert problems == ()
    assert [nodes[id_].task for id_ in nodes] == [narrow, narrow, wide]


def test_a_collision_names_its_overlays() -> None:
    """DAG-006 tells names, filters, files and a way out, and stands alone."""
    layers = [overlay("one", LINT, tags=["rust"]), overlay("two", LINT, tags=["backend", "rust"])]
    broken = task("broken", deps=["no:where"])
    whole = three(*layers, overlay("bad", broken))
    with pytest.raises(GraphError) as caught:
        build_graph(whole)
    (problem,) = caught.value.diagnostics
    assert problem.message == (
        "task `api:lint`: overlay-merge collision among 2 sources (DAG-006)"
    )
    assert problem.span == LINT.place("")
    assert "define `lint` in project `api` itself" in problem.help
    first, second = (related.message for related in problem.related)
    assert first.startswith("overlay `one` (tagsFilter [rust], 1 project, /w/.haz/tasks/one.yml)")
    assert second.startswith("overlay `two` (tagsFilter [backend, rust], 1 project")
    assert type(caught.value) is GraphError


def test_overlays_that_cross_collide() -> None:
    """Neither of two sets holds the other; both have projects of their own."""
    whole = workspace(
        project("a", tags=["t", "u"]),
        project("b", tags=["t"]),
        project("c", tags=["u"]),
        overlays=[overlay("t", LINT, tags=["t"]), overlay("u", LINT, tags=["u"])],
    )
    nodes, problems = effective_tasks(whole)
    assert tuple(nodes) == ids("b:lint", "c:lint")
    assert len(problems) == 1


@settings(max_examples=150, deadline=None)
@given(workspaces(references=False, overlays=True))
def test_bodies_agree_with_the_slow_reading(whole: Workspace) -> None:
    """Same bodies, same collisions, and canonical order."""
    bodies, collisions = bodies_of(whole)
    nodes, problems = effective_tasks(whole)
    assert {id_: node.task for id_, node in nodes.items()} == bodies
    assert list(nodes) == sorted(nodes)
    assert [p.message.split("`")[1] for p in problems] == [str(c) for c in sorted(collisions)]
    assert all(node.project is whole.projects[id_.project] for id_, node in nodes.items())
