"""Edges, and every problem with its place (DAG-007 to DAG-016)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from haz_trio.errors import (
    CycleError,
    Diagnostic,
    GraphError,
    OutputCollisionError,
    Severity,
    UnknownTaskError,
)
from haz_trio.graph.build import build_graph
from haz_trio.graph.effective import effective_tasks
from haz_trio.graph.files import passage
from haz_trio.model.workspace import Workspace
from tests.graph.builders import ids, one, project, task, workspace, workspaces
from tests.graph.reference_graph import slow_graph


def problems(whole: Workspace, kind: type[GraphError] = GraphError) -> tuple[Diagnostic, ...]:
    with pytest.raises(GraphError) as caught:
        build_graph(whole)
    assert type(caught.value) is kind
    return tuple(d for d in caught.value.diagnostics if isinstance(d, Diagnostic))


def four(*extra: str, field: str = "deps") -> Workspace:
    """`p:a` has references; `q` carries tag `t` and has `x`; `r` has `build`."""
    lists = {field: extra}
    return workspace(
        project("p", task("a", deps=lists.get("deps", ()), weak=lists.get("weak", ()))),
        project("q", task("x"), tags=["t"]),
        project("r", task("build"), tags=["lonely"]),
    )


@pytest.mark.parametrize(
    ("reference", "reason", "help"),
    [
        ("~:x", "bearing project does not define task `x` (REF-002)", "`q:x`"),
        ("~:b", "bearing project does not define task `b` (REF-002)", "the tasks of `p` are `a`"),
        ("qq:x", "project `qq` not found in workspace (REF-003)", "`q:x`"),
        ("r:built", "project `r` does not define task `built` (REF-003)", "`r:build`"),
        ("^:biuld", "no project defines task `biuld` (REF-004)", "`^:build`"),
        (
            "^~:b",
            "no sibling project defines task `b` (bearing project excluded) (REF-008)",
            "define that task",
        ),
        ("[nope]:x", "no project carries tag `nope` (REF-005)", "the tags are `lonely`, `t`"),
        ("nope:x", "project `nope` not found in workspace (REF-003)", "the projects are `p`, `q`"),
        ("[lonley]~:x", "no project carries tag `lonley` (REF-008)", "`[lonely]~:x`"),
        ("[t]:build", "no project with tag `t` defines task `build` (REF-005)", "`r:build`"),
        (
            "[t]~:build",
            "no sibling project with tag `t` defines task `build` (bearing project excluded)"
            " (REF-008)",
            "`r:build`",
        ),
    ],
)
@pytest.mark.parametrize("field", ["deps", "weak"])
def test_unresolved_references(reference: str, reason: str, help: str, field: str) -> None:
    """Each form has its reason, its rule, its place and a near name (config.md 10)."""
    whole = four(reference, field=field)
    (problem,) = problems(whole, UnknownTaskError)
    assert problem.message == f"task `p:a`: reference `{reference}` is unresolved: {reason}"
    key = "weakDeps[0]" if field == "weak" else "deps[0]"
    assert problem.key_path == f"tasks.a.{key}"
    assert problem.span == whole.projects["p"].tasks["a"].places[key]
    assert help in problem.help


@pytest.mark.parametrize("reference", ["~:a", "p:a", "^:a", "[t]:a"])
@pytest.mark.parametrize("field", ["deps", "weak"])
def test_a_reference_to_the_task_itself(reference: str, field: str) -> None:
    """DAG-012, also for a fan-out that holds others too; it adds no edge at all."""
    lists = {field: [reference]}
    body = task("a", deps=lists.get("deps", ()), weak=lists.get("weak", ()))
    whole = workspace(project("p", body, tags=["t"]), project("q", task("a", deps=["p:a"])))
    (problem,) = problems(whole)
    assert problem.message == (
        f"task `p:a`: reference `{reference}` resolves to the task itself (DAG-012)"
    )
    sibling = {"^:a": "`^~:a`", "[t]:a": "`[t]~:a`"}.get(reference, "remove the reference")
    assert sibling in problem.help


def test_a_task_in_both_lists() -> None:
    """DAG-010, after the references are resolved."""
    whole = one(task("a", deps=["~:b", "~:c"], weak=["~:c", "p:b"]), task("b"), task("c"))
    first, second = problems(whole)
    assert first.message == "task `p:a`: `p:b` listed in both `deps` and `weakDeps` (DAG-010)"
    assert second.message == "task `p:a`: `p:c` listed in both `deps` and `weakDeps` (DAG-010)"
    assert first.key_path == "tasks.a.weakDeps[1]"
    body = whole.projects["p"].tasks["a"]
    assert first.related[0].span == body.places["deps[0]"]


def test_a_wide_overlap_is_cut_short() -> None:
    """A mistake in a template does not print a line for every pair of projects."""
    names = [f"q{i:02}" for i in range(40)]
    whole = workspace(
        project("p", task("a", deps=["^~:b"], weak=["^~:b"])),
        *(project(name, task("b")) for name in names),
    )
    found = problems(whole)
    assert len(found) == 11
    assert "30 more tasks listed in both" in found[-1].message


def test_a_predecessor_of_several_references_is_one_edge() -> None:
    """Spellings do not count (execution.md 1.2)."""
    graph = build_graph(one(task("a", deps=["~:b", "p:b", "^:b"]), task("b")))
    assert graph.hard[ids("p:a")[0]] == ids("p:b")


def test_every_problem_is_reported_in_order() -> None:
    """Tasks in canonical order, deps before weakDeps before overlaps; cycles; collisions."""
    whole = one(
        task("a", deps=["~:a", "~:no", "~:z"], weak=["no:x", "~:z"]),
        task("b", deps=["~:c"]),
        task("c", weak=["~:b"], outputs=["o"]),
        task("d", outputs=["/p/o", "/o"]),
        task("e", deps=["~:e"], outputs=["/o"]),
        task("z"),
    )
    heads = [p.message.partition("` is unres")[0] for p in problems(whole)]
    assert heads == [
        "task `p:a`: reference `~:a` resolves to the task itself (DAG-012)",
        "task `p:a`: reference `~:no",
        "task `p:a`: reference `no:x",
        "task `p:a`: `p:z` listed in both `deps` and `weakDeps` (DAG-010)",
        "task `p:e`: reference `~:e` resolves to the task itself (DAG-012)",
        "cyclic dependency among 2 tasks (DAG-014)",
        "literal output `/o` declared by 2 tasks (DAG-015)",
        "literal output `/p/o` declared by 2 tasks (DAG-015)",
    ]


@pytest.mark.parametrize(
    ("root", "output", "refused"),
    [
        ("/", ".haz/x", True),
        ("/", ".haz", True),
        ("/", ".haz/*", True),
        ("/", ".hazard/x", False),
        ("/", "*/x", False),
        ("/.haz/p", "o", True),
        ("/.haz/p", "**", True),
        ("/.haz/p", "/o", False),
        ("/p", ".haz/x", False),
        ("/p", ".haz/*", False),
        ("/.hazard", "o", False),
    ],
)
def test_a_relative_output_among_the_files_of_haz(root: str, output: str, refused: bool) -> None:
    """CFG-017: what counts is the workspace's `.haz/`, wherever the project lies."""
    whole = workspace(project("p", task("a", outputs=["/fine", output], line=10), root=root))
    if not refused:
        assert build_graph(whole).nodes
        return
    found = problems(whole)
    assert {p.code for p in found} == {"haz::cfg::017"}
    assert found[-1].message == (
        f"task `p:a`: the output `{output}` lies under `/.haz/`, which belongs to haz"
    )
    assert found[-1].span is not None
    assert (found[-1].span.line, found[-1].key_path) == (12, "tasks.a.outputs[1]")


