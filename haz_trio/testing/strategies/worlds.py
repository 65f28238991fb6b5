"""Workspaces with everything that the graph is made of: overlays, files, references, nesting."""

from __future__ import annotations

import os.path
from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from haz_trio.testing.reference.graph import build
from haz_trio.testing.reference.json_values import Body, Json, mapping, texts
from haz_trio.testing.reference.workspace import AmbiguousError, Declared, effective
from haz_trio.testing.strategies.declarations import Shape, acyclic, mutexes, vocabulary
from haz_trio.testing.strategies.names import PROJECTS, TAGS, TASKS, subsets

LITERALS = ("o1", "o2", "out/o3", "/shared/o4", "/shared/o5")
GLOBS = ("o*", "out/**", "/shared/*", "*.q", "out/{o3,o4}", "**/o[12]")


@st.composite
def worlds(draw: st.DrawFn, *, wild: bool = False) -> Declared:
    """A workspace; a wild one breaks rules of the graph now and then.

    One that is not wild may still have colliding overlays, and files that make a cycle.
    """
    shape = draw(_shapes())
    roots = draw(_roots(sorted(shape)))
    attached = draw(overlays())
    whole = _with_overlays(shape, attached)
    edges = draw(acyclic(whole, hard=3))
    every = [(name, task) for name, (_, tasks) in whole.items() for task in tasks]
    makers = iter(draw(st.permutations(LITERALS)))
    bodies: dict[str, Body] = {}
    for name, (tags, tasks) in shape.items():
        declared: dict[str, Json] = {}
        for task in tasks:
            deps, weak = edges[name, task]
            if wild and draw(st.integers(0, 5)) == 0:
                deps = [*deps, draw(_any_reference((name, task), every))]
            if wild and draw(st.integers(0, 5)) == 0:
                itself = st.sampled_from([f"{name}:{task}", f"~:{task}", f"^~:{task}"])
                weak = [*weak, draw(st.one_of(itself, _any_reference((name, task), every)))]
            body: Body = {"command": ["/bin/true"], "deps": [*dict.fromkeys(deps)]}
            body["weakDeps"] = [*dict.fromkeys(weak)]
            body["inputs"] = [*draw(subsets((*LITERALS, *GLOBS), 2))]
            body["outputs"] = [*draw(_outputs(wild, next(makers, "spare")))]
            declared[task] = {**body, "mutex": draw(mutexes())}
        bodies[roots[name]] = {"name": name, "tags": [*tags], "tasks": declared}
    found = Declared({"projects": [*bodies]}, bodies, attached)
    return found if draw(st.integers(0, 3)) == 3 else _mended(found, wild=wild)


def _mended(declared: Declared, *, wild: bool) -> Declared:
    """The same without overlays that collide, and without outputs that make a cycle."""
    try:
        problems = build(declared, effective(declared)).problems
    except AmbiguousError:
        fewer = dict([*declared.overlays.items()][:-1])
        return _mended(Declared(declared.settings, declared.projects, fewer), wild=wild)
    if wild or not problems:
        return declared
    for body in declared.projects.values():
        for task in mapping(body["tasks"]).values():
            assert isinstance(task, dict)
            task["outputs"] = []
    return declared


@st.composite
def _shapes(draw: st.DrawFn) -> Shape:
    """Every other project with every other tag and task of those that there are names for."""
    found: Shape = {}
    for name in PROJECTS:
        if not found or draw(st.integers(0, 3)):
            tags = [tag for tag in TAGS if draw(st.booleans())]
            found[name] = (tags, [task for task in TASKS[:5] if draw(st.booleans())])
    return found


def _with_overlays(shape: Shape, overlays: Mapping[str, Body]) -> Shape:
    """The same with the tasks that overlays add."""
    return {
        name: (
            tags,
            [
                *dict.fromkeys(
                    [
                        *tasks,
                        *(
                            task
                            for body in overlays.values()
                            if set(texts(body.get("tagsFilter"))) <= set(tags)
                            for task in mapping(body["tasks"])
                        ),
                    ]
                )
            ],
        )
        for name, (tags, tasks) in shape.items()
    }


def right_worlds() -> st.SearchStrategy[Declared]:
    """Workspaces without any problem."""
    return worlds().filter(_is_right)


def _is_right(declared: Declared) -> bool:
    try:
        return not build(declared, effective(declared)).problems
    except AmbiguousError:
        return False


@st.composite
def overlays(draw: st.DrawFn) -> dict[str, Body]:
    """Overlays of a few tasks; most often each is for a part of the projects of the one before."""
    order = draw(st.permutations(TAGS))
    found: dict[str, Body] = {}
    for number in range(4):
        if not draw(st.booleans()):
            continue
        odd = draw(st.integers(0, 3)) == 3
        tags = [draw(st.sampled_from(TAGS))] if odd else order[:number]
        found[f"o{number}"] = _overlay(draw, f"o{number}", tags)
    return found


def _overlay(draw: st.DrawFn, stem: str, tags: Sequence[str]) -> Body:
    tasks: dict[str, Json] = {}
    for task in TASKS:
        if draw(st.integers(0, 2)) == 0:
            inputs = draw(st.sampled_from([(), ("o1",), ("/shared/o4", "o*")]))
            tasks[task] = {"command": ["/bin/true", stem], "inputs": [*inputs]}
    return {"tagsFilter": [*tags], "tasks": tasks} if tags else {"tasks": tasks}


def folders(declared: Declared) -> list[str]:
    """Folders to stand in: the root, each project's, below them, and elsewhere.

    Some begin like a project's, or are around it, and yet lie in no project, or in another one.
    """
    roots = [root[1:] for root in declared.projects]
    there = [f"{root}{more}" for more in ("", "/sub", "2") for root in roots]
    return [*dict.fromkeys(["", *there, *map(os.path.dirname, roots), "elsewhere"])]


@st.composite
def _roots(draw: st.DrawFn, names: Sequence[str]) -> dict[str, str]:
    """Where each project lies: by its name, deeper, or in another one."""
    found: dict[str, str] = {}
    for name in names:
        places = [f"/{name}", f"/deep/{name}", *(f"{root}/{name}" for root in found.values())]
        found[name] = draw(st.sampled_from(places))
    return found


def _any_reference(id: tuple[str, str], every: list[tuple[str, str]]) -> st.SearchStrategy[str]:
    own = [f"~:{id[1]}", f"^:{id[1]}", f"{id[0]}:{id[1]}"]
    wrong = [
        *own,
        *own,
        "nope:x",
        "a:nope",
        "~:nope",
        "^:nope",
        "^~:nope",
        "[nope]:x",
        "[t]:nope",
        "[t]~:w",
    ]
    return st.sampled_from([*vocabulary(id, sorted(every)), *wrong])


def _outputs(wild: bool, own: str) -> st.SearchStrategy[list[str]]:
    if wild:
        return subsets((*LITERALS, *GLOBS), 2)
    return st.sampled_from([[], [], [own], [own, "z-*"], ["out/**"], ["x/*"]])
