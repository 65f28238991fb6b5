"""Small workspaces for the tests of the graph, with a place for every key of every task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hypothesis import strategies as st

from haz_trio.errors import SourceText, Span
from haz_trio.model.names import TaskId
from haz_trio.model.patterns import parse_pattern
from haz_trio.model.references import parse_reference
from haz_trio.model.tasks import Argv, Task
from haz_trio.model.workspace import Overlay, Project, Workspace


def ids(*texts: str) -> tuple[TaskId, ...]:
    return tuple(TaskId(*text.split(":")) for text in texts)


def place(path: str, line: int) -> Span:
    return Span(SourceText(path, ()), line, 1, line, 2)


def task(
    name: str,
    *,
    inputs: Iterable[str] = (),
    outputs: Iterable[str] = (),
    deps: Iterable[str] = (),
    weak: Iterable[str] = (),
    file: str = "/w/haz.yml",
    line: int = 10,
) -> Task:
    """A task whose body stands on ``line`` of ``file`` and whose list items follow, one each."""
    lists = {"inputs": [*inputs], "outputs": [*outputs], "deps": [*deps], "weakDeps": [*weak]}
    places = {"": place(file, line)}
    for key, items in lists.items():
        for number in range(len(items)):
            places[f"{key}[{number}]"] = place(file, line + len(places))
    return Task(
        name,
        Argv(("true",)),
        inputs=tuple(map(parse_pattern, lists["inputs"])),
        outputs=tuple(map(parse_pattern, lists["outputs"])),
        deps=tuple(map(parse_reference, lists["deps"])),
        weak_deps=tuple(map(parse_reference, lists["weakDeps"])),
        places=places,
    )


def project(name: str, *tasks: Task, tags: Iterable[str] = (), root: str = "") -> Project:
    return Project(name, root or f"/{name}", frozenset(tags), {t.name: t for t in tasks})


def overlay(name: str, *tasks: Task, tags: Iterable[str] = ()) -> Overlay:
    where = place(f"/w/.haz/tasks/{name}.yml", 1)
    return Overlay(name, frozenset(tags), {t.name: t for t in tasks}, where)


def workspace(*projects: Project, overlays: Iterable[Overlay] = ()) -> Workspace:
    return Workspace(
        "/w",
        projects={p.name: p for p in projects},
        overlays={o.name: o for o in overlays},
    )


def one(*tasks: Task) -> Workspace:
    """A workspace of the single project ``p``."""
    return workspace(project("p", *tasks))


# -- random workspaces ------------------------------------------------------------------------

PROJECTS, TASKS, TAGS = ["p", "q", "p-x"], ["a", "b", "b-c"], ["t", "u"]
PATTERNS = ["x", "y", "/p/x", "/q/d/x", "d/x", "*", "d/*", "**", "/**/x", "/{p,q}/?", "[x]", "\\x"]

_references = st.one_of(
    st.builds("{}:{}".format, st.sampled_from([*PROJECTS, "~", "no"]), st.sampled_from(TASKS)),
    st.builds(
        "{}:{}".format,
        st.sampled_from(["^", "^~", "[t]", "[t]~", "[u]", "[no]"]),
        st.sampled_from([*TASKS, "z"]),
    ),
)
_patterns = st.lists(st.sampled_from(PATTERNS), max_size=2, unique=True)


@st.composite
def workspaces(draw: st.DrawFn, *, references: bool = True, overlays: bool = False) -> Workspace:
    """Up to three projects of up to three tasks, any of them wrong in any way."""
    some = st.lists(_references, max_size=2, unique=True) if references else st.just([])

    def bodies() -> Mapping[str, Task]:
        names = draw(st.lists(st.sampled_from(TASKS), unique=True))
        return {
            name: task(
                name,
                inputs=draw(_patterns),
                outputs=draw(_patterns),
                deps=draw(some),
                weak=draw(some),
            )
            for name in names
        }

    tags = st.frozensets(st.sampled_from(TAGS))
    names = draw(st.lists(st.sampled_from(PROJECTS), unique=True))
    projects = [Project(name, f"/{name}", draw(tags), bodies()) for name in names]
    layers = draw(st.integers(0, 3)) if overlays else 0
    return workspace(
        *projects,
        overlays=[Overlay(f"o{i}", draw(tags), bodies(), None) for i in range(layers)],
    )
