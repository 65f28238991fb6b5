"""Snapshots of real folders on the tests' own clock."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Mapping
from pathlib import Path

import attrs
import xxhash

from haz_trio.config.load import load_with_sources
from haz_trio.config.snapshot import PLACE, Snapshot, find_snapshot
from haz_trio.config.snapshot_file import write_snapshot
from haz_trio.config.sources import Sources
from haz_trio.graph.build import build_graph
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.workspace import Workspace
from haz_trio.trust import Senses

LATER = 70_000_000_000  # more than any slack, in nanoseconds


@attrs.define
class Loaded:
    """What a load of a folder has found, as if ``ahead`` nanoseconds after its last change."""

    workspace: Workspace
    graph: TaskGraph
    sources: Sources | None
    seen_ns: int
    senses: Senses

    def write(self) -> Snapshot | None:
        """Write the snapshot; what it would say."""
        if self.sources is None:
            return None
        folder = Path(self.workspace.root, PLACE).parent
        folder.mkdir(parents=True, exist_ok=True)
        return write_snapshot(
            self.workspace, self.graph, self.sources, seen_ns=self.seen_ns, senses=self.senses
        )


def later(ahead: int = LATER) -> Senses:
    """The senses of somebody who lives so many nanoseconds after us."""
    return Senses(lambda: time.time_ns() + ahead)


def load(root: Path, *, ahead: int = LATER, choice: str | None = None) -> Loaded:
    """Load a workspace when everything in it is old already."""
    senses = later(ahead)
    seen = senses.clock()
    workspace, sources = load_with_sources(root, root=choice)
    return Loaded(workspace, build_graph(workspace), sources, seen, senses)


def find(directory: Path, *, ahead: int = 2 * LATER, root: str | None = None) -> Snapshot | None:
    return find_snapshot(os.path.realpath(directory), root=root, senses=later(ahead))


def build(root: Path, files: Mapping[str, str]) -> Path:
    """Files with these texts below a new folder."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def reseal(path: Path, *, written_ns: int | None = None, boot: bytes | None = None) -> None:
    """Give a state file another time or boot, and the seal that belongs to it."""
    data = bytearray(path.read_bytes()[:-16])
    if written_ns is not None:
        struct.pack_into("<Q", data, 8, written_ns)
    if boot is not None:
        struct.pack_into("<16s", data, 16, boot)
    path.write_bytes(bytes(data) + xxhash.xxh3_128_digest(data))
