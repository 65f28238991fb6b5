"""What could not be read or removed in a cache, in the words of the report (cache.md A10)."""

from __future__ import annotations

import enum
import errno
import os

from haz_trio.values import frozen


class Step(enum.Enum):
    """What was tried when something failed."""

    READ_SHARD = "read cache shard"
    READ_MANIFEST = "read entry manifest"
    READ = "read"
    REMOVE = "remove"
    REMOVE_ENTRY = "remove cache entry"
    REMOVE_TEMPORARY = "remove orphan tmp directory"
    REMOVE_RESTORING = "remove orphan restore directory"
    REMOVE_BLOB = "remove unused blob"
    REMOVE_WASTE = "remove what was already set aside"


@frozen
class Problem:
    """One thing in the cache that could not be read or removed."""

    step: Step
    path: str
    number: int
    reason: str

    @classmethod
    def of(cls, step: Step, path: str, problem: OSError) -> Problem:
        number = problem.errno or errno.EIO
        return cls(step, path, number, problem.strerror or os.strerror(number))

    def __str__(self) -> str:
        where = f"{self.path}: I/O error at: {self.path}"
        return f"failed to {self.step.value} at: {where}: {self.reason} (os error {self.number})"
