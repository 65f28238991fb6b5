"""Workspaces of many small questions about the graph that have nothing to do with each other.

Of each, one call tells what is wrong, and one what becomes of all that is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

import attrs
from hypothesis import strategies as st

from haz_trio.testing.reference.json_values import Body, Json, texts
from haz_trio.testing.reference.workspace import Declared
from haz_trio.testing.strategies.names import PROJECTS

CONTESTANTS = (*PROJECTS, "a-y", "d", "e", "f")
TAGS = ("t", "u", "v", "w")
TASKS = ("x", "y", "z")
NOBODY = {"project": "nope", "tag": "none", "task": "miss"}
FILES = ("o1", "o2", "s/o1", "s/o2")
GLOBS = ("*", "o?", "s/*", "**/o1", "**", "o{1,2}", "s/o[!1]", "?/o2")
FILTERS = tuple(it for size in range(3) for it in combinations(TAGS, size))
FEW = {  # two or three of so many
    count: [it for size in (2, 2, 3) for it in combinations(range(count), size)]
    for count in range(4, 10)
}
KEYS = ("k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7")
EDGES = ("deps", "weakDeps", "files")
CHAINS = (("deps",) * 3, ("weakDeps", "deps", "deps"), ("deps", "weakDeps", "deps"))


@attrs.frozen
class Contest:
    """Overlays of all kinds of reach that define the same tasks; some are links to their files."""

    declared: Declared
    linked: tuple[str, ...] = ()


@attrs.frozen
class Crowd:
    """References, files, and rings, of tasks of their own each."""

    declared: Declared
    asked: tuple[str, str]  # in the folder of which project is counted, and with which flag
    drawn: tuple[str, int]  # the form of a drawing, and of which tasks it is; 0 is all


@st.composite
def contests(draw: st.DrawFn) -> Contest:
    """For each project and task some overlays, and now and then a body of the project's own."""
    projects: dict[str, Body] = {}
    for name in CONTESTANTS:
        own: dict[str, Json] = {key: _body(name) for key in KEYS if not draw(st.integers(0, 3))}
        tags: list[Json] = [tag for tag in TAGS if draw(st.integers(0, 2))]
        projects[f"/{name}"] = {"name": name, "tags": tags, "tasks": own}
    filters = draw(st.lists(st.sampled_from(FILTERS), unique=True, min_size=4, max_size=8))
    again = draw(st.booleans())
    filters += [filters[0]] * again
    tasks: list[dict[str, Json]] = [{} for _ in filters]
    for key in KEYS:  # of a few each: of many there is nearly always one that nobody wins against
        for number in draw(st.sampled_from(FEW[len(filters)])):
            tasks[number][key] = _body(f"o{number}")
    for number in (0, len(filters) - 1) if again else ():
        tasks[number][KEYS[0]] = _body(f"o{number}")
    overlays: dict[str, Body] = {}
    for number, some in enumerate(filters):
        overlays[f"o{number}"] = {"tasks": tasks[number]}
        if some:
            overlays[f"o{number}"]["tagsFilter"] = [*some]
    linked = tuple(stem for stem in overlays if not draw(st.integers(0, 3)))
    return Contest(Declared({"projects": [*projects]}, projects, overlays), linked)


@st.composite
def crowds(draw: st.DrawFn) -> Crowd:
    roots: dict[str, str] = {}
    for name in PROJECTS:
        inner = [f"{it}/s" for it in roots.values() if f"{it}/s" not in roots.values()]
        roots[name] = draw(st.sampled_from([f"/{name}", *inner]))
    tasks: dict[str, dict[str, Json]] = {name: {} for name in PROJECTS}
    for name in PROJECTS:
        tasks[name] |= {task: _body(name) for task in TASKS if draw(st.booleans())}
    wild = draw(st.booleans())
    for number in range(16):
        name = draw(st.sampled_from(PROJECTS))
        tasks[name][f"q{number}"] = _asking(draw, name, f"q{number}", wild=wild)
    for number in range(10):
        for name, task, body in _passing(draw, number, roots):
            tasks[name][task] = body
    for number in range(6):
        ring = [draw(st.sampled_from(PROJECTS)) for _ in range(draw(st.integers(2, 4)))]
        for place, body in enumerate(_ring(draw, number, ring, wild=wild)):
            tasks[ring[place]][f"c{number}-{place}"] = body
        tasks[ring[0]][f"l{number}"] = _body("aside")
    projects: dict[str, Body] = {}
    for name in PROJECTS:
        tags: list[Json] = [tag for tag in TAGS[:3] if draw(st.booleans())]
        projects[roots[name]] = {"name": name, "tags": tags, "tasks": tasks[name]}
    asked = st.tuples(st.sampled_from(PROJECTS), st.sampled_from(["", "--all", "--workspace"]))
    drawn = st.tuples(st.sampled_from(["json", "dot", "mermaid", ""]), st.integers(0, 40))
    return Crowd(Declared({"projects": [*projects]}, projects), draw(asked), draw(drawn))


