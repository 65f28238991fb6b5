"""The secret of a cache: the key of the digests that stand for environment values.

Whoever has a ``recipe.json`` alone cannot try guesses at a value (decisions.md 17).
It is ``state/secret``, 32 random bytes of mode 0600, made by the first run that stores.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress

from haz_trio.cache.files import CREATE, FOLDER, READ, opened, refuses_links, regular
from haz_trio.cache.layout import STATE

NAME = "secret"
SIZE = 32


def read_secret(cache_root: str) -> bytes | None:
    """The secret of the cache at a host path, ``None`` when there is none.  Changes nothing.

    Anything but a regular file of 32 bytes is no secret.
    """
    try:
        with opened(os.path.join(cache_root, STATE), FOLDER) as state:
            return _read(state)
    except OSError:
        return None


def ensure_secret(cache_root: str) -> bytes:
    """The secret of the cache at a host path, made if there is none.

    Only for runs that store, and only when the cache is there: it makes ``state``, no more.
    Never raises: where nothing can be kept, the secret is random and serves this run alone, and
    a later ``why`` cannot compare the values.
    """
    try:
        with suppress(FileExistsError):
            os.mkdir(os.path.join(cache_root, STATE), 0o700)
        with opened(os.path.join(cache_root, STATE), FOLDER) as state:
            known = _read(state)
            return known if known is not None else _make(state)
    except OSError:
        return os.urandom(SIZE)


def _read(state: int) -> bytes | None:
    try:
        with opened(NAME, READ, at=state) as fd:
            if not regular(os.fstat(fd)):
                return None
            data = os.read(fd, SIZE + 1)
    except OSError as problem:
        if problem.errno in (errno.ENOENT, errno.ELOOP):
            return None
        raise
    return data if len(data) == SIZE else None


def _make(state: int) -> bytes:
    """A new secret, complete under its name at once; raises ``OSError``.

    Of several processes that make one at the same time the first wins, and all use that one.
    """
    fresh, temporary = os.urandom(SIZE), f"{NAME}.{os.urandom(8).hex()}"
    fd = os.open(temporary, CREATE, 0o600, dir_fd=state)
    try:
        try:
            os.write(fd, fresh)
        finally:
            os.close(fd)
        try:
            os.link(temporary, NAME, src_dir_fd=state, dst_dir_fd=state)
        except FileExistsError:
            theirs = _read(state)
            if theirs is not None:
                return theirs
            os.rename(temporary, NAME, src_dir_fd=state, dst_dir_fd=state)  # what is there is rot
        except OSError as problem:
            if not refuses_links(problem):
                raise
            os.rename(temporary, NAME, src_dir_fd=state, dst_dir_fd=state)
        return fresh
    finally:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=state)
