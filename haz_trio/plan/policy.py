"""How one run differs from others of the same workspace: the wishes of who starts it."""

from __future__ import annotations

import enum

from haz_trio.values import frozen

UNLIMITED = float("inf")


class CacheUse(enum.Enum):
    """Which halves of the cache a run uses; hits are looked up, results are stored."""

    BOTH = "both"
    FORCED = "forced"  # no lookup, because everything has to run again
    STORE_ONLY = "store only"
    LOOK_ONLY = "look only"
    NEITHER = "neither"

    @property
    def looks(self) -> bool:
        return self in (CacheUse.BOTH, CacheUse.LOOK_ONLY)

    @property
    def stores(self) -> bool:
        return self in (CacheUse.BOTH, CacheUse.FORCED, CacheUse.STORE_ONLY)


@frozen
class Policy:
    """``slots`` beats the workspace's ``concurrency.default``; ``task_timeout`` is in seconds.

    ``retries`` is how often a command that failed is started again; the last try counts.
    ``task_timeout`` is for one try, from the start of the command on.
    With ``fail_fast`` the first failure stops the run.
    """

    slots: int | None = None
    fail_fast: bool = False
    retries: int = 0
    task_timeout: float = UNLIMITED
    cache: CacheUse = CacheUse.BOTH
