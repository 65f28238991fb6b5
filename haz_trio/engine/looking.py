"""How a worker looks: on the loop as long as looks are short and miss, else by hands.

What is proven is short, whatever other looks have found.

After a miss the command follows at once, or after another look: its result begins with the look.
"""

from __future__ import annotations

from functools import partial

import attrs

from haz_trio.abc import Miss, Pending, Store
from haz_trio.cache.recipe import readable
from haz_trio.engine.brief import Brief, is_plain
from haz_trio.engine.found import Busy, Found
from haz_trio.engine.hands import Check
from haz_trio.engine.jobs import Job
from haz_trio.engine.keys import Key
from haz_trio.engine.looker import Looker
from haz_trio.engine.threads import Threads
from haz_trio.model.names import TaskId
from haz_trio.plan.messages import Upstream


@attrs.define(eq=False)
class Looking:
    """The looks of one worker, and the results that have begun with them."""

    _store: Store
    _looker: Looker
    _threads: Threads
    _brief: Brief | None
    _misses: bool = attrs.field(default=True, init=False)  # what the last look has found
    _begun: dict[TaskId, Pending] = attrs.field(factory=dict, init=False)  # by the last look

    def look_nowait(self, job: Job, upstream: tuple[Upstream, ...]) -> Found | Miss | Busy | None:
        """See ``Looker.look``; ``None`` where ``look`` has to see to it.  Raises ``TaskError``."""
        if self._brief is None or not is_plain(job):
            return None
        return self._brief.do(self._glance if self._misses else self._recall, job, upstream)

    async def look(self, job: Job, upstream: tuple[Upstream, ...]) -> Found | Miss | Busy:
        """The same in a thread."""
        found = await self._threads.looking.do(self._look, job, upstream)
        self._misses = isinstance(found, Miss)
        return found

    def take_begun(self, id: TaskId) -> Pending | None:
        """What the last look of a task has begun, if that was ours and nobody has taken it."""
        return self._begun.pop(id, None)

    def begin(self, key: Key, job: Job) -> Pending:
        """Begin a result; blocks."""
        return self._store.begin(key.key, job.subject, partial(readable, key.recipe))

    def close(self) -> None:
        """Forget what nobody has taken; blocks."""
        for id in list(self._begun):
            self._forget(id)

    def _look(self, check: Check, job: Job, upstream: tuple[Upstream, ...]) -> Found | Miss | Busy:
        return self._begin_after(self._looker.look(job, upstream, check=check), job)

    def _glance(
        self, check: Check, job: Job, upstream: tuple[Upstream, ...]
    ) -> Found | Miss | Busy | None:
        """The same where nothing has to be put back; else ``None``."""
        found = self._looker.glance(job, upstream, check=check)
        return None if found is None else self._begin_after(found, job)

    def _recall(self, check: Check, job: Job, upstream: tuple[Upstream, ...]) -> Found | None:
        """A hit that is proven; all others are likely to put back files."""
        return self._looker.recall(job, upstream)

    def _begin_after(self, found: Found | Miss | Busy, job: Job) -> Found | Miss | Busy:
        if isinstance(found, Miss):
            self._forget(job.id)
            self._begun[job.id] = self.begin(self._looker.looked[job.id], job)
        return found

    def _forget(self, id: TaskId) -> None:
        if (begun := self._begun.pop(id, None)) is not None:
            begun.discard()
