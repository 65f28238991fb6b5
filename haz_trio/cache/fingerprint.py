"""Digests of files, believed again as long as the stat data vouch for them (cache.md C8).

This is the racy rule of git's index, sharpened: a digest is believed only if the file's stat
data are unchanged and older than the moment before it was read by more than a slack.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import attrs

from haz_trio.cache.hashing import StatRow, digest_file
from haz_trio.cache.walk import SLACK_NS, Clock
from haz_trio.errors import InputError
from haz_trio.model.workspace import HashName


@attrs.frozen
class Fingerprint:
    """A digest with the stat data that vouch for it; ``seen_ns`` is the time before the read."""

    row: StatRow
    seen_ns: int
    digest: bytes

    def vouches_for(self, row: StatRow) -> bool:
        """Whether a file with these stat data still has this digest."""
        return self.row == row and max(row.mtime_ns, row.ctime_ns) + SLACK_NS < self.seen_ns


class Fingerprints:
    """The digests of one run, by host path; may be used from several threads at once."""

    def __init__(self, hash_name: HashName, *, clock: Clock = time.time_ns) -> None:
        self._hash_name = hash_name
        self._clock = clock
        self._known: dict[bytes, Fingerprint] = {}

    def take(self, path: bytes, *, check: Callable[[], None] | None = None) -> Fingerprint:
        """The fingerprint of a regular file, links followed; reads it only in doubt.

        Raises ``OSError`` and ``InputError`` like ``digest_file``.
        """
        known = self._known.get(path)
        if known is not None and known.vouches_for(StatRow.of(os.stat(path))):
            return known
        seen = self._clock()
        read = digest_file(self._hash_name, path, check=check)
        fresh = Fingerprint(read.row, seen, read.digest)
        self._known[path] = fresh
        return fresh

    def still(self, path: bytes, before: Fingerprint) -> bool:
        """Whether a file is still there with the content of an earlier fingerprint."""
        try:
            if before.vouches_for(StatRow.of(os.stat(path))):
                return True
            return self.take(path).digest == before.digest
        except (OSError, InputError):
            return False
