"""Effective tasks: which body each task of each project has (DAG-001 to DAG-006)."""

from __future__ import annotations

from collections.abc import Iterable

from haz_trio.errors import Diagnostic
from haz_trio.model.names import TaskId
from haz_trio.model.patterns import Anchored, Pattern
from haz_trio.model.tasks import Function, Task
from haz_trio.model.workspace import Overlay, Project, Workspace
from haz_trio.values import frozen


@frozen
class Node:
    """One effective task: its body, and the project that it acts in.

    The body may come from an overlay; paths and ``~`` in it mean ``project`` all the same.
    """

    id: TaskId
    task: Task
    project: Project

    @property
    def inputs(self) -> tuple[Anchored, ...]:
        return tuple(pattern.anchored(self.project.root) for pattern in self.task.inputs)

    @property
    def outputs(self) -> tuple[Anchored, ...]:
        return tuple(pattern.anchored(self.project.root) for pattern in self.task.outputs)

    @property
    def module(self) -> str:
        """The workspace-absolute path of the module of its function; empty without one."""
        action = self.task.action
        if not isinstance(action, Function) or not action.module:
            return ""
        return Pattern(action.module).anchored(self.project.root).text


@frozen
class _Attached:
    """An overlay with the projects that it reaches, one bit for each in order of their names."""

    overlay: Overlay
    reach: int


def effective_tasks(workspace: Workspace) -> tuple[dict[TaskId, Node], tuple[Diagnostic, ...]]:
    """Every effective task in canonical order, and the collisions between overlays (DAG-006).

    A task with a collision is missing among the nodes.
    """
    projects = [workspace.projects[name] for name in sorted(workspace.projects)]
    sources = _overlay_sources(workspace, projects)
    nodes: dict[TaskId, Node] = {}
    problems: list[Diagnostic] = []
    for place, project in enumerate(projects):
        offered = sources.get(place, {})
        for name in sorted({*project.tasks, *offered}):
            key = TaskId(project.name, name)
            own = project.tasks.get(name)
            winner = own if own is not None else _winner(name, offered[name])
            if winner is None:
                problems.append(_collision(key, offered[name]))
            else:
                nodes[key] = Node(key, winner, project)
    return nodes, tuple(problems)


def _overlay_sources(
    workspace: Workspace, projects: list[Project]
) -> dict[int, dict[str, list[_Attached]]]:
    """For the number of each project: task names and the attached overlays that define them."""
    tagged: dict[str, int] = {}
    for place, project in enumerate(projects):
        for tag in project.tags:
            tagged[tag] = tagged.get(tag, 0) | 1 << place
    sources: dict[int, dict[str, list[_Attached]]] = {}
    for name in sorted(workspace.overlays):
        overlay = workspace.overlays[name]
        reach = (1 << len(projects)) - 1
        for tag in overlay.tags_filter:
            reach &= tagged.get(tag, 0)
        attached = _Attached(overlay, reach)
        for place in range(len(projects)):
            if reach >> place & 1:
                offered = sources.setdefault(place, {})
                for task in overlay.tasks:
                    offered.setdefault(task, []).append(attached)
    return sources


def _winner(name: str, candidates: list[_Attached]) -> Task | None:
    """The body of the overlay that reaches strictly fewer projects than every other one."""
    narrowest = min(candidates, key=lambda c: c.reach.bit_count())
    for other in candidates:
        if other is not narrowest and (
            other.reach == narrowest.reach or narrowest.reach & ~other.reach
        ):
            return None
    return narrowest.overlay.tasks[name]


def _collision(id: TaskId, candidates: list[_Attached]) -> Diagnostic:
    return Diagnostic(
        f"task `{id}`: overlay-merge collision among {len(candidates)} sources (DAG-006)",
        span=candidates[0].overlay.tasks[id.task].place("") or candidates[0].overlay.place,
        label="one of the bodies",
        key_path=f"tasks.{id.task}",
        causes=("defined by " + ", ".join(map(_describe, candidates)),),
        help=(
            f"define `{id.task}` in project `{id.project}` itself, or narrow the `tagsFilter` "
            "of one overlay until it reaches only some of the projects of every other one"
        ),
        related=tuple(
            Diagnostic(
                f"{_describe(c)} defines `{id.task}`",
                span=c.overlay.tasks[id.task].place("") or c.overlay.place,
            )
            for c in candidates
        ),
    )


def _describe(candidate: _Attached) -> str:
    overlay, count = candidate.overlay, candidate.reach.bit_count()
    only = f"tagsFilter [{_listed(overlay.tags_filter)}]" if overlay.tags_filter else "no filter"
    file = f", {overlay.place.path}" if overlay.place else ""
    return f"overlay `{overlay.name}` ({only}, {count} project{'s' * (count != 1)}{file})"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
