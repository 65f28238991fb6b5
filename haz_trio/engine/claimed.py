"""Working side by side with other processes: results that are claimed, and waiting for others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs
import trio

from haz_trio.abc import Collected, NotStored, Pending, Stored
from haz_trio.cache.claims import Claim
from haz_trio.plan.messages import Stream

SHORTEST, LONGEST, GROWTH = 0.02, 0.2, 1.5  # seconds between two tries, and how that grows
QUIET = 2.0  # seconds for which nobody is told


@attrs.define
class Patience:
    """Waits between two tries, ever longer, and says once for whom.

    ``others`` are the processes that may be meant; the kernel does not tell which of them it is.
    """

    _note: Callable[[str], None]
    _what: str
    _others: Callable[[], Awaitable[tuple[int, ...]]]
    _pause: float = attrs.field(default=SHORTEST, init=False)
    _told: bool = attrs.field(default=False, init=False)
    _since: float = attrs.field(factory=trio.current_time, init=False)

    async def wait(self) -> None:
        """Wait for as long as is decent until the next try."""
        if not self._told and trio.current_time() - self._since >= QUIET:
            self._told = True
            self._note(f"waits for another haz {self._what}{_named(await self._others())}")
        await trio.sleep(self._pause)
        self._pause = min(self._pause * GROWTH, LONGEST)


def _named(processes: tuple[int, ...]) -> str:
    if not processes:
        return ""
    return f" (process {', '.join(map(str, processes))})"


@attrs.define
class ClaimedPending:
    """A result whose task is claimed until it has been stored, or is not going to be."""

    _pending: Pending
    _claim: Claim

    @property
    def spooling(self) -> bool:
        return self._pending.spooling

    def write(self, stream: Stream, data: bytes) -> None:
        self._pending.write(stream, data)

    def collect(self) -> Collected:
        return self._pending.collect()

    def hold(self) -> bool:
        return self._pending.hold()

    def commit(self, *, foreign: frozenset[str], duration: float) -> Stored | NotStored:
        try:
            return self._pending.commit(foreign=foreign, duration=duration)
        finally:
            self._claim.release()

    def discard(self) -> None:
        try:
            self._pending.discard()
        finally:
            self._claim.release()
