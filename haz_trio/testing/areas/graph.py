"""Graphs, right and wrong, and what command lines select from them."""

from __future__ import annotations

import re

import attrs
from hypothesis import strategies as st

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.models import files_of
from haz_trio.testing.reference import selection
from haz_trio.testing.reference.graph import Graph, build, label
from haz_trio.testing.reference.json_values import mapping, text
from haz_trio.testing.reference.references import Named
from haz_trio.testing.reference.selection import RefusedError, Request
from haz_trio.testing.reference.workspace import AmbiguousError, Declared, effective, named
from haz_trio.testing.strategies.declarations import vocabulary
from haz_trio.testing.strategies.names import PROJECTS, TASKS
from haz_trio.testing.strategies.worlds import folders, worlds
from haz_trio.testing.trial import Trial


@attrs.frozen
class Example:
    """A workspace, and command lines with the folders they are given in."""

    declared: Declared
    requests: tuple[tuple[str, Request], ...]


IDS = [(project, task) for project in PROJECTS for task in TASKS]
CHECK = Request(scope="check")  # ``haz check`` instead
REFERENCES = sorted({word for id in IDS for word in vocabulary(id, IDS)})
ODD = ("x", "default", "nope", ":x", "a:", "[t:x", "[t]x", "^", "~", "a:x:y", "[t]^:x", " a:x", "")


def references() -> st.SearchStrategy[str]:
    """What people write as tasks, sometimes wrong."""
    return st.one_of(
        st.sampled_from(REFERENCES),
        st.sampled_from(REFERENCES),
        st.sampled_from(TASKS[:4]),
        st.sampled_from(ODD),
    )


@st.composite
def requests(draw: st.DrawFn) -> Request:
    chosen = draw(st.lists(references(), max_size=2))
    scope = draw(st.sampled_from(["", "all", "workspace"])) if not chosen else ""
    skip = draw(st.lists(st.sampled_from(REFERENCES), max_size=1)) if draw(st.booleans()) else []
    only = draw(st.integers(0, 4)) == 0
    dependents = not only and draw(st.integers(0, 3)) == 0
    return Request(tuple(chosen), scope, only, dependents, tuple(skip))


@st.composite
def examples(draw: st.DrawFn) -> Example:
    declared = draw(worlds(wild=draw(st.integers(0, 3)) == 3))
    places = st.sampled_from(folders(declared))
    asked = st.tuples(places, st.one_of(requests(), requests(), st.just(CHECK)))
    own = [
        (root[1:], Request((name,)))
        for root, body in declared.projects.items()
        for name in mapping(body.get("tasks"))
    ]  # tasks by their bare names, where they are known
    some = st.one_of(asked, asked, st.sampled_from(own)) if own else asked
    return Example(declared, tuple(draw(st.lists(some, min_size=1, max_size=2))))


def play(trial: Trial, example: Example) -> None:
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
        words = [word for _, where in graph.problems for word in where.split()]
        _refused(trial, named_rules, words)
        return
    projects = named(example.declared, tasks)
    for folder, request in example.requests:
        if request is CHECK:
            _counts(trial, folder, graph, example.declared)
        else:
            _selects(trial, folder, request, projects, graph, example.declared)


def _counts(trial: Trial, folder: str, graph: Graph, declared: Declared) -> None:
    own = bearing_project(folder, declared)
    checked = trial.haz("check", cwd=folder)
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
    if trial.knows("fewer-options") and (request.only or request.with_dependents or request.skip):
        return
    own = bearing_project(folder, declared)
    if trial.knows("no-bare-task-names") and any(":" not in word for word in request.references):
        return
    result = trial.haz("run", "--dry-run", *request.words(), cwd=folder)
    about = _rules(request, own)
    try:
        chosen = selection.choose(request, own, projects, graph)
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


def _rules(request: Request, own: str | None) -> str:
    """The rules that a command line is about."""
    if request.references:
        forms = {"~": "REF-002", "^:": "REF-004", "^~": "REF-008"}
        found = {
            next((rule for form, rule in forms.items() if word.startswith(form)), "")
            or (("REF-008" if "]~:" in word else "REF-005") if "]" in word else "REF-003")
            for word in request.references
        }
        return " ".join(["EXEC-001", "EXEC-026", "REF-006", *sorted(found)])
    if request.scope:
        return "EXEC-001 EXEC-024" if request.scope == "all" else "EXEC-001 EXEC-025"
    return "EXEC-022 EXEC-023" if own else "EXEC-023"


AREA: Area = area("graph", "task graphs, and what command lines select", examples, play, 3)
