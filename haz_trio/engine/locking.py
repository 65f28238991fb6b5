"""How a worker holds the mutex of a task against other processes; the plan sees to its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from haz_trio.abc import Stop
from haz_trio.engine.brief import Brief
from haz_trio.engine.claimed import Patience
from haz_trio.engine.jobs import Job
from haz_trio.engine.looker import Looker
from haz_trio.engine.threads import Threads, in_thread
from haz_trio.model.names import quote
from haz_trio.model.tasks import MutexMode

if TYPE_CHECKING:
    from haz_trio.cache.claims import Claim


@attrs.define(eq=False)
class Locking:
    """The mutexes of one worker: on the loop as long as that is short, else in a thread."""

    _looker: Looker
    _threads: Threads
    _brief: Brief | None
    _patience: Callable[[Job, str], Patience]

    async def hold(self, job: Job, stop: Stop) -> bool:
        """Hold the mutex of a task also against other processes; False after a stop.

        Whoever holds it waits for nothing but its command, so this ends.
        """
        mutex, claim = job.node.task.mutex, self._looker.held.get(job.id)
        if mutex is None or claim is None:
            return True
        name, shared = mutex.lock(job.node.project.name), mutex.mode is MutexMode.SHARED
        patience = self._patience(job, f"that holds its mutex {quote(mutex.name)}")
        while not await self._add(claim, name, shared):
            if stop.ask.cancel_called:  # its block is the command's
                return False
            await patience.wait()
        return True

    async def _add(self, claim: Claim, name: str, shared: bool) -> bool:
        """Hold a mutex with a claim; False while another process holds it."""
        add = self._looker.add_mutex
        if self._brief is not None:
            held = self._brief.do(lambda check: add(claim, name, shared))
            if held is not None:
                return held
        return await in_thread(self._threads.stores, add, claim, name, shared)
