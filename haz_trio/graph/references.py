"""What references stand for (REF-002 to REF-005, REF-008); knows nothing of edges."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping
from itertools import islice
from typing import TypeAlias, assert_never

from haz_trio.graph.effective import Node
from haz_trio.graph.near import Near, question
from haz_trio.model.names import TaskId
from haz_trio.model.references import FanOut, InProject, Reference, SameProject, Tagged
from haz_trio.model.workspace import Workspace
from haz_trio.values import evolve, frozen

_SHOWN = 8  # names in a list of those that there are


@frozen
class Members:
    """The numbers of the tasks that a reference stands for: ascending, and at least one."""

    numbers: tuple[int, ...]


@frozen
class NoBearing:
    """The form is relative, and there is no bearing project."""


@frozen
class NoProject:
    project: str


@frozen
class NoTask:
    """The project is there, but it does not define the task."""

    project: str
    task: str


@frozen
class NoTag:
    """No project at all carries the tag."""

    tag: str


@frozen
class NoMember:
    """A fan-out or tag form that stands for no task."""


Unresolved: TypeAlias = NoBearing | NoProject | NoTask | NoTag | NoMember


class Resolver:
    """References to numbers of tasks; every (form, name) is looked up once."""

    def __init__(self, nodes: Mapping[TaskId, Node], workspace: Workspace) -> None:
        """``nodes`` in canonical order: the number of a task is its place there."""
        self._projects = workspace.projects
        self._by_task: dict[str, dict[str, int]] = {}
        self._by_project: dict[str, dict[str, int]] = {name: {} for name in workspace.projects}
        for number, key in enumerate(nodes):
            self._by_task.setdefault(key.task, {})[key.project] = number
            self._by_project[key.project][key.task] = number
        self._tagged: dict[str, list[str]] = {}
        for name in sorted(workspace.projects):
            for tag in workspace.projects[name].tags:
                self._tagged.setdefault(tag, []).append(name)
        self._groups: dict[tuple[str, str], tuple[int, ...]] = {}

    def resolve(self, reference: Reference, bearing: str | None) -> Members | Unresolved:
        """What a reference stands for, seen from project ``bearing``."""
        match reference:
            case SameProject(task):
                return NoBearing() if bearing is None else self._one(bearing, task)
            case InProject(project, task):
                return self._one(project, task)
            case FanOut(task, sibling):
                return self._group("", task, sibling, bearing)
            case Tagged(tag, task, sibling):
                return self._group(tag, task, sibling, bearing)
            case _:
                assert_never(reference)

    def _one(self, project: str, task: str) -> Members | Unresolved:
        tasks = self._by_project.get(project)
        if tasks is None:
            return NoProject(project)
        number = tasks.get(task)
        return NoTask(project, task) if number is None else Members((number,))

    def _group(
        self, tag: str, task: str, sibling: bool, bearing: str | None
    ) -> Members | Unresolved:
        if sibling and bearing is None:
            return NoBearing()
        if tag and tag not in self._tagged:
            return NoTag(tag)
        group = self._groups.get((tag, task))
        if group is None:
            group = self._groups[tag, task] = self._gather(tag, task)
        if sibling and bearing is not None:
            own = self._by_task.get(task, {}).get(bearing)
            if own is not None:
                group = without(group, own)
        return Members(group) if group else NoMember()

    def _gather(self, tag: str, task: str) -> tuple[int, ...]:
        owners = self._by_task.get(task, {})
        if not tag:
            return tuple(owners.values())
        return tuple(owners[name] for name in self._tagged[tag] if name in owners)

    def hint(self, reference: Reference, problem: Unresolved, near: Near) -> str:
        """``did you mean …?`` with whole references, else the names that there are, or nothing."""
        return self._nearest(reference, problem, near) or self._known(problem)

    def _known(self, problem: Unresolved) -> str:
        """The names from which the wrong one could have been chosen."""
        match problem:
            case NoProject():
                return _listed("the projects are", self._by_project)
            case NoTask(project):
                return _listed(f"the tasks of `{project}` are", self._by_project[project])
            case NoTag():
                return _listed("the tags are", sorted(self._tagged))
            case NoBearing() | NoMember():
                return ""
            case _:
                assert_never(problem)

    def _nearest(self, reference: Reference, problem: Unresolved, near: Near) -> str:
        match problem:
            case NoBearing():
                return ""
            case NoProject(project):
                names = near.suggest(project, self._by_project)
                having = [name for name in names if reference.task in self._by_project[name]]
                return question(f"{name}:{reference.task}" for name in having or names)
            case NoTask(project, task):
                return self._other_task(reference, task, self._by_project[project], near)
            case NoTag(tag):
                assert isinstance(reference, Tagged), "only this form has a tag"
                names = near.suggest(tag, self._tagged)
                return question(str(evolve(reference, tag=name)) for name in names)
            case NoMember():
                return self._other_task(reference, reference.task, self._by_task, near)
            case _:
                assert_never(problem)

    def _other_task(
        self, reference: Reference, task: str, names: Collection[str], near: Near
    ) -> str:
        others = [name for name in near.suggest(task, names) if name != task]
        if others:
            return question(str(evolve(reference, task=name)) for name in others)
        return question(f"{project}:{task}" for project in list(self._by_task.get(task, ()))[:3])


def _listed(start: str, names: Collection[str]) -> str:
    """The first names in a sentence; nothing when there are none."""
    shown = [f"`{name}`" for name in islice(names, _SHOWN)]
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return f"{start} {', '.join(shown)}{more}" if shown else ""


def _is_sibling(reference: Reference) -> bool:
    return isinstance(reference, FanOut | Tagged) and reference.sibling


def rule(reference: Reference) -> str:
    """The rule that says what a form stands for."""
    match reference:
        case SameProject():
            return "REF-002"
        case InProject():
            return "REF-003"
        case FanOut(_, sibling):
            return "REF-008" if sibling else "REF-004"
        case Tagged(_, _, sibling):
            return "REF-008" if sibling else "REF-005"
        case _:
            assert_never(reference)


def reason(reference: Reference, problem: Unresolved) -> str:
    """Why a reference in a file is unresolved (config.md 10), seen from its own project."""
    match problem:
        case NoProject(project):
            return f"project `{project}` not found in workspace"
        case NoTask(_, task) if isinstance(reference, SameProject):
            return f"bearing project does not define task `{task}`"
        case NoTask(project, task):
            return f"project `{project}` does not define task `{task}`"
        case NoTag(tag):
            return f"no project carries tag `{tag}`"
        case NoMember():
            among = "sibling project" if _is_sibling(reference) else "project"
            tagged = f" with tag `{reference.tag}`" if isinstance(reference, Tagged) else ""
            tail = " (bearing project excluded)" if _is_sibling(reference) else ""
            return f"no {among}{tagged} defines task `{reference.task}`{tail}"
        case NoBearing():
            return "it needs a bearing project, and there is none"
        case _:
            assert_never(problem)


def holds(numbers: tuple[int, ...], number: int) -> bool:
    """Whether an ascending tuple holds a number."""
    at = bisect_left(numbers, number)
    return at < len(numbers) and numbers[at] == number


def without(numbers: tuple[int, ...], number: int) -> tuple[int, ...]:
    """An ascending tuple without one number, which it may lack."""
    at = bisect_left(numbers, number)
    if at == len(numbers) or numbers[at] != number:
        return numbers
    return numbers[:at] + numbers[at + 1 :]
