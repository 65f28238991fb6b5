"""``haz query --json``: everything that is known of a task, but for the place of its body."""

from __future__ import annotations

from haz_trio.testing.reference.graph import label
from haz_trio.testing.reference.json_values import Body, Json, mapping, text, texts
from haz_trio.testing.reference.workspace import Task


def record(task: Task) -> Body:
    """The object of a task, without ``origin``."""
    project, name = task.id
    environment = mapping(task.body.get("env"))
    override = mapping(environment.get("override"))
    values: dict[str, Json] = {key: text(override[key]) for key in sorted(override)}
    return {
        "project": project,
        "task": name,
        "id": label(task.id),
        "tags": [*sorted(task.tags)],
        "root": task.root,
        "action": _action(task),
        **{key: [*task.texts(key)] for key in ("inputs", "outputs", "deps", "weakDeps")},
        "mutex": _mutex(task),
        "env": {"from_host": [*sorted(texts(environment.get("from_host")))], "override": values},
    }


def _action(task: Task) -> Body:
    script = task.body.get("shell")
    if script is None:
        return {"command": [*task.texts("command")]}
    return {"shell": text(script), "shell_type": text(task.body.get("shell_type") or "sh")}


def _mutex(task: Task) -> Json:
    if task.mutex is None:
        return None
    lock, shared = task.mutex
    project, slash, name = lock.partition("/")
    return {
        "name": name if slash else project,
        "scope": "project" if slash else "workspace",
        "mode": "shared" if shared else "exclusive",
    }
