"""A workspace and a graph out of a snapshot equal those that went into it."""

from __future__ import annotations

import os
import tempfile
from itertools import pairwise
from pathlib import Path

import xxhash
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from haz_trio.config.snapshot import PLACE, Snapshot
from haz_trio.errors import HazError
from haz_trio.graph.build import build_graph
from haz_trio.graph.graph import TaskGraph
from haz_trio.graph.references import Resolver
from haz_trio.model.names import TaskId
from haz_trio.model.references import FanOut, InProject, Reference, SameProject, Tagged
from haz_trio.model.tasks import (
    Argv,
    Environment,
    Mutex,
    MutexMode,
    MutexScope,
    Shell,
    Task,
)
from haz_trio.model.workspace import (
    Containment,
    HashName,
    KeepOutputs,
    OutputMode,
    Project,
    Settings,
    Workspace,
)
from haz_trio.values import evolve
from tests.config.snapshot_support import build, find, load
from tests.graph.builders import PROJECTS, TAGS, TASKS, workspaces

TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8
)
VARIABLES = st.sampled_from(["A", "PATH", "_x"])
ACTIONS = st.one_of(
    st.lists(TEXTS, min_size=1, max_size=3).map(lambda words: Argv(tuple(words))),
    st.builds(Shell, TEXTS, st.sampled_from(["sh", "bash"])),
)
ENVIRONMENTS = st.builds(
    Environment,
    st.frozensets(VARIABLES),
    st.dictionaries(VARIABLES, TEXTS).map(lambda found: tuple(sorted(found.items()))),
)
MUTEXES = st.none() | st.builds(
    Mutex, st.sampled_from("mn"), st.sampled_from(MutexScope), st.sampled_from(MutexMode)
)
SETTINGS = st.builds(
    Settings,
    hash=st.sampled_from(HashName),
    max_age=st.none() | st.integers(0, 2**62),
    max_size=st.none() | st.integers(0, 2**62),
    concurrency=st.none() | st.integers(1, 99),
    tag_caps=st.dictionaries(st.sampled_from(TAGS), st.integers(1, 9)),
    output_mode=st.sampled_from(OutputMode),
    cancel_grace=st.floats(0, 1e6),
    containment=st.sampled_from(Containment),
    outputs=st.sampled_from(KeepOutputs),
)


@st.composite
def whole(draw: st.DrawFn) -> Workspace:
    """A random workspace with every field of every body and setting drawn."""

    def fill(task: Task, source: str | None) -> Task:
        return evolve(
            task,
            action=draw(ACTIONS),
            env=draw(ENVIRONMENTS),
            mutex=draw(MUTEXES),
            source=source,
        )

    found = draw(workspaces(overlays=True))
    projects = {
        name: evolve(p, tasks={t: fill(body, None) for t, body in p.tasks.items()})
        for name, p in sorted(found.projects.items())
    }
    overlays = {
        name: evolve(o, tasks={t: fill(body, name) for t, body in o.tasks.items()})
        for name, o in found.overlays.items()
    }
    return evolve(found, projects=projects, overlays=overlays, settings=draw(SETTINGS))


def written(workspace: Workspace, root: Path) -> tuple[TaskGraph, Snapshot, Snapshot]:
    """The graph of a workspace, the snapshot that was written, and the one that was read."""
    build(root, {".haz/workspace.yml": "projects: []\n"})
    loaded = load(root)
    moved = evolve(workspace, root=os.path.realpath(root))
    try:
        graph = build_graph(moved)
    except HazError:
        assume(False)
        raise
    loaded.workspace, loaded.graph = moved, graph
    mine, theirs = loaded.write(), find(root)
    assert mine is not None
    assert theirs is not None
    return graph, mine, theirs


def references() -> list[Reference]:
    found: list[Reference] = []
    for task in [*TASKS, "z"]:
        found += (SameProject(task), FanOut(task), FanOut(task, sibling=True))
        found += (InProject(project, task) for project in [*PROJECTS, "no"])
        found += (Tagged(tag, task, no) for tag in [*TAGS, "no"] for no in (False, True))
    return found


def meanings(resolver: Resolver) -> list[object]:
    return [resolver.resolve(r, bearing) for r in references() for bearing in (None, *PROJECTS)]


