"""Which runs live and which were killed, by the locks of their files (cache.md C9).

A run that may start commands holds the lock of a file in ``RUNS`` as long as it lives, and removes
the file at its end. So a file whose lock is free is what a killed run has left. Most of the time
the folder is empty, which costs some microseconds to know.
"""

from __future__ import annotations

import os

RUNS = ".haz/cache/state/runs"
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def dead(folder: str) -> list[str]:
    """The names of the files in a folder that nobody holds the lock of; never raises.

    Where the file system has no locks everybody seems to live.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [name for name in names if _is_free(os.path.join(folder, name))]


def _is_free(path: str) -> bool:
    import fcntl  # Imported here: the folder is empty most of the time, and a memo is to be quick.

    try:
        fd = os.open(path, _READ)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        # Its run may have removed the file and then let go, since the folder was listed.
        return os.fstat(fd).st_nlink > 0
    except OSError:
        return False
    finally:
        os.close(fd)