def _body(word: str) -> Body:
    return {"command": ["/bin/true", word]}


def _asking(draw: st.DrawFn, project: str, own: str, *, wild: bool) -> Body:
    """A task with a reference or a few, in one list or in both."""
    body = _body(own)
    for key in EDGES[:2]:
        offered = _references(project, own if wild else "", wild=wild)
        words = draw(st.lists(st.sampled_from(offered), max_size=2, unique=True))
        body[key] = [*words]
    return body


def _references(project: str, own: str, *, wild: bool) -> list[str]:
    """All forms, with names that are there or not, and with the task itself."""
    nobody = [it for it in NOBODY.values() if wild]
    found = []
    for task in (*TASKS, *([own] if own else ()), *nobody[2:]):
        found += [f"~:{task}", f"^:{task}", f"^~:{task}"]
        found += [f"{name}:{task}" for name in (project, *PROJECTS[:3], *nobody[:1])]
        found += [f"[{tag}]{way}:{task}" for tag in (*TAGS[:2], *nobody[1:2]) for way in ("", "~")]
    return [*dict.fromkeys(found)]


def _passing(
    draw: st.DrawFn, number: int, roots: Mapping[str, str]
) -> Iterator[tuple[str, str, Body]]:
    """One that makes and one that reads, maybe also what it makes itself; now and then a second
    that makes. Who can spells a path one way or the other, or both ways."""
    folder = f"{draw(st.sampled_from(['', *roots.values()]))}/f{number}"
    there = st.lists(
        st.sampled_from([*FILES, *FILES, *FILES[:1] * 3, *GLOBS]), min_size=1, max_size=2
    )

    def spelled(name: str, files: Iterable[str]) -> list[Json]:
        root = f"{roots[name]}/"
        found: dict[str, None] = {}
        for path in (f"{folder}/{it}" for it in files):
            ways = [path, path.removeprefix(root)] if path.startswith(root) else [path]
            found |= dict.fromkeys(draw(st.sampled_from([*((it,) for it in ways), ways])))
        return [*found]

    for letter in ("m", "n") if draw(st.booleans()) else ("m",):
        name = draw(st.sampled_from(PROJECTS))
        yield name, f"{letter}{number}", {**_body(folder), "outputs": spelled(name, draw(there))}
    name = draw(st.sampled_from(PROJECTS))
    own: list[Json] = [f"f{number}/own/{it}" for it in ("a", "b") if draw(st.booleans())]
    body = {**_body(folder), "inputs": [*spelled(name, draw(there)), *own[:1]], "outputs": own}
    yield name, f"r{number}", body


def _ring(draw: st.DrawFn, number: int, projects: list[str], *, wild: bool) -> Iterator[Body]:
    """Tasks after one another, and sometimes the first one after the last.

    Some read what one makes that is any number of steps before them.
    """
    closed = wild and draw(st.integers(0, 2)) == 0
    kinds = draw(st.sampled_from(CHAINS)) if draw(st.booleans()) else ()
    for place in range(len(projects)):
        body = _body(f"c{number}")
        before = place - 1 if place else len(projects) - 1
        body["outputs"] = [f"/c{number}/{place}"]
        wanted = [it for it in range(place - 1) if draw(st.booleans())]
        if place or closed:
            kind = kinds[place - 1] if 0 < place <= len(kinds) else draw(st.sampled_from(EDGES))
            if kind == "files":
                wanted.append(before)
            else:
                body[kind] = [f"{projects[before]}:c{number}-{before}"]
                wanted += [before] * draw(st.integers(0, 1))
        if place and draw(st.booleans()):
            body["deps"] = [*texts(body.get("deps")), f"{projects[0]}:l{number}"]
        if wanted:
            body["inputs"] = [f"/c{number}/{it}" for it in wanted]
        yield body
