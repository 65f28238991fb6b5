"""A store of which a run uses only a half, or nothing (``--force``, ``--no-cache``)."""

from __future__ import annotations

import attrs

from haz_trio.abc import (
    Collected,
    Found,
    Miss,
    NotStored,
    Pending,
    ReadableRecipe,
    Restored,
    Store,
    Stored,
    Subject,
)
from haz_trio.plan.messages import Stream
from haz_trio.plan.policy import CacheUse

_REASONS = {CacheUse.FORCED: "forced"}
_BYPASSED = "the cache is not looked up"


def limit(store: Store, use: CacheUse) -> Store:
    """The store as far as it is used; the store itself when that is all of it."""
    return store if use is CacheUse.BOTH else _LimitedStore(store, use)


@attrs.frozen
class _LimitedStore:
    """See ``abc.Store``; what a killed run left is undone, and outputs are noted, in any case."""

    _store: Store
    _use: CacheUse

    def recover(self) -> None:
        self._store.recover()

    def look(self, key: str, subject: Subject) -> Found | Miss:
        if self._use.looks:
            return self._store.look(key, subject)
        return Miss(_REASONS.get(self._use, _BYPASSED))

    def restore(self, found: Found, subject: Subject) -> Restored | Miss:
        return self._store.restore(found, subject)

    def begin(self, key: str, subject: Subject, recipe: ReadableRecipe) -> Pending:
        pending = self._store.begin(key, subject, recipe)
        return pending if self._use.stores else _Unstored(pending)

    def finish(self) -> tuple[str, ...]:
        return self._store.finish()


@attrs.frozen
class _Unstored:
    """A result that is collected, so that dependents have their keys, and then dropped."""

    _pending: Pending

    @property
    def spooling(self) -> bool:
        return self._pending.spooling

    def write(self, stream: Stream, data: bytes) -> None:
        self._pending.write(stream, data)

    def collect(self) -> Collected:
        return self._pending.collect()

    def hold(self) -> bool:
        return True

    def commit(self, *, foreign: frozenset[str], duration: float) -> Stored | NotStored:
        self._pending.discard()
        return NotStored()

    def discard(self) -> None:
        self._pending.discard()
