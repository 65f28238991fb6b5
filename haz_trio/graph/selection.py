"""Which tasks a command is about: references, the default task, all, or what changed.

Selections are seeds; ``TaskGraph.closure`` adds what they need.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TypeAlias, assert_never

from haz_trio.errors import ArgumentError, SelectionError
from haz_trio.graph.graph import TaskGraph
from haz_trio.graph.near import Near
from haz_trio.graph.references import (
    Members,
    NoBearing,
    NoMember,
    NoProject,
    NoTag,
    NoTask,
    Unresolved,
)
from haz_trio.model.names import TaskId
from haz_trio.model.references import Reference, parse_reference
from haz_trio.model.workspace import Project, Workspace
from haz_trio.values import frozen

DEFAULT_TASK = "default"


@frozen
class Named:
    """The tasks that these references stand for."""

    references: tuple[Reference, ...]


@frozen
class Default:
    """The task ``default`` of the bearing project (EXEC-023)."""


@frozen
class All:
    """All tasks of the bearing project, or of the workspace without one (EXEC-024)."""


@frozen
class Everything:
    """All tasks of the workspace (EXEC-025)."""


Targets: TypeAlias = Named | Default | All | Everything


def select(
    graph: TaskGraph, workspace: Workspace, targets: Targets, bearing: Project | None
) -> frozenset[TaskId]:
    """The seeds that targets stand for; raises ``SelectionError``."""
    match targets:
        case Named(references):
            return resolve(graph, references, bearing)
        case Default():
            return default_target(graph, workspace, bearing)
        case All():
            return all_targets(graph, bearing)
        case Everything():
            return all_targets(graph, None)
        case _:
            assert_never(targets)


def resolve(
    graph: TaskGraph,
    references: Sequence[Reference | str],
    bearing: Project | None = None,
) -> frozenset[TaskId]:
    """The union of what references stand for; ``~:task`` is of the project ``bearing``.

    Raises ``SelectionError`` with one sentence for every reference that stands for nothing,
    ``InvalidTextError`` for a text that is no reference, ``ArgumentError`` for a single text.
    """
    if isinstance(references, str):
        raise ArgumentError(f"references is the text {references!r}, but must be a list of them")
    near = Near()
    found: set[int] = set()
    problems: dict[str, None] = {}
    for given in references:
        reference = parse_reference(given) if isinstance(given, str) else given
        result = graph.resolver.resolve(reference, bearing.name if bearing else None)
        if isinstance(result, Members):
            found.update(result.numbers)
        else:
            hint = graph.resolver.hint(reference, result, near)
            problems[f"{_sentence(reference, result)}{hint and f'; {hint}'}"] = None
    if problems:
        raise SelectionError(tuple(problems))
    return frozenset(graph.ids[number] for number in found)


def _sentence(reference: Reference, problem: Unresolved) -> str:
    said = f"task reference `{reference}`"
    match problem:
        case NoBearing():
            return f"{said} requires a bearing project; cwd is outside every project root"
        case NoProject(project):
            return f"{said} names unknown project `{project}`"
        case NoTask(project, task):
            return f"{said} names task `{task}` which project `{project}` does not define"
        case NoTag() | NoMember():
            return f"{said} matched no tasks"
        case _:
            assert_never(problem)


def default_target(
    graph: TaskGraph, workspace: Workspace, bearing: Project | None
) -> frozenset[TaskId]:
    """The default task of the bearing project; raises ``SelectionError`` if there is none."""
    if bearing is None:
        raise SelectionError(
            [
                "no bearing project: provide explicit task references, define a `default` task "
                "in the bearing project, or invoke with `--all` or `--workspace`"
            ]
        )
    target = TaskId(bearing.name, DEFAULT_TASK)
    if target not in graph.nodes:
        raise SelectionError(
            [
                f"bearing project `{bearing.name}` defines no task named `default`; "
                "pass explicit task references or use `--all` / `--workspace`"
            ]
        )
    return frozenset((target,))


def all_targets(graph: TaskGraph, bearing: Project | None) -> frozenset[TaskId]:
    """All tasks of the bearing project, or of the workspace when there is none."""
    if bearing is None:
        return frozenset(graph.nodes)
    return frozenset(task for task in graph.nodes if task.project == bearing.name)


def affected(
    graph: TaskGraph, candidates: Iterable[TaskId], changed_paths: Collection[str]
) -> frozenset[TaskId]:
    """The candidates with an input that matches a changed workspace-absolute path (EXEC-026).

    The module of a function is an input of its task.
    """
    readers = set(called_from(graph, changed_paths))
    for path in changed_paths:
        readers.update(graph.consumers_of(path))
    return frozenset(readers.intersection(candidates))


def called_from(graph: TaskGraph, paths: Collection[str]) -> Iterator[TaskId]:
    """The tasks whose functions are in modules at these workspace-absolute paths."""
    if any(path.endswith(".py") for path in paths):
        yield from (id for id, node in graph.nodes.items() if node.module in paths)
