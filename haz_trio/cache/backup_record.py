"""What a backup of one task's outputs is: a record that is written before the command starts.

One line of JSON says what stood there. A further line may name outputs that another task has made
good meanwhile, or places that could not be put back, as they were then.
A record whose first line is cut off was never finished, so its command never began.
"""

from __future__ import annotations

import enum
import json
import os
import stat
from collections.abc import Mapping
from typing import TYPE_CHECKING

from haz_trio.cache.files import READ, opened, pieces, regular
from haz_trio.cache.layout import CACHE_PATH
from haz_trio.cache.standing import Area
from haz_trio.model.globs import compile_glob
from haz_trio.model.patterns import Anchored, below
from haz_trio.values import frozen

if TYPE_CHECKING:
    from haz_trio.trust import Row

_LIMIT = 256 << 20  # bytes of a record


class Kind(enum.Enum):
    """``OTHER`` is a FIFO, a socket or a device."""

    FILE = "file"
    LINK = "link"
    FOLDER = "folder"
    OTHER = "other"


@frozen
class Thing:
    """What stood at a place: its ``row`` then, and for a link its text.

    A file is kept under its number in the list of things.
    """

    place: str
    kind: Kind
    row: Row
    text: str = ""

    @property
    def mtime_ns(self) -> int:
        return self.row[3]

    @property
    def mode(self) -> int:
        return stat.S_IMODE(self.row[5])


@frozen
class BackupRecord:
    """What stood at the outputs of a task in the workspace ``home`` (see ``Tree.home``).

    ``taken_ns`` is when they were looked at; ``absent`` are folders above that were not there.
    ``spared`` are places that are another task's good result by now.
    ``only`` are the places that are left to be put back, as they stood then, unless that is
    everything: whoever has changed them since is not undone.
    """

    task: str
    taken_ns: int
    area: Area
    things: tuple[Thing, ...]
    absent: tuple[str, ...]
    home: str
    spared: frozenset[str] = frozenset()
    only: Mapping[str, Row] | None = None


def encode_record(record: BackupRecord) -> bytes:
    """The first line."""
    area = record.area
    value = {
        "task": record.task,
        "taken": record.taken_ns,
        "patterns": [[p.text, p.is_glob, p.prefix, p.depth] for p in area.patterns],
        "places": dict(area.places),
        "things": [[t.place, t.kind.value, t.row, t.text] for t in record.things],
        "absent": record.absent,
        "home": record.home,
    }
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def encode_more(value: list[str] | Mapping[str, Row]) -> bytes:
    """A further line: places that are spared, or those that are left with their rows."""
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def read_record(folder: int, name: str) -> BackupRecord | None:
    """A record in an open folder, ``None`` when it is not whole; raises ``OSError``."""
    with opened(name, READ, at=folder) as fd:
        info = os.fstat(fd)
        if not regular(info) or info.st_size > _LIMIT:
            return None
        return decode_record(b"".join(pieces(fd)))


def decode_record(data: bytes) -> BackupRecord | None:
    """A record from its lines; ``None`` for anything else. Never raises."""
    first, *more = data.split(b"\n")
    if not more:
        return None
    try:
        value = json.loads(first)
        further = [json.loads(line) for line in more[:-1]]
        spared = frozenset(_place(p) for each in further if isinstance(each, list) for p in each)
        left = [each for each in further if isinstance(each, dict)]
        only = {_place(p): _row(row) for p, row in left[-1].items()} if left else None
        area = Area(
            tuple(map(_pattern, value["patterns"])),
            {_path(prefix): _root_or_place(place) for prefix, place in value["places"].items()},
        )
        if not all(pattern.prefix in area.places for pattern in area.patterns):
            return None
        return BackupRecord(
            _text(value["task"]),
            _number(value["taken"]),
            area,
            tuple(map(_thing, value["things"])),
            tuple(map(_place, value["absent"])),
            _text(value["home"]),
            spared,
            only,
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):  # wrong shapes
        return None


def _pattern(value: list[object]) -> Anchored:
    match value:
        case [str(text), bool(is_glob), str(prefix), int() | None as depth]:
            glob = compile_glob(text) if is_glob else None
            return Anchored(_path(text), glob, _path(prefix), depth)
        case _:
            raise ValueError("not a pattern")


def _thing(value: list[object]) -> Thing:
    match value:
        case [str(place), str(kind), list(row), str(text)]:
            return Thing(_place(place), Kind(kind), _row(row), text)
        case _:
            raise ValueError("not a thing")


def _row(value: list[object]) -> Row:
    dev, ino, size, mtime, ctime, mode = map(_number, value)
    return (dev, ino, size, mtime, ctime, mode)


def _path(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError("not a path from the workspace root")
    return text


def _place(text: str) -> str:
    """Odd names may stand at outputs, but none that leads out of the workspace."""
    steps = text.split("/")
    if not all(steps) or "\0" in text or {".", ".."}.intersection(steps):
        raise ValueError("not a place")
    if below("/" + text, CACHE_PATH):
        raise ValueError("a place in the cache")
    return text


def _root_or_place(text: str) -> str:
    return _place(text) if text else text


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError("not a number")
    return value