@settings(max_examples=200, deadline=None)
@given(whole())
def test_what_is_thawed_is_what_was_loaded(workspace: Workspace) -> None:
    """Bodies, settings, edges, numbers, references, readers and makers of files."""
    with tempfile.TemporaryDirectory() as folder:
        graph, mine, theirs = written(workspace, Path(folder))
    assert theirs.workspace == mine.workspace
    assert [*theirs.workspace.projects] == [*mine.workspace.projects]
    thawed = theirs.graph
    assert thawed.ids == graph.ids
    assert dict(thawed.nodes) == dict(graph.nodes)
    assert dict(thawed.hard) == dict(graph.hard)
    assert dict(thawed.weak) == dict(graph.weak)
    assert dict(thawed.producers) == dict(graph.producers)
    assert [thawed.number(id) for id in thawed.ids] == [*range(len(graph.ids))]
    for id in graph.ids:
        assert thawed.closure([id]) == graph.closure([id])
    for path in ("/p/x", "/p/d/x", "/q/d/x", "/p-x/x", "/p/y", "/none"):
        assert [*thawed.consumers_of(path)] == [*graph.consumers_of(path)]
        assert thawed.producers_of(path) == graph.producers_of(path)
    assert meanings(thawed.resolver) == meanings(graph.resolver)
    assert (theirs.seal, theirs.variables) == (mine.seal, mine.variables)
    for number in range(len(graph.ids)):
        assert theirs.static(number) == mine.static(number)


@settings(max_examples=100, deadline=None)
@given(whole())
def test_a_task_that_is_unknown_is_unknown_to_a_snapshot_as_well(workspace: Workspace) -> None:
    """A mapping that is thawed refuses what a dictionary refuses."""
    with tempfile.TemporaryDirectory() as folder:
        _, _, theirs = written(workspace, Path(folder))
    graph, missing = theirs.graph, TaskId("no", "no")
    for mapping in (graph.nodes, graph.hard, graph.weak, graph.producers):
        assert missing not in mapping
        assert mapping.get(missing) is None
        assert len(mapping) == len(graph.ids) == len([*mapping])


ONE = Task("t", Argv(("true",)))
CHANGES: list[dict[str, object]] = [
    {"action": Argv(("true", ""))},
    {"action": Argv(("true\0",))},
    {"action": Shell("true")},
    {"action": Shell("true", "bash")},
    {"env": Environment(frozenset({"A"}))},
    {"env": Environment(override=(("A", ""),))},
    {"env": Environment(override=(("A", "b"),))},
    {"mutex": Mutex("m")},
]


def test_what_a_task_declares_is_told_apart(tmp_path: Path) -> None:
    """The digests of what a task declares differ with everything that its key rests on."""
    root = os.path.realpath(build(tmp_path, {".haz/workspace.yml": "projects: []\n"}))
    seen = set()
    for fields in [{}, *CHANGES]:
        for place in ("/p", "/q"):
            for hash_name in HashName:
                task = evolve(ONE, **fields)
                project = Project("p", place, tasks={"t": task})
                loaded = load(tmp_path)
                loaded.workspace = Workspace(
                    root, projects={"p": project}, settings=Settings(hash=hash_name)
                )
                loaded.graph = build_graph(loaded.workspace)
                snapshot = loaded.write()
                assert snapshot is not None
                seen.add(snapshot.static(0))
    assert len(seen) == 2 * 2 * (1 + len(CHANGES))


def test_each_byte_and_each_length_of_a_damaged_file_is_a_load(tmp_path: Path) -> None:
    """A file with another byte anywhere, or too short, says nothing; nothing is raised."""
    root = build(
        tmp_path,
        {
            ".haz/workspace.yml": "projects: ['/a']\n",
            "a/haz.yml": "name: a\ntasks: {t: {command: ['true']}}\n",
        },
    )
    assert load(root).write() is not None
    path = root / PLACE
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert find(root) is None
        path.write_bytes(whole[:at])
        assert find(root) is None
    path.write_bytes(whole + b"\0")
    assert find(root) is None
    path.write_bytes(whole)
    assert find(root) is not None


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_sealed_file_of_another_shape_is_refused(data: st.DataObject) -> None:
    """What carries our seal may still be no snapshot: nothing is raised, whatever it holds."""
    with tempfile.TemporaryDirectory() as folder:
        root = build(
            Path(folder),
            {
                ".haz/workspace.yml": "projects: ['/a']\n",
                "a/haz.yml": "name: a\ntasks: {t: {command: ['true']}}\n",
            },
        )
        assert load(root).write() is not None
        path = root / PLACE
        body = bytearray(path.read_bytes()[:-16])
        cuts = sorted(data.draw(st.lists(st.integers(8, len(body)), min_size=2, max_size=2)))
        for start, end in pairwise(cuts):
            body[start:end] = data.draw(st.binary(max_size=6))
        path.write_bytes(bytes(body) + xxhash.xxh3_128_digest(bytes(body)))
        find(root)
