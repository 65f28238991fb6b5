"""``haz query``: expressions over names, tags, files and dependencies."""

from __future__ import annotations

from itertools import product

import attrs
from hypothesis import strategies as st

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.areas.graph import bearing_project
from haz_trio.testing.models import files_of
from haz_trio.testing.reference.graph import build
from haz_trio.testing.reference.query import RELATIONS, MalformedError, Query, evaluate, printed
from haz_trio.testing.reference.workspace import Declared, effective
from haz_trio.testing.strategies.names import PROJECTS, TAGS, TASKS
from haz_trio.testing.strategies.worlds import GLOBS, LITERALS, folders, right_worlds
from haz_trio.testing.trial import Trial

RELATED = (
    *(f"name:{task}" for task in TASKS),
    *(f"project:{project}" for project in PROJECTS),
    *(f"tag:{tag}" for tag in TAGS),
)
PATHS = (*LITERALS, *GLOBS, "/a/o*", "/b/out/**", "/shared/o[45]", "**", "/**", "*", "nope")
WORDS: dict[str, tuple[str, ...]] = {
    "tags": (*TAGS, "nope"),
    "projects": (*PROJECTS, "nope"),
    "tasks": (*TASKS, "nope"),
    "inputs": PATHS,
    "outputs": PATHS,
}
BROKEN = (
    "",
    " ",
    "!!t",
    "(t",
    "t)",
    "t u",
    "t |",
    "& t",
    "()",
    "t&&u",
    "-t",
    "é",
    "a:b",
    "x" * 65,
)
BROKEN_PATHS = ("", "a//b", "/", "[", "..", "{a,{b,c}}", "(a", "a b", "x**")
BROKEN_RELATED = ("", "x", "nope:x", "name:", "name:a:b", "Tag:t", "tag: t", "(tag:t", "name:é")


@attrs.frozen
class Example:
    """A workspace, and queries with the folders that they are asked in."""

    declared: Declared
    queries: tuple[tuple[str, Query], ...]


def expressions(words: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Well-formed expressions, with blanks here and there."""

    def extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        operator = st.sampled_from([" & ", " | ", "&", "|", "\t|\t"])
        return st.one_of(
            st.builds("{}{}{}".format, inner, operator, inner),
            st.builds("({}{}{})".format, inner, operator, inner),
            st.builds("!({})".format, inner),
            inner.map(lambda text: text if text.startswith("!") else f"!{text}"),
        )

    return st.recursive(st.sampled_from(words), extend, max_leaves=4)


@st.composite
def queries(draw: st.DrawFn) -> Query:
    likely = st.sampled_from([*WORDS, *RELATIONS, *("inputs", "outputs") * 2])
    flags = draw(st.lists(likely, unique=True, max_size=2))
    filters = {}
    for flag in flags:
        words = WORDS.get(flag, RELATED)
        broken: tuple[str, ...] = BROKEN_RELATED if flag in RELATIONS else BROKEN
        broken = BROKEN_PATHS if words is PATHS else broken
        right = expressions(words)
        filters[flag] = draw(right if draw(st.integers(0, 7)) else st.sampled_from(broken))
    asked = {
        flag
        for pair in (("has-deps", "no-deps"), ("has-inputs", "no-inputs"), ("mutex", ""))
        for flag in [draw(st.sampled_from(["", "", *pair]))]
        if flag
    } | {*draw(st.sampled_from([(), (), ("has-outputs",), ("no-outputs",)]))}
    form = draw(st.sampled_from(["", "", "plain", "json"]))
    return Query(filters, frozenset(asked), form, draw(st.booleans()))


@st.composite
def examples(draw: st.DrawFn) -> Example:
    declared = draw(right_worlds())
    asked = st.tuples(st.sampled_from(folders(declared)), queries())
    return Example(declared, tuple(draw(st.lists(asked, min_size=1, max_size=2))))


def witnesses(declared: Declared) -> list[str]:
    """Paths enough that two globs of this area meet only if they both match one of these."""
    places = ["", "/shared", "/x", *declared.projects]
    inside = ["", "/out", "/x", "/out/x"]
    names = ["o", "o1", "o2", "o3", "o4", "o5", "x", "x.q", "o.q", "nope", "o1.q", "z-x"]
    return ["/".join(parts) for parts in product(map("".join, product(places, inside)), names)]


def play(trial: Trial, example: Example) -> None:
    trial.write(files_of(example.declared))
    graph = build(example.declared, effective(example.declared))
    paths = witnesses(example.declared)
    for folder, query in example.queries:
        trial.folder(folder)
        own = bearing_project(folder, example.declared)
        relative = own is None and _has_relative_path(query)
        if relative and trial.knows("lazy-relative-paths"):
            continue
        if query.workspace and trial.knows("fewer-options"):
            continue
        folder_named = any("/ " in f"{text} " for text in query.filters.values())
        if folder_named and trial.knows("no-folders-in-queries"):
            continue
        roots = [root for root, body in example.declared.projects.items() if body["name"] == own]
        result = trial.haz("query", *query.words(), cwd=folder)
        rules = _rules(query)
        try:
            found = evaluate(query, graph, own, roots[0] if roots else "/", paths)
        except MalformedError:
            trial.same(rules, f"{result}exit code", (result.code, result.out), (2, b""))
            continue
        trial.same(f"{rules} QRY-009", f"{result}exit code", result.code, 0)
        expected = printed(found, query.format, graph)
        trial.same(rules, f"{result}stdout", result.out.decode(), expected)


def _has_relative_path(query: Query) -> bool:
    return any(flag == "inputs" or flag == "outputs" for flag in query.filters)


def _rules(query: Query) -> str:
    found = ["QRY-001", "QRY-006", "QRY-008"]
    found += ["QRY-003"] if WORDS.keys() & query.filters.keys() else []
    found += ["QRY-004"] if {*RELATIONS} & query.filters.keys() else []
    found += ["QRY-005"] if query.flags else []
    return " ".join(found if query.workspace else [*found, "EXEC-022"])


AREA: Area = area("query", "expressions over tasks", examples, play, 3)
