"""Selections by what git says has changed (EXEC-027 to EXEC-029)."""

from __future__ import annotations

import subprocess

import attrs
from hypothesis import strategies as st

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.models import files_of
from haz_trio.testing.reference.globs import matches
from haz_trio.testing.reference.graph import build, closure, label
from haz_trio.testing.reference.json_values import Body, Json
from haz_trio.testing.reference.workspace import Declared, effective
from haz_trio.testing.subject import base_environment
from haz_trio.testing.trial import Trial

FILES = ("p/src/a", "p/src/b", "p/x.c", "q/src/a", "s/one", "q/y c")
PATTERNS = ("src/*", "src/a", "*.c", "/s/**", "/q/src/*", "y c", "**")
EDITS = ("change", "delete", "stage", "add", "add and stage", "ignored", "commit", "revert")


@attrs.frozen
class Example:
    """Inputs and dependencies of tasks ``p:a`` to ``q:b``, edits, and how to ask."""

    inputs: tuple[tuple[str, ...], ...]
    deps: tuple[bool, ...]
    edits: tuple[tuple[str, str], ...]
    flag: str
    folder: str
    scope: str
    inside: bool  # whether the workspace is a folder of the repository


@st.composite
def examples(draw: st.DrawFn) -> Example:
    patterns = st.lists(st.sampled_from(PATTERNS), unique=True, max_size=2).map(tuple)
    edits = st.tuples(st.sampled_from(EDITS), st.sampled_from(FILES))
    return Example(
        tuple(draw(st.tuples(*[patterns] * 4))),
        tuple(draw(st.tuples(*[st.booleans()] * 3))),
        tuple(draw(st.lists(edits, min_size=1, max_size=2, unique_by=lambda it: it[1]))),
        draw(st.sampled_from(["--git-changed", "--git-staged", "--git-changed-since=HEAD~1"])),
        draw(st.sampled_from(["", "p", "q/src"])),
        draw(st.sampled_from(["", "--all", "--workspace"])),
        draw(st.booleans()),
    )


NAMES = (("p", "a"), ("p", "b"), ("q", "a"), ("q", "b"))


def play(trial: Trial, example: Example) -> None:
    if example.inside and trial.knows("untracked-files-of-inner-workspaces-are-lost"):
        return
    tasks: dict[str, dict[str, Json]] = {"p": {}, "q": {}}
    for number, (project, task) in enumerate(NAMES):
        body: Body = {"command": ["/bin/true"], "inputs": [*example.inputs[number]]}
        if number and example.deps[number - 1]:
            body["deps"] = [label(NAMES[number - 1])]
        tasks[project][task] = body
    projects: dict[str, Body] = {
        f"/{name}": {"name": name, "tasks": bodies} for name, bodies in tasks.items()
    }
    declared = Declared({"projects": [*projects]}, projects)
    trial.write(files_of(declared))
    trial.write(dict.fromkeys(FILES, "1\n"))
    trial.write({".gitignore": "*.ignored\n"})
    top = ".." if example.inside else "."
    _git(trial, "init", "-q", top)
    _git(trial, "add", "-A", top)
    _git(trial, "commit", "-qm", "first")
    _git(trial, "commit", "-q", "--allow-empty", "-m", "second")
    changed: set[str] = set()
    for number, (how, path) in enumerate(example.edits):
        seen = _edit(trial, example.flag, how, path)
        if how != "commit" or all(other != "commit" for other, _ in example.edits[number + 1 :]):
            changed |= seen  # HEAD~1 is what was before the last commit
    graph = build(declared, effective(declared))
    own = example.folder[:1] if example.scope != "--workspace" else ""
    seeds = [
        id
        for id, task in graph.tasks.items()
        if own in ("", id[0])
        and any(matches(it, f"/{path}") for it in task.patterns("inputs") for path in changed)
    ]
    chosen = sorted(closure(seeds, graph.hard))
    words = ["run", "--dry-run", example.flag, *([example.scope] if example.scope else [])]
    result = trial.haz(*words, cwd=example.folder)
    found = [line[4:] for line in result.out.decode().splitlines()[1:]]
    expected = (0, [label(id) for id in chosen])
    rule = {"--git-changed": "EXEC-027", "--git-staged": "EXEC-028"}.get(example.flag, "EXEC-029")
    trial.same(rule, f"{result}changed: {sorted(changed)}", (result.code, found), expected)


def _edit(trial: Trial, flag: str, how: str, path: str) -> set[str]:
    """Do something to a file; the paths that a flag sees as changed."""
    staged = flag == "--git-staged"
    new = f"{path}.new"
    match how:
        case "change":
            trial.write({path: "2\n"})
            return set() if staged else {path}
        case "delete":
            trial.remove(path)
            return set() if staged else {path}
        case "stage":
            trial.write({path: "2\n"})
            _git(trial, "add", path)
            return {path}
        case "add":
            trial.write({new: "2\n"})
            return set() if staged else {new}
        case "add and stage":
            trial.write({new: "2\n"})
            _git(trial, "add", new)
            return {new}
        case "ignored":
            trial.write({f"{path}.ignored": "2\n"})
            return set()
        case "commit":
            trial.write({path: "2\n"})
            _git(trial, "commit", "-qm", "third", "--", path)
            return {path} if "since" in flag else set()
        case _:
            trial.write({path: "2\n"})
            _git(trial, "add", path)
            trial.write({path: "1\n"})
            return {path} if staged else set()


def _git(trial: Trial, *words: str) -> None:
    command = ["/usr/bin/env", "git", *words]
    env = base_environment()
    subprocess.run(command, cwd=trial.root, env=env, check=True, capture_output=True)
    trial.did("git", *words)


AREA: Area = area("git", "selections by what has changed", examples, play, 0.6)
