"""A result whose outputs are all old or all new: ``execution.outputs: rollback``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import attrs
import trio

from haz_trio.abc import Collected, NotStored, Pending, Stop, Stored, Subject
from haz_trio.cache.backups import Backup, Backups
from haz_trio.engine.threads import Threads, check_cancelled, in_thread
from haz_trio.errors import OutputError
from haz_trio.plan.messages import Stream


class _Stopped(Exception):
    """A stop came while outputs were copied."""


@attrs.define
class BackedPending:
    """A result that puts the outputs back when it is discarded before it could be collected.

    All methods but ``take`` are called in worker threads of trio; ``tell`` hears, on its loop,
    what people should know.
    """

    _pending: Pending
    _backups: Backups
    _subject: Subject
    _tell: Callable[[str], None]
    _backup: Backup | None = attrs.field(default=None, init=False)
    _starts: bool = attrs.field(default=False, init=False)  # whether the command may have started

    async def take(self, stop: Stop, threads: Threads) -> bool:
        """Keep the outputs as they are: the command is about to start; False after a stop.

        A stop, or a cancellation, ends it between two files. Raises ``OutputError``.
        """
        await in_thread(threads.stores, self._take, stop)
        await trio.lowlevel.checkpoint_if_cancelled()
        self._starts = not stop.ask.cancel_called
        return self._starts

    def _take(self, stop: Stop) -> None:
        def check() -> None:
            check_cancelled()
            if stop.halted:  # the scopes are the loop's: a thread may not ask them
                raise _Stopped

        with suppress(_Stopped):
            self._backup = self._backups.take(self._subject, check)

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
            lost = "" if backup is None else self._undo(backup)
            if lost:
                trio.from_thread.run_sync(self._tell, lost)

    def _undo(self, backup: Backup) -> str:
        """Make the outputs what they were; what people have to know, usually nothing."""
        if not self._starts:
            with suppress(OutputError):  # then each file is looked at
                backup.commit(())
                return ""
        return backup.put_back()
