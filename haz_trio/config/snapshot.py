"""The configuration and the graph of an unchanged workspace, from one file (cache.md C5, C8).

``state/config`` below the cache is a sealed frame: a row of stat data for every file and folder
that a load looked at, and what came of the load.
It is believed only while every row still holds; in any doubt the files are read again.
Only a run writes it, and only for a workspace without errors.
"""

from __future__ import annotations

import json
import os
import stat
from array import array
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from haz_trio import __version__
from haz_trio.config.sources import Sources, subfolders_digest
from haz_trio.config.thawed import Bodies, Edges, Nodes, Tasks, thaw_mutex
from haz_trio.frames import Frame, read_frame
from haz_trio.graph.files import index_files
from haz_trio.graph.graph import TaskGraph
from haz_trio.graph.references import Resolver
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import (
    Containment,
    HashName,
    KeepOutputs,
    Mode,
    OutputMode,
    Overlay,
    Project,
    Settings,
    Workspace,
)
from haz_trio.ragged import Ragged, unpack
from haz_trio.trust import ROW, SENSES, UNSURE, Senses, identity, survives
from haz_trio.values import frozen

if TYPE_CHECKING:
    from haz_trio.trust import Row

KIND = b"config 1"
PLACE = ".haz/cache/state/config"
OVERLAYS = b".haz/tasks"
STATIC = 16  # bytes of the digest of what a task declares
_MARKERS = {Mode.EXPLICIT: b".haz/workspace.yml", Mode.IMPLICIT: b"haz.yml"}
_WORKSPACE_FILE = ".haz/workspace.yml"


@frozen
class Watched:
    """The names below the root on which a snapshot rests; see ``Sources`` for the kinds."""

    files: Mapping[bytes, Row]
    folders: Mapping[bytes, Row]
    listings: tuple[bytes, ...]

    @classmethod
    def of(cls, frame: Frame, counts: Sequence[int]) -> Watched:
        files, folders = counts
        rows = ROW.iter_unpack(frame.rows)
        names = frame.names
        return cls(
            dict(zip(names[:files], rows, strict=False)),
            dict(zip(names[files : files + folders], rows, strict=False)),
            names[files + folders :],
        )


@frozen
class Snapshot:
    """A workspace and its graph as they were loaded before, and still are.

    ``seal`` tells this configuration from every other one.
    ``static(n)`` is a digest of all that task number n declares and of what it depends on.
    ``variables`` are the names that some task takes from the host.
    ``warned`` says whether there were warnings, which are not remembered themselves.
    """

    workspace: Workspace
    graph: TaskGraph
    seal: bytes
    variables: tuple[str, ...]
    watched: Watched
    statics: bytes
    warned: bool

    def static(self, number: int) -> bytes:
        return self.statics[number * STATIC : (number + 1) * STATIC]


@frozen
class Origin:
    """Where a workspace comes from: an old snapshot, or a load that may become a new one.

    ``seen_ns`` is the time before any of that was looked at.
    """

    snapshot: Snapshot | None = None
    sources: Sources | None = None
    seen_ns: int = 0


# -- finding ----------------------------------------------------------------------------------


def find_snapshot(
    directory: str, *, root: str | None = None, senses: Senses = SENSES
) -> Snapshot | None:
    """The snapshot of the workspace around a canonical directory, if it may be believed.

    ``root`` is what ``--root`` or ``HAZ_ROOT`` says, relative to the directory.
    Never raises: whatever is wrong, the files say it better.
    """
    try:
        place = _place(directory, root)
        frame = (
            None
            if place is None
            else read_frame(os.path.join(place, PLACE), KIND, row_size=ROW.size)
        )
        if place is None or frame is None:
            return None
        return _thaw(place, frame, senses)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None  # sealed, but by nothing that we know: another shape than ours


def _place(directory: str, root: str | None) -> str | None:
    """The directory whose snapshot to take: no other marker lies between it and us."""
    if root is not None:
        return os.path.realpath(os.path.join(directory, root), strict=True)
    while True:
        if os.path.lexists(os.path.join(directory, PLACE)):
            return directory
        if any(os.path.lexists(os.path.join(directory, name)) for name in (".haz", ".git")):
            return None
        above = os.path.dirname(directory)
        if above == directory:
            return None
        directory = above


