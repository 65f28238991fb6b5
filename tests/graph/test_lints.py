"""Oddities of single tasks: programs, outputs in wrong places, results that nobody reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given, settings

from haz_trio.errors import Diagnostic, GraphError, Severity
from haz_trio.graph.build import build_graph
from haz_trio.graph.lints import lint, workspace_path
from haz_trio.model.globs import is_glob
from haz_trio.model.tasks import Action, Argv, Environment, Shell, Task
from haz_trio.model.workspace import Mode, Workspace
from haz_trio.values import evolve
from tests.graph.builders import one, overlay, project, task, workspace, workspaces


def warnings(of: Workspace, known: Iterable[str] = ("true", "sh")) -> tuple[Diagnostic, ...]:
    """What is said when only the ``known`` programs are found without a PATH."""
    return lint(of, build_graph(of), set(known).__contains__)


def messages(of: Workspace) -> list[str]:
    return [diagnostic.message for diagnostic in warnings(of)]


def doing(action: Action, body: Task, **variables: str) -> Task:
    return evolve(body, action=action, env=Environment(override=tuple(variables.items())))


# -- programs ---------------------------------------------------------------------------------


def test_a_bare_program_without_path() -> None:
    """A program that is only found through a PATH is told once per body, with its place."""
    [warning] = warnings(one(doing(Argv(("cargo", "build")), task("a", line=7))))
    assert warning.message.startswith("task `p:a` has no PATH")
    assert "`cargo`" in warning.message
    assert warning.severity is Severity.WARNING
    assert warning.key_path == "tasks.a.command"
    assert warning.span is not None
    assert warning.span.line == 7


@pytest.mark.parametrize(
    ("action", "variables"),
    [
        (Argv(("true",)), {}),
        (Shell("cargo build"), {}),
        (Argv(("cargo",)), {"PATH": "/opt/bin"}),
        (Argv(("/usr/bin/cargo",)), {}),
    ],
)
def test_programs_that_are_found(action: Action, variables: Mapping[str, str]) -> None:
    """Nothing is said of a program that is found, has a PATH, or is a file elsewhere."""
    assert messages(one(doing(action, task("a"), **variables))) == []


def test_a_path_of_the_host_is_a_path() -> None:
    """PATH may come from the host as well."""
    env = Environment(from_host=frozenset({"PATH"}))
    assert messages(one(evolve(task("a"), action=Argv(("cargo",)), env=env))) == []


def test_a_shell_that_is_not_found() -> None:
    """The shell of a script is a program, too."""
    [warning] = warnings(one(doing(Shell("x", "fish"), task("a"))))
    assert "`fish`" in warning.message
    assert warning.key_path == "tasks.a.shell"


def test_each_program_is_looked_up_once() -> None:
    """However many tasks name it."""
    asked: list[str] = []

    def finds(program: str) -> bool:
        asked.append(program)
        return False

    of = one(*(doing(Argv(("cargo",)), task(f"t{number}")) for number in range(5)))
    assert len(lint(of, build_graph(of), finds)) == 5
    assert asked == ["cargo"]


@pytest.mark.parametrize(
    ("program", "path"),
    [
        ("./build.sh", "/p/build.sh"),
        ("tools/x", "/p/tools/x"),
        ("../tools/./x", "/tools/x"),
        ("/w/tools//x", "/tools/x"),
        ("/w/p/../q/x", "/q/x"),
    ],
)
def test_a_program_of_the_workspace_that_is_no_input(program: str, path: str) -> None:
    """A change of it would go unnoticed (cache.md B1.39)."""
    [warning] = warnings(one(doing(Argv((program,)), task("a", inputs=["*.c"]))))
    assert f"`{path}`" in warning.message
    assert "`inputs`" in warning.help
    assert messages(one(doing(Argv((program,)), task("a", inputs=[path])))) == []
    assert messages(one(doing(Argv((program,)), task("a", inputs=["/**"])))) == []


@pytest.mark.parametrize(
    ("root", "program", "expected"),
    [
        ("/w", "/usr/bin/cc", None),
        ("/w", "/ww/x", None),
        ("/w", "/w", None),
        ("/w", "/w/../x", None),
        ("/", "/usr/x", "/usr/x"),
        ("/w", "../../x", None),
        ("/w", "./..", None),
        ("/w", "a/../b", "/p/b"),
    ],
)
def test_where_a_program_lies(root: str, program: str, expected: str | None) -> None:
    """Files outside of the workspace have no workspace path, nor has its root."""
    assert workspace_path(root, "/p", program) == expected


# -- outputs ----------------------------------------------------------------------------------


def places(*bodies: Task) -> Workspace:
    """Project ``lib`` in /lib with these tasks, ``sub`` inside of it, and ``app`` beside it."""
    return workspace(
        project("lib", *bodies),
        project("sub", root="/lib/sub"),
        project("app"),
        project("lib2", root="/lib-2"),
    )


@pytest.mark.parametrize(
    ("output", "other"),
    [
        ("/app/out", "app"),
        ("/app/out/*.o", "app"),
        ("sub/x", "sub"),
        ("**/*.o", "sub"),
        ("s*/gen/*.o", "sub"),
        ("/lib-2/x", "lib2"),
        ("/*/x", "app"),
    ],
)
def test_an_output_among_the_files_of_another_project(output: str, other: str) -> None:
    """The nearest project above an output owns it; globs may lead into deeper ones."""
    [message] = messages(places(task("a", outputs=[output])))
    assert f"project `{other}`" in message


@pytest.mark.parametrize("output", ["out", "*.o", "gen/**", "/dist/x", "/dist/**", "subs/*", "x/"])
def test_an_output_in_its_own_place(output: str) -> None:
    """The own project and the space between the projects are nobody else's."""
    assert messages(places(task("a", outputs=[output.rstrip("/")]))) == []


