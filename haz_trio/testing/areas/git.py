"""Selections by what git says has changed (EXEC-027 to EXEC-029), and by what that can break."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable

import attrs
from hypothesis import strategies as st

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.models import files_of
from haz_trio.testing.reference.changes import BRANCHES, RANGES, TAG, Changes, affected, touched
from haz_trio.testing.reference.graph import Graph, build, closure, label
from haz_trio.testing.reference.json_values import Body, Json
from haz_trio.testing.reference.workspace import Declared, effective
from haz_trio.testing.subject import base_environment
from haz_trio.testing.trial import Trial

FILES = ("p/src/a", "p/src/b", "p/x.c", "q/src/a", "s/one", "q/y c", "s/é", "s/deep/two")
PATTERNS = ("src/*", "src/a", "*.c", "/s/**", "/q/src/*", "y c", "**", "/s/*", "src/a.*")
EDITS = (
    *("change", "delete", "stage", "add", "add and stage", "ignored", "commit", "revert"),
    *("remove", "mode", "delete and commit", "add and commit", "add below"),
)
BY_HAND = "move by hand"
MOVES = (  # a file goes from one place to another, and git may say that in one word
    *("move", "move", "move below", "move and change", "move and commit", "copy"),
    *("copy and commit", BY_HAND),
)
CONFIGURATION = ("p/haz.yml", "q/haz.yml", ".haz/tasks/o.yml", ".haz/tasks/w.yml")
WORKSPACE = ".haz/workspace.yml"  # touches everything, and hides what the others do
FLAGS = (
    *("--git-changed", "--git-changed", "--git-staged", "--git-staged"),
    *("--git-changed-since=HEAD~1", f"--git-changed-since={BRANCHES[0]}"),
)
BETWEEN = tuple(f"--git-changed-since={range}" for range in RANGES)
AFFECTED = (
    *("--affected", "--affected", "--affected=HEAD~1"),
    *(f"--affected={revision}" for revision in (*BRANCHES, TAG)),
)
NAMES = (("p", "a"), ("p", "b"), ("q", "a"), ("q", "b"))


@attrs.frozen
class Ask:
    """A command line, and the folder that it is given in."""

    flag: str
    folder: str
    scope: str
    query: bool  # ``haz query`` instead of a dry run


@attrs.frozen
class Example:
    """Inputs and dependencies of tasks ``p:a`` to ``q:b``, edits, and how to ask.

    Besides there is a task for each file, and for each place where an edit puts another one.
    """

    inputs: tuple[tuple[str, ...], ...]
    deps: tuple[bool, ...]
    edits: tuple[tuple[str, str], ...]
    commented: tuple[str, ...]  # files of the configuration that get a comment
    asks: tuple[Ask, ...]
    inside: bool  # whether the workspace is a folder of the repository
    forked: str  # the file that differs on another branch


@st.composite
def examples(draw: st.DrawFn) -> Example:
    patterns = st.lists(st.sampled_from(PATTERNS), unique=True, max_size=2).map(tuple)
    kinds = draw(st.sampled_from([EDITS, MOVES, (*EDITS, *MOVES)]))
    edits = [(draw(st.sampled_from(kinds)), file) for file in FILES if draw(st.booleans())]
    asked = [*FLAGS, *draw(st.sampled_from([*[AFFECTED] * 5, ()]))]
    asks = st.builds(
        Ask,
        st.sampled_from([*asked, *asked[len(FLAGS) :], *draw(st.permutations(BETWEEN))[:3]]),
        st.sampled_from(["", "", "p", "q/src"]),
        st.sampled_from(["", "--all", "--workspace", "--workspace"]),
        st.sampled_from([False, False, True]),
    )
    commented = CONFIGURATION if draw(st.integers(0, 7)) else (WORKSPACE,)
    return Example(
        tuple(draw(st.tuples(*[patterns] * 4))),
        tuple(draw(st.tuples(*[st.sampled_from([True, True, False])] * 3))),
        tuple(edits),
        tuple(draw(st.lists(st.sampled_from(commented), max_size=2, unique=True))),
        tuple(draw(st.lists(asks, min_size=4, max_size=7))),
        draw(st.booleans()),
        draw(st.sampled_from(FILES)),
    )


def declared_by(example: Example) -> Declared:
    """The workspace: ``f0`` and so on read one file each, ``g0`` and ``h0`` what comes beside it
    and below it; ``m`` makes one.

    The overlay ``w`` has bodies of ``o`` and ``v``; but ``p:o`` is its project's own, and
    ``q:o`` of a narrower overlay.
    """
    tasks: dict[str, dict[str, Json]] = {"p": {}, "q": {}}
    for number, (project, task) in enumerate(NAMES):
        body: Body = {"command": ["/bin/true"], "inputs": [*example.inputs[number]]}
        if number and example.deps[number - 1]:
            body["deps"] = [label(NAMES[number - 1])]
        tasks[project][task] = body
    for number, file in enumerate(FILES):
        for letter, behind in (("f", ""), ("g", ".*"), ("h", ".d/**")):
            body = {"command": ["/bin/true"], "inputs": [f"/{file}{behind}"]}
            tasks["pq"[number % 2]][f"{letter}{number}"] = body
    outputs: list[Json] = [f"/{FILES[0]}", "/s/*", "gen"]
    tasks["p"]["m"] = {"command": ["/bin/true"], "outputs": outputs}
    tasks["q"]["n"] = {"command": ["/bin/true"], "deps": ["p:m"]}
    tasks["p"]["l"] = {"command": ["/bin/true"], "deps": ["q:n"]}
    tasks["p"]["o"] = {"command": ["/bin/true"]}
    projects: dict[str, Body] = {
        f"/{name}": {"name": name, "tags": [name], "tasks": bodies}
        for name, bodies in tasks.items()
    }
    true: Body = {"command": ["/bin/true"]}
    overlays: dict[str, Body] = {
        "o": {"tagsFilter": ["q"], "tasks": {"o": true}},
        "w": {"tasks": {"o": true, "v": true}},
    }
    return Declared({"projects": [*projects]}, projects, overlays)


def play(trial: Trial, example: Example) -> None:
    untracked = any(how.startswith("add") or how == BY_HAND for how, _ in example.edits)
    if (
        example.inside
        and untracked
        and trial.knows("untracked-files-of-inner-workspaces-are-lost")
    ):
        return
    moved = any(how in MOVES for how, _ in example.edits)
    if moved and trial.knows("moved-files-lose-their-old-name"):
        return
    declared = declared_by(example)
    trial.write(files_of(declared))
    trial.write({file: _lines(file) for file in FILES})
    trial.write({".gitignore": "*.ignored\n"})
    top = ".." if example.inside else "."
    _git(trial, "init", "-q", top)
    _git(trial, "add", "-A", top)
    _git(trial, "commit", "-qm", "first")
    _git(trial, "commit", "-q", "--allow-empty", "-m", "second")
    _fork(trial, example.forked)
    changes = _edit_all(trial, example)
    graph = build(declared, effective(declared))
    for ask in example.asks:
        _asks(trial, ask, changes, graph, declared)


def _fork(trial: Trial, path: str) -> None:
    """Another branch, with a commit that no edit makes."""
    _git(trial, "checkout", "-q", "-b", BRANCHES[0])
    trial.write({path: "other\n"})
    _git(trial, "commit", "-qam", "other")
    _git(trial, "update-ref", f"refs/remotes/{BRANCHES[1]}", "HEAD")
    _git(trial, "tag", TAG)
    _git(trial, "checkout", "-q", "-")


def _asks(trial: Trial, ask: Ask, changes: Changes, graph: Graph, declared: Declared) -> None:
    if trial.knows("fewer-options") and (ask.query or ask.flag in AFFECTED):
        return
    query = ask.query and ask.flag not in AFFECTED
    changed = changes.seen_by(ask.flag)
    seeds = affected(graph, declared, changed) if ask.flag in AFFECTED else touched(graph, changed)
    own = ask.folder[:1] if ask.scope != "--workspace" else ""
    seeds = frozenset(id for id in seeds if own in ("", id[0]))
    scope = [ask.scope] if ask.scope else []
    words = ["query"] if query else ["run", "--dry-run"]
    trial.folder(ask.folder)  # it may have gone with its last file
    result = trial.haz(*words, ask.flag, *scope, cwd=ask.folder)
    chosen = seeds if query else closure(seeds, graph.hard)
    lines = result.out.decode().splitlines()
    found = lines if query else [line[4:] for line in lines[1:]]
    expected = (0, [label(id) for id in sorted(chosen)])
    rules = {"--git-changed": "EXEC-027", "--git-staged": "EXEC-028"}
    rule = rules.get(ask.flag, "EXEC-029")
    trial.same(rule, f"{result}changed: {sorted(changed)}", (result.code, found), expected)


def _edit_all(trial: Trial, example: Example) -> Changes:
    """What is committed comes first, in one commit."""
    changes = Changes(beyond=frozenset([example.forked]))
    late = [edit for edit in example.edits if "commit" not in edit[0]]
    early = [edit for edit in example.edits if "commit" in edit[0]]
    for how, path in early:
        changes = changes.commit(_commit(trial, how, path))
    if early:
        _git(trial, "add", "-A", ".")
        _git(trial, "commit", "-qm", "third")
    for how, path in late:
        changes = _edit(trial, how, path, changes)
    for path in example.commented:
        text = (trial.root / path).read_text()
        trial.write({path: f"# more\n{text}"})
        changes = changes.plus(changed=[path], since=[path])
    return changes


def _commit(trial: Trial, how: str, path: str) -> Iterable[str]:
    """Do something that is committed afterwards; the paths that differ."""
    new = f"{path}.new"
    match how:
        case "delete and commit":
            trial.remove(path)
            return [path]
        case "move and commit":
            trial.remove(path)
            trial.write({new: _lines(path)})
            return [path, new]
        case "copy and commit":
            trial.write({new: _lines(path)})
            return [new]
        case _:
            new = new if how == "add and commit" else path
            trial.write({new: "2\n"})
            return [new]


def _edit(trial: Trial, how: str, path: str, changes: Changes) -> Changes:
    """Do something to a file that is not committed."""
    new = f"{path}.new"
    match how:
        case "change" | "mode":
            if how == "change":
                trial.write({path: "2\n"})
            else:
                trial.chmod(path, 0o755)
            return changes.plus(changed=[path], since=[path])
        case "delete":
            trial.remove(path)
            return changes.plus(changed=[path], since=[path])
        case "add" | "add below":
            new = new if how == "add" else f"{path}.d/new/er"
            trial.write({new: "2\n"})
            return changes.add(new)
        case "ignored":
            trial.write({f"{path}.ignored": "2\n"})
            return changes
        case "revert":
            text = (trial.root / path).read_text()
            trial.write({path: "2\n"})
            _git(trial, "add", path)
            trial.write({path: text})
            return changes.plus(staged=[path])
        case "move by hand":
            trial.remove(path)
            trial.write({new: _lines(path)})
            return changes.plus(changed=[path], since=[path]).add(new)
        case _:
            return changes.everywhere(_stage(trial, how, path, new))


def _stage(trial: Trial, how: str, path: str, new: str) -> list[str]:
    match how:
        case "move" | "move below" | "move and change":
            if how == "move below":
                new = f"{path}.d/new"
                trial.folder(f"{path}.d")
            _git(trial, "mv", path, new)
            if how == "move and change":
                trial.write({new: _lines(path) + "more\n"})
                _git(trial, "add", new)
            return [path, new]
        case "remove":
            _git(trial, "rm", "-q", path)
            return [path]
        case _:
            there = path if how == "stage" else new
            trial.write({there: _lines(path) if how == "copy" else "2\n"})
            _git(trial, "add", there)
            return [there]


def _lines(path: str) -> str:
    """What a file has at first, and nobody else: enough that git knows it again."""
    return f"{path}\n" * 3


def _git(trial: Trial, *words: str) -> None:
    command = ["/usr/bin/env", "git", *words]
    env = base_environment()
    subprocess.run(command, cwd=trial.root, env=env, check=True, capture_output=True)
    trial.did("git", *words)


AREA: Area = area("git", "selections by what has changed", examples, play, 0.6)