def test_the_kinds_of_edges_of_a_cycle() -> None:
    """The message tells the members, a chain, and what makes each edge, with its place."""
    whole = one(
        task("a", deps=["~:z", "~:b"], line=10),
        task("b", weak=["^:c"], line=20),
        task("c", inputs=["n", "m/*"], line=30),
        task("d", deps=["~:c"]),
        task("a2", inputs=["m/x"], outputs=["m/*"], deps=["~:a"]),
        task("z", outputs=["k"]),
        task("y", outputs=["m/x"], deps=["~:a"]),
    )
    (problem,) = problems(whole, CycleError)
    assert problem.message == "cyclic dependency among 4 tasks (DAG-014)"
    members, chain, *steps = problem.causes
    assert members == "the tasks are `p:a`, `p:b`, `p:c` and `p:y`"
    assert chain == "a cycle: p:a -> p:b -> p:c -> p:y -> p:a"
    assert steps == [
        "`p:a` waits for `p:b`: deps `~:b`",
        "`p:b` waits for `p:c`: weakDeps `^:c`",
        "`p:c` reads file `/p/m/x`, made by `p:y`",
        "`p:y` waits for `p:a`: deps `~:a`",
    ]
    tasks = whole.projects["p"].tasks
    assert [related.span for related in problem.related] == [
        tasks["a"].places["deps[1]"],
        tasks["b"].places["weakDeps[0]"],
        tasks["c"].places["inputs[1]"],
        tasks["y"].places["deps[0]"],
    ]
    assert problem.span == tasks["a"].places["deps[1]"]


