"""Which runs live in a cache: each holds the lock of a file ``state/run-<pid>`` (cache.md C9).

The files are for messages alone: a lock of ``locks`` does not tell who holds it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from haz_trio.cache.files import READ, lock, opened
from haz_trio.cache.layout import running, running_process


class Presence:
    """Says that this process lives until it is closed, or dies."""

    def __init__(self, state: int) -> None:
        """``state`` is the open folder; raises ``OSError``."""
        for _ in others(state):
            pass  # those that are dead are forgotten
        self._name = running(os.getpid())
        self._fd = os.open(
            self._name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=state
        )
        self._state = os.dup(state)
        # Taken already by another run in this process, or by a namesake in another container.
        self._first = lock(self._fd)

    def close(self) -> None:
        """Remove the file; never raises."""
        try:
            if self._first:
                os.unlink(self._name, dir_fd=self._state)
        except OSError:
            pass  # cleared meanwhile
        finally:
            os.close(self._fd)
            os.close(self._state)


def others(state: int) -> Iterator[int]:
    """The processes of living runs but this one; removes the files of dead ones."""
    mine = os.getpid()
    for name in sorted(os.listdir(state)):
        process = running_process(name)
        if process is None or process == mine:
            continue
        try:
            with opened(name, READ, at=state) as fd:
                if lock(fd):
                    os.unlink(name, dir_fd=state)
                else:
                    yield process
        except OSError:
            continue  # it has just ended
