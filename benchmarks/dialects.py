"""One workspace in the languages of several runners: same tasks, same commands, same outputs."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from benchmarks.sizes import Project, Shape, Task

Projects: TypeAlias = Sequence[Project]

DODO = """import json

DOIT_CONFIG = {"verbosity": 2}


def task_all():
    with open("tasks.json") as file:
        yield from json.load(file)
"""


def write(root: str, relative: str, text: str) -> None:
    """Write one file of a workspace, and the folders that it needs."""
    path = os.path.join(root, relative)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def _haz(root: str, projects: Projects) -> None:
    write(root, ".haz/workspace.yml", "projects:\n  - /p*\nconcurrency:\n  default: 2\n")
    for project in projects:
        lines = [f"name: {project.name}", "tasks:"]
        for task in project.tasks:
            lines += [
                f"  {task.name}:",
                f"    shell: {json.dumps(task.command)}",
                "    shell_type: sh",
                "    env: {from_host: [PATH]}",
                f"    inputs: {json.dumps(project.patterns())}",
                f"    outputs: [{json.dumps(task.output)}]",
            ]
            if task.after:
                lines.append(f"    deps: {json.dumps(task.after)}")
            if project.shape is Shape.MUTEX:
                lines.append("    mutex: one")
        write(root, f"{project.name}/haz.yml", _text(lines))


def _floor(root: str, projects: Projects) -> None:
    tasks = [
        {
            "id": task.id,
            "cwd": task.project,
            "command": task.command,
            "output": task.output,
            "after": task.after,
        }
        for project in projects
        for task in project.tasks
    ]
    jobs = 1 if projects[0].shape is Shape.MUTEX else 2
    write(root, "model.json", json.dumps({"jobs": jobs, "tasks": tasks}))


def _ninja(root: str, projects: Projects) -> None:
    mutex = projects[0].shape is Shape.MUTEX
    lines = ["pool one", "  depth = 1"] if mutex else []
    lines += ["rule sh", "  command = cd $dir && $cmd", "  description = $out"]
    for project in projects:
        for task in project.tasks:
            sources = " ".join(f"{project.name}/{source}" for source in project.sources)
            after = " ".join(map(_output_of, task.after))
            lines += [f"build {task.path}: sh {sources} | {after}", f"  dir = {project.name}"]
            lines += [f"  cmd = {task.command}", *["  pool = one"] * mutex]
    lines.append("default " + " ".join(task.path for task in _goals(projects)))
    write(root, "build.ninja", _text(lines))


def _gotask(root: str, projects: Projects) -> None:
    goals = [f"      - {json.dumps(task.id)}" for task in _goals(projects)]
    lines = ["version: '3'", "run: once", "silent: true", "tasks:", "  all:", "    deps:", *goals]
    for project in projects:
        for task in project.tasks:
            lines += [f"  {json.dumps(task.id)}:", f"    dir: {project.name}"]
            if task.after:
                lines.append(f"    deps: {json.dumps(task.after)}")
            lines += [
                f"    sources: {json.dumps(project.patterns('src/**/*'))}",
                f"    generates: [{json.dumps(task.output)}]",
                f"    cmds: [{json.dumps(task.command)}]",
            ]
    write(root, "Taskfile.yml", _text(lines))


def _doit(root: str, projects: Projects) -> None:
    tasks = [
        {
            "basename": task.id,
            "file_dep": [f"{project.name}/{source}" for source in project.sources]
            + [_output_of(id) for id in task.after],
            "targets": [task.path],
            "actions": [f"cd {project.name} && {task.command}"],
        }
        for project in projects
        for task in project.tasks
    ]
    write(root, "tasks.json", json.dumps(tasks))
    write(root, "dodo.py", DODO)


def _turbo(root: str, projects: Projects) -> None:
    packages: dict[str, object] = {"": {"name": "root", "version": "0.0.0", "workspaces": ["p*"]}}
    top: dict[str, object] = {"packageManager": "npm@11.0.0", "workspaces": ["p*"]}
    _json(root, "package.json", {"name": "root", "version": "0.0.0", "private": True, **top})
    for project in projects:
        needs = dict.fromkeys(project.deps, "*")
        packages[project.name] = {"version": "0.0.0", "dependencies": needs}
        packages[f"node_modules/{project.name}"] = {"resolved": project.name, "link": True}
        scripts = {task.name: task.command for task in project.tasks}
        package = {"name": project.name, "version": "0.0.0", "private": True}
        package_json = {**package, "dependencies": needs, "scripts": scripts}
        _json(root, f"{project.name}/package.json", package_json)
        for task in project.tasks:  # for the stand-in of npm
            write(root, f"{project.name}/.tasks/{task.name}", task.command + "\n")
    lock = {"name": "root", "version": "0.0.0", "lockfileVersion": 3, "requires": True}
    _json(root, "package-lock.json", {**lock, "packages": packages})
    tasks = {}
    for task in projects[0].tasks:
        own = [id.partition(":")[2] for id in task.after if id.startswith(f"{task.project}:")]
        tasks[task.name] = {
            "dependsOn": own or (["^build"] if task.name == "build" else []),
            "inputs": projects[0].patterns(),
            "outputs": [task.output],
        }
    _json(root, "turbo.json", {"tasks": tasks})
    write(root, ".gitignore", "out/\n.turbo/\nnode_modules/\n")
    _commit(root)


def _commit(root: str) -> None:
    """A repository with one commit: Turborepo asks git for the digests of files."""
    git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@example.invalid"]
    git += ["-c", "core.compression=0", "-c", "gc.auto=0", "-c", "maintenance.auto=false"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "bench"]):
        subprocess.run([*git, *words], cwd=root, check=True, stdout=subprocess.DEVNULL)


def _goals(projects: Projects) -> Iterator[Task]:
    """The tasks that no other task of their project waits for."""
    for project in projects:
        waited_for = {id for task in project.tasks for id in task.after}
        yield from (task for task in project.tasks if task.id not in waited_for)


def _output_of(id: str) -> str:
    project, _, task = id.partition(":")
    return f"{project}/out/{task}.txt"


def _json(root: str, relative: str, value: object) -> None:
    write(root, relative, json.dumps(value, indent=1) + "\n")


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"


DIALECTS: Mapping[str, Callable[[str, Projects], None]] = {
    "haz": _haz,
    "floor": _floor,
    "ninja": _ninja,
    "gotask": _gotask,
    "doit": _doit,
    "turbo": _turbo,
}
