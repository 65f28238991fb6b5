"""Whole workspaces that are right: references resolve, nothing goes in circles."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from haz_trio.testing.reference.json_values import Body, Json
from haz_trio.testing.reference.references import Id, Named, resolve
from haz_trio.testing.reference.workspace import Declared
from haz_trio.testing.strategies.names import MUTEXES, PROJECTS, TAGS, TASKS, subsets

Shape = dict[str, tuple[list[str], list[str]]]  # the tags and the tasks of each project


def shapes(projects: int = 3, tasks: int = 3) -> st.SearchStrategy[Shape]:
    """Which projects there are, with their tags and the names of their tasks."""
    inside = st.tuples(
        subsets(TAGS), st.lists(st.sampled_from(TASKS), unique=True, max_size=tasks)
    )
    return st.dictionaries(st.sampled_from(PROJECTS), inside, min_size=1, max_size=projects)


def mutexes() -> st.SearchStrategy[Json]:
    """``mutex`` in all of its forms, most often none."""
    return st.one_of(
        st.none(),
        st.sampled_from([*MUTEXES, *(f"~:{name}" for name in MUTEXES)]),
        st.fixed_dictionaries(
            {
                "name": st.sampled_from([*MUTEXES, "~:db"]),
                "mode": st.sampled_from(["shared", "exclusive"]),
            }
        ),
    )


@st.composite
def acyclic(
    draw: st.DrawFn, shape: Shape, *, hard: int = 2, weak: int = 1
) -> dict[Id, tuple[list[str], list[str]]]:
    """``deps`` and ``weakDeps`` for every task, each spelled in one of the six forms."""
    projects = {name: Named(tags, tasks) for name, (tags, tasks) in shape.items()}
    ids = [(name, task) for name, (_, tasks) in sorted(shape.items()) for task in sorted(tasks)]
    found: dict[Id, tuple[list[str], list[str]]] = {}
    earlier: set[Id] = set()
    for id in draw(st.permutations(ids)):
        offered = {
            reference: meant
            for reference in vocabulary(id, sorted(earlier))
            if (meant := resolve(reference, id[0], projects)) and meant <= earlier
        }
        deps = _some(draw, sorted(offered), hard)
        taken = {other for reference in deps for other in offered[reference]}
        free = [reference for reference in sorted(offered) if not offered[reference] & taken]
        found[id] = deps, _some(draw, free, weak)
        earlier.add(id)
    return found


def vocabulary(id: Id, targets: Sequence[Id]) -> list[str]:
    """References that may mean some of the targets, seen from a task."""
    names = sorted({task for _, task in targets})
    return [
        *(f"{project}:{task}" for project, task in targets),
        *(f"~:{task}" for project, task in targets if project == id[0]),
        *(f"^{sibling}:{task}" for task in names for sibling in ("", "~")),
        *(f"[{tag}]{sibling}:{task}" for tag in TAGS for task in names for sibling in ("", "~")),
    ]


@st.composite
def declarations(
    draw: st.DrawFn, projects: int = 3, tasks: int = 3, *, hard: int = 2, weak: int = 1
) -> Declared:
    """A workspace of tasks that do nothing, with dependencies, tags, mutexes and caps."""
    shape = draw(shapes(projects, tasks))
    edges = draw(acyclic(shape, hard=hard, weak=weak))
    bodies: dict[str, Body] = {}
    for name, (tags, names) in shape.items():
        declared: dict[str, Json] = {}
        for task in names:
            deps, weak_deps = edges[name, task]
            body: Body = {"command": ["/bin/true"], "deps": [*deps], "weakDeps": [*weak_deps]}
            declared[task] = {**body, "mutex": draw(mutexes())}
        bodies[f"/{name}"] = {"name": name, "tags": [*tags], "tasks": declared}
    return Declared(draw(settings([*bodies])), bodies)


def settings(roots: Sequence[str]) -> st.SearchStrategy[Body]:
    """``workspace.yml`` for the projects at some roots, with caps."""
    caps = st.fixed_dictionaries(
        {
            "default": st.sampled_from([1, 2, 3, 8]),
            "tags": st.dictionaries(st.sampled_from(TAGS), st.integers(1, 2), max_size=2),
        }
    )
    return st.builds(lambda caps: {"projects": [*roots], "concurrency": caps}, caps)


def _some(draw: st.DrawFn, of: Sequence[str], most: int) -> list[str]:
    return draw(st.lists(st.sampled_from(of), unique=True, max_size=most)) if of and most else []
