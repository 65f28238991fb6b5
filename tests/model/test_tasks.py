"""Task bodies: what they run, hold and see."""

from __future__ import annotations

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haz_trio.errors import InvalidTextError, SourceText, Span
from haz_trio.model.tasks import (
    Argv,
    Environment,
    Function,
    Mutex,
    MutexScope,
    Shell,
    Task,
    parse_function,
)
from haz_trio.model.workspace import Project

BODY = Span(SourceText("/w/haz.yml", ("tasks:",)), 1, 1, 1, 2)
DEP = Span(BODY.source, 1, 3, 1, 4)


def test_a_shell_action_runs_its_shell() -> None:
    """The script is one argument of ``NAME -c`` (CFG-022)."""
    assert Shell("echo *").argv == ("sh", "-c", "echo *")
    assert Shell("x", "bash").argv == ("bash", "-c", "x")


def test_a_project_lock_never_meets_a_workspace_lock() -> None:
    """Both scopes may use one name (MUTEX-001); a name has no slash."""
    assert Mutex("db").lock("p") == "db"
    assert Mutex("db", MutexScope.PROJECT).lock("p") == "p/db"


names = st.sampled_from(["A", "B", "C"])


@given(
    st.dictionaries(names, st.text("x")),
    st.frozensets(names),
    st.dictionaries(names, st.text("y")),
)
def test_a_task_sees_what_was_asked_for_and_nothing_else(
    host: dict[str, str], wanted: frozenset[str], override: dict[str, str]
) -> None:
    """Copies of what exists, then the overrides (execution.md 5.3)."""
    environment = Environment(wanted, tuple(sorted(override.items())))
    expected = {k: v for k, v in host.items() if k in wanted} | override
    assert environment.for_task(host) == expected
    assert environment.names == wanted | set(override)


@pytest.mark.parametrize(("key", "expected"), [("deps[0]", DEP), ("deps[1]", BODY), ("", BODY)])
def test_an_unknown_place_is_that_of_the_body(key: str, expected: Span) -> None:
    """A message always finds the nearest place there is."""
    task = Task("t", Argv(("true",)), places={"": BODY, "deps[0]": DEP})
    assert task.place(key) == expected
    assert Task("t", Argv(("true",))).place(key) is None
    assert expected.path == "/w/haz.yml"


# -- functions --------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["tools/seed.py:seed", "/lib/a.py:outer.inner"])
def test_a_function_is_written_as_it_prints(text: str) -> None:
    """A file and a name in it; it runs no program of its own."""
    function = parse_function(text)
    assert str(function) == text
    assert f"{function.module}:{function.name}" == text
    assert function.argv == ()


def test_a_function_that_is_given_has_no_file() -> None:
    assert str(Function("", "seed", print)) == "seed"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("seed", "no `:`"),
        ("tools/*.py:seed", "not the path of one"),
        ("tools/seed.txt:seed", "not the path of one"),
        ("tools/seed.py:", "is none of a Python function"),
        ("tools/seed.py:a b", "is none of a Python function"),
    ],
)
def test_what_is_no_function_is_refused(text: str, why: str) -> None:
    with pytest.raises(InvalidTextError, match=why):
        parse_function(text)


def test_places_can_be_forgotten() -> None:
    """They are no part of the value."""
    task = Task("t", Argv(("true",)), places={"": BODY})
    same = Task("t", Argv(("true",)), places=MappingProxyType({}))
    assert (task.place("command"), same.place("command")) == (BODY, None)
    for each in (task, same):
        each.forget_places()
    assert task.place("") is None
    assert task == same


def test_places_of_a_project_can_be_forgotten() -> None:
    """With those of its tasks, so that nothing holds the text of the file any more."""
    task = Task("t", Argv(("true",)), places={"": BODY})
    project = Project("p", "/p", tasks={"t": task}, place=BODY)
    same = Project("p", "/p", tasks={"t": Task("t", Argv(("true",)))})
    project.forget_places()
    assert (project.place, task.place("")) == (None, None)
    assert project == same
