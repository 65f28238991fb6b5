"""Put the one file of a result back where nothing stands: what most restores have to do.

For results that are proven down to their file (``haz_trio.cache.known``), so that no manifest
need be read.  A single file needs no journal: its rename happens or it does not.
Whatever is not as simple as that is left to ``restore``; then nothing has changed.
"""

from __future__ import annotations

import errno
import os

from haz_trio.cache.files import FOLDER, READ, Disk, copy, delete_tree, opened, regular
from haz_trio.cache.hashing import new_hasher
from haz_trio.cache.layout import CACHE_PATH, OUTPUTS, shard
from haz_trio.cache.manifest import Output
from haz_trio.cache.staging import Staging
from haz_trio.model.patterns import below
from haz_trio.model.workspace import HashName
from haz_trio.values import frozen


@frozen
class Mender:
    """For the workspace at the host path ``root``; may be used in several threads at once."""

    root: str
    hash_name: HashName
    staging: Staging
    disk: Disk

    def mend(self, output: Output, key: str, *, cache: int) -> bool:
        """Whether a file of the entry of ``key`` is there now, verified and as a whole.

        ``cache`` is the descriptor of the cache.  No link is followed below the root.
        Never raises for what is in the way, damaged or gone.
        """
        if below(output.path, CACHE_PATH):
            return False
        *steps, name = output.path[1:].split("/")
        try:
            folder = _descend(self.root, steps)
            try:
                self._put(output, key, cache, name, folder)
            finally:
                os.close(folder)
        except OSError:
            return False
        return True

    def _put(self, output: Output, key: str, cache: int, name: str, folder: int) -> None:
        spot, new = self.staging.spot(cache)
        if os.fstat(folder).st_dev != self.staging.device:
            raise OSError(errno.EXDEV, "the cache is on another file system")
        try:
            blob = f"{shard(key)}/{key}/{OUTPUTS}/{output.digest}"
            with opened(blob, READ, at=cache) as source:
                self._stage(output, source, new, spot)
            _refuse_taken(name, folder)
            self.disk.rename(new, name, at=spot, to=folder)
        except BaseException:  # whatever happened, nothing of it stays
            delete_tree(new, at=spot)
            raise

    def _stage(self, output: Output, source: int, new: str, spot: int) -> None:
        if not regular(os.fstat(source)):
            raise OSError(errno.EBADMSG, "the blob is not a file")
        target = self.disk.create(new, at=spot)
        try:
            hasher = new_hasher(self.hash_name)
            seen = copy(source, hasher, size=output.size, disk=self.disk, target=target)
            if seen != output.size or hasher.digest().hex() != output.digest:
                raise OSError(errno.EBADMSG, "the blob has other bytes")
            self.disk.chmod(target, output.mode)
        finally:
            os.close(target)


def _descend(root: str, steps: list[str]) -> int:
    """The folder below the root that real folders lead to; raises ``OSError``."""
    if not steps:
        return os.open(root, FOLDER & ~os.O_NOFOLLOW)
    fd = os.open(f"{root}/{steps[0]}", FOLDER)  # where the root is may be told by links
    for step in steps[1:]:
        try:
            deeper = os.open(step, FOLDER, dir_fd=fd)
        finally:
            os.close(fd)
        fd = deeper
    return fd


def _refuse_taken(name: str, folder: int) -> None:
    """Raise where anything has a name."""
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return
    raise FileExistsError(errno.EEXIST, "something stands at the target")
