"""Copies of whole files: blocks shared where the file system can, else bytes copied.

Never a hard link: who writes into one of two copies must not change the other.
"""

from __future__ import annotations

import os
import shutil

from haz_trio.cache.files import READ, Disk, opened, share

_PIECE = 1 << 20  # bytes that are copied at once


def copy_file(
    name: str, new: str, *, at: int, to: int, mode: int, times: tuple[int, int], disk: Disk
) -> None:
    """Copy the file ``name`` in the folder ``at`` to a free name in the folder ``to``.

    ``times`` are those of access and change, in nanoseconds. Raises ``OSError``.
    """
    with opened(name, READ, at=at) as source:
        target = disk.create(new, at=to)
        try:
            disk.before("write")
            if not share(source, target):
                _fill(source, target)
            disk.chmod(target, mode)
            os.utime(target, ns=times)
        finally:
            os.close(target)


def _fill(source: int, target: int) -> None:
    with open(source, "rb", closefd=False) as old, open(target, "wb", closefd=False) as new:
        shutil.copyfileobj(old, new, _PIECE)
