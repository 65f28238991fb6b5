"""What a command has left: on the loop as long as that is soon known, else by hands."""

from __future__ import annotations

import attrs
import trio

from haz_trio.abc import Collected, Pending
from haz_trio.engine.brief import Brief, is_plain
from haz_trio.engine.hands import Check
from haz_trio.engine.jobs import Job
from haz_trio.engine.keys import Key, Keys
from haz_trio.engine.looker import Looker
from haz_trio.engine.threads import Threads
from haz_trio.values import frozen


@frozen
class Gathered:
    """What there is to store; ``held`` says that all of it is in memory.

    ``obstacle`` is why it is not stored, or empty.
    """

    collected: Collected
    obstacle: str
    held: bool


@attrs.define(eq=False)
class Gathering:
    """Gathers for one worker."""

    _keys: Keys
    _looker: Looker
    _threads: Threads
    _brief: Brief | None

    async def gather(self, job: Job, key: Key, pending: Pending, *, outlived: bool) -> Gathered:
        """Behind a command that has succeeded; raises ``TaskError``.

        ``outlived`` says that a process may still write.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        found = None
        if self._brief is not None and is_plain(job):
            found = self._brief.do(self._gather, job, key, pending, outlived)
        if found is None:
            found = await self._threads.gathering.do(self._gather, job, key, pending, outlived)
        return found

    def _gather(
        self, check: Check, job: Job, key: Key, pending: Pending, outlived: bool
    ) -> Gathered:
        self._looker.ended()
        obstacle = ""
        if outlived:
            obstacle = "a process outlived the command and may still write"
        else:
            changed = self._keys.changed(key.inputs, job, check=check)
            if changed is not None:
                obstacle = f"input {changed} changed while the command ran"
        collected = pending.collect()  # is done once: nothing asks ``check`` from here on
        return Gathered(collected, obstacle, not obstacle and pending.hold())
