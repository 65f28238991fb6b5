"""What `cache` commands go by: the ten members that every manifest has had (cache.md A3, C1).

More lenient than ``manifest_reader``, which decides what a run may use: entries of the original,
or made by hand, count as the original counts them.
"""

from __future__ import annotations

import re

from haz_trio.cache.manifest import REVISION, Json
from haz_trio.cache.strict_json import load_strictly
from haz_trio.errors import InvalidTextError
from haz_trio.model.names import quote
from haz_trio.model.patterns import check_segment
from haz_trio.model.workspace import HashName
from haz_trio.values import frozen

LARGEST = (1 << 64) - 1
_HEX = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_TEN = frozenset(
    [
        "chapter_revision",
        "hash_function",
        "key",
        "outputs",
        "stdout_len",
        "stderr_len",
        "stdout_hash",
        "stderr_hash",
        "exit_status",
        "created_at_unix",
    ]
)
_ADDED = frozenset(["format", "task", "project_root", "links", "folders", "duration_ms", "seal"])
_OUTPUT = frozenset(("workspace_absolute_path", "content_hash", "size", "mode"))
_OUTPUT_ADDED = frozenset(("sha256",))


@frozen
class Record:
    """A manifest in short; ``task`` is empty where none is recorded.

    ``created_at`` is in unix seconds; ``footprint`` is the bytes of streams and outputs, equal
    blobs counted once for each output, and at most 2^64 - 1.
    """

    revision: int
    hash_name: HashName
    key: str
    created_at: int
    footprint: int
    task: str = ""

    def fits(self, hash_name: HashName) -> bool:
        """Whether the entry is of the workspace's schema (AUX-019)."""
        return self.revision == REVISION and self.hash_name is hash_name


def parse_record(data: bytes) -> Record:
    """Read the bytes of a ``manifest.json``; raises ``ValueError`` with the reason."""
    try:
        return _record(load_strictly(data))
    except RecursionError:
        raise ValueError("the manifest is nested too deeply") from None


def _record(value: Json) -> Record:
    top = _members(value, "the manifest", _TEN, _ADDED)
    revision = _number(top, "chapter_revision", most=255)
    name = _text(top, "hash_function")
    if name not in {known.value for known in HashName}:
        raise ValueError(f"hash_function is {quote(name)}")
    _number(top, "exit_status", least=-(1 << 31), most=(1 << 31) - 1)
    for digest in ("stdout_hash", "stderr_hash"):
        _digest(top, digest)
    outputs = top["outputs"]
    if not isinstance(outputs, list):
        raise ValueError("outputs is not a list")
    footprint = _number(top, "stdout_len") + _number(top, "stderr_len") + sum(map(_size, outputs))
    task = top.get("task", "")
    return Record(
        revision,
        HashName(name),
        _digest(top, "key"),
        _number(top, "created_at_unix"),
        min(footprint, LARGEST),
        task if isinstance(task, str) else "",
    )


def _size(value: Json) -> int:
    """The size of one output; the rest of its record is checked."""
    output = _members(value, "a record of outputs", _OUTPUT, _OUTPUT_ADDED)
    _digest(output, "content_hash")
    _number(output, "mode", most=(1 << 32) - 1)
    path = _text(output, "workspace_absolute_path")
    try:
        if not path.startswith("/"):
            raise InvalidTextError("it does not start with `/`")
        for segment in path[1:].split("/"):
            check_segment(segment)
    except InvalidTextError as problem:
        raise ValueError(f"the path {quote(path)} is not canonical: {problem}") from None
    return _number(output, "size")


def _members(
    value: Json, place: str, needed: frozenset[str], known: frozenset[str]
) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise ValueError(f"{place} is not an object")
    if missing := needed.difference(value):
        raise ValueError(f"{place} lacks {min(missing)}")
    if unknown := value.keys() - needed - known:
        raise ValueError(f"{place} has an unknown member {quote(min(unknown))}")
    return value


def _text(members: dict[str, Json], name: str) -> str:
    value = members[name]
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a string")
    value.encode()  # a lone surrogate is a UnicodeEncodeError, which is a ValueError
    return value


def _digest(members: dict[str, Json], name: str) -> str:
    value = _text(members, name)
    if not _HEX.fullmatch(value):
        raise ValueError(f"{name} is not 64 hexadecimal digits")
    return value.lower()


def _number(members: dict[str, Json], name: str, *, least: int = 0, most: int = LARGEST) -> int:
    value = members[name]
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{name} is not an integer from {least} to {most}")
    return value
