"""The places that a load looked at: what must be unchanged for its result to hold.

Each row was taken before the place was read: what changes later has another one, or the stamps
of a change that young.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import xxhash

from haz_trio.values import field, frozen

if TYPE_CHECKING:
    from haz_trio.trust import Row


@frozen
class Sources:
    """Host paths below the workspace root, all of them free of links where a snapshot is made.

    ``files`` were read.
    ``folders`` only have to be the same folders as before: projects, and what leads to them.
    ``listings`` are folders whose subfolders were looked for by a glob of `projects`, with a
    digest of those.
    ``overlays`` is the folder of the overlays, which may be absent; all its names matter.
    """

    files: Mapping[str, Row] = field(factory=dict)
    folders: Mapping[str, Row] = field(factory=dict)
    listings: Mapping[str, tuple[Row, bytes]] = field(factory=dict)
    overlays: tuple[str, Row] | None = None


def digest_of_subfolders(found: Iterable[bytes]) -> bytes:
    """16 bytes that tell one set of subfolders and links from another, by ``mark``."""
    return xxhash.xxh3_128_digest(b"\0".join(sorted(found)))


def mark(item: os.DirEntry[bytes] | os.DirEntry[str]) -> bytes | None:
    """What a folder's digest knows of a subfolder or link in it; ``None`` for all else."""
    if item.is_symlink():
        return b"l" + os.fsencode(item.name)
    if item.is_dir(follow_symlinks=False):
        return b"d" + os.fsencode(item.name)
    return None


def subfolders_digest(folder: bytes) -> bytes:
    """The digest of the subfolders that a folder has now; raises ``OSError``."""
    with os.scandir(folder) as listing:
        return digest_of_subfolders(filter(None, map(mark, listing)))
