"""Which runs live in a cache, and what each is running: files ``state/runs/<pid>-…`` (C9).

The lock of such a file tells that its run lives; its lines tell the next run what a killed one was
doing (peers.md, idea 3). They are appended without syncing, from the first command on.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

from haz_trio.cache.files import FOLDER, hold, opened, token
from haz_trio.cache.layout import RUNNING, running, running_process
from haz_trio.living import dead

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
_LONGEST = 1 << 20  # bytes; then what has ended is left out


class Presence:
    """Says that this process lives until it is closed, or dies; see ``abc.Journal``."""

    def __init__(self, state: int, place: str) -> None:
        """``state`` is the open folder, which is at ``place`` on the host; raises ``OSError``."""
        name = running(os.getpid(), token())
        self.path: str = f"{place}/{RUNNING}/{name}"
        self._place = f"{RUNNING}/{name}"
        self._state = os.dup(state)
        self._running: dict[int, bytes] = {}
        self._head = b""
        self._size = 0
        # It appears with its lock taken: a file without would be that of a dead run.
        new = f"run.{token()}"
        try:
            self._fd = os.open(new, _NEW, 0o600, dir_fd=state)
        except OSError:
            os.close(self._state)
            raise
        try:
            hold(self._fd)
            self._appear(new)
        except OSError:
            with suppress(OSError):
                os.unlink(new, dir_fd=state)
            os.close(self._fd)
            os.close(self._state)
            raise

    def _appear(self, new: str) -> None:
        try:
            os.rename(new, self._place, src_dir_fd=self._state, dst_dir_fd=self._state)
        except FileNotFoundError:
            with suppress(FileExistsError):
                os.mkdir(RUNNING, 0o700, dir_fd=self._state)
            os.rename(new, self._place, src_dir_fd=self._state, dst_dir_fd=self._state)

    def began(self, task: str, pid: int, ticks: int) -> None:
        """See ``abc.Journal``; never raises."""
        if not self._head:
            self._head = b"run %.3f\n" % time.time()
            self._write(self._head)
        line = self._running[pid] = b"+ %d %d %s\n" % (pid, ticks, task.encode())
        self._write(line)

    def ended(self, pid: int) -> None:
        """See ``abc.Journal``; never raises."""
        if self._running.pop(pid, None) is not None:
            self._write(b"- %d\n" % pid)

    def _write(self, line: bytes) -> None:
        # A journal that cannot be written must not keep a command from running.
        with suppress(OSError):
            self._size += os.write(self._fd, line)
            if self._size > _LONGEST:
                os.ftruncate(self._fd, 0)
                self._size = os.write(self._fd, self._head + b"".join(self._running.values()))

    def close(self) -> None:
        """Remove the file; never raises."""
        with suppress(OSError):  # cleared meanwhile
            os.unlink(self._place, dir_fd=self._state)
        os.close(self._fd)
        os.close(self._state)


def others(state: int, place: str) -> list[int]:
    """The processes of living runs but this one; ``state`` is the open folder at ``place``."""
    try:
        with opened(RUNNING, FOLDER, at=state) as folder:
            names = set(os.listdir(folder))
    except OSError:
        return []
    names.difference_update(dead(f"{place}/{RUNNING}"))
    found = {running_process(name) for name in names} - {None, os.getpid()}
    return sorted(process for process in found if process is not None)