def test_the_shortest_cycle_is_shown() -> None:
    """Not the first one that a search happens to meet."""
    whole = one(
        task("a", deps=["~:b"]),
        task("b", deps=["~:c"]),
        task("c", deps=["~:a", "~:d"]),
        task("d", deps=["~:c"]),
    )
    (problem,) = problems(whole, CycleError)
    assert problem.causes[1] == "a cycle: p:c -> p:d -> p:c"


def test_a_literal_that_a_glob_makes_can_close_a_cycle() -> None:
    """An output glob and a literal input are an edge (DAG-013)."""
    whole = one(task("a", outputs=["d/*"], deps=["~:b"]), task("b", inputs=["q", "d/x"]))
    (problem,) = problems(whole, CycleError)
    assert problem.causes[3] == "`p:b` reads file `/p/d/x`, made by `p:a`"


def test_a_long_cycle_is_cut_short() -> None:
    """20,000 members are ten names, and no recursion finds them."""
    size = 20_000
    whole = one(*(task(f"t{i:05}", deps=[f"~:t{(i + 1) % size:05}"]) for i in range(size)))
    (problem,) = problems(whole, CycleError)
    assert problem.message == "cyclic dependency among 20000 tasks (DAG-014)"
    assert len(problem.related) == 10
    assert problem.causes[0].endswith("`p:t00009` and 19,990 more")
    assert problem.causes[1].endswith("-> p:t00009 -> ... 19,990 more ... -> p:t00000")
    assert sum(map(len, problem.causes)) < 2000


def test_a_shared_literal_output_names_its_tasks() -> None:
    """DAG-015 compares anchored texts; the same literal twice in one task is fine."""
    whole = workspace(
        project("p", task("a", outputs=["x", "o"])), project("q", task("b", outputs=["/p/o"]))
    )
    (problem,) = problems(whole, OutputCollisionError)
    assert problem.message == "literal output `/p/o` declared by 2 tasks (DAG-015)"
    assert problem.causes == ("the tasks are `p:a` and `q:b`",)
    assert problem.span == whole.projects["p"].tasks["a"].places["outputs[1]"]
    assert problem.related[1].span == whole.projects["q"].tasks["b"].places["outputs[0]"]
    assert build_graph(one(task("a", outputs=["o", "/p/o", "\\o"]), task("b"))).warnings == ()


def test_a_task_may_read_what_it_makes() -> None:
    """Such a task is neither a cycle nor its own producer nor a race (DAG-013)."""
    graph = build_graph(one(task("format", inputs=["*.c", "x.c"], outputs=["x.c"])))
    (only,) = ids("p:format")
    assert graph.producers == {only: ()}
    assert graph.warnings == ()
    assert graph.producers_of("/p/x.c") == (only,)


