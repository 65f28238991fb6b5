"""What a look does: derive the key, find the entry, make the outputs right.  Needs no trio.

A look whose answer is proven (``haz_trio.engine.knowledge``) does none of that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from haz_trio.abc import Found as Entry
from haz_trio.abc import Miss, Restored, Store
from haz_trio.cache.claims import Claim, Claims
from haz_trio.cache.recipe import Recipe
from haz_trio.engine.found import Busy, Found, Replay, in_order
from haz_trio.engine.jobs import Job
from haz_trio.engine.keys import Key, Keys
from haz_trio.engine.knowledge import Certain, Knowledge
from haz_trio.engine.lessons import Lessons
from haz_trio.engine.proofs import Before
from haz_trio.model.names import TaskId
from haz_trio.plan.messages import Upstream
from haz_trio.plan.outcome import Record

if TYPE_CHECKING:
    from haz_trio.cache.manifest import Output

WhyMissed: TypeAlias = Callable[[TaskId, Recipe], str]  # in one line, for people
Mends: TypeAlias = "Callable[[Output, str, TaskId], bool]"  # see ``DiskStore.mend``
Check: TypeAlias = Callable[[], None]
_TRIES, _PAUSE = 4, 0.001  # seconds between two tries of a claim


def _go_on() -> None:
    """Nobody can interrupt a look but the signal that ends the process."""


def _at_once(key: str) -> None:
    """Nothing is ever about to be stored."""


def _never(key: str) -> bool:
    """The same."""
    return False


class Looker:
    """Looks for the tasks of one run; may be used in several threads at once."""

    def __init__(
        self,
        store: Store,
        keys: Keys,
        knowledge: Knowledge | None = None,
        lessons: Lessons | None = None,
        why_missed: WhyMissed | None = None,
        clock: Callable[[], int] = time.time_ns,
        claims: Claims | None = None,
    ) -> None:
        self._store, self._keys, self._lessons, self._clock = store, keys, lessons, clock
        self.knowledge: Knowledge | None = knowledge
        self.why_missed: WhyMissed | None = why_missed
        self.claims: Claims | None = claims
        self.await_key: Callable[[str], None] = _at_once
        """Returns when nothing is about to be stored under a key; blocks."""

        self.is_awaited: Callable[[str], bool] = _never
        """Whether ``await_key`` would have to wait."""

        self.mender: Mends | None = None
        """Puts back one file; ``None`` where nothing may be done without a look."""

        self.heal: Callable[[], None] = _go_on
        """Undoes what other runs have left that were killed meanwhile; blocks."""

        self._missed: dict[TaskId, Before] = {}
        self.looked: dict[TaskId, Key] = {}
        """The keys of the tasks that have missed, for their runs."""

        self.held: dict[TaskId, Claim] = {}
        """What keeps other processes from the tasks that have missed, until it is released."""

    def recall(self, job: Job, upstream: tuple[Upstream, ...]) -> Found | None:
        """A hit without looking, if one is proven."""
        if self.knowledge is None or not job.leaves_proof:
            return None
        found = self.knowledge.recall(job.id, upstream)
        if found is not None:
            self.ended()  # it may be so since another process has ended something
        return found

    def look(
        self, job: Job, upstream: tuple[Upstream, ...], *, check: Check
    ) -> Found | Miss | Busy:
        """Look for a task; ``check`` is called between files and may raise to give up.

        After a miss the task is claimed until ``let_go``.

        Raises ``TaskError``.
        """
        proven = self.recall(job, upstream)
        return self.look_closely(job, upstream, check=check) if proven is None else proven

    def glance(
        self, job: Job, upstream: tuple[Upstream, ...], *, check: Check
    ) -> Found | Miss | Busy | None:
        """The same as ``look``, ``None`` where that would have to wait or to put back anything."""
        proven = self.recall(job, upstream)
        if proven is not None:
            return proven
        if self.knowledge is not None and self.knowledge.is_certain(job.id):
            return None
        return self._look(job, upstream, check, patient=False)

    def look_closely(
        self, job: Job, upstream: tuple[Upstream, ...], *, check: Check = _go_on
    ) -> Found | Miss | Busy:
        """The same without asking for a proof."""
        found = self.mend(job.id) or self._look(job, upstream, check, patient=True)
        assert found is not None, "what is in the cache is put back"
        return found

    def _look(
        self, job: Job, upstream: tuple[Upstream, ...], check: Check, *, patient: bool
    ) -> Found | Miss | Busy | None:
        """Derive the key and look it up; ``None`` for what takes patience."""
        began = self._clock()
        self.let_go(job.id)
        if self.knowledge is not None and not job.leaves_proof and not job.absent:
            self.knowledge.unlearn(job.id)  # from when it was a command
        certain = self.knowledge.certain(job.id) if self.knowledge is not None else None
        if certain is not None:
            known = self._look_for(certain, job, began)
            if known is not None:
                return known
        key = self._derive(job, upstream, check)
        found = self._fetch(job, key.key, check, patient=patient)
        match found:
            case None | Busy():
                del self.looked[job.id]
                return found
            case Miss():
                return self._miss(job, upstream, began, key, found)
            case Restored():
                return self._hit(job, upstream, began, key, found)

    def mend(self, id: TaskId) -> Found | None:
        """A hit by putting back one file, where ``recall`` has proven that nothing else is amiss.

        ``None`` where a look has to see to it.
        """
        if self.mender is None or self.claims is None or self.knowledge is None:
            return None
        lost = self.knowledge.lost(id)
        if lost is None:
            return None
        self.await_key(lost.result.record.key)
        claim = self.claims.claim_task(str(id))
        if claim is None:
            return None
        try:
            if not self.mender(lost.file, lost.result.record.key, id):
                return None
            self._keys.disturb()
            self.ended()
            self.knowledge.touch((lost.file.path,))
            return lost.result
        finally:
            claim.release()

    def _fetch(
        self, job: Job, key: str, check: Check, *, patient: bool = True
    ) -> Restored | Miss | Busy | None:
        """Claim the task, then look up a key and make the outputs right.

        Who is not ``patient`` gets ``None`` where somebody or something is to be waited for.
        """
        if not patient and self.is_awaited(key):
            return None
        self.await_key(key)
        claim = None
        if self.claims is not None:
            claim = _claimed(self.claims, str(job.id), key, _TRIES if patient else 1)
            if claim is None:
                return Busy(key) if patient else None
        missed = False
        try:
            self.heal()
            found = self._store.look(key, job.subject)
            if isinstance(found, Miss):
                missed = True
                return found
            check()
            if not patient:
                return None
            restored = self._restore(found, job)
            missed = isinstance(restored, Miss)
            return restored
        finally:
            if claim is not None and missed:
                self.held[job.id] = claim
            elif claim is not None:
                claim.release()

    def is_free(self, job: Job, busy: Busy) -> bool:
        """Whether another process has let go of what a look found busy."""
        claim = None if self.claims is None else self.claims.claim(str(job.id), busy.key)
        if claim is not None:
            claim.release()  # the look claims it again, under the key that it has by then
        return claim is not None

    def add_mutex(self, claim: Claim, name: str, shared: bool) -> bool:
        """Hold a mutex with a claim; False while another process holds it."""
        return self.claims is None or self.claims.add_mutex(claim, name, shared=shared)

    def others(self) -> tuple[int, ...]:
        """The processes of other runs in this workspace."""
        return () if self.claims is None else self.claims.others()

    def let_go(self, id: TaskId) -> None:
        """Let other processes have a task that has missed, unless it has its result already."""
        claim = self.held.pop(id, None)
        if claim is not None:
            claim.release()

    def let_all_go(self) -> None:
        """The same for all tasks."""
        for id in list(self.held):
            self.let_go(id)

    def _look_for(self, certain: Certain, job: Job, began: int) -> Found | Busy | None:
        """The hit under a key that is proven; ``None`` where a miss needs more than the key."""
        restored = self._fetch(job, certain.key, _go_on)
        if restored is None or isinstance(restored, Busy):
            return restored
        if isinstance(restored, Miss):
            self.let_go(job.id)  # the same key or another one is claimed next
            return None
        replay = Replay.of(in_order(restored.order, restored.chunks))
        if self._lessons is not None and not restored.wrote:  # else it is too young for a proof
            self._lessons.renew(job.id, certain.proof, began, restored, replay.wholes)
        return _found(certain.key, restored, replay)

    def _restore(self, found: Entry, job: Job) -> Restored | Miss:
        restored = None
        try:
            restored = self._store.restore(found, job.subject)
            return restored
        finally:  # what could not be undone has changed files as well
            self.ended()
            if not isinstance(restored, Restored):
                self.disturb()
            elif restored.wrote:
                self._keys.disturb()
                if self.knowledge is not None:
                    self.knowledge.touch(restored.changed)

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
        replay = Replay.of(in_order(restored.order, restored.chunks))
        if self._lessons is not None and job.leaves_proof:
            wholes = replay.wholes
            self._lessons.learn(job.id, upstream, began, key.inputs, key.key, restored, wholes)
        del self.looked[job.id]
        return _found(key.key, restored, replay)

    def forget(self, id: TaskId) -> None:
        """A task runs: what was proven of it before is nothing any more."""
        if self.knowledge is not None:
            self.knowledge.unlearn(id)

    def ended(self) -> None:
        """A command or a restore has ended: who waited for it sees what it has left."""
        self._keys.ended()

    def ran(self, job: Job, record: Record) -> None:
        """A task has run to its end: from now on its key is known."""
        missed = self._missed.pop(job.id, None)
        if self._lessons is not None and missed is not None and job.leaves_proof:
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


def _claimed(claims: Claims, task: str, key: str, tries: int) -> Claim | None:
    """A claim; who has it busy for a moment only, because it looks as well, is waited for."""
    for left in reversed(range(tries)):
        claim = claims.claim(task, key)
        if claim is not None:
            return claim
        if left:
            time.sleep(_PAUSE)
    return None


def _found(key: str, restored: Restored, replay: Replay) -> Found:
    return Found(Record(key, restored.stdout, restored.stderr, restored.outputs), replay)
