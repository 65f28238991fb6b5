"""What to say about a query that can be read: paths without a folder, names that nothing has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from haz_trio.errors import Diagnostic
from haz_trio.graph.graph import TaskGraph
from haz_trio.graph.near import Near, question
from haz_trio.model.workspace import Workspace
from haz_trio.query.atoms import Meaning
from haz_trio.query.conditions import (
    Condition,
    Declares,
    HasTag,
    InProject,
    IsNamed,
    IsTask,
    Name,
    Related,
    Touches,
)
from haz_trio.query.filters import QueryError
from haz_trio.query.syntax import operands_of


def check_paths(questions: Iterable[Meaning]) -> None:
    """Refuse relative paths where there is no project to begin in; raises ``QueryError``.

    For commands outside of all projects, before anything is evaluated (query.md 6.3).
    """
    problems = [
        Diagnostic(
            f"{condition.place.path}: relative path `{condition.pattern.text}` needs a project",
            span=condition.place,
            label="relative to what?",
            help="run inside a project, or write "
            f"`/{condition.pattern.text}` from the workspace root",
        )
        for each in questions
        for condition in _conditions(each)
        if isinstance(condition, Touches) and not condition.pattern.is_absolute
    ]
    if problems:
        headline = f"{len(problems)} paths need a project (QRY-009)" if len(problems) > 1 else ""
        raise QueryError(problems, headline)


def unknown_names(
    questions: Iterable[Meaning], workspace: Workspace, graph: TaskGraph
) -> tuple[str, ...]:
    """A sentence for every name that nothing in the workspace has, each once."""
    near = Near()
    tags = sorted({tag for project in workspace.projects.values() for tag in project.tags})
    projects = sorted(workspace.projects)
    tasks = sorted({id.task for id in graph.ids})
    found: dict[str, None] = {}
    for each in questions:
        for condition in _conditions(each):
            match condition:
                case HasTag(name):
                    sentence = _missing(name, tags, "project carries tag", near)
                case InProject(name):
                    sentence = _missing(name, projects, "project is called", near)
                case IsNamed(name):
                    sentence = _missing(name, tasks, "task is called", near)
                case IsTask(id):
                    sentence = ""
                    if id not in graph.nodes:
                        sentence = _sentence("task is called", str(id), map(str, graph.ids), near)
                case Touches() | Declares() | Related():
                    sentence = ""
            if sentence:
                found[sentence] = None
    return tuple(found)


def _missing(name: Name, known: Sequence[str], what: str, near: Near) -> str:
    if any(map(name.matches, known)):
        return ""
    return _sentence(what, name.text, known, near)


def _sentence(what: str, wanted: str, known: Iterable[str], near: Near) -> str:
    hint = question(near.suggest(wanted, known))
    return f"no {what} `{wanted}`{hint and f'; {hint}'}"


def _conditions(each: Meaning) -> Iterator[Condition]:
    """Every condition, also those that relations are about."""
    for condition in operands_of(each):
        yield condition
        if isinstance(condition, Related):
            yield from _conditions(condition.targets)
