"""The staging folder for what is put in one step, the same for all restores of a run.

A single file needs no journal: its rename happens or it does not. What a killed run leaves in the
folder is removed with it by the next run, which finds it unlocked (cache.md C7.9).
"""

from __future__ import annotations

import itertools
import os
import threading
from contextlib import suppress

from haz_trio.cache.files import FOLDER, Disk, delete_tree, hold, token
from haz_trio.cache.layout import restoring_many, staged


class Staging:
    """Made at the first need, on the file system of the cache, and removed by ``close``."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._name = ""
        self._folder: int | None = None
        self.device: int = 0

    def spot(self, root: int) -> tuple[int, str]:
        """The folder, below the cache ``root``, and a free name in it; raises ``OSError``."""
        with self._lock:
            if self._folder is None or os.fstat(self._folder).st_nlink == 0:
                self._make(root)
            assert self._folder is not None
            return self._folder, staged(next(self._numbers))

    def close(self, root: int | None) -> None:
        """Remove the folder when nobody uses it any more; never raises."""
        with self._lock:
            if self._folder is not None:
                os.close(self._folder)
                self._folder = None
                if root is not None:
                    delete_tree(self._name, at=root)

    def _make(self, root: int) -> None:
        if self._folder is not None:  # somebody cleared the cache
            os.close(self._folder)
            self._folder = None
        self._name = restoring_many(token())
        self._disk.mkdir(self._name, at=root)
        try:
            self._folder = os.open(self._name, FOLDER, dir_fd=root)
        except OSError:
            with suppress(OSError):
                os.rmdir(self._name, dir_fd=root)
            raise
        hold(self._folder)
        self.device = os.fstat(self._folder).st_dev
