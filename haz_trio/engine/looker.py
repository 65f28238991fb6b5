"""What a look does: derive the key, find the entry, make the outputs right.  Needs no trio.

A look whose answer is proven (``haz_trio.engine.knowledge``) does none of that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice
from typing import TypeAlias

import attrs

from haz_trio.abc import Miss, Restored, Store
from haz_trio.cache.recipe import Recipe
from haz_trio.engine.found import READ_AHEAD, Found, Replay
from haz_trio.engine.jobs import Job
from haz_trio.engine.keys import Key, Keys
from haz_trio.engine.knowledge import Knowledge
from haz_trio.engine.lessons import Lessons
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
    await_key: Callable[[str], None] = attrs.field(default=_at_once, init=False)
    """Returns when nothing is about to be stored under a key; blocks."""

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
        began = time.time_ns()
        key = self._derive(job, upstream, check)
        self.await_key(key.key)
        found = self._store.look(key.key, job.subject)
        if isinstance(found, Miss):
            return self._miss(job, key, found)
        check()
        restored = self._store.restore(found, job.subject)
        if isinstance(restored, Miss) or restored.wrote:
            self.disturb()
        if isinstance(restored, Miss):
            return self._miss(job, key, restored)
        return self._hit(job, upstream, began, key, restored)

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
        replays = []
        for stream in Stream:
            pieces = restored.chunks(stream)
            replays.append(Replay(stream, tuple(islice(pieces, READ_AHEAD)), pieces))
        if self._lessons is not None and not job.absent:
            streams = [replay.whole for replay in replays]
            self._lessons.learn(job.id, upstream, began, key.inputs, key.key, restored, streams)
        del self.looked[job.id]
        return Found(Record(key.key, restored.stdout, restored.stderr, restored.outputs), replays)

    def forget(self, id: TaskId) -> None:
        """A task has run: what was proven of it before is nothing any more."""
        if self.knowledge is not None:
            self.knowledge.unlearn(id)

    def disturb(self) -> None:
        """Files of the workspace are about to change, by a command or a restore of the run."""
        self._keys.disturb()
        if self.knowledge is not None:
            self.knowledge.disturb()

    def _miss(self, job: Job, key: Key, miss: Miss) -> Miss:
        if self.knowledge is not None:
            self.knowledge.unlearn(job.id)
        if not miss.reason and self.why_missed is not None:
            return Miss(self.why_missed(job.id, key.recipe))
        return miss
