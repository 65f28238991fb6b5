"""An entry on the disk before it is published, for ``HAZ_CACHE_DURABLE=1`` (cache.md C11).

Without it a loss of power may cost an entry, which is a miss then, and never gives a wrong hit.
With it no entry is lost whose store has returned.
"""

from __future__ import annotations

import os

from haz_trio.cache.files import FOLDER, Disk, opened
from haz_trio.cache.layout import MANIFEST, OUTPUTS, POOL, RECIPE, STDERR, STDOUT


def sync_entry(entry: int, root: int, disk: Disk) -> None:
    """Sync the files of an entry, then the folders that name them; raises ``OSError``.

    A blob that the pool had before is synced as well: who wrote it need not have done so.
    ``root`` is the cache.
    """
    with opened(OUTPUTS, FOLDER, at=entry) as blobs:
        for name in sorted(os.listdir(blobs)):
            disk.sync_data(name, at=blobs)
        for name in (STDOUT, STDERR, RECIPE, MANIFEST):
            disk.sync_data(name, at=entry)
        disk.sync(blobs)
    disk.sync(entry)
    try:
        with opened(POOL, FOLDER, at=root) as pool:
            disk.sync(pool)
    except FileNotFoundError:
        return  # a result without blobs, and the first one
