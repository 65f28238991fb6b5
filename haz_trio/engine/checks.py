"""What callers of the library may pass; everything else is refused before anything starts.

Each message names the argument and its value, and says what belongs there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from haz_trio.abc import Observer, RunCommand, Store
from haz_trio.errors import ArgumentError
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId, is_variable
from haz_trio.model.workspace import Containment, Workspace
from haz_trio.plan.policy import Policy

_STORE = ("recover", "look", "restore", "begin", "finish")
_OBSERVER = ("notice", "wait_ready")


def refuse(name: str, value: object, wanted: str) -> ArgumentError:
    """What to raise for an argument: its name, its value, and what it has to be."""
    shown = repr(value)
    if len(shown) > 100:
        shown = f"{shown[:97]}..."
    return ArgumentError(f"{name} is {shown} of type {type(value).__name__}, but must be {wanted}")


def check_workspace(workspace: Workspace, graph: TaskGraph | None) -> None:
    """A workspace whose root is there, and a graph that was built of it."""
    if not isinstance(workspace, Workspace):
        raise refuse("workspace", workspace, "a Workspace: use load_workspace or make_workspace")
    root = workspace.root
    if not os.path.isabs(root) or not os.path.isdir(root):
        raise refuse("workspace.root", root, "the absolute path of a folder that exists")
    if graph is None:
        return
    if not isinstance(graph, TaskGraph):
        raise refuse("graph", graph, "a TaskGraph: use build_graph(workspace)")
    strange = next((id for id in graph.ids if id.project not in workspace.projects), None)
    if strange is not None:
        raise ArgumentError(
            f"graph has the task {strange}, but workspace has no project {strange.project!r}: "
            "build the graph of this very workspace"
        )


def check_ports(
    store: Store | None, run_command: RunCommand | None, observers: Sequence[Observer]
) -> None:
    """Objects that have the methods of their ports."""
    if store is not None:
        _check_methods("store", store, _STORE, "a haz_trio.Store")
    if run_command is not None and not callable(run_command):
        raise refuse("run_command", run_command, "an async function like haz_trio.RunCommand")
    if not isinstance(observers, Sequence):
        raise refuse("observers", observers, "a list or a tuple of observers")
    for number, observer in enumerate(observers):
        check_observer(f"observers[{number}]", observer)


def check_observer(name: str, observer: Observer) -> None:
    """An object that can be told events."""
    _check_methods(name, observer, _OBSERVER, "a haz_trio.Observer")


def _check_methods(name: str, value: object, methods: tuple[str, ...], wanted: str) -> None:
    for method in methods:
        if isinstance(value, type) or not callable(getattr(value, method, None)):
            raise refuse(name, value, f"{wanted}: an object with a method {method}()")


def check_policy(policy: Policy) -> None:
    """Wishes that can be fulfilled."""
    if not isinstance(policy, Policy):
        raise refuse("policy", policy, "a Policy")
    if policy.slots is not None and not _is_count(policy.slots, 1):
        raise refuse("policy.slots", policy.slots, "None or a whole number from 1 on")
    if not _is_count(policy.retries, 0):
        raise refuse("policy.retries", policy.retries, "a whole number from 0 on")
    if not policy.task_timeout > 0:
        raise refuse("policy.task_timeout", policy.task_timeout, "seconds, more than 0")


def check_host(host: Mapping[str, str] | None) -> None:
    """An environment that a process can have."""
    if host is None:
        return
    if not isinstance(host, Mapping):
        raise refuse("host", host, "a mapping of variables to texts, or None")
    for name, value in host.items():
        if not isinstance(name, str) or not is_variable(name):
            raise refuse("a name in host", name, "the name of a variable")
        if not isinstance(value, str) or "\0" in value:
            raise refuse(f"host[{name!r}]", value, "a text without NUL")


def check_containment(containment: Containment | None) -> None:
    if containment is not None and not isinstance(containment, Containment):
        raise refuse("containment", containment, "a Containment, or None for the workspace's own")


def check_grace(grace: float | None) -> None:
    if grace is not None and grace != 0:
        raise refuse("grace", grace, "None, or 0 to end a grace period at once")


def checked_tasks(name: str, tasks: Iterable[TaskId], graph: TaskGraph) -> tuple[TaskId, ...]:
    """The tasks, each of which is one of the graph."""
    if isinstance(tasks, str | TaskId) or not isinstance(tasks, Iterable):
        raise refuse(name, tasks, "several TaskIds, for example [TaskId('lib', 'build')]")
    found = tuple(tasks)
    for number, task in enumerate(found):
        checked_task(f"{name}[{number}]", task, graph)
    return found


def checked_task(name: str, task: TaskId, graph: TaskGraph) -> TaskId:
    """A task of the graph."""
    if not isinstance(task, TaskId):
        raise refuse(name, task, "a TaskId such as TaskId('lib', 'build')")
    if task not in graph.nodes:
        raise ArgumentError(f"{name} is {task}, which is no task of the graph")
    return task


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
