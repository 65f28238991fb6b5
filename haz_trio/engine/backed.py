"""A result whose outputs are all old or all new: ``execution.outputs: rollback``."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import trio

from haz_trio.abc import Collected, NotStored, Pending, Stored, Subject
from haz_trio.cache.backups import Backup, Backups
from haz_trio.plan.messages import Stream


@attrs.define
class BackedPending:
    """A result that puts the outputs back when it is discarded before it could be collected.

    All methods are called in worker threads of trio; ``tell`` hears, on its loop, what people
    should know.
    """

    _pending: Pending
    _backups: Backups
    _subject: Subject
    _tell: Callable[[str], None]
    _backup: Backup | None = attrs.field(default=None, init=False)

    def take(self) -> None:
        """Keep the outputs as they are: the command is about to start; blocks.

        Raises ``OutputError``.
        """
        self._backup = self._backups.take(self._subject)

    @property
    def spooling(self) -> bool:
        return self._pending.spooling

    def write(self, stream: Stream, data: bytes) -> None:
        self._pending.write(stream, data)

    def collect(self) -> Collected:
        collected = self._pending.collect()
        if self._backup is not None:
            self._backup.commit(collected.written)
            self._backup = None
        return collected

    def hold(self) -> bool:
        return self._pending.hold()

    def commit(self, *, foreign: frozenset[str], duration: float) -> Stored | NotStored:
        return self._pending.commit(foreign=foreign, duration=duration)

    def discard(self) -> None:
        try:
            self._pending.discard()
        finally:
            backup, self._backup = self._backup, None
            lost = "" if backup is None else backup.put_back()
            if lost:
                trio.from_thread.run_sync(self._tell, lost)
