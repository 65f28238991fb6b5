"""Getting results into the store: at once, or gathered, while others run.

What a result holds in memory is stored later: writing it may take as long as the next command
does, and nobody has to wait for it but who looks for the same key, and the end of the run.
It is stored when the loop has nothing to do, as long as that is short, else by one thread.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import trio

from haz_trio.abc import NotStored, Pending
from haz_trio.engine.batch import Batch, Held
from haz_trio.engine.brief import Brief
from haz_trio.engine.lulls import in_lulls
from haz_trio.engine.threads import Threads, in_thread
from haz_trio.model.names import TaskId
from haz_trio.values import frozen

GATHER = 0.05  # seconds for which results are gathered


@frozen
class Produced:
    """What a successful run leaves until it is kept or dropped."""

    key: str
    pending: Pending
    obstacle: str  # why it is not stored, if so
    held: bool  # everything that there is to store is in memory
    duration: float


@attrs.define
class Keeper:
    """Stores results; ``tell`` is called on the loop with tasks and why they were not stored."""

    _threads: Threads
    _tell: Callable[[TaskId, str], None]
    _brief: Brief | None = None  # the loop may store what is short
    _batch: Batch = attrs.field(factory=Batch, init=False)
    _hurried: trio.Event = attrs.field(factory=trio.Event, init=False)
    _storing: bool = attrs.field(default=False, init=False)
    _stored: bool = attrs.field(default=False, init=False)  # anything, in the last lulls

    def keep_nowait(self, id: TaskId, produced: Produced, foreign: frozenset[str]) -> bool:
        """Promise a result to ``store`` if it is in memory and there is room for it."""
        if not produced.held or self._batch.is_full:
            return False
        self._batch.add(Held(id, produced.key, produced.pending, foreign, produced.duration))
        return True

    async def keep(self, id: TaskId, produced: Produced, foreign: frozenset[str]) -> None:
        """Store a result, or promise it to ``store`` (cache.md C10)."""
        await trio.lowlevel.checkpoint_if_cancelled()
        if self.keep_nowait(id, produced, foreign):
            return
        reason = await in_thread(self._threads.stores, self._store_or_say, produced, foreign)
        self.tell()
        if reason:
            self._tell(id, reason)

    def _store_or_say(self, produced: Produced, foreign: frozenset[str]) -> str:
        """Store, or say why not; blocks."""
        self.make_way()
        if produced.obstacle:
            produced.pending.discard()
            return produced.obstacle
        kept = produced.pending.commit(foreign=foreign, duration=produced.duration)
        return kept.reason if isinstance(kept, NotStored) else ""

    @property
    def must_store(self) -> bool:
        """Whether something is promised and no call of ``store`` is at it."""
        return bool(self._batch) and not self._storing

    async def store(self) -> None:
        """Store what was promised, and what is promised meanwhile; not if somebody is at it."""
        if not self.must_store:
            return
        self._storing = True
        try:
            with in_lulls(self._store_one):
                while self._batch:
                    self._stored = False
                    with trio.move_on_after(GATHER):
                        await self._hurried.wait()
                    if self._batch.is_full or self._hurried.is_set() or not self._stored:
                        await in_thread(self._threads.stores, self._batch.store)
                    self.tell()
        finally:
            self._storing = False

    def _store_one(self) -> None:
        if self._brief is not None and self._batch:
            self._stored |= bool(self._brief.do(lambda check: self._batch.store_one()))

    def hurry(self) -> None:
        """Nothing more is promised in this run: ``store`` need not gather any longer."""
        self._hurried.set()

    def promises(self, key: str) -> bool:
        """Whether a result with this key is promised and not stored yet."""
        return self._batch.has(key)

    def wait_for(self, key: str) -> None:
        """Return when no result with this key is promised; blocks."""
        if self._batch.has(key):
            self._batch.store()

    def make_way(self) -> None:
        """Store what came first, as long as there is room for it; blocks."""
        self._batch.store()

    def flush(self) -> None:
        """Store all that was promised; blocks. The next run may promise again."""
        self._batch.store()
        self._hurried = trio.Event()

    def tell(self) -> None:
        """Say who could not be stored since this was last said."""
        for id, reason in self._batch.failures():
            self._tell(id, reason)
