"""How the result of ``haz query`` is written: lines, JSON, graphs (QRY-008, query.md 6.1, 8)."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias, assert_never

from haz_trio.errors import Span
from haz_trio.graph.effective import Node
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.model.tasks import Action, Argv, Function, Shell
from haz_trio.query.drawing import dot, edges_among, mermaid
from haz_trio.values import frozen


class Format(enum.Enum):
    """The values of ``--format``."""

    PLAIN = "plain"
    JSON = "json"
    JSONL = "jsonl"
    NULL = "null"


class GraphForm(enum.Enum):
    """The values of ``--graph``."""

    DOT = "dot"
    MERMAID = "mermaid"
    JSON = "json"


Fields: TypeAlias = tuple[str, ...]


@frozen
class Objects:
    """One JSON object with these keys on each line."""

    fields: Fields


Form: TypeAlias = Format | GraphForm | Objects


def needs_places(form: Form) -> bool:
    """Whether the form says where tasks are declared."""
    return form is Format.JSONL or (isinstance(form, Objects) and "origin" in form.fields)


def write_tasks(graph: TaskGraph, tasks: Sequence[TaskId], form: Form, root: str) -> str:
    """The text for standard output; ``root`` is the workspace on this host."""
    match form:
        case Format.PLAIN:
            return "".join(f"{task}\n" for task in tasks)
        case Format.NULL:
            return "".join(f"{task}\0" for task in tasks)
        case Format.JSON:
            return _line([_brief(graph.nodes[task]) for task in tasks])
        case Format.JSONL:
            return _objects(graph, tasks, tuple(FIELDS), root)
        case Objects(fields):
            return _objects(graph, tasks, fields, root)
        case GraphForm():
            return _graph(graph, tasks, form)
        case _:
            assert_never(form)


def _graph(graph: TaskGraph, tasks: Sequence[TaskId], form: GraphForm) -> str:
    edges = edges_among(graph, tasks)
    match form:
        case GraphForm.DOT:
            return dot(tasks, edges)
        case GraphForm.MERMAID:
            return mermaid(tasks, edges)
        case GraphForm.JSON:
            arrows = [
                {"task": str(e.task), "needs": str(e.needs), "kind": e.bond.value} for e in edges
            ]
            return _line({"tasks": list(map(str, tasks)), "edges": arrows})
        case _:
            assert_never(form)


def _objects(graph: TaskGraph, tasks: Iterable[TaskId], fields: Fields, root: str) -> str:
    return "".join(
        _line({field: FIELDS[field](graph.nodes[task], root) for field in fields})
        for task in tasks
    )


def _line(value: object) -> str:
    import json  # names alone need none

    return json.dumps(value, separators=(",", ":"), ensure_ascii=False) + "\n"


def _brief(node: Node) -> dict[str, object]:
    """The object of ``--format json``, whose bytes are a contract (QRY-008)."""
    return {"project": node.id.project, "tags": sorted(node.project.tags), "task": node.id.task}


def _action(action: Action) -> dict[str, object]:
    match action:
        case Argv(argv):
            return {"command": list(argv)}
        case Shell(script, shell):
            return {"shell": script, "shell_type": shell}
        case Function():
            return {"function": str(action)}
        case _:
            assert_never(action)


def _mutex(node: Node, _root: str) -> dict[str, object] | None:
    mutex = node.task.mutex
    if mutex is None:
        return None
    return {"name": mutex.name, "scope": mutex.scope.value, "mode": mutex.mode.value}


def _environment(node: Node, _root: str) -> dict[str, object]:
    env = node.task.env
    return {"from_host": sorted(env.from_host), "override": dict(env.override)}


def _origin(node: Node, root: str) -> dict[str, object]:
    """Where the body stands: a workspace-absolute path, a line, and the overlay if it is one."""
    place: Span | None = node.task.place("") or node.project.place
    base = root.rstrip("/")
    return {
        "file": place.path.removeprefix(base) if place else None,
        "line": place.line if place else None,
        "overlay": node.task.source,
    }


# The keys of a whole object, in order; patterns and references are as they were written.
FIELDS: Mapping[str, Callable[[Node, str], object]] = {
    "project": lambda node, _: node.id.project,
    "task": lambda node, _: node.id.task,
    "id": lambda node, _: str(node.id),
    "tags": lambda node, _: sorted(node.project.tags),
    "root": lambda node, _: node.project.root,
    "action": lambda node, _: _action(node.task.action),
    "inputs": lambda node, _: [pattern.text for pattern in node.task.inputs],
    "outputs": lambda node, _: [pattern.text for pattern in node.task.outputs],
    "deps": lambda node, _: list(map(str, node.task.deps)),
    "weakDeps": lambda node, _: list(map(str, node.task.weak_deps)),
    "mutex": _mutex,
    "env": _environment,
    "origin": _origin,
}
