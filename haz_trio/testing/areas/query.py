"""``haz query``: expressions over names, tags, files and dependencies."""

from __future__ import annotations

import re

import attrs
from hypothesis import strategies as st

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.areas.graph import bearing_project
from haz_trio.testing.models import files_of
from haz_trio.testing.reference.graph import build
from haz_trio.testing.reference.query import RELATIONS, MalformedError, Query, evaluate, printed
from haz_trio.testing.reference.workspace import Declared, effective
from haz_trio.testing.strategies.expressions import WORDS, compositions, spoiled, surveys
from haz_trio.testing.strategies.worlds import folders, right_worlds
from haz_trio.testing.trial import Trial


@attrs.frozen
class Example:
    """A workspace, and queries with the folders that they are asked in."""

    declared: Declared
    queries: tuple[tuple[str, Query], ...]


@st.composite
def examples(draw: st.DrawFn) -> Example:
    declared = draw(right_worlds())
    places = st.sampled_from(folders(declared))
    queries = [(draw(places), query) for query in draw(surveys(declared))]
    queries.append((draw(places), draw(spoiled(declared))))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(places)
        inside = bearing_project(place, declared) is not None
        queries.append((place, draw(compositions(declared, inside=inside))))
    return Example(declared, tuple(queries))


def play(trial: Trial, example: Example) -> None:
    trial.write(files_of(example.declared))
    graph = build(example.declared, effective(example.declared))
    for folder, asked in example.queries:
        query = asked
        trial.folder(folder)
        own = bearing_project(folder, example.declared)
        relative = own is None and _has_relative_path(query)
        if relative and trial.knows("lazy-relative-paths"):
            continue
        if _names_folders(query) and trial.knows("no-folders-in-queries"):
            continue
        if trial.knows("fewer-options"):
            if _is_newer(query):
                continue
            query = attrs.evolve(query, workspace=False)
        roots = [root for root, body in example.declared.projects.items() if body["name"] == own]
        result = trial.haz("query", *query.words(), cwd=folder)
        rules = _rules(query)
        try:
            found = evaluate(query, graph, own, roots[0] if roots else "/")
        except MalformedError:
            trial.same(rules, f"{result}exit code", (result.code, result.out), (2, b""))
            continue
        trial.same(f"{rules} QRY-009", f"{result}exit code", result.code, 0)
        expected = printed(found, query.format, graph)
        trial.same(rules, f"{result}stdout", result.out.decode(), expected)


def _has_relative_path(query: Query) -> bool:
    return any(flag == "inputs" or flag == "outputs" for flag in query.filters)


def _names_folders(query: Query) -> bool:
    """Whether a path ends with a slash."""
    return any(re.search(r"/(?=[\s&|)]|$)", text) for text in query.filters.values())


def _is_newer(query: Query) -> bool:
    """Whether the original has no such option, or no such words."""
    names = [text for flag, text in query.filters.items() if flag not in ("inputs", "outputs")]
    odd = any(re.search(r"[*?\[{]|task:", text) for text in names)
    return "expr" in query.filters or odd


def _rules(query: Query) -> str:
    found = ["QRY-001", "QRY-006", "QRY-008"]
    found += ["QRY-003"] if WORDS.keys() & query.filters.keys() else []
    found += ["QRY-004"] if {*RELATIONS} & query.filters.keys() else []
    found += ["QRY-005"] if query.flags else []
    return " ".join(found if query.workspace else [*found, "EXEC-022"])


AREA: Area = area("query", "expressions over tasks", examples, play, 3)
