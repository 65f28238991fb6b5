"""What changed files can have changed (cli.md 9.3 and 14.3, `--affected`)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.errors import GraphError
from haz_trio.graph.affected import affected_tasks, dependents
from haz_trio.graph.build import build_graph
from haz_trio.graph.selection import affected
from haz_trio.model.tasks import Function, parse_function
from haz_trio.model.workspace import Overlay, Workspace
from haz_trio.values import evolve
from tests.graph.builders import ids, overlay, project, task, workspace, workspaces


def from_overlay(name: str, *tasks: str, tags: tuple[str, ...] = ()) -> Overlay:
    """An overlay whose bodies say where they are from, as loaded ones do."""
    bodies = [evolve(task(each), source=name) for each in tasks]
    return overlay(name, *bodies, tags=tags)


WS = workspace(
    project("lib", task("gen", inputs=["*.in"], outputs=["out"]), task("own"), tags=["c"]),
    project("app", task("build", deps=["lib:gen"]), task("test", deps=["~:build"])),
    overlays=[from_overlay("lint", "lint"), from_overlay("fmt", "fmt", tags=("c",))],
)
GRAPH = build_graph(WS)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/lib/a.in", "lib:gen app:build app:test"),
        ("/lib/out", "lib:gen app:build app:test"),
        ("/lib/other", ""),
        ("/lib/haz.yml", "lib:gen lib:own lib:lint lib:fmt app:build app:test"),
        ("/app/haz.yml", "app:build app:test app:lint"),
        ("/lib/sub/haz.yml", ""),
        ("/haz.yml", ""),
        ("/.haz/tasks/lint.yml", "app:lint lib:lint"),
        ("/.haz/tasks/fmt.yml", "lib:fmt"),
        ("/.haz/tasks/deleted.yml", "app:lint lib:lint lib:fmt"),
        ("/.haz/tasks/README", ""),
        ("/.haz/workspace.yml", " ".join(map(str, GRAPH.nodes))),
        ("/.haz/other", ""),
    ],
)
def test_each_kind_of_file_touches_its_tasks(path: str, wanted: str) -> None:
    """Inputs, outputs, a project's file, overlays and the workspace's file, with dependents."""
    assert affected_tasks(GRAPH, WS, [path]) == set(ids(*wanted.split()))


def test_the_module_of_a_function_is_an_input_of_its_task() -> None:
    """Relative to the project or to the workspace; not so other modules, and functions in code."""
    calls = {"own": "tools/seed.py:seed", "far": "/tools/seed.py:seed", "other": "x.py:seed"}
    tasks = [evolve(task(name), action=parse_function(text)) for name, text in calls.items()]
    given = evolve(task("given"), action=Function("", "seed", lambda: None))
    lib = project("lib", *tasks, given, task("behind", deps=["~:own"]))
    graph = build_graph(workspace(lib))
    changed = ["/lib/tools/seed.py", "/lib/README"]
    assert affected(graph, graph.nodes, changed) == set(ids("lib:own"))
    assert affected(graph, graph.nodes, ["/tools/seed.py"]) == set(ids("lib:far"))
    assert affected(graph, ids("lib:far"), changed) == frozenset()
    assert affected_tasks(graph, workspace(lib), changed) == set(ids("lib:own", "lib:behind"))


def test_the_project_at_the_root_has_its_file_there() -> None:
    """Implicit workspaces have their one `haz.yml` at the top."""
    ws = workspace(project("p", task("a"), root="/"))
    assert affected_tasks(build_graph(ws), ws, ["/haz.yml"]) == set(ids("p:a"))


@settings(max_examples=60, deadline=None)
@given(workspaces(), st.data())
def test_dependents_are_those_whose_closure_reaches_back(
    ws: Workspace, data: st.DataObject
) -> None:
    """A task depends on another exactly if the other is in its closure."""
    try:
        graph = build_graph(ws)
    except GraphError:
        return
    chosen = data.draw(st.sets(st.sampled_from(graph.ids))) if graph.ids else set()
    wanted = {id for id in graph.nodes if chosen.intersection(graph.closure([id]))}
    assert dependents(graph, chosen) == wanted
