"""The rules of the graph by all pairs and by recursion: slow, and obviously right."""

from __future__ import annotations

import attrs

from haz_trio.model.names import TaskId
from haz_trio.model.references import FanOut, InProject, Reference, SameProject, Tagged
from haz_trio.model.tasks import Task
from haz_trio.model.workspace import Workspace

Bodies = dict[TaskId, Task]


def bodies_of(workspace: Workspace) -> tuple[Bodies, set[TaskId]]:
    """Effective bodies, and the tasks whose overlays collide (DAG-001 to DAG-006)."""
    reach = {
        o.name: {p.name for p in workspace.projects.values() if o.tags_filter <= p.tags}
        for o in workspace.overlays.values()
    }
    bodies: Bodies = {}
    collisions: set[TaskId] = set()
    for project in workspace.projects.values():
        near = [o for o in workspace.overlays.values() if project.name in reach[o.name]]
        for name in {*project.tasks, *(t for o in near for t in o.tasks)}:
            id_ = TaskId(project.name, name)
            offers = [o for o in near if name in o.tasks]
            best = [
                o for o in offers if all(o is x or reach[o.name] < reach[x.name] for x in offers)
            ]
            if name in project.tasks:
                bodies[id_] = project.tasks[name]
            elif best:
                bodies[id_] = best[0].tasks[name]
            else:
                collisions.add(id_)
    return bodies, collisions


def members(
    reference: Reference, bearing: str, bodies: Bodies, workspace: Workspace
) -> set[TaskId]:
    match reference:
        case SameProject(task):
            wanted = {bearing}
        case InProject(project, task):
            wanted = {project}
        case FanOut(task, sibling):
            wanted = set(workspace.projects) - ({bearing} if sibling else set())
        case Tagged(tag, task, sibling):
            wanted = {p.name for p in workspace.projects.values() if tag in p.tags}
            wanted -= {bearing} if sibling else set()
    return {id_ for id_ in bodies if id_.task == task and id_.project in wanted}


@attrs.frozen
class Slow:
    hard: dict[TaskId, set[TaskId]]
    weak: dict[TaskId, set[TaskId]]
    producers: dict[TaskId, set[TaskId]]
    unresolved: int
    itself: int
    both: int
    cycles: set[frozenset[TaskId]]
    shared: set[str]

    @property
    def sound(self) -> bool:
        return not (self.unresolved or self.itself or self.both or self.cycles or self.shared)


def slow_graph(workspace: Workspace) -> Slow:
    bodies, _ = bodies_of(workspace)
    counts = {"unresolved": 0, "itself": 0}

    def edges(id_: TaskId, references: tuple[Reference, ...]) -> set[TaskId]:
        found: set[TaskId] = set()
        for reference in references:
            group = members(reference, id_.project, bodies, workspace)
            counts["unresolved"] += not group
            counts["itself"] += id_ in group
            found |= group if id_ not in group else set()
        return found

    hard = {id_: edges(id_, body.deps) for id_, body in bodies.items()}
    weak = {id_: edges(id_, body.weak_deps) for id_, body in bodies.items()}
    producers = {
        c: {p for p in bodies if p != c and makes_for(p, c, bodies, workspace)} for c in bodies
    }
    union = {id_: hard[id_] | weak[id_] | producers[id_] for id_ in bodies}
    reach = {id_: reached(id_, union) for id_ in bodies}
    cycles = {
        frozenset(o for o in bodies if o in reach[id_] and id_ in reach[o]) for id_ in bodies
    }
    literals = [
        (pattern.anchored(workspace.projects[id_.project].root).text, id_)
        for id_, body in bodies.items()
        for pattern in body.outputs
        if not pattern.is_glob
    ]
    return Slow(
        hard,
        weak,
        producers,
        counts["unresolved"],
        counts["itself"],
        sum(len(hard[id_] & weak[id_]) for id_ in bodies),
        {cycle for cycle in cycles if len(cycle) > 1},
        {text for text, id_ in literals if any(t == text and o != id_ for t, o in literals)},
    )


def makes_for(producer: TaskId, consumer: TaskId, bodies: Bodies, workspace: Workspace) -> bool:
    """DAG-013: some output and some input, not both globs, mean one path."""
    for output in bodies[producer].outputs:
        for wanted in bodies[consumer].inputs:
            made = output.anchored(workspace.projects[producer.project].root)
            read = wanted.anchored(workspace.projects[consumer.project].root)
            if not (made.is_glob and read.is_glob) and (
                read.matches(made.text) if read.is_glob else made.matches(read.text)
            ):
                return True
    return False


def reached(start: TaskId, edges: dict[TaskId, set[TaskId]]) -> set[TaskId]:
    """Everything that is some steps away; the start only if it lies on a cycle."""
    seen: set[TaskId] = set()

    def visit(id_: TaskId) -> None:
        for other in edges[id_] - seen:
            if other not in seen:
                seen.add(other)
                visit(other)

    visit(start)
    return seen
