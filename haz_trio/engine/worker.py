"""One task's life, step by step: look, run, keep. Knows nothing of graphs, caps or order.

Each step turns into exactly one fact.
Expected trouble is caught here and becomes a fact; anything else is a bug and propagates.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

import attrs
import trio

from haz_trio.abc import Miss, Pending, RunCommand, Stop, Store
from haz_trio.engine.acting import act
from haz_trio.engine.brief import Brief
from haz_trio.engine.claimed import ClaimedPending, Patience
from haz_trio.engine.endings import events_of
from haz_trio.engine.following import Follow, follow_nobody
from haz_trio.engine.found import NO_ENTRY, Busy, Found
from haz_trio.engine.gathering import Gathering
from haz_trio.engine.jobs import Job
from haz_trio.engine.keeper import Keeper, Produced
from haz_trio.engine.keys import Key, Keys
from haz_trio.engine.locking import Locking
from haz_trio.engine.looker import Looker
from haz_trio.engine.looking import Looking
from haz_trio.engine.telling import Listener, show, teller
from haz_trio.engine.threads import Threads, in_thread
from haz_trio.errors import TaskError
from haz_trio.model.names import TaskId
from haz_trio.plan.messages import (
    Broke,
    Ended,
    Halted,
    Hit,
    Kept,
    Missed,
    Ran,
    Stream,
    TaskBegun,
    TaskMissed,
    TaskNote,
    Upstream,
)
from haz_trio.plan.outcome import Exited, Record, TimedOut

if TYPE_CHECKING:
    from haz_trio.cache.backups import Backups
    from haz_trio.engine.backed import BackedPending


@attrs.define
class Worker:
    """Does the steps of tasks, blocking work in threads."""

    _store: Store
    _keys: Keys
    _looker: Looker
    _run_command: RunCommand
    _listener: Listener
    _threads: Threads = attrs.field(factory=Threads)
    _task_timeout: float = attrs.field(default=math.inf, kw_only=True)  # seconds for one try
    _backups: Backups | None = attrs.field(default=None, kw_only=True)
    _brief: bool = attrs.field(default=False, kw_only=True)  # the loop may do what is short
    _follow: Follow = attrs.field(default=follow_nobody, kw_only=True)
    _uses: bool = attrs.field(default=True, kw_only=True)  # whether results of others are used
    _shares: bool = attrs.field(default=True, kw_only=True)  # whether equal tasks have one result
    _produced: dict[TaskId, Produced] = attrs.field(factory=dict, init=False)
    _glanced: dict[TaskId, Found] = attrs.field(factory=dict, init=False)  # by ``look_nowait``
    _unfinished: bool = attrs.field(default=False, init=False)  # the store awaits ``finish``
    _keeper: Keeper = attrs.field(init=False)
    _looking: Looking = attrs.field(init=False)
    _gathering: Gathering = attrs.field(init=False)
    _locking: Locking = attrs.field(init=False)

    @_keeper.default
    def _make_keeper(self) -> Keeper:
        return Keeper(self._threads, self._note_unstored, Brief() if self._brief else None)

    @_looking.default
    def _make_looking(self) -> Looking:
        brief = Brief() if self._brief else None
        return Looking(self._store, self._looker, self._threads, brief)

    @_gathering.default
    def _make_gathering(self) -> Gathering:
        brief = Brief() if self._brief else None
        return Gathering(self._keys, self._looker, self._threads, brief)

    @_locking.default
    def _make_locking(self) -> Locking:
        brief = Brief() if self._brief else None
        return Locking(self._looker, self._threads, brief, self._patience)

    def __attrs_post_init__(self) -> None:
        self._looker.await_key = self._keeper.wait_for
        self._looker.is_awaited = self._keeper.promises

    async def recover(self) -> None:
        """Forget an aborted run; undo what killed ones left half restored, before any look."""
        await in_thread(self._threads.stores, self._start)

    def take_over(self) -> None:
        """Go on with a run that others have begun with the same store and looks."""
        self._unfinished = True

    def _start(self) -> None:
        self.close()
        self._unfinished = True
        self._store.recover()
        self._looker.settle()

    def look_nowait(
        self, job: Job, upstream: tuple[Upstream, ...], *, stop: Stop
    ) -> Missed | Broke | None:
        """The same as ``look`` where that is short and misses; ``None``: use ``look``."""
        if stop.ask.cancel_called:
            return None
        try:
            found = self._looking.look_nowait(job, upstream)
        except TaskError as problem:
            return Broke(job.id, str(problem))
        match found:
            case Miss(reason):
                return self._missed(job, reason)
            case Found():
                self._glanced[job.id] = found  # what is to be shown takes its time
                return None
            case _:
                return None

    async def look(
        self, job: Job, upstream: tuple[Upstream, ...], *, stop: Stop
    ) -> Hit | Missed | Broke | Halted:
        """Derive the key, look it up, make the outputs right and show what was recorded.

        A restore that has begun is completed and reported as a hit, also after a stop.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        found: Found | Miss | Busy | None = self._glanced.pop(job.id, None)
        followed = None
        try:
            if found is None:
                patience = self._patience(job, "that works on it")
                with stop.ask:
                    found = await self._looking.look(job, upstream)
                    while isinstance(found, Busy):
                        if followed is None or not followed.digests:
                            followed = await self._follow(job.id, found.key) or followed
                        await patience.wait()
                        free = await in_thread(
                            self._threads.stores, self._looker.is_free, job, found
                        )
                        if free:
                            found = await self._looking.look(job, upstream)
        except TaskError as problem:
            return Broke(job.id, str(problem))
        match found:
            case None | Busy():
                return Halted(job.id)
            case Miss(reason):
                if followed is not None and followed.digests:
                    why = (
                        "its result is not stored" if self._uses else "its result is not used here"
                    )
                    self._note(job.id, f"another haz ran it so far, but {why}")
                return self._missed(job, reason)
            case Found(record, replay):
                if self._backups is not None:
                    spare = self._backups.spare
                    await in_thread(self._threads.stores, spare, record.outputs)
                if followed is None or not followed.is_all_of(record):
                    self._listener.tell(TaskBegun(job.id, record.key))
                    with stop.tell:
                        await show(job.id, replay, self._listener, self._threads)
                return Hit(job.id, record)

    def _missed(self, job: Job, reason: str) -> Missed:
        key = self._looker.looked[job.id].key
        self._listener.tell(TaskMissed(job.id, key, reason or NO_ENTRY))
        # Who makes a result of its own need not wait for an equal task, unless both write files.
        waits = self._shares or job.subject.outputs
        return Missed(job.id, key if waits else f"{key} {job.id}")

    def _patience(self, job: Job, what: str) -> Patience:
        return Patience(
            partial(self._note, job.id),
            what,
            lambda: in_thread(self._threads.stores, self._looker.others),
        )

    def give_way(self, id: TaskId) -> None:
        """The task does not run now, or not again: other processes may have it.

        Does nothing for a result that is being stored.
        """
        self._looker.let_go(id)

    async def run(self, job: Job, *, stop: Stop) -> Ran | Ended | Broke | Halted:
        """Run the command under the key that the last look derived; again after it failed."""
        key = self._looker.looked[job.id]
        pending = self._looking.take_begun(job.id)
        if pending is None:  # another try, or the look was not ours
            pending = await in_thread(self._threads.stores, self._looking.begin, key, job)
        backed = None
        if self._backups is not None:
            # Imported here: only a workspace that rolls back needs it.
            from haz_trio.engine.backed import BackedPending

            say = partial(self._note, job.id)
            pending = backed = BackedPending(pending, self._backups, job.subject, say)
        fact: Ran | Ended | Broke | Halted | None = None
        try:
            fact = await self._execute(job, key, pending, stop, backed)
        finally:
            if not isinstance(fact, Ended):
                del self._looker.looked[job.id]
            if not isinstance(fact, Ran):
                if self._brief and not pending.spooling:  # there is nothing to remove
                    pending.discard()
                else:
                    # The shield ends with one folder removed, and maybe the outputs put back.
                    with trio.CancelScope(shield=True):
                        await in_thread(self._threads.stores, pending.discard)
                self._looker.ended()
        return fact

    async def _execute(
        self, job: Job, key: Key, pending: Pending, stop: Stop, backed: BackedPending | None
    ) -> Ran | Ended | Broke | Halted:
        if stop.ask.cancel_called or not await self._locking.hold(job, stop):
            return Halted(job.id)
        try:
            if backed is not None and not await backed.take(stop, self._threads):
                return Halted(job.id)
            self._listener.tell(TaskBegun(job.id, key.key))
            started = trio.current_time()
            if self._task_timeout < math.inf:
                stop.ask.deadline = started + self._task_timeout
            self._looker.disturb()
            self._looker.forget(job.id)
            ending = await act(
                job,
                teller(job.id, pending, self._spool, self._listener, self._threads),
                stop=stop,
                run_command=self._run_command,
                threads=self._threads,
                note=partial(self._note, job.id),
            )
            duration = trio.current_time() - started
            for event in events_of(job.id, ending, grace=stop.grace):
                self._listener.tell(event)
            if ending.halted and not stop.halted and trio.current_time() >= stop.ask.deadline:
                return Ended(job.id, TimedOut(self._task_timeout))
            if ending.halted:
                return Halted(job.id)
            if ending.status != Exited(0):
                return Ended(job.id, ending.status)
            gathered = None
            with stop.rest or nullcontext():
                gathered = await self._gathering.gather(
                    job, key, pending, outlived=bool(ending.leftovers)
                )
        except TaskError as problem:
            return Broke(job.id, str(problem))
        if gathered is None:
            return Halted(job.id)
        claim = self._looker.held.pop(job.id, None)
        if claim is not None:
            pending = ClaimedPending(pending, claim)
        self._produced[job.id] = Produced(
            key.key, pending, gathered.obstacle, gathered.held, duration
        )
        collected = gathered.collected
        record = Record(key.key, collected.stdout, collected.stderr, collected.outputs)
        self._looker.ran(job, record)
        return Ran(job.id, record, collected.written)

    def _spool(self, pending: Pending, stream: Stream, data: bytes) -> None:
        self._keeper.make_way()  # for what is finished, while there is room
        pending.write(stream, data)

    def keep_nowait(self, job: Job, foreign: frozenset[str]) -> Kept | None:
        """Promise to ``store`` what the last run of the task produced; ``None``: use ``keep``."""
        if not self._keeper.keep_nowait(job.id, self._produced[job.id], foreign):
            return None
        del self._produced[job.id]
        return Kept(job.id)

    async def keep(self, job: Job, foreign: frozenset[str]) -> Kept:
        """Store what the last run of the task produced, or promise it to ``store``."""
        produced = self._produced[job.id]  # until it has ended: a cancellation must not lose it
        await self._keeper.keep(job.id, produced, foreign)
        del self._produced[job.id]
        return Kept(job.id)

    @property
    def must_store(self) -> bool:
        """Whether something is promised that no call of ``store`` is going to see to."""
        return self._keeper.must_store

    async def store(self) -> None:
        """Store what ``keep`` has promised, unless another call is at it."""
        await self._keeper.store()

    def hurry(self) -> None:
        """The run is at its end: ``store`` need not gather any longer."""
        self._keeper.hurry()

    async def drop(self, id: TaskId) -> None:
        """Forget what the last run of the task produced."""
        await in_thread(self._threads.stores, self._produced[id].pending.discard)
        del self._produced[id]

    async def finish(self) -> tuple[str, ...]:
        """End the run for the store and the inputs; remarks for people."""
        remarks = await in_thread(self._threads.stores, self._finish_store)
        self._keeper.tell()
        return remarks + self._keys.notes()

    def close(self) -> None:
        """Forget whatever an aborted run has left; blocks for as long as removing files takes."""
        self._looker.looked.clear()
        self._glanced.clear()
        self._looking.close()
        self._keeper.flush()
        while self._produced:
            self._produced.popitem()[1].pending.discard()
        self._looker.let_all_go()
        if self._unfinished:
            self._finish_store()
        if self._backups is not None:
            self._backups.close()

    def _finish_store(self) -> tuple[str, ...]:
        self._keeper.flush()
        self._looker.let_all_go()
        self._unfinished = False
        return self._store.finish()

    def _note_unstored(self, id: TaskId, reason: str) -> None:
        self._note(id, f"not stored: {reason}")

    def _note(self, id: TaskId, text: str) -> None:
        self._listener.tell(TaskNote(id, text))
