"""The strict reader of ``manifest.json`` (CACHE-011, cache.md C5).

A manifest may come from a hostile branch: whatever its bytes, ``parse`` gives a manifest that is
sound in itself, or a value that says why there is none.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from haz_trio.cache.manifest import (
    FORMAT,
    REVISION,
    Folder,
    Json,
    Link,
    Manifest,
    Output,
    check_path,
    seal_of,
)
from haz_trio.cache.strict_json import load_strictly
from haz_trio.model.names import quote
from haz_trio.model.workspace import HashName
from haz_trio.values import frozen

LIMIT = 64 << 20  # bytes
_HEX = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_LARGEST = (1 << 63) - 1


@frozen
class OtherSchema:
    """A manifest of another revision, format or hash function: not ours to judge."""

    reason: str


@frozen
class Unsound:
    """Not a manifest, or one that contradicts itself."""

    reason: str


def parse(data: bytes, hash_name: HashName) -> Manifest | OtherSchema | Unsound:
    """Read the bytes of a ``manifest.json``; never raises."""
    try:
        return _parse(data, hash_name)
    except _OtherError as problem:
        return OtherSchema(str(problem))
    except (ValueError, RecursionError) as problem:  # all that json and the checks raise
        return Unsound(str(problem) or type(problem).__name__)


class _OtherError(Exception):
    """The manifest has a schema that is not ours."""


def _parse(data: bytes, hash_name: HashName) -> Manifest:
    if len(data) > LIMIT:
        raise ValueError(f"the manifest has more than {LIMIT} bytes")
    top = _Members(load_strictly(data), "the manifest")
    if top.integer("chapter_revision") != REVISION:
        raise _OtherError(f"chapter_revision is not {REVISION}")
    if (found := top.text("hash_function")) != hash_name.value:
        raise _OtherError(f"hash_function is {quote(found)}, the workspace uses {hash_name.value}")
    if "format" not in top or (found := top.text("format")) != FORMAT:
        raise _OtherError(f"format is not {FORMAT}")
    manifest = Manifest(
        hash_name=hash_name,
        key=top.digest("key"),
        task=top.text("task"),
        project_root=top.path("project_root", root=True),
        outputs=tuple(map(_output, top.records("outputs"))),
        links=tuple(map(_link, top.records("links"))),
        folders=tuple(map(_folder, top.records("folders"))),
        stdout_size=top.integer("stdout_len"),
        stderr_size=top.integer("stderr_len"),
        stdout=top.digest("stdout_hash"),
        stderr=top.digest("stderr_hash"),
        exit_status=top.integer("exit_status"),
        created_at=top.integer("created_at_unix"),
        duration=top.integer("duration_ms"),
        seal=top.digest("seal"),
    )
    top.end()
    if manifest.seal != seal_of(manifest):
        raise ValueError("the seal does not fit the members")
    _check_tree(manifest)
    return manifest


def _output(record: _Members) -> Output:
    output = Output(
        record.path("workspace_absolute_path"),
        record.digest("content_hash"),
        record.integer("size"),
        record.mode(),
        record.digest("sha256") if "sha256" in record else "",
    )
    record.end()
    return output


def _link(record: _Members) -> Link:
    link = Link(record.path("path"), record.text("target"))
    record.end()
    if not link.target or "\0" in link.target:
        raise ValueError(f"the link {quote(link.path)} has no possible target")
    return link


def _folder(record: _Members) -> Folder:
    folder = Folder(record.path("path"), record.mode())
    record.end()
    return folder


class _Members:
    """The members of one JSON object, each taken once and checked on the way."""

    def __init__(self, value: Json, place: str) -> None:
        if not isinstance(value, dict):
            raise ValueError(f"{place} is not an object")
        self._left = dict(value)
        self._place = place

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def end(self) -> None:
        """Nothing may be left over."""
        if self._left:
            raise ValueError(f"{self._place} has an unknown member {quote(min(self._left))}")

    def text(self, name: str) -> str:
        value = self._take(name)
        if not isinstance(value, str):
            raise ValueError(f"{name} is not a string")
        value.encode()  # a lone surrogate is a UnicodeEncodeError, which is a ValueError
        return value

    def integer(self, name: str) -> int:
        value = self._take(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST:
            raise ValueError(f"{name} is not an integer from 0 to 2^63 - 1")
        return value

    def mode(self) -> int:
        value = self.integer("mode")
        if value > 0o777:
            raise ValueError("mode has more than permission bits")
        return value

    def digest(self, name: str) -> str:
        value = self.text(name)
        if not _HEX.fullmatch(value):
            raise ValueError(f"{name} is not 64 hexadecimal digits")
        return value.lower()

    def path(self, name: str, *, root: bool = False) -> str:
        value = self.text(name)
        if not (root and value == "/"):
            check_path(value)
        return value

    def records(self, name: str) -> Iterable[_Members]:
        value = self._take(name)
        if not isinstance(value, list):
            raise ValueError(f"{name} is not a list")
        return (_Members(item, f"a record of {name}") for item in value)

    def _take(self, name: str) -> Json:
        if name not in self._left:
            raise ValueError(f"{self._place} lacks {name}")
        return self._left.pop(name)


def _check_tree(manifest: Manifest) -> None:
    """Every list is sorted, every path occurs once, and no file or link has something below."""
    outputs = [output.path for output in manifest.outputs]
    links = [link.path for link in manifest.links]
    folders = [folder.path for folder in manifest.folders]
    for name, paths in (("outputs", outputs), ("links", links), ("folders", folders)):
        if any(later <= earlier for earlier, later in itertools.pairwise(paths)):
            raise ValueError(f"{name} are not sorted and unique")
    leaves = {*outputs, *links}
    if len(leaves) != len(outputs) + len(links) or not leaves.isdisjoint(folders):
        raise ValueError("a path occurs twice")
    parents: set[str] = set()
    for path in (*outputs, *links, *folders):
        while (path := path.rpartition("/")[0]) and path not in parents:
            parents.add(path)
    if not leaves.isdisjoint(parents):
        raise ValueError(f"{quote(min(leaves & parents))} is a file and a folder")
