"""Writes ``state/config``: a workspace and its graph as a load has found them."""

from __future__ import annotations

import json
import os
from array import array
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from blake3 import blake3

from haz_trio import __version__
from haz_trio.config.snapshot import KIND, PLACE, STATIC, Snapshot, Watched
from haz_trio.config.sources import Sources
from haz_trio.config.thawed import freeze, freeze_mutex
from haz_trio.frames import build_frame, parse_frame, write_whole
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.workspace import Settings, Workspace
from haz_trio.ragged import Ragged, pack
from haz_trio.trust import ABSENT, ROW, SENSES, UNSURE, Senses, is_settled
from haz_trio.values import field_names

if TYPE_CHECKING:
    from haz_trio.trust import Row


def write_snapshot(
    workspace: Workspace,
    graph: TaskGraph,
    sources: Sources,
    *,
    seen_ns: int,
    senses: Senses = SENSES,
) -> Snapshot | None:
    """Write the snapshot of a workspace that was loaded after ``seen_ns``; what it would say.

    The folder of the state files must be there.  Nothing is written, and ``None`` returned,
    when markers were passed over, or when a change since then could hide (cache.md C8).
    Of warnings only that there were some is remembered: who wants them needs the places, too.
    Raises ``OSError``.
    """
    if workspace.note:
        return None
    now = senses.clock()

    def is_young(row: Row) -> bool:
        return row != ABSENT and not is_settled(
            row[0], row[3], row[4], seen_ns=seen_ns, now_ns=now
        )

    if any(row == ABSENT or is_young(row) for row in sources.files.values()):
        return None
    listed = {path: (row, digest.hex()) for path, (row, digest) in sources.listings.items()}
    if sources.overlays is not None:
        path, row = sources.overlays
        listed[path] = (row, "")  # all names matter: there is no digest that could still hold
    rows = [*sources.files.values(), *sources.folders.values()]
    rows += [UNSURE if is_young(row) else row for row, _ in listed.values()]
    digests = [digest for _, digest in listed.values()]
    root = os.fsencode(workspace.root)
    places = (*sources.files, *sources.folders, *listed)
    names = [os.path.relpath(os.fsencode(path), root) for path in places]
    first = len(sources.files)
    body, statics = _body(workspace, graph, [first, len(sources.folders)], digests)
    packed = [ROW.pack(*row) for row in rows]
    data = build_frame(KIND, names=names, rows=packed, body=body, clock=senses.clock)
    write_whole(os.path.join(workspace.root, PLACE), data)
    frame = parse_frame(data, KIND, row_size=ROW.size)
    assert frame is not None, "what was built can be parsed"
    watched = Watched.of(frame, (first, len(sources.folders)))
    warned = bool(workspace.warnings or graph.warnings)
    return Snapshot(workspace, graph, frame.seal, _variables(graph), watched, statics, warned)


def drop_snapshot(workspace: Workspace) -> None:
    """Have no snapshot; raises ``OSError`` for one that stays."""
    with suppress(FileNotFoundError):
        os.unlink(os.path.join(workspace.root, PLACE))


def _body(
    workspace: Workspace, graph: TaskGraph, counts: list[int], digests: list[str]
) -> tuple[bytes, bytes]:
    """What came of the load, and the digests of what each task declares."""
    stock: dict[int, int] = {}
    frozen: list[bytes] = []

    def number_of(tasks: Mapping[str, object]) -> dict[str, int]:
        numbers = {}
        for name, task in tasks.items():
            if id(task) not in stock:
                stock[id(task)] = len(frozen)
                frozen.append(freeze(task))  # type: ignore[arg-type]  # every value is a task
            numbers[name] = stock[id(task)]
        return numbers

    header = {
        "version": __version__,
        "mode": workspace.mode.value,
        "counts": counts,
        "digests": digests,
        "locks": [
            [number, freeze_mutex(node.task.mutex)]
            for number, node in enumerate(graph.nodes.values())
            if node.task.mutex is not None
        ],
        "variables": _variables(graph),
        "warned": bool(workspace.warnings or graph.warnings),
        "settings": _plain(workspace.settings),
        "projects": [
            [p.name, p.root, sorted(p.tags), number_of(p.tasks)]
            for p in workspace.projects.values()
        ],
        "overlays": [
            [o.name, sorted(o.tags_filter), number_of(o.tasks)]
            for o in workspace.overlays.values()
        ],
    }
    place = {name: number for number, name in enumerate(workspace.projects)}
    numbers = {id: number for number, id in enumerate(graph.ids)}
    nodes = [graph.nodes[id] for id in graph.ids]
    sources = [stock[id(node.task)] for node in nodes]
    hash_name = workspace.settings.hash.value.encode()
    statics = []
    for node, source in zip(nodes, sources, strict=True):
        before = " ".join(map(str, graph.hard[node.id])).encode()
        declared = pack([hash_name, node.project.root.encode(), frozen[source], before])
        statics.append(blake3(declared).digest(length=STATIC))
    edges = (graph.hard, graph.weak, graph.producers)
    parts = [
        json.dumps(header, separators=(",", ":")).encode("ascii"),
        array("I", [place[node.project.name] for node in nodes]).tobytes(),
        array("I", sources).tobytes(),
        b"\0".join(node.id.task.encode("ascii") for node in nodes),
        b"\0".join(frozen),
        *(
            Ragged.of([numbers[before] for before in kind[id]] for id in graph.ids).encode()
            for kind in edges
        ),
        b"".join(statics),
    ]
    return pack(parts), parts[-1]


def _variables(graph: TaskGraph) -> tuple[str, ...]:
    names = {node.task.env.from_host for node in graph.nodes.values()}
    return tuple(sorted(frozenset().union(*names)))


def _plain(settings: Settings) -> dict[str, object]:
    values = {name: getattr(settings, name) for name in field_names(Settings)}
    return {name: getattr(value, "value", value) for name, value in values.items()}