@pytest.mark.parametrize(
    ("output", "file"),
    [
        ("/app/haz.yml", "/app/haz.yml"),
        ("/lib/haz.yml", "/lib/haz.yml"),
        ("/app/*.yml", "/app/haz.yml"),
        ("sub/haz.yml", "/lib/sub/haz.yml"),
        ("/.haz/*.yml", "/.haz/workspace.yml"),
    ],
)
def test_an_output_that_takes_in_the_configuration(output: str, file: str) -> None:
    """A restore would overwrite what says how the file is made."""
    [message] = messages(places(task("a", outputs=[output])))
    assert f"takes in `{file}`" in message


def test_overlay_files_are_configuration() -> None:
    """An output may not be an overlay either; without `.haz/workspace.yml` there are none."""
    of = workspace(
        project("p", task("a", outputs=["/.haz/tasks/fmt.yml"])), overlays=[overlay("fmt")]
    )
    assert len(messages(of)) == 1
    implicit = Workspace(
        "/w", Mode.IMPLICIT, {"p": project("p", task("a", outputs=["/.haz/*"]), root="/")}
    )
    assert messages(implicit) == []


def test_the_own_file_beside_a_relative_output_is_the_loaders() -> None:
    """The loader has said so already, with the same place."""
    assert messages(one(task("a", outputs=["*.yml"]))) == []


# -- dependencies -----------------------------------------------------------------------------


def depending(outputs: list[str], inputs: list[str], makes: Iterable[str] = ()) -> Workspace:
    user = task("use", inputs=inputs, deps=["~:make"], outputs=makes)
    return one(task("make", outputs=outputs), user)


@pytest.mark.parametrize(
    ("outputs", "inputs"),
    [
        (["out.o"], ["src/*.c"]),
        (["out/*.o"], ["out/*.c"]),
        (["out/**"], ["src/**"]),
        (["a[0-9].o"], ["a[a-z].o"]),
        (["out.o"], ["out.c"]),
    ],
)
def test_a_dependency_whose_results_are_not_read(outputs: list[str], inputs: list[str]) -> None:
    """Nothing that the dependency makes can match an input (cache.md B1.63)."""
    [warning] = warnings(depending(outputs, inputs))
    assert "task `p:use` depends on `p:make`" in warning.message
    assert warning.key_path == "tasks.use.deps"


