"""What a look does: derive the key, find the entry, make the outputs right.  Needs no trio.

A look whose answer is proven (``haz_trio.engine.knowledge``) does none of that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice
from typing import TypeAlias

import attrs

from haz_trio.abc import Found as Entry
from haz_trio.abc import Miss, Restored, Store
from haz_trio.cache.recipe import Recipe
from haz_trio.engine.found import READ_AHEAD, Found, Replay
from haz_trio.engine.jobs import Job
from haz_trio.engine.keys import Key, Keys
from haz_trio.engine.knowledge import Certain, Knowledge
from haz_trio.engine.lessons import Before, Lessons
from haz_trio.model.names import TaskId
from haz_trio.plan.messages import Stream, Upstream
from haz_trio.plan.outcome import Record

WhyMissed: TypeAlias = Callable[[TaskId, Recipe], str]  # in one line, for people
Check: TypeAlias = Callable[[], None]


def _go_on() -> None:
    """Nobody can interrupt a look but the signal that ends the process."""


def _at_once(key: str) -> None:
    """Nothing is ever about to be stored."""


@attrs.define
class Looker:
    """Looks for the tasks of one run; may be used in several threads at once."""

    _store: Store
    _keys: Keys
    knowledge: Knowledge | None = None
    _lessons: Lessons | None = None
    why_missed: WhyMissed | None = None
    _clock: Callable[[], int] = time.time_ns
    await_key: Callable[[str], None] = attrs.field(default=_at_once, init=False)
    """Returns when nothing is about to be stored under a key; blocks."""

    _missed: dict[TaskId, Before] = attrs.field(factory=dict, init=False)
    looked: dict[TaskId, Key] = attrs.field(factory=dict, init=False)
    """The keys of the tasks that have missed, for their runs."""

    def recall(self, job: Job, upstream: tuple[Upstream, ...]) -> Found | None:
        """A hit without looking, if one is proven."""
        if self.knowledge is None or job.absent:
            return None
        return self.knowledge.recall(job.id, upstream)

    def look(self, job: Job, upstream: tuple[Upstream, ...], *, check: Check) -> Found | Miss:
        """Look for a task; ``check`` is called between files and may raise to give up.

        Raises ``TaskError``.
        """
        proven = self.recall(job, upstream)
        return self.look_closely(job, upstream, check=check) if proven is None else proven

    def look_closely(
        self, job: Job, upstream: tuple[Upstream, ...], *, check: Check = _go_on
    ) -> Found | Miss:
        """The same without asking for a proof."""
        began = self._clock()
        certain = self.knowledge.certain(job.id) if self.knowledge is not None else None
        if certain is not None:
            known = self._look_for(certain, job, began)
            if known is not None:
                return known
        key = self._derive(job, upstream, check)
        self.await_key(key.key)
        found = self._store.look(key.key, job.subject)
        if isinstance(found, Miss):
            return self._miss(job, upstream, began, key, found)
        check()
        restored = self._restore(found, job)
        if isinstance(restored, Miss):
            return self._miss(job, upstream, began, key, restored)
        return self._hit(job, upstream, began, key, restored)

    def _look_for(self, certain: Certain, job: Job, began: int) -> Found | None:
        """The hit under a key that is proven; ``None`` where a miss needs more than the key."""
        self.await_key(certain.key)
        found = self._store.look(certain.key, job.subject)
        if isinstance(found, Miss):
            return None
        restored = self._restore(found, job)
        if isinstance(restored, Miss):
            return None
        replays = _replays(restored)
        if self._lessons is not None:
            streams = [replay.whole for replay in replays]
            self._lessons.renew(job.id, certain.proof, began, restored, streams)
        return _found(certain.key, restored, replays)

    def _restore(self, found: Entry, job: Job) -> Restored | Miss:
        restored = None
        try:
            restored = self._store.restore(found, job.subject)
            return restored
        finally:  # what could not be undone has changed files as well
            if not isinstance(restored, Restored) or restored.wrote:
                self.disturb()

    def _derive(self, job: Job, upstream: tuple[Upstream, ...], check: Check) -> Key:
        key = self.looked[job.id] = self._keys.derive(job, upstream, check=check)
        return key

    def _hit(
        self,
        job: Job,
        upstream: tuple[Upstream, ...],
        began: int,
        key: Key,
        restored: Restored,
    ) -> Found:
        replays = _replays(restored)
        if self._lessons is not None and not job.absent:
            streams = [replay.whole for replay in replays]
            self._lessons.learn(job.id, upstream, began, key.inputs, key.key, restored, streams)
        del self.looked[job.id]
        return _found(key.key, restored, replays)

    def forget(self, id: TaskId) -> None:
        """A task runs: what was proven of it before is nothing any more."""
        if self.knowledge is not None:
            self.knowledge.unlearn(id)

    def ran(self, job: Job, record: Record) -> None:
        """A task has run to its end: from now on its key is known."""
        missed = self._missed.pop(job.id, None)
        if self._lessons is not None and missed is not None and not job.absent:
            self._lessons.learn_key(job.id, missed, record)

    def settle(self) -> None:
        """A run begins: nothing of it writes yet."""
        self._keys.settle()
        if self.knowledge is not None:
            self.knowledge.settle()

    def disturb(self) -> None:
        """Files of the workspace are about to change, by a command or a restore of the run."""
        self._keys.disturb()
        if self.knowledge is not None:
            self.knowledge.disturb()

    def _miss(
        self, job: Job, upstream: tuple[Upstream, ...], began: int, key: Key, miss: Miss
    ) -> Miss:
        if self.knowledge is not None:
            self.knowledge.unlearn(job.id)
        if self._lessons is not None:
            self._missed[job.id] = self._lessons.before(upstream, began, key.inputs)
        if not miss.reason and self.why_missed is not None:
            return Miss(self.why_missed(job.id, key.recipe))
        return miss


def _replays(restored: Restored) -> list[Replay]:
    replays = []
    for stream in Stream:
        pieces = restored.chunks(stream)
        replays.append(Replay(stream, tuple(islice(pieces, READ_AHEAD)), pieces))
    return replays


def _found(key: str, restored: Restored, replays: list[Replay]) -> Found:
    return Found(Record(key, restored.stdout, restored.stderr, restored.outputs), replays)
