"""The record of a stored result, its seal and its writer (CACHE-011, cache.md C5)."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TypeAlias

from haz_trio.cache.hashing import digest_bytes
from haz_trio.cache.layout import CACHE_PATH
from haz_trio.cache.pretty_json import Value, pretty
from haz_trio.errors import InvalidTextError
from haz_trio.model.names import quote
from haz_trio.model.patterns import below, check_segment
from haz_trio.model.workspace import HashName
from haz_trio.values import evolve, frozen

FORMAT = "haz-trio/1"
REVISION = 0
_COMPACT = json.JSONEncoder(separators=(",", ":"))

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"


@frozen
class Output:
    """A file of the result; ``digest`` is 64 hexadecimal digits, ``mode`` at most 0o777."""

    path: str
    digest: str
    size: int
    mode: int
    sha256: str = ""  # for a remote that speaks another hash than this cache


@frozen
class Link:
    """A symbolic link of the result, its target as written in it."""

    path: str
    target: str


@frozen
class Folder:
    """A folder of the result with its mode."""

    path: str
    mode: int


@frozen
class Manifest:
    """All that an entry records; outputs, links and folders are sorted by path.

    ``created_at`` is the unix second in which the run began, ``duration`` is in milliseconds.
    ``seal`` is the digest of all other members but ``created_at``, empty before it is written.
    """

    hash_name: HashName
    key: str
    task: str
    project_root: str
    outputs: tuple[Output, ...]
    links: tuple[Link, ...]
    folders: tuple[Folder, ...]
    stdout_size: int
    stderr_size: int
    stdout: str  # digests, 64 hexadecimal digits
    stderr: str
    created_at: int
    duration: int
    exit_status: int = 0
    seal: str = ""

    @property
    def paths(self) -> tuple[str, ...]:
        """Files and links, sorted."""
        return tuple(sorted([o.path for o in self.outputs] + [k.path for k in self.links]))

    @property
    def sealed(self) -> Manifest:
        """The same manifest with its seal."""
        return evolve(self, seal=seal_of(self))


def render(manifest: Manifest) -> bytes:
    """The bytes of ``manifest.json`` for a sealed manifest."""
    return (pretty(_members(manifest), ascii_only=False) + "\n").encode()


def check_path(path: str) -> None:
    """A canonical path of an output; raises ``InvalidTextError`` with the reason.

    What passes can be recorded, shown and read back; control and format characters cannot.
    """
    flaw = _flaw(path)
    if flaw:
        raise InvalidTextError(flaw)


def is_path(path: str) -> bool:
    """Whether ``check_path`` lets a path pass."""
    return not _flaw(path)


@lru_cache(maxsize=256)  # an output is checked when it is collected and when it is noted
def _flaw(path: str) -> str:
    """Why a path cannot be recorded, or an empty text."""
    if _is_plain(path):
        return ""
    if not path.startswith("/"):
        return f"the path {quote(path)} does not start with `/`"
    try:
        for segment in path[1:].split("/"):
            check_segment(segment)
        path.encode()
    except UnicodeEncodeError:
        return f"the path {quote(path)} is not UTF-8"
    except InvalidTextError as problem:
        return str(problem)
    if below(path, CACHE_PATH):
        return f"the path {quote(path)} lies inside the cache"
    return ""


def _is_plain(path: str) -> bool:
    """Whether a path is canonical beyond any doubt: no component is empty or begins with a dot."""
    return (
        path.isascii()
        and path.isprintable()
        and path.startswith("/")
        and not path.endswith("/")
        and "//" not in path
        and "/." not in path
    )


def _members(manifest: Manifest) -> dict[str, Value]:
    return {
        "chapter_revision": REVISION,
        "hash_function": manifest.hash_name.value,
        "key": manifest.key,
        "format": FORMAT,
        "task": manifest.task,
        "project_root": manifest.project_root,
        "outputs": [
            {
                "workspace_absolute_path": output.path,
                "content_hash": output.digest,
                "size": output.size,
                "mode": output.mode,
                **({"sha256": output.sha256} if output.sha256 else {}),
            }
            for output in manifest.outputs
        ],
        "links": [{"path": link.path, "target": link.target} for link in manifest.links],
        "folders": [{"path": folder.path, "mode": folder.mode} for folder in manifest.folders],
        "stdout_len": manifest.stdout_size,
        "stderr_len": manifest.stderr_size,
        "stdout_hash": manifest.stdout,
        "stderr_hash": manifest.stderr,
        "exit_status": manifest.exit_status,
        "created_at_unix": manifest.created_at,
        "duration_ms": manifest.duration,
        "seal": manifest.seal,
    }


def seal_of(manifest: Manifest) -> str:
    """The digest of every member but the seal and ``created_at``, which is advice (C5)."""
    members = _COMPACT.encode(_sealed_members(manifest))
    return digest_bytes(manifest.hash_name, members.encode()).hex()


def _sealed_members(manifest: Manifest) -> tuple[object, ...]:
    return (
        *(REVISION, manifest.hash_name.value, manifest.key, FORMAT),
        *(manifest.task, manifest.project_root),
        [(o.path, o.digest, o.size, o.mode, o.sha256) for o in manifest.outputs],
        [(link.path, link.target) for link in manifest.links],
        [(folder.path, folder.mode) for folder in manifest.folders],
        *(manifest.stdout_size, manifest.stderr_size, manifest.stdout, manifest.stderr),
        *(manifest.exit_status, manifest.duration),
    )