@pytest.mark.parametrize(
    ("outputs", "inputs"),
    [
        (["out.o"], ["out.o"]),
        (["out.o"], ["*.o"]),
        (["out/*"], ["out/x"]),
        (["out/*.o"], ["**/*"]),
        (["o{a,b}/**"], ["oa/*.c", "none"]),
        (["none", "out/x*"], ["out/*y"]),
        ([], ["src/*.c"]),
    ],
)
def test_a_dependency_that_is_or_may_be_read(outputs: list[str], inputs: list[str]) -> None:
    """One output that may match is enough, and who makes nothing has nothing to be read."""
    assert messages(depending(outputs, inputs)) == []


def test_a_task_that_only_groups_others() -> None:
    """A task that does nothing and reads nothing is never out of date."""
    assert messages(depending(["out.o"], [])) == []
    assert len(messages(depending(["out.o"], [], ["stamp"]))) == 1


def test_many_dependencies_are_one_warning() -> None:
    """Their names stand in one sentence, cut after ten."""
    makers = [task(f"m{number:02}", outputs=[f"out{number}"]) for number in range(30)]
    user = task("use", inputs=["x"], deps=[f"~:m{number:02}" for number in range(30)])
    [message] = messages(one(*makers, user))
    assert "`p:m00`, `p:m01`" in message
    assert "and 20 more" in message


# -- all of them ------------------------------------------------------------------------------


def test_one_body_of_many_tasks_is_told_once() -> None:
    """An overlay's body is one place to correct."""
    body = doing(Argv(("cargo",)), task("t"))
    of = workspace(project("a"), project("b"), project("c"), overlays=[overlay("all", body)])
    [warning] = warnings(of)
    assert "task `a:t`" in warning.message
    assert warning.causes == ("the same body is that of `b:t` and `c:t`",)


def test_the_order_is_that_of_the_tasks() -> None:
    """Within a task programs come before outputs, and those before dependencies."""
    bad = evolve(task("b", inputs=["x"], outputs=["/q/y"], deps=["~:a"]), action=Argv(("cargo",)))
    of = workspace(project("p", bad, task("a", outputs=["/q/z"])), project("q"))
    keys = [warning.key_path for warning in warnings(of)]
    assert keys == [
        "tasks.a.outputs[0]",
        "tasks.b.command",
        "tasks.b.outputs[0]",
        "tasks.b.deps",
    ]


@settings(max_examples=150, deadline=None)
@given(workspaces(overlays=True))
def test_every_warning_is_complete(of: Workspace) -> None:
    """Whatever the workspace: warnings name a rule, a place and a way out, and come in order."""
    try:
        graph = build_graph(of)
    except GraphError:
        return
    found = lint(of, graph, lambda _: False)
    assert found == lint(of, graph, lambda _: False)
    for warning in found:
        assert warning.severity is Severity.WARNING
        assert warning.help
        assert warning.message.endswith(")")
        assert warning.span is not None
    unread = {w.message.split("`")[1] for w in found if w.key_path.endswith(".deps")}
    for id, node in graph.nodes.items():
        literal = all(not is_glob(p.text) for p in node.task.inputs)
        missing = [
            other
            for other in graph.hard[id]
            if graph.nodes[other].task.outputs and other not in graph.producers[id]
        ]
        # With literals only the producers say it all; overlay bodies may be told elsewhere.
        if literal and missing and node.project.tasks.get(id.task) is node.task and node.inputs:
            assert str(id) in unread


def test_a_wide_fan_out_is_affordable() -> None:
    """40,000 pairs of a producer and a consumer whose globs never meet: moments, not minutes."""
    bodies = (
        task("build", inputs=["*.c"], outputs=["out/*.o"]),
        task("test", inputs=["*.py"], deps=["^:build"]),
    )
    of = workspace(*(project(f"p{number}", *bodies) for number in range(200)))
    [warning] = warnings(of)
    assert "and 190 more" in warning.message
