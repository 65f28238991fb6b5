"""Workspaces of many small questions about the graph that have nothing to do with each other.

Of each, one call tells what is wrong, and one what becomes of all that is right.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from hypothesis import strategies as st

from haz_trio.testing.reference.json_values import Body, Json
from haz_trio.testing.reference.workspace import Declared
from haz_trio.testing.strategies.names import PROJECTS

TAGS = ("t", "u", "v", "w")
TASKS = ("x", "y", "z")
NOBODY = {"project": "nope", "tag": "none", "task": "miss"}
FILES = ("o1", "o2", "s/o1", "s/o2")
GLOBS = ("*", "o?", "s/*", "**/o1", "**", "o{1,2}", "s/o[!1]", "?/o2")
MOST_OVERLAYS = 8
KEYS = ("k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7")
EDGES = ("deps", "weakDeps", "files")


@attrs.frozen
class Contest:
    """Overlays of all kinds of reach that define the same tasks; some are links to their files."""

    declared: Declared
    linked: tuple[str, ...] = ()


@attrs.frozen
class Crowd:
    """References, files, and rings, of tasks of their own each."""

    declared: Declared


@st.composite
def contests(draw: st.DrawFn) -> Contest:
    """For each project and task some overlays, and now and then a body of the project's own."""
    projects: dict[str, Body] = {}
    for name in PROJECTS:
        own: dict[str, Json] = {key: _body(name) for key in KEYS if not draw(st.integers(0, 5))}
        tags: list[Json] = [tag for tag in TAGS if draw(st.booleans())]
        projects[f"/{name}"] = {"name": name, "tags": tags, "tasks": own}
    overlays: dict[str, Body] = {}
    for number in range(draw(st.integers(3, MOST_OVERLAYS))):
        stem = f"o{number}"
        filters = draw(st.lists(st.sampled_from(TAGS), unique=True, max_size=3))
        tasks: dict[str, Json] = {key: _body(stem) for key in KEYS if not draw(st.integers(0, 2))}
        overlays[stem] = {"tasks": tasks}
        if filters:
            overlays[stem]["tagsFilter"] = [*filters]
    linked = tuple(stem for stem in overlays if not draw(st.integers(0, 3)))
    return Contest(Declared({"projects": [*projects]}, projects, overlays), linked)


@st.composite
def crowds(draw: st.DrawFn) -> Crowd:
    tasks: dict[str, dict[str, Json]] = {name: {} for name in PROJECTS}
    for name in PROJECTS:
        tasks[name] |= {task: _body(name) for task in TASKS if draw(st.booleans())}
    wild = draw(st.booleans())
    for number in range(16):
        name = draw(st.sampled_from(PROJECTS))
        tasks[name][f"q{number}"] = _asking(draw, name, f"q{number}", wild=wild)
    for number in range(10):
        for task, body in _passing(draw, number):
            tasks[draw(st.sampled_from(PROJECTS))][task] = body
    for number in range(6):
        ring = [draw(st.sampled_from(PROJECTS)) for _ in range(draw(st.integers(2, 4)))]
        for place, body in enumerate(_ring(draw, number, ring, wild=wild)):
            tasks[ring[place]][f"c{number}-{place}"] = body
    projects: dict[str, Body] = {}
    roots: dict[str, str] = {}
    for name in PROJECTS:
        tags: list[Json] = [tag for tag in TAGS[:3] if draw(st.booleans())]
        roots[name] = draw(st.sampled_from([f"/{name}", *(f"{it}/s" for it in roots.values())]))
        if roots[name] in projects:
            roots[name] = f"/{name}"
        projects[roots[name]] = {"name": name, "tags": tags, "tasks": tasks[name]}
    return Crowd(Declared({"projects": [*projects]}, projects))


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


def _passing(draw: st.DrawFn, number: int) -> Iterator[tuple[str, Body]]:
    """A task that makes and one that reads, maybe also what it makes itself."""
    folder = f"f{number}"
    there = st.sampled_from([f"{folder}/{it}" for it in (*FILES, *FILES, *GLOBS)])
    where = [f"/{folder}/{it}" for it in (FILES[0], FILES[0], GLOBS[0])]
    patterns = st.lists(st.one_of(there, st.sampled_from(where)), min_size=1, max_size=2)
    made, wanted = draw(patterns.map(dict.fromkeys)), draw(patterns.map(dict.fromkeys))
    yield f"m{number}", {**_body(folder), "outputs": [*made]}
    if draw(st.booleans()):
        yield f"n{number}", {**_body(folder), "outputs": [*draw(patterns.map(dict.fromkeys))]}
    own: list[Json] = [f"{folder}/own/{it}" for it in ("a", "b") if draw(st.booleans())]
    yield f"r{number}", {**_body(folder), "inputs": [*wanted, *own[:1]], "outputs": own}


def _ring(draw: st.DrawFn, number: int, projects: list[str], *, wild: bool) -> Iterator[Body]:
    """Tasks after one another, and sometimes the first one after the last."""
    closed = wild and draw(st.booleans())
    kinds = [draw(st.sampled_from(EDGES)) for _ in projects]
    for place, kind in enumerate(kinds):
        body = _body(f"c{number}")
        before = place - 1 if place else len(projects) - 1
        body["outputs"] = [f"/c{number}/{place}"]
        if place or closed:
            if kind == "files":
                body["inputs"] = [f"/c{number}/{before}"]
            else:
                body[kind] = [f"{projects[before]}:c{number}-{before}"]
        yield body
