"""Entries on disk: find one and judge it (CACHE-010..016, cache.md C6)."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from typing import TypeAlias

from haz_trio.abc import Subject
from haz_trio.cache.files import FOLDER, READ, Damage, opened, pieces, regular
from haz_trio.cache.layout import MANIFEST, OUTPUTS, STDERR, STDOUT, shard
from haz_trio.cache.manifest import Manifest
from haz_trio.cache.manifest_reader import LIMIT, OtherSchema, Unsound, parse
from haz_trio.cache.matches import link_target
from haz_trio.model.names import quote
from haz_trio.model.patterns import below
from haz_trio.model.workspace import HashName
from haz_trio.values import frozen

_TRIES = 5  # of judging what others replace meanwhile


@frozen
class NoEntry:
    """Nothing is stored under this key."""


@frozen
class Damaged:
    """Something is stored under this key and cannot be used; ``kind`` is one word."""

    reason: str
    kind: str = "entry"


@frozen
class Unreadable:
    """The cache could not be read here."""

    problem: OSError


Examined: TypeAlias = Manifest | NoEntry | OtherSchema | Damaged | Unreadable


@contextlib.contextmanager
def open_entry(root: int, key: str) -> Iterator[int]:
    """The folder of an entry, reached through no link; raises ``OSError``."""
    with opened(shard(key), FOLDER, at=root) as folder, opened(key, FOLDER, at=folder) as entry:
        yield entry


def examine(root: int, key: str, hash_name: HashName) -> Examined:
    """Judge the entry of a key by all but the bytes of its blobs and streams; never raises.

    An entry that is replaced or removed meanwhile is no damaged one (S1).
    """
    return unless_replaced(root, key, lambda: _examine(root, key, hash_name))


def unless_replaced(root: int, key: str, judge: Callable[[], Examined]) -> Examined:
    """What ``judge`` says of the entry of a key, again if it looked at two entries at once."""
    for _ in range(_TRIES):
        try:
            # Most keys that are looked for while commands run have no entry: one question tells.
            before: tuple[int, int] | None = _identity(root, key)
        except FileNotFoundError:
            return NoEntry()
        except OSError:
            before = None  # what follows finds out what stands there
        found = judge()
        if not isinstance(found, Damaged | Unreadable):
            return found
        try:
            if before is None or _identity(root, key) == before:
                return found
        except OSError:
            continue
    return NoEntry()


def _identity(root: int, key: str) -> tuple[int, int]:
    """What tells an entry from one that takes its place, also under the same inode number."""
    info = os.stat(f"{shard(key)}/{key}", dir_fd=root, follow_symlinks=False)
    return info.st_ino, info.st_ctime_ns


def _examine(root: int, key: str, hash_name: HashName) -> Examined:
    try:
        with open_entry(root, key) as entry:
            found = parse(_read(MANIFEST, entry), hash_name)
            if isinstance(found, OtherSchema):
                return found
            if isinstance(found, Unsound):
                return Damaged(found.reason, "manifest")
            if found.key != key:
                return Damaged(f"the manifest is that of the key {found.key}", "manifest")
            if found.exit_status != 0:
                return Damaged(f"exit_status is {found.exit_status}", "manifest")
            _check_files(found, entry)
            return found
    except Damage as damage:
        return Damaged(damage.reason, damage.kind)
    except FileNotFoundError:
        return NoEntry() if not _exists(root, key) else Damaged("manifest.json is absent")
    except NotADirectoryError:
        return Damaged("a file or a link stands in the place of the entry")
    except OSError as problem:
        return Unreadable(problem)


def misfit(manifest: Manifest, subject: Subject, workspace: str) -> str:
    """Why a manifest that is sound in itself is not one of this task, or an empty text (C6.2).

    ``workspace`` is the root on the host.
    """
    if manifest.project_root != subject.root:
        return f"it belongs to the project at {quote(manifest.project_root)}"
    literals = {p.text for p in subject.outputs if not p.is_glob}
    globs = [p for p in subject.outputs if p.is_glob]
    paths = manifest.paths
    for path in paths:
        if path not in literals and not any(glob.matches(path) for glob in globs):
            return f"{quote(path)} matches no declared output"
    if missing := literals.difference(paths):
        return f"the declared output {quote(min(missing))} is absent"
    for folder in manifest.folders:
        if not any(below(folder.path, glob.prefix) for glob in globs):
            return f"the folder {quote(folder.path)} lies below no declared output"
    for link in manifest.links:
        if link_target(workspace, link.path, link.target) is None:
            return f"the link {quote(link.path)} leads outside the workspace"
    return ""


def _check_files(manifest: Manifest, entry: int) -> None:
    """Blobs and streams are regular files of the recorded sizes; raises ``Damage``."""
    _check_size(STDOUT, manifest.stdout_size, at=entry, kind="stream")
    _check_size(STDERR, manifest.stderr_size, at=entry, kind="stream")
    sizes: dict[str, int] = {}
    for output in manifest.outputs:
        if sizes.setdefault(output.digest, output.size) != output.size:
            raise Damage(f"two sizes are recorded for {output.digest}", kind="manifest")
    if not sizes:
        return
    try:
        folder = os.open(OUTPUTS, FOLDER, dir_fd=entry)
    except (FileNotFoundError, NotADirectoryError):
        raise Damage("the folder of the blobs is absent", kind="blob") from None
    try:
        for digest, size in sizes.items():
            _check_size(digest, size, at=folder, kind="blob")
    finally:
        os.close(folder)


def _check_size(name: str, size: int, *, at: int, kind: str) -> None:
    try:
        info = os.stat(name, dir_fd=at, follow_symlinks=False)
    except FileNotFoundError:
        raise Damage(f"{name} is absent", kind=kind) from None
    if not regular(info):
        raise Damage(f"{name} is not a regular file", kind=kind)
    if info.st_size != size:
        raise Damage(f"{name} has {info.st_size} bytes, not {size}", kind=kind)


def _read(name: str, at: int) -> bytes:
    info = os.stat(name, dir_fd=at, follow_symlinks=False)
    if not regular(info):
        raise Damage(f"{name} is not a regular file", kind="manifest")
    if info.st_size > LIMIT:
        raise Damage(f"{name} has more than {LIMIT} bytes", kind="manifest")
    with opened(name, READ, at=at) as fd:
        data = bytearray()
        for piece in pieces(fd):
            data += piece
            if len(data) > LIMIT:
                break
        return bytes(data)


def _exists(root: int, key: str) -> bool:
    """Whether anything has the name of the entry, also where its inside is not as it should be."""
    try:
        with opened(shard(key), FOLDER, at=root) as folder:
            return stat.S_IFMT(os.stat(key, dir_fd=folder, follow_symlinks=False).st_mode) != 0
    except OSError:
        return False
