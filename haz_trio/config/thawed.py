"""Parts of a workspace that are made when somebody asks for them.

A run in which nothing has changed looks at few of its tasks; what it does not look at stays
bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from haz_trio.graph.effective import Node
from haz_trio.model.names import TaskId
from haz_trio.model.patterns import Pattern
from haz_trio.model.references import Reference, parse_reference
from haz_trio.model.tasks import (
    Action,
    Argv,
    Environment,
    Function,
    Mutex,
    MutexMode,
    MutexScope,
    Shell,
    Task,
)
from haz_trio.model.workspace import Project

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def freeze(task: Task) -> bytes:
    """A task body as JSON, without its places."""
    action: Json
    match task.action:
        case Argv(argv):
            action = list(argv)
        case Shell(script, shell):
            action = {"shell": shell, "script": script}
        case Function(module, name):
            action = {"module": module, "name": name}
    body: Json = [
        task.name,
        action,
        [pattern.text for pattern in task.inputs],
        [pattern.text for pattern in task.outputs],
        [str(reference) for reference in task.deps],
        [str(reference) for reference in task.weak_deps],
        None if task.mutex is None else [*freeze_mutex(task.mutex)],
        [*sorted(task.env.from_host)],
        [[name, value] for name, value in task.env.override],
        task.source,
    ]
    return json.dumps(body, separators=(",", ":")).encode("ascii")


def thaw(data: bytes) -> Task:
    """The task that ``freeze`` made bytes of; they were sealed, so their shape is right."""
    name, action, inputs, outputs, deps, weak, mutex, from_host, override, source = json.loads(
        data
    )
    return Task(
        name=name,
        action=_action(action),
        inputs=tuple(map(Pattern, inputs)),
        outputs=tuple(map(Pattern, outputs)),
        deps=_references(deps),
        weak_deps=_references(weak),
        mutex=thaw_mutex(mutex) if mutex else None,
        env=Environment(frozenset(from_host), tuple((name, value) for name, value in override)),
        source=source,
    )


def freeze_mutex(mutex: Mutex) -> tuple[str, str, str]:
    """A mutex as three texts."""
    return (mutex.name, mutex.scope.value, mutex.mode.value)


def thaw_mutex(texts: Sequence[str]) -> Mutex:
    """The mutex of such texts."""
    name, scope, mode = texts
    return Mutex(name, MutexScope(scope), MutexMode(mode))


def _action(value: list[str] | dict[str, str]) -> Action:
    if isinstance(value, list):
        return Argv(tuple(value))
    if "module" in value:
        return Function(value["module"], value["name"])
    return Shell(value["script"], value["shell"])


def _references(texts: list[str]) -> tuple[Reference, ...]:
    return tuple(map(parse_reference, texts))


class Bodies:
    """The bodies of a workspace by number; each becomes a task once."""

    def __init__(self, frozen: Sequence[bytes]) -> None:
        self._frozen = frozen
        self._made: dict[int, Task] = {}

    def __getitem__(self, number: int) -> Task:
        task = self._made.get(number)
        if task is None:
            task = self._made[number] = thaw(self._frozen[number])
        return task


class Tasks(Mapping[str, Task]):
    """The tasks that a project or an overlay declares."""

    def __init__(self, numbers: Mapping[str, int], bodies: Bodies) -> None:
        self._numbers, self._bodies = numbers, bodies

    def __getitem__(self, name: str) -> Task:
        return self._bodies[self._numbers[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


class Nodes(Mapping[TaskId, Node]):
    """The effective tasks in canonical order: which project and which body each has."""

    def __init__(
        self,
        numbers: Mapping[TaskId, int],
        projects: Sequence[Project],
        owners: Sequence[int],
        sources: Sequence[int],
        bodies: Bodies,
    ) -> None:
        self._numbers, self._bodies = numbers, bodies
        self._projects, self._owners, self._sources = projects, owners, sources
        self._made: dict[int, Node] = {}

    def __getitem__(self, id: TaskId) -> Node:
        number = self._numbers[id]
        node = self._made.get(number)
        if node is None:
            body = self._bodies[self._sources[number]]
            node = self._made[number] = Node(id, body, self._projects[self._owners[number]])
        return node

    def __iter__(self) -> Iterator[TaskId]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, id: object) -> bool:
        return id in self._numbers


class Edges(Mapping[TaskId, tuple[TaskId, ...]]):
    """Predecessors of every task, kept as numbers."""

    def __init__(
        self,
        ids: Sequence[TaskId],
        numbers: Mapping[TaskId, int],
        of: Callable[[int], Sequence[int]],
    ) -> None:
        self._ids, self._numbers, self._of = ids, numbers, of

    def __getitem__(self, id: TaskId) -> tuple[TaskId, ...]:
        ids = self._ids
        return tuple([ids[number] for number in self._of(self._numbers[id])])

    def __iter__(self) -> Iterator[TaskId]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)
