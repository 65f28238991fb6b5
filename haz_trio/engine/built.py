"""Workspaces that are written in Python: the same values as from files, by the same rules.

Each function raises ``ArgumentError``, with the name and the value of the argument that breaks a
rule, and the rule.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from haz_trio.errors import ArgumentError, InvalidTextError, TaskError
from haz_trio.functions.calling import check_function
from haz_trio.functions.digest import parts_of
from haz_trio.model.names import SHELL_NAME_BYTES, check_name, check_variable, quote
from haz_trio.model.patterns import WORKSPACE_ROOT, check_segment, parse_pattern
from haz_trio.model.references import parse_reference
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
    parse_function,
)
from haz_trio.model.workspace import Mode, Project, Settings, Workspace
from haz_trio.values import evolve

T = TypeVar("T")
_NO_VARIABLES: Mapping[str, str] = {}
_HAZ = ".haz"


def make_task(
    name: str,
    *,
    command: Iterable[str] | None = None,
    shell: str | None = None,
    shell_type: str = "sh",
    function: Callable[..., object] | str | None = None,
    inputs: Iterable[str] = (),
    outputs: Iterable[str] = (),
    deps: Iterable[str] = (),
    weak_deps: Iterable[str] = (),
    mutex: str | Mutex | None = None,
    from_host: Iterable[str] = (),
    override: Mapping[str, str] = _NO_VARIABLES,
) -> Task:
    """A task with one action: a ``command`` of words, a script for a ``shell``, a ``function``.

    A function that is ``async def`` takes one ``TaskContext``; any other takes nothing and runs in
    a process of its own. A text is ``FILE.py:NAME``, as in a file of configuration.

    ``inputs`` and ``outputs`` are paths and globs, relative to the project or, with ``/`` in
    front, to the workspace; ``deps`` and ``weak_deps`` are references such as ``~:build``.
    ``mutex`` is a name for exclusive use (``~:name``: within the project), or a ``Mutex``.
    ``from_host`` and ``override`` are all variables that the task sees (CFG-016 to CFG-033).
    """
    where = f"make_task({name!r})"
    _named("name", where, check_name, name)
    patterns = _each("outputs", where, parse_pattern, outputs)
    for pattern in patterns:
        if pattern.text.removeprefix("/").split("/", 1)[0] == _HAZ:
            raise _refused(where, "outputs", pattern.text, "`.haz/` belongs to haz (CFG-017)")
    if not isinstance(override, Mapping):
        raise _refused(where, "override", override, "it must be a mapping of variables to texts")
    for variable, value in override.items():
        _named("a name in override", where, check_variable, variable)
        if not isinstance(value, str):
            raise _refused(where, f"override[{variable!r}]", value, "it must be a text")
    return Task(
        name,
        _action(where, command, shell, shell_type, function),
        _each("inputs", where, parse_pattern, inputs),
        patterns,
        _each("deps", where, parse_reference, deps),
        _each("weak_deps", where, parse_reference, weak_deps),
        _mutex(where, mutex),
        Environment(
            frozenset(_each("from_host", where, check_variable, from_host)),
            tuple(sorted(override.items())),
        ),
    )


def make_project(
    name: str, root: str, tasks: Iterable[Task] = (), *, tags: Iterable[str] = ()
) -> Project:
    """A project at a workspace-absolute ``root`` such as ``/lib``, with its tasks and tags.

    The root ``/`` is for a workspace that is this one project (DISC-004).
    """
    where = f"make_project({name!r})"
    _named("name", where, check_name, name)
    _named("root", where, _check_root, root)
    labels = frozenset(_each("tags", where, check_name, tags))
    return Project(name, root, labels, _by_name(where, (), tasks))


def make_workspace(
    root: str | os.PathLike[str],
    projects: Iterable[Project],
    *,
    settings: Settings = Settings(),  # noqa: B008  # a frozen value
) -> Workspace:
    """A workspace in an existing folder; its cache is ``.haz/cache`` below it.

    Raises ``ArgumentError`` also for two projects with one name or one root, and for settings
    that no file could hold.
    """
    where = "make_workspace"
    path = os.path.realpath(root)
    if not os.path.isdir(path):
        raise _refused(where, "root", os.fspath(root), "it is no folder")
    found: dict[str, Project] = {}
    roots: dict[str, str] = {}
    for number, project in enumerate(projects):
        name = f"projects[{number}]"
        if not isinstance(project, Project):
            raise _refused(where, name, project, "it must be a Project: use make_project")
        if project.name in found:
            raise _refused(where, name, project.name, "the name is taken (DISC-010)")
        if project.root in roots:
            raise _refused(where, name, project.root, f"{roots[project.root]} has this root")
        found[project.name], roots[project.root] = project, project.name
    if WORKSPACE_ROOT in roots and len(roots) > 1:
        name = roots[WORKSPACE_ROOT]
        raise _refused(where, "projects", name, "a project at `/` is the only one (DISC-004)")
    _check_settings(where, settings)
    mode = Mode.IMPLICIT if WORKSPACE_ROOT in roots else Mode.EXPLICIT
    return Workspace(path, mode, {name: found[name] for name in sorted(found)}, {}, settings)


def add_tasks(workspace: Workspace, project: str, tasks: Iterable[Task]) -> Workspace:
    """The same workspace with more tasks in a project, which has none of their names itself.

    A task that the project has from an overlay is replaced.
    """
    where = f"add_tasks({project!r})"
    if not isinstance(workspace, Workspace):
        raise _refused(where, "workspace", workspace, "it must be a Workspace")
    old = workspace.projects.get(project)
    if old is None:
        known = ", ".join(workspace.projects) or "none"
        raise _refused(where, "project", project, f"there is no such project; there are: {known}")
    new = evolve(old, tasks=_by_name(where, old.tasks.values(), tasks))
    return evolve(workspace, projects={**workspace.projects, project: new})


def _refused(where: str, name: str, value: object, why: object) -> ArgumentError:
    shown = quote(value) if isinstance(value, str) else repr(value)
    return ArgumentError(f"{where}: {name} is {shown}: {why}")


def _named(name: str, where: str, parse: Callable[[str], T], text: str) -> T:
    if not isinstance(text, str):
        raise _refused(where, name, text, "it must be a text")
    try:
        return parse(text)
    except InvalidTextError as problem:
        raise _refused(where, name, text, problem) from None


def _each(name: str, where: str, parse: Callable[[str], T], texts: Iterable[str]) -> tuple[T, ...]:
    if isinstance(texts, str) or not isinstance(texts, Iterable):
        raise _refused(where, name, texts, "it must be a list of texts")
    found: list[T] = []
    seen: set[str] = set()
    for number, text in enumerate(texts):
        found.append(_named(f"{name}[{number}]", where, parse, text))
        if text in seen:
            raise _refused(where, f"{name}[{number}]", text, "it occurs twice")
        seen.add(text)
    return tuple(found)


def _action(
    where: str,
    command: Iterable[str] | None,
    shell: str | None,
    shell_type: str,
    function: Callable[..., object] | str | None,
) -> Action:
    if (command is None) + (shell is None) + (function is None) != 2:
        raise ArgumentError(f"{where}: give one of command, shell and function (CFG-020)")
    if function is not None:
        return _function(where, function)
    if shell is not None:
        if not isinstance(shell, str):
            raise _refused(where, "shell", shell, "it must be the text of a script (CFG-022)")
        _named(
            "shell_type", where, lambda text: check_name(text, limit=SHELL_NAME_BYTES), shell_type
        )
        return Shell(shell, shell_type)
    words = _words(where, command)
    if not words:
        raise ArgumentError(f"{where}: command is empty: it names no program (CFG-021)")
    return Argv(words)


def _function(where: str, function: Callable[..., object] | str) -> Function:
    if isinstance(function, str):
        return _named("function", where, parse_function, function)
    try:
        given = check_function(function)
        parts_of(given)
    except TaskError as problem:
        raise _refused(where, "function", function, problem) from None
    return Function("", given.__qualname__, given)


def _words(where: str, command: Iterable[str] | None) -> tuple[str, ...]:
    if isinstance(command, str) or not isinstance(command, Iterable):
        raise _refused(where, "command", command, "it must be a list of words; see also shell")
    words = tuple(command)
    for number, word in enumerate(words):
        if not isinstance(word, str):
            raise _refused(where, f"command[{number}]", word, "it must be a text")
    return words


def _mutex(where: str, mutex: str | Mutex | None) -> Mutex | None:
    if mutex is None or isinstance(mutex, Mutex):
        return mutex
    if not isinstance(mutex, str):
        raise _refused(where, "mutex", mutex, "it must be a name or a Mutex")
    bare = mutex.removeprefix("~:")
    _named("mutex", where, check_name, bare)
    scope = MutexScope.WORKSPACE if bare == mutex else MutexScope.PROJECT
    return Mutex(bare, scope, MutexMode.EXCLUSIVE)


def _check_root(root: str) -> None:
    if root == WORKSPACE_ROOT:
        return
    if not root.startswith("/"):
        raise InvalidTextError("it must begin with `/`, which is the workspace root")
    for segment in root[1:].split("/"):
        check_segment(segment)


def _by_name(where: str, old: Iterable[Task], new: Iterable[Task]) -> dict[str, Task]:
    found = {task.name: task for task in old}
    for number, task in enumerate(new):
        if not isinstance(task, Task):
            raise _refused(where, f"tasks[{number}]", task, "it must be a Task: use make_task")
        if task.name in found:
            raise _refused(where, f"tasks[{number}]", task.name, "the name is taken")
        found[task.name] = task
    return {name: found[name] for name in sorted(found)}


def _check_settings(where: str, settings: Settings) -> None:
    if not isinstance(settings, Settings):
        raise _refused(where, "settings", settings, "it must be a Settings")
    counts = {"concurrency": settings.concurrency}
    counts |= {f"tag_caps[{tag!r}]": cap for tag, cap in settings.tag_caps.items()}
    for name, count in counts.items():
        if count is not None and (not isinstance(count, int) or count < 1):
            raise _refused(where, f"settings.{name}", count, "it must be a whole number from 1 on")
    if not 0 <= settings.cancel_grace < math.inf:
        grace = settings.cancel_grace
        raise _refused(where, "settings.cancel_grace", grace, "it must be seconds from 0 on")
