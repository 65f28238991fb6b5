"""State files that were begun and never finished: who wrote them was killed (cache.md C5)."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from haz_trio.cache.files import FOLDER, Disk, opened
from haz_trio.cache.layout import STATE, is_begun

PATIENCE = 3600.0  # seconds; a write takes milliseconds, unless its process is being suspended


def remove_begun(root: int, disk: Disk) -> None:
    """Remove what killed writers left in the state folder of a cache; never raises.

    A file that is younger than ``PATIENCE`` may be about to be finished and stays.
    """
    with suppress(OSError), opened(STATE, FOLDER, at=root) as state:
        for name in filter(is_begun, os.listdir(state)):
            with suppress(OSError):
                info = os.stat(name, dir_fd=state, follow_symlinks=False)
                if time.time() - info.st_mtime > PATIENCE:
                    disk.unlink(name, at=state)
