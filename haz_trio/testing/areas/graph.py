"""Graphs, right and wrong, and what command lines select from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import assert_never

import attrs
from hypothesis import strategies as st

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.areas.crowds import (
    SHOWN,
    draws_edges,
    names_problems,
    play_contest,
    play_crowd,
)
from haz_trio.testing.areas.hints import Hints, hints, play_hints
from haz_trio.testing.areas.sheets import lists_everything
from haz_trio.testing.models import files_of
from haz_trio.testing.reference import selection
from haz_trio.testing.reference.graph import Graph, build, label
from haz_trio.testing.reference.json_values import text
from haz_trio.testing.reference.query import described
from haz_trio.testing.reference.references import Id, Named, form_rule, resolve
from haz_trio.testing.reference.selection import RefusedError, Request
from haz_trio.testing.reference.workspace import AmbiguousError, Declared, effective, named
from haz_trio.testing.strategies.crowds import Contest, Crowd, contests, crowds
from haz_trio.testing.strategies.declarations import vocabulary
from haz_trio.testing.strategies.expressions import ANY, expressions
from haz_trio.testing.strategies.worlds import folders, worlds
from haz_trio.testing.trial import Trial


@attrs.frozen
class Example:
    """A workspace, and command lines with the folders they are given in."""

    declared: Declared
    requests: tuple[tuple[str, Request], ...]


CHECKS = ("check", "check --all", "check --workspace")  # instead of a scope
ODD: tuple[str, ...] = (
    "nope",
    ":x",
    "a:",
    "[t:x",
    "[t]x",
    "^",
    "~",
    "a:x:y",
    "[t]^:x",
    " a:x",
    "",
    "nope:x",
)
ODD += ("~:nope", "^:nope", "^~:nope", "[nope]:x", "[t]:nope", "[nope]~:x")


@st.composite
def requests(draw: st.DrawFn, offered: Mapping[str, list[str]]) -> Request:
    """A command line; ``offered`` are the references that mean something, by their tasks.

    Several references of one command line are of several tasks, so that none hides another.
    """
    scope = draw(st.sampled_from(["by name", "by name", "by name", "", "all", "workspace"]))
    words: list[str] = []
    if scope == "by name":
        words = [draw(st.sampled_from(offered[it])) for it in offered if draw(st.booleans())]
        scope = ""
    if draw(st.integers(0, 11)) == 11:
        words.append(draw(st.sampled_from(ODD)))
    only = draw(st.integers(0, 2)) == 0
    dependents = not only and draw(st.integers(0, 3)) == 0
    query = ""
    if not words and draw(st.booleans()):
        query = draw(expressions(ANY, 2))
    skip: list[str] = []
    every = [word for some in offered.values() for word in some]
    if every and draw(st.integers(0, 2)) == 0:
        skip = [draw(st.sampled_from(every))]
    return Request(tuple(words), scope, only, dependents, tuple(skip), query)


def examples() -> st.SearchStrategy[Example | Contest | Crowd | Hints]:
    """Often a whole world; else many small questions at once."""
    return st.one_of(_examples(), _examples(), crowds(), contests(), hints())


@st.composite
def _examples(draw: st.DrawFn) -> Example:
    declared = draw(worlds(wild=draw(st.sampled_from([False, False, True]))))
    places = folders(declared)
    found = [(draw(st.sampled_from(places)), Request(scope=draw(st.sampled_from(CHECKS))))]
    for _ in range(draw(st.integers(1, 3))):
        folder = draw(st.sampled_from(places))
        found.append((folder, draw(requests(_offered(declared, folder)))))
    return Example(declared, tuple(found))


def _offered(declared: Declared, folder: str) -> dict[str, list[str]]:
    try:
        tasks = effective(declared)
    except AmbiguousError:
        return {}
    own = bearing_project(folder, declared)
    projects = named(declared, tasks)
    found: dict[str, list[str]] = {}
    for word in vocabulary((own or "", ""), sorted(tasks)):
        if resolve(word, own, projects):
            found.setdefault(word.rpartition(":")[2], []).append(word)
    for task in found if own else ():
        if (own, task) in tasks:
            found[task].append(task)
    return found


def play(trial: Trial, example: Example | Contest | Crowd | Hints) -> None:
    match example:
        case Example():
            _play(trial, example)
        case Contest():
            play_contest(trial, example)
        case Crowd():
            play_crowd(trial, example)
        case Hints():
            play_hints(trial, example)
        case _:
            assert_never(example)


def _play(trial: Trial, example: Example) -> None:
    trial.write(files_of(example.declared))
    for folder, _ in example.requests:
        trial.folder(folder)
    try:
        tasks = effective(example.declared)
    except AmbiguousError as ambiguous:
        _refused(trial, {"DAG-006"}, [label(id) for id in ambiguous.args[0]])
        return
    graph = build(example.declared, tasks)
    if graph.problems:
        named_rules = {rule for rule, _ in graph.problems if rule != "REF"}
        words = [word for _, where in graph.problems for word in where.split()[:SHOWN]]
        knots = [where.count(" ") + 1 for rule, where in graph.problems if rule == "DAG-014"]
        words += [f"among{size}tasks" for size in knots]
        _refused(trial, named_rules, words)
        if not trial.knows("fewer-options"):
            names_problems(trial, graph.problems)
        return
    projects = named(example.declared, tasks)
    rules = "DAG-001 DAG-002 REF-002 REF-003 REF-004 REF-005 REF-008 DAG-007 DAG-009 DAG-013"
    lists_everything(trial, example.declared, "DAG-001 DAG-002 DAG-003 DAG-004 DAG-005")
    if not trial.knows("fewer-options"):
        draws_edges(trial, graph, rules)
    for folder, request in example.requests:
        if request.scope in CHECKS:
            _counts(trial, folder, request.scope, graph, example.declared)
        else:
            _selects(trial, folder, request, projects, graph, example.declared)


def _counts(trial: Trial, folder: str, check: str, graph: Graph, declared: Declared) -> None:
    own = None if "--workspace" in check else bearing_project(folder, declared)
    checked = trial.haz(*check.split(), cwd=folder)
    counted = [id for id in graph.tasks if own in (id[0], None)]
    rules = "DAG-001 DAG-002 AUX-009"
    rules += " DAG-003 DAG-004 DAG-005" if declared.overlays else ""
    trial.same(rules, f"{checked}exit code", checked.code, 0)
    expected = f"{len(counted)} task(s) validated.\n".encode()
    trial.same("AUX-009 EXEC-022", f"{checked}stdout", checked.out, expected)


def bearing_project(folder: str, declared: Declared) -> str | None:
    """The bearing project of a folder below the root, if there is one."""
    roots = {text(body["name"]): root for root, body in declared.projects.items()}
    return selection.bearing(f"/{folder}", roots)


def _refused(trial: Trial, rules: set[str], words: list[str]) -> None:
    result = trial.haz("check", "--workspace")
    about = " ".join(sorted(rules)) or "REF-002 REF-003 REF-004 REF-005 REF-008 DAG-007"
    trial.same(about, f"{result}exit code", result.code, 2)
    trial.same(about, f"{result}stdout", result.out, b"")
    said = re.sub(r"[\s\u2500-\u257f]+", "", result.err.decode())
    found = {rule for rule in re.findall(r"DAG-\d\d\d", said) if rule != "DAG-013"}
    trial.same(about, f"{result}rules that are named", found, rules)
    if not trial.knows("counts-instead-of-names"):
        trial.same("DAG-011", f"{result}names", [w for w in words if w not in said], [])


def _selects(
    trial: Trial,
    folder: str,
    request: Request,
    projects: dict[str, Named],
    graph: Graph,
    declared: Declared,
) -> None:
    if trial.knows("fewer-options") and not request.is_plain:
        return
    own = bearing_project(folder, declared)
    if trial.knows("no-bare-task-names") and any(":" not in word for word in request.references):
        return
    result = trial.haz("run", "--dry-run", *request.words(), cwd=folder)
    about = _rules(request, own)
    try:
        described = _described(request, own, graph)
        chosen = selection.choose(request, own, projects, graph, described)
    except RefusedError:
        trial.same(about, f"{result}exit code", (result.code, result.out), (2, b""))
        return
    plural = "" if len(chosen) == 1 else "s"
    lines = [f"would run {len(chosen)} task{plural}{':' if chosen else '.'}"]
    lines += [f"  - {label(id)}" for id in chosen]
    about += " EXEC-008 MUTEX-009 DAG-007"
    trial.same(f"{about} EXEC-030", f"{result}exit code", result.code, 0)
    expected = "".join(f"{line}\n" for line in lines)
    trial.same(f"{about} EXEC-030", f"{result}stdout", result.out.decode(), expected)
    trial.holds("EXEC-030", "a dry run writes nothing", not (trial.root / ".haz/cache").exists())


def _described(request: Request, own: str | None, graph: Graph) -> frozenset[Id]:
    if not request.query:
        return frozenset()
    root = next((task.root for id, task in graph.tasks.items() if id[0] == own), "/")
    return described(request.query, graph, root)


def _rules(request: Request, own: str | None) -> str:
    """The rules that a command line is about."""
    if request.references:
        found = set(map(form_rule, request.references))
        return " ".join(["EXEC-001", "EXEC-026", "REF-006", *sorted(found)])
    if request.scope:
        return "EXEC-001 EXEC-024" if request.scope == "all" else "EXEC-001 EXEC-025"
    return "EXEC-022 EXEC-023" if own else "EXEC-023"


AREA: Area = area("graph", "task graphs, and what command lines select", examples, play, 3)
