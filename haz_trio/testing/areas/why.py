"""``haz why``: which files the inputs match, and everything else that a key is made of."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from itertools import takewhile

import attrs
from hypothesis import strategies as st

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.models import files_of
from haz_trio.testing.reference.globs import escaped, is_glob, is_pattern
from haz_trio.testing.reference.graph import Graph, build
from haz_trio.testing.reference.json_values import Body, Json
from haz_trio.testing.reference.report import MissingInputError, report, walk
from haz_trio.testing.reference.workspace import Declared, effective
from haz_trio.testing.strategies.benches import benches, placed
from haz_trio.testing.strategies.declarations import mutexes
from haz_trio.testing.strategies.patterns import globs, paths, trees
from haz_trio.testing.trial import Trial

ARGUMENTS = (
    "/bin/true",
    "a b",
    "",
    "*",
    "$V",
    'q"q',
    "b\\s",
    "n\nl\tt",
    "é",
    "\u200b\u00a0\x01",
    "-x",
)
THROUGH = ("l-*", "l-*/**", "**/l-*", "**/l-*/*")  # what links are, or lead to
X, BENCH = ("a", "x"), ("a", "bench")


@attrs.frozen
class Example:
    """A workspace, files in it, and symbolic links."""

    declared: Declared
    files: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    bench: tuple[str, ...]  # globs, each for a folder of its own


@st.composite
def patterns(draw: st.DrawFn, tree: list[str], root: str, most: int = 3) -> list[str]:
    """Literals and globs, relative to a project or to the workspace."""
    found = []
    for path in draw(st.lists(st.sampled_from(tree), max_size=most)) if tree else []:
        inside = path.removeprefix(f"{root[1:]}/")
        relative = inside != path and draw(st.booleans())
        way = draw(st.integers(0, 4))
        if way == 0:
            pattern = path if not relative else inside
        elif relative or way < 3:
            pattern = draw(globs(inside if relative else path))
        else:
            pattern = f"{path.partition('/')[0]}/**/" + draw(globs(inside)).rpartition("/")[2]
        found.append(pattern if relative else f"/{pattern}")
    return [pattern for pattern in dict.fromkeys(found) if is_pattern(pattern)]


@st.composite
def examples(draw: st.DrawFn) -> Example:
    root = draw(st.sampled_from(["/a", "/deep/a", "/a b", "/a*", "/[a]", "/{a}", "/a}"]))
    inside = [f"{root[1:]}/{path}" for path in draw(trees(5))]
    tree = sorted(inside + [f"s/{path}" for path in draw(trees(2))])
    command: Body = {
        "command": [draw(st.sampled_from(ARGUMENTS)) for _ in range(draw(st.integers(1, 3)))]
    }
    if draw(st.integers(0, 3)) == 0:
        command = {"shell": draw(st.sampled_from(["", "true", "a\nb\n", "  x"]))}
        if draw(st.booleans()):
            command["shell_type"] = "bash"
    links = draw(_links(tree))
    through = draw(st.lists(st.sampled_from(THROUGH), unique=True, max_size=2)) if links else []
    x: Body = {**command, "inputs": [*draw(patterns(tree, root)), *through]}
    x["outputs"] = [*draw(patterns([f"{path}.o" for path in tree], root, 1))]
    x["mutex"] = draw(mutexes())
    x["weakDeps"] = [*draw(st.sampled_from([(), ("~:y",), ("b:z", "~:y")]))]
    if draw(st.integers(0, 7)) == 7:
        x |= {"deps": ["~:y"], "weakDeps": []}
    names = draw(st.lists(st.sampled_from(["V", "A_1", "_"]), unique=True, max_size=2))
    values = st.sampled_from(["", "1", "é x"])
    override: dict[str, Json] = {}
    override |= draw(st.dictionaries(st.sampled_from(["V", "W", "PATH"]), values, max_size=2))
    x["env"] = {"from_host": [*names], "override": override}
    y: Body = {"command": ["/bin/true"], "outputs": [*draw(patterns(tree, root, 1))]}
    z: Body = {"command": ["/bin/true"], "outputs": [*draw(patterns(tree, "/b", 1))]}
    bench = draw(benches())
    projects: dict[str, Body] = {
        root: {"name": "a", "tasks": {"x": x, "y": y, **_bench_tasks(bench, root)}},
        "/b": {"name": "b", "tasks": {"z": z}},
    }
    placed = tuple((f"{root[1:]}/l-{path}", to) for path, to in links)
    entry = escaped(root) if is_glob(root) else root
    declared = Declared({"projects": [entry, "/b"]}, projects)
    return Example(declared, tuple(tree), placed, tuple(bench))


def _links(tree: list[str]) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Where they are, and where they lead: to files and folders, nowhere and back up."""
    to = st.sampled_from([*tree, "s", "s", "nowhere", "s/.."])
    return st.lists(
        st.tuples(paths(2), to), max_size=2, unique_by=lambda it: it[0].partition("/")[0]
    )


def _bench_tasks(bench: Sequence[str], root: str) -> dict[str, Json]:
    """``bench`` reads what every other glob matches; of the others a task makes it.

    Half of the globs are absolute.
    """
    wanted: list[Json] = []
    found: dict[str, Json] = {}
    for number, glob in enumerate(bench):
        start = f"k{number}/" if number % 4 < 2 else f"{escaped(root)}/k{number}/"
        if number % 2:
            found[f"m{number}"] = {"command": ["/bin/true"], "outputs": [f"{start}{glob}"]}
            wanted.append(f"k{number}/**")
        else:
            wanted.append(f"{start}{glob}")
    return {**found, "bench": {"command": ["/bin/true"], "inputs": wanted}}


