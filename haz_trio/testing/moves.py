"""What can happen to a workspace between and in its runs, as values, and the rules it is about."""

from __future__ import annotations

from typing import TypeAlias

import attrs

from haz_trio.testing.reference.references import Id
from haz_trio.testing.reference.world import Value


@attrs.frozen
class Write:
    """A file gets these contents, also if it has them already."""

    path: str
    content: bytes


@attrs.frozen
class Remove:
    """A file goes, or a folder with all that is in it."""

    path: str


@attrs.frozen
class Scribble:
    """The first byte of a file changes, if there is one; its size does not."""

    path: str


@attrs.frozen
class Forge:
    """The same, but the file's time does not change either; ``anew`` puts another file there."""

    path: str
    anew: bool = False


@attrs.frozen
class Link:
    """A symbolic link stands at a path, whatever stood there."""

    path: str
    to: str


@attrs.frozen
class Folder:
    """A folder stands at a path, whatever stood there; ``full`` is one with a file in it."""

    path: str
    full: bool = False


@attrs.frozen
class Chmod:
    path: str
    mode: int


@attrs.frozen
class Turn:
    """The configuration changes."""

    knob: str
    value: Value


@attrs.frozen
class Export:
    """A variable of the host changes; ``None`` unsets it."""

    name: str
    value: str | None


@attrs.frozen
class Damage:
    """Entries of the cache are damaged: "blobs", "streams", "manifests", or all are "cleared"."""

    what: str


@attrs.frozen
class Rot:
    """What is stored of a task's last result has other bytes, and its outputs are gone."""

    id: Id


@attrs.frozen
class Run:
    """``haz run``; ``mode`` is "" or one of ``MODES``."""

    targets: tuple[Id, ...] = ()
    mode: str = ""


@attrs.frozen
class Ask:
    """``haz why``: whether a run would hit, and with ``--diff`` what has changed.

    ``briefly`` asks for the second alone.
    """

    id: Id
    briefly: bool = False


Move: TypeAlias = (
    Write
    | Remove
    | Scribble
    | Forge
    | Link
    | Folder
    | Chmod
    | Turn
    | Export
    | Damage
    | Rot
    | Run
    | Ask
)
RULES: dict[type[Move], str] = {
    Write: "CACHE-006",
    Remove: "CACHE-006 CACHE-019",
    Scribble: "CACHE-006 CACHE-019",
    Forge: "CACHE-006 CACHE-019",
    Link: "CACHE-019 CACHE-020",
    Folder: "CACHE-019 CACHE-020",
    Chmod: "CACHE-006 CACHE-019",
    Turn: "CACHE-001 CACHE-005",
    Export: "CACHE-008",
    Damage: "CACHE-014 CACHE-023",
    Rot: "CACHE-014 CACHE-023",
}
MODES: dict[str, tuple[bool, bool]] = {  # whether results are looked up, and stored
    "": (True, True),
    "force": (False, True),
    "no-cache": (False, False),
    "no-cache=read": (False, True),
    "no-cache=write": (True, False),
}
KNOB_RULES = {
    "spelling": "CACHE-006 PATH-004 PATH-005",
    "deep": "CACHE-006 PATH-011",
    "copies": "CACHE-011 CFG-017",
    "declares": "CACHE-011 CFG-017",
    "variable": "CACHE-008 CFG-032",
    "override": "CACHE-008 CFG-033",
    "shell": "CACHE-005 CFG-022",
    "to_stderr": "CACHE-007 DAG-017",
    "tag": "CACHE-001",
    "mutex": "MUTEX-008",
    "comment": "CACHE-001",
    "buffered": "EXEC-016",
    "hash": "CACHE-003 CFG-027",
    "depends": "CACHE-007 DAG-017",
    "chmod": "CACHE-020",
    "weak": "DAG-018 CACHE-001",
    "salt": "CACHE-005",
    "args": "CACHE-005 CFG-021",
    "deps": "CACHE-007 DAG-017",
    "hosts": "CACHE-008 CFG-032",
    "globbed": "CACHE-011 CFG-017",
}