def _is_root(root: str, mode: Mode) -> bool:
    """Whether a directory is marked as it was (DISC-001 to 004); its files have rows."""
    if mode is Mode.EXPLICIT:
        return True
    if os.path.lexists(os.path.join(root, _WORKSPACE_FILE)):
        return False
    git = os.stat(os.path.join(root, ".git")).st_mode
    if not (stat.S_ISDIR(git) or stat.S_ISREG(git)):
        return False
    above = root
    while (above := os.path.dirname(above)) != os.path.dirname(above):
        if os.path.lexists(os.path.join(above, _WORKSPACE_FILE)):
            return False
    return not os.path.lexists(os.path.join(above, _WORKSPACE_FILE))


# -- reading ----------------------------------------------------------------------------------


def _thaw(root: str, frame: Frame, senses: Senses) -> Snapshot | None:
    head, owners, sources, names, bodies, hard, weak, producers, statics = unpack(frame.body)
    header = json.loads(bytes(head))
    if header["version"] != __version__ or frame.written_at_ns > senses.clock():
        return None
    mode = Mode(header["mode"])
    if not _is_root(root, mode) or not _holds(root, frame, header, senses):
        return None
    # A repository may ship a file of ours, but not one that knows the stat data of its checkout.
    if _MARKERS[mode] not in frame.names[: header["counts"][0]]:
        return None
    stock = Bodies(_split(bodies))
    projects = [
        Project(name, place, frozenset(tags), Tasks(tasks, stock))
        for name, place, tags, tasks in header["projects"]
    ]
    workspace = Workspace(
        root=root,
        mode=mode,
        projects={project.name: project for project in projects},
        overlays={
            name: Overlay(name, frozenset(tags), Tasks(tasks, stock))
            for name, tags, tasks in header["overlays"]
        },
        settings=_settings(header["settings"]),
    )
    nodes_of = _numbers(owners), _numbers(sources)
    task_names = [name.decode("ascii") for name in _split(names)]
    ids = tuple(
        [
            TaskId(projects[owner].name, task)
            for owner, task in zip(nodes_of[0], task_names, strict=True)
        ]
    )
    numbers = {id: number for number, id in enumerate(ids)}
    locks = {number: thaw_mutex(lock) for number, lock in header["locks"]}
    nodes = Nodes(numbers, projects, *nodes_of, stock)
    graph = TaskGraph(
        nodes=nodes,
        hard=Edges(ids, numbers, Ragged.parse(hard).at),
        weak=Edges(ids, numbers, Ragged.parse(weak).at),
        producers=Edges(ids, numbers, Ragged.parse(producers).at),
        warnings=(),
        ids=ids,
        numbers=numbers,
        traits=lambda task: (projects[nodes_of[0][numbers[task]]], locks.get(numbers[task])),
        make_resolver=lambda: Resolver(nodes, workspace),
        make_files=lambda: index_files(tuple(nodes.values())),
    )
    variables, watched = tuple(header["variables"]), Watched.of(frame, header["counts"])
    warned = header["warned"] is not False
    return Snapshot(workspace, graph, frame.seal, variables, watched, bytes(statics), warned)


def _holds(root: str, frame: Frame, header: Mapping[str, list[str]], senses: Senses) -> bool:
    """Whether everything that the load looked at is as it was."""
    files, folders = map(int, header["counts"])
    base = os.fsencode(root).rstrip(b"/") + b"/"
    row_at = senses.row_at
    listed = files + folders
    names, rows = frame.names, list(ROW.iter_unpack(frame.rows))
    if not frame.same_boot:
        rows = [row if _survives(row, frame) else UNSURE for row in rows]
    if any(row_at(base + name) != row for name, row in zip(names[:files], rows, strict=False)):
        return False
    for name, row in zip(names[files:listed], rows[files:listed], strict=True):
        if identity(row_at(base + name)) != row:
            return False
    for name, row, digest in zip(names[listed:], rows[listed:], header["digests"], strict=True):
        path = base + name
        # A change that brings no subfolder and takes none away is none to a glob.
        if row_at(path) != row and (not digest or subfolders_digest(path).hex() != digest):
            return False
    return True


def _survives(row: tuple[int, ...], frame: Frame) -> bool:
    return survives(row[4], written_at_ns=frame.written_at_ns, same_boot=frame.same_boot)


def _settings(value: Mapping[str, object]) -> Settings:
    kinds = {
        "hash": HashName,
        "output_mode": OutputMode,
        "containment": Containment,
        "outputs": KeepOutputs,
    }
    fields = {name: kinds[name](each) if name in kinds else each for name, each in value.items()}
    return Settings(**fields)  # type: ignore[arg-type]  # sealed: the fields are those of Settings


def _split(data: memoryview) -> list[bytes]:
    return bytes(data).split(b"\0") if data else []


def _numbers(data: memoryview) -> array[int]:
    numbers = array("I")
    numbers.frombytes(data)
    return numbers
