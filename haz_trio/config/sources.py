"""The places that a load looked at: what must be unchanged for its result to hold."""

from __future__ import annotations

import os

import xxhash

from haz_trio.values import frozen


@frozen
class Sources:
    """Host paths below the workspace root, all of them free of links where a snapshot is made.

    ``files`` were read.
    ``folders`` only have to be the same folders as before: projects, and what leads to them.
    ``listings`` are folders whose subfolders were looked for by a glob of `projects`.
    ``overlays`` is the folder of the overlays, which may be absent; all its names matter.
    """

    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    listings: tuple[str, ...] = ()
    overlays: str = ""


def subfolders_digest(folder: bytes) -> bytes:
    """16 bytes that tell one set of subfolders and links from another; raises ``OSError``."""
    found = []
    with os.scandir(folder) as listing:
        for item in listing:
            if item.is_symlink():
                found.append(b"l" + item.name)
            elif item.is_dir(follow_symlinks=False):
                found.append(b"d" + item.name)
    return xxhash.xxh3_128_digest(b"\0".join(sorted(found)))
