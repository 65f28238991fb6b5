"""Declarations as objects of ``haz_trio.model``, and as files."""

from __future__ import annotations

import json
from collections.abc import Mapping

from haz_trio.graph.build import build_graph
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.patterns import parse_pattern
from haz_trio.model.references import parse_reference
from haz_trio.model.tasks import Argv, Environment, Mutex, MutexMode, MutexScope, Shell, Task
from haz_trio.model.workspace import Overlay, Project, Settings, Workspace
from haz_trio.testing.reference.json_values import Files, Json, mapping, text, texts
from haz_trio.testing.reference.workspace import Declared


def files_of(declared: Declared) -> Files:
    """The configuration files of a workspace, by their paths below the root; JSON is YAML."""
    bodies = {".haz/workspace.yml": declared.settings}
    bodies |= {f"{root[1:]}/haz.yml": body for root, body in declared.projects.items()}
    bodies |= {f".haz/tasks/{stem}.yml": body for stem, body in declared.overlays.items()}
    return {path: yaml_of(body) for path, body in bodies.items()}


def yaml_of(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def workspace_of(declared: Declared, root: str = "/workspace") -> Workspace:
    """A right declaration as a workspace that nobody has read from files."""
    projects = [
        Project(
            name=text(body["name"]),
            root=place,
            tags=frozenset(texts(body.get("tags"))),
            tasks=_tasks(body),
        )
        for place, body in declared.projects.items()
    ]
    overlays = {
        stem: Overlay(stem, frozenset(texts(body.get("tagsFilter"))), _tasks(body))
        for stem, body in sorted(declared.overlays.items())
    }
    return Workspace(
        root=root,
        projects={project.name: project for project in sorted(projects, key=lambda it: it.name)},
        overlays=overlays,
        settings=_settings(declared.settings),
    )


def graph_of(declared: Declared) -> TaskGraph:
    """The task graph of a right declaration; raises ``GraphError`` for a wrong one."""
    return build_graph(workspace_of(declared))


def _settings(body: Mapping[str, Json]) -> Settings:
    caps = mapping(body.get("concurrency"))
    most = caps.get("default")
    tag_caps = {tag: cap for tag, cap in mapping(caps.get("tags")).items() if isinstance(cap, int)}
    return Settings(concurrency=most if isinstance(most, int) else None, tag_caps=tag_caps)


def _tasks(body: Mapping[str, Json]) -> dict[str, Task]:
    return {
        name: _task(name, mapping(declared))
        for name, declared in sorted(mapping(body.get("tasks")).items())
    }


def _task(name: str, body: Mapping[str, Json]) -> Task:
    environment = mapping(body.get("env"))
    script = body.get("shell")
    return Task(
        name=name,
        action=Argv(texts(body.get("command")))
        if script is None
        else Shell(text(script), text(body.get("shell_type") or "sh")),
        inputs=tuple(map(parse_pattern, texts(body.get("inputs")))),
        outputs=tuple(map(parse_pattern, texts(body.get("outputs")))),
        deps=tuple(map(parse_reference, texts(body.get("deps")))),
        weak_deps=tuple(map(parse_reference, texts(body.get("weakDeps")))),
        mutex=_mutex(body.get("mutex")),
        env=Environment(
            frozenset(texts(environment.get("from_host"))),
            tuple(sorted((k, text(v)) for k, v in mapping(environment.get("override")).items())),
        ),
    )


def _mutex(declared: Json) -> Mutex | None:
    if declared is None:
        return None
    form = mapping(declared)
    name = text(form["name"] if form else declared)
    scope = MutexScope.PROJECT if name.startswith("~:") else MutexScope.WORKSPACE
    return Mutex(name.removeprefix("~:"), scope, MutexMode(form.get("mode", "exclusive")))
