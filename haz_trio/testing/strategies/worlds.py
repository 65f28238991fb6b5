"""Workspaces with everything that the graph is made of: overlays, files, references, nesting."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from haz_trio.testing.reference.graph import build
from haz_trio.testing.reference.json_values import Body, Json
from haz_trio.testing.reference.workspace import AmbiguousError, Declared, effective
from haz_trio.testing.strategies.declarations import Shape, acyclic, mutexes, shapes, vocabulary
from haz_trio.testing.strategies.names import TAGS, TASKS, subsets

LITERALS = ("o1", "o2", "out/o3", "/shared/o4", "/shared/o5")
GLOBS = ("o*", "out/**", "/shared/*", "*.q", "out/{o3,o4}", "**/o[12]")


@st.composite
def worlds(draw: st.DrawFn, *, wild: bool = False) -> Declared:
    """A workspace; a wild one breaks rules of the graph now and then.

    One that is not wild may still have colliding overlays, and files that make a cycle.
    """
    shape = draw(shapes())
    roots = draw(_roots(sorted(shape)))
    edges = draw(acyclic(shape))
    every = [(name, task) for name, (_, tasks) in shape.items() for task in tasks]
    makers = iter(draw(st.permutations(LITERALS)))
    bodies: dict[str, Body] = {}
    for name, (tags, tasks) in shape.items():
        declared: dict[str, Json] = {}
        for task in tasks:
            deps, weak = edges[name, task]
            if wild and draw(st.integers(0, 2)) == 0:
                deps = [*deps, draw(_any_reference((name, task), every))]
            if wild and draw(st.integers(0, 3)) == 0:
                weak = [*weak, draw(_any_reference((name, task), every))]
            body: Body = {"command": ["/bin/true"], "deps": [*dict.fromkeys(deps)]}
            body["weakDeps"] = [*dict.fromkeys(weak)]
            body["inputs"] = [*draw(subsets((*LITERALS, *GLOBS), 2))]
            body["outputs"] = [*draw(_outputs(wild, next(makers, "spare")))]
            declared[task] = {**body, "mutex": draw(mutexes())}
        bodies[roots[name]] = {"name": name, "tags": [*tags], "tasks": declared}
    return Declared({"projects": [*bodies]}, bodies, draw(overlays(shape)))


def right_worlds() -> st.SearchStrategy[Declared]:
    """Workspaces without any problem."""
    return worlds().filter(_is_right)


def _is_right(declared: Declared) -> bool:
    try:
        return not build(declared, effective(declared)).problems
    except AmbiguousError:
        return False


def overlays(shape: Shape) -> st.SearchStrategy[dict[str, Body]]:
    """Up to three overlays that define a few tasks, for all projects or for some tags."""
    body = st.builds(_overlay, subsets(TAGS, 2), subsets(TASKS, 2, least=1))
    few = st.dictionaries(st.sampled_from(["o1", "o2", "o3"]), body, max_size=3)
    return st.one_of(st.just({}), few)


def _overlay(tags: Sequence[str], tasks: Sequence[str]) -> Body:
    body: Body = {"tasks": {task: {"command": ["/bin/true"]} for task in tasks}}
    return {"tagsFilter": [*tags], **body} if tags else body


def folders(declared: Declared) -> list[str]:
    """Folders to stand in: the root, each project's, below them, and elsewhere."""
    roots = [root[1:] for root in declared.projects]
    return ["", *roots, *(f"{root}/sub" for root in roots), "elsewhere"]


@st.composite
def _roots(draw: st.DrawFn, names: Sequence[str]) -> dict[str, str]:
    """Where each project lies: by its name, deeper, or in another one."""
    found: dict[str, str] = {}
    for name in names:
        places = [f"/{name}", f"/deep/{name}", *(f"{root}/{name}" for root in found.values())]
        found[name] = draw(st.sampled_from(places))
    return found


def _any_reference(id: tuple[str, str], every: list[tuple[str, str]]) -> st.SearchStrategy[str]:
    wrong = ["nope:x", "a:nope", "~:nope", "^:nope", "^~:nope", "[nope]:x", "[t]:nope", "[t]~:w"]
    return st.sampled_from([*vocabulary(id, sorted(every)), *wrong])


def _outputs(wild: bool, own: str) -> st.SearchStrategy[list[str]]:
    if wild:
        return subsets((*LITERALS, *GLOBS), 2)
    return st.sampled_from([[], [], [own], [own, "z-*"], ["out/**"], ["x/*"]])