def play(trial: Trial, example: Example) -> None:
    graph = build(example.declared, effective(example.declared))
    if graph.problems:
        return
    (root, _), _ = example.declared.projects.items()
    if escaped(root) != root and trial.knows("folders-are-globs"):
        return
    trial.write(files_of(example.declared))
    trial.write({path: path for path in example.files})
    for folder, (_, paths_there) in placed(example.bench).items():
        trial.write({f"{root[1:]}/{folder}/{path}": "" for path in paths_there})
    for path, to in example.links:
        odd = to == "s/.." or not (trial.root / to).exists()
        if odd and trial.knows("links-anywhere-fail"):
            return
        trial.link(path, os.path.relpath(to, os.path.dirname(path)))
    _asks_bench(trial, graph, example.bench)
    result = trial.haz("why", "a:x", cwd=root[1:], env={"V": "1"})
    rules = f"{_rules(graph.tasks[X].texts('inputs'))} CFG-016 CACHE-006"
    rules += " DISC-020" if example.links else ""
    try:
        expected = report(X, graph, walk(trial.root))
    except MissingInputError:
        trial.same("CFG-016 CACHE-006", f"{result}exit code", (result.code, result.out), (2, b""))
        return
    if graph.hard[X]:
        trial.same("AUX-014", f"{result}exit code", (result.code, result.out), (2, b""))
        trial.holds("AUX-014", f"{result}names the predecessor", b"a:y" in result.err)
        return
    trial.same("AUX-013 AUX-015", f"{result}exit code", result.code, 0)
    lines = _rows(result.out)
    if trial.knows("inputs-once-for-each-pattern"):
        lines = [
            line
            for number, line in enumerate(lines)
            if line not in lines[max(0, number - 1) : number]
        ]
    lines, expected = _comparable(trial, example.bench, lines, expected)
    trial.same(f"{rules} DAG-013", f"{result}inputs", _inputs(lines), _inputs(expected))
    trial.same("AUX-015", f"{result}report", lines[:-3], expected)
    trial.holds(
        "AUX-015", f"{result}key", bool(re.fullmatch("cache_key: [0-9a-f]{64}", lines[-3]))
    )
    trial.same("AUX-015", f"{result}lookup", lines[-2:], ["cache_lookup: miss: no entry", ""])


def _asks_bench(trial: Trial, graph: Graph, bench: Sequence[str]) -> None:
    patterns = [text for task in graph.tasks.values() for text in task.texts("outputs")]
    rules = f"{_rules((*graph.tasks[BENCH].texts('inputs'), *patterns))} CACHE-006 DAG-013"
    try:
        expected = report(BENCH, graph, walk(trial.root))
    except MissingInputError:
        trial.skip()  # a link to nowhere that a glob matches is asked of another task
    result = trial.haz("why", "a:bench", cwd=graph.tasks[BENCH].root[1:])
    trial.same(rules, f"{result}exit code", result.code, 0)
    lines = _rows(result.out)
    found, wanted = _comparable(trial, bench, _inputs(lines), _inputs(expected))
    trial.same(rules, f"{result}inputs", found, wanted)


def _comparable(
    trial: Trial, bench: Sequence[str], found: list[str], expected: list[str]
) -> tuple[list[str], list[str]]:
    """Both without the folders of globs with a class that a slash is in, where it is not."""
    globs = enumerate(bench) if trial.knows("classes-stop-at-slashes") else ()
    odd = [f"/k{number}/" for number, glob in globs if re.search(r"\[[!^+]", glob)]
    first, second = (
        [line for line in lines if not any(part in line for part in odd)]
        for lines in (found, expected)
    )
    return first, second


def _rules(inputs: tuple[str, ...]) -> str:
    """The rules that these patterns are about."""
    text = " ".join(inputs)
    signs = {"**": "011", "?": "012", "[": "013", "{": "014", "\\": "015", " /": "004"}
    found = {number for sign, number in signs.items() if sign in f" {text}"}
    found |= {"005", "006"} if any(not it.startswith("/") for it in inputs) else set()
    found |= {"009", "016"} if any(map(is_glob, inputs)) else {"007"}
    found |= {"010"} if "*" in text.replace("**", "") else set()
    return " ".join(f"PATH-{number}" for number in ("001", "008", *sorted(found)))


def _rows(out: bytes) -> list[str]:
    """The lines of a report; that of an input is all of its name, which may have lines itself."""
    found: list[str] = []
    among = False
    for line in out.decode().split("\n"):
        among = line == "inputs:" or (among and not re.match(r"[a-zA-Z_.]+:( |$)", line))
        if among and line != "inputs:" and not line.startswith("  /"):
            found[-1] += f"\n{line}"
        else:
            found.append(line)
    return found


def _inputs(lines: list[str]) -> list[str]:
    """The section of the inputs."""
    if "inputs:" not in lines:
        return []
    start = lines.index("inputs:") + 1
    return list(takewhile(lambda line: line.startswith("  /"), lines[start:]))


AREA: Area = area("why", "what inputs match, and what a key is made of", examples, play, 2)