def test_a_race_is_a_warning() -> None:
    """A consumer without a transitive dependency on its producer; one warning for each."""
    whole = one(
        task("direct", inputs=["o"], deps=["~:make"]),
        task("far", inputs=["*"], deps=["~:direct"]),
        task("make", outputs=["o"]),
        task("make2", outputs=["sub/o2"]),
        task("racy", inputs=["z", "o"], weak=["~:make"]),
        task("two", inputs=["**"], deps=["~:make2"]),
    )
    graph = build_graph(whole)
    first, second = graph.warnings
    assert first.severity is Severity.WARNING
    assert first.message == (
        "task `p:racy` reads what `p:make` makes, but does not depend on it (DAG-013)"
    )
    tasks = whole.projects["p"].tasks
    assert first.span == tasks["racy"].places["inputs[1]"]
    assert first.related[0].span == tasks["make"].places["outputs[0]"]
    assert second.message.startswith("task `p:two` reads what `p:make` makes")
    assert graph.producers[ids("p:two")[0]] == ids("p:make", "p:make2")


def test_a_literal_under_the_glob_of_another_task_is_a_warning() -> None:
    """DAG-016 finds it only when both write; the check can tell before."""
    whole = one(task("a", outputs=["out/r.txt"]), task("b", outputs=["x", "out/*.txt"]), task("c"))
    (warning,) = build_graph(whole).warnings
    assert warning.severity is Severity.WARNING
    assert "`/p/out/r.txt` of `p:a` also matches output globs of `p:b`" in warning.message
    assert "DAG-016" in warning.message
    assert warning.related[0].span == whole.projects["p"].tasks["b"].places["outputs[1]"]


def test_two_globs_are_no_edge() -> None:
    """Whether they meet is found when they happen."""
    graph = build_graph(one(task("a", outputs=["*.o"]), task("b", inputs=["*.o"])))
    assert graph.producers[ids("p:b")[0]] == ()
    assert graph.warnings == ()


def test_an_empty_workspace_is_a_graph() -> None:
    """Nothing is nothing."""
    graph = build_graph(workspace(project("p")))
    assert (len(graph.nodes), graph.warnings, graph.closure(())) == (0, (), ())


@settings(max_examples=400, deadline=None)
@given(workspaces())
def test_graphs_agree_with_all_pairs(whole: Workspace) -> None:
    """Edges of a sound workspace; kinds, counts and members of the problems of another."""
    slow = slow_graph(whole)
    try:
        graph = build_graph(whole)
    except GraphError as error:
        texts = [d.message for d in error.diagnostics]
        assert sum("is unresolved" in text for text in texts) == slow.unresolved
        assert sum("DAG-012" in text for text in texts) == slow.itself
        assert sum("DAG-010" in text for text in texts) == slow.both
        cycles = [d.causes[0] for d in error.diagnostics if "DAG-014" in d.message]
        expected = [sorted(cycle) for cycle in slow.cycles]
        assert [text.split("`")[1::2] for text in cycles] == [
            [str(id_) for id_ in cycle] for cycle in sorted(expected)
        ]
        shared = [text.split("`")[1] for text in texts if "DAG-015" in text]
        assert shared == sorted(slow.shared)
    else:
        assert slow.sound
        for mapping, expected_edges in (
            (graph.hard, slow.hard),
            (graph.weak, slow.weak),
            (graph.producers, slow.producers),
        ):
            assert list(mapping) == list(graph.nodes) == sorted(expected_edges)
            assert {k: list(v) for k, v in mapping.items()} == {
                k: sorted(v) for k, v in expected_edges.items()
            }


def test_a_passage_needs_a_path_of_its_own() -> None:
    """Two globs, or nothing in common, are no way from one task to another."""
    whole = one(task("a", outputs=["*.o", "x"]), task("b", inputs=["*.o", "y"]), task("c"))
    nodes, _ = effective_tasks(whole)
    a, b, c = nodes.values()
    assert passage(a, b) is None
    assert passage(a, c) is None
    assert passage(a, a) is None
