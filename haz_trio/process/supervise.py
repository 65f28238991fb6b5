"""Running a command to its end: three independent facts, and two nested scopes that shorten it.

The facts are: the child has ended, nobody is left of its group, the pipes are drained.
None of them waits without a bound for another, except that output waits for its consumer.

``Stop.ask`` is entered around waiting for the child; the pumps are outside of it, so the last
words of a child that was asked to end are still carried.
Whatever scope the caller is in tells instead of asking: everything is killed at once.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence

import attrs
import trio

from haz_trio.abc import Command, Emit, Ending, Stop
from haz_trio.errors import SpawnError
from haz_trio.model.workspace import Containment
from haz_trio.plan.messages import Stream
from haz_trio.plan.outcome import Exited, Sent, Signalled
from haz_trio.process import proc
from haz_trio.process.child import Child
from haz_trio.process.family import Family, wait_gone
from haz_trio.process.guard import Guard, Phase
from haz_trio.process.proc import Process
from haz_trio.process.pumps import DRAIN_LIMIT, Pump
from haz_trio.process.spawn import spawn

# Who ends this soon after the child was merely slower, and is no leftover: the `tee` of a process
# substitution still writes its last line, helpers that saw their pipe close are about to leave.
SETTLE = 0.05
# SIGKILL needs milliseconds; longer takes who is stuck in the kernel, or not ours to kill (B15).
PATIENCE = 5.0

_POLL = 0.005
_FRESH = 0.01  # seconds for which a look at all processes is good enough to end them by it
_LOOKS = 5  # for who holds a pipe: others may have been forked unseen by those who were ended
_SUCCESS = Exited(0)
_NEVER_STARTED = Signalled(signal.SIGTERM)  # the stop came while there was no room to start


async def run_command(
    command: Command,
    emit: Emit,
    *,
    stop: Stop,
    containment: Containment = Containment.GROUP,
    guard: Guard | None = None,
) -> Ending:
    """Run a command to its end and hand every byte of its streams to ``emit``, stream by stream.

    Raises ``SpawnError`` when the program cannot be started.
    What ``emit`` raises arrives in an exception group, after everything has been killed.
    A slow ``emit`` slows the command down, and delays neither ``stop`` nor a cancellation; after a
    stop it has ``DRAIN_LIMIT`` seconds for the rest.
    A command that ended before the stop was noticed keeps its result.
    ``Ending.status`` is ``Exited(255)`` when other code of this process took the status (B14).
    """

    def is_over() -> bool:
        return stop.halted or stop.ask.cancel_called

    try:
        child = await spawn(command, guard=guard, is_over=is_over)
    except SpawnError:
        if is_over() and guard is not None:
            return Ending(_NEVER_STARTED, halted=True)
        raise
    try:
        return await _Supervision.of(child, emit, containment).run(stop)
    finally:
        child.close()


@attrs.define(eq=False)
class _Supervision:
    child: Child
    family: Family
    pumps: tuple[Pump, Pump]
    containment: Containment
    leftovers: dict[Process, list[str]]  # with remarks
    survivors: list[str]
    sent: list[Sent]
    started: float = attrs.field(factory=trio.current_time)

    @classmethod
    def of(cls, child: Child, emit: Emit, containment: Containment) -> _Supervision:
        pumps = Pump(Stream.STDOUT, child.stdout, emit), Pump(Stream.STDERR, child.stderr, emit)
        return cls(child, Family(child), pumps, containment, {}, [], [])

    async def run(self, stop: Stop) -> Ending:
        async with trio.open_nursery() as nursery:
            try:
                halted = await self._see_through(stop, nursery)
            finally:
                if self.child.status is None:
                    await self._put_down()
            # What a consumer has not taken by then is lost; it had its time.
            nursery.cancel_scope.deadline = trio.current_time() + DRAIN_LIMIT
        leftovers = tuple(
            f"{process}: {', '.join(remarks)}" if remarks else str(process)
            for process, remarks in self.leftovers.items()
        )
        status = self.child.reap()
        return Ending(status, halted, leftovers, tuple(self.survivors), tuple(self.sent))

    async def _see_through(self, stop: Stop, nursery: trio.Nursery) -> bool:
        """Until the child has been reaped; returns whether the stop ended it.

        The pumps are started in the nursery: outside of ``stop.ask``, and only when needed.
        """
        with stop.ask:
            if await self._ended_silently():
                return False
            self._start_pumps(nursery)
            await self._wait_exited()
            await self._clear_up(halted=False)
            # Bounded by the consumer only, as it was while the command ran; a stop shortens it.
            for pump in self.pumps:
                await pump.done.wait()
        self._start_pumps(nursery)
        if self.child.peek() is None:
            await self._halt(stop)
            await self._clear_up(halted=True)
            return True
        if self.child.status is None:
            await self._clear_up(halted=False)
        return False

    async def _ended_silently(self) -> bool:
        """Whether the child ended soon, said nothing, left nobody, and has been reaped.

        Such a child needs neither pumps nor a search of all processes for those it left.
        """
        if self.containment is not Containment.GROUP or not await self.child.wait_silent_end():
            return False
        if not self.family.is_alone() or self._has_more_to_ask():
            return False
        if self.child.ward is not None and self.child.peek() == _SUCCESS:
            self.child.ward.spare()
        self._reap_family()
        return True

    def _has_more_to_ask(self) -> bool:
        """Whether it matters who left for a session of his own."""
        guard = self.child.ward.guard if self.child.ward is not None else None
        if guard is None or not guard.adopts:
            return False
        return guard.names_survivors or self.child.peek() != _SUCCESS

    def _is_thorough(self, *, halted: bool) -> bool:
        """Whether also who left on purpose is to be ended (decisions.md 7)."""
        strict = self.containment is Containment.STRICT
        return strict or halted or self.child.peek() != _SUCCESS

    def _reap_family(self) -> None:
        """Take the status, when everybody who is known to be left has been named and ended."""
        # Who was forked and lost its parent while the others were counted.
        self.child.signal_group(signal.SIGKILL)
        self.child.reap()

    def _start_pumps(self, nursery: trio.Nursery) -> None:
        if not self.child.is_watched:
            self.child.is_watched = True
            for pump in self.pumps:
                nursery.start_soon(pump.run)

    async def _wait_exited(self) -> None:
        if self.containment is Containment.GROUP or self.family.is_enclosed:
            await self.child.wait_exited()
            return
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.family.watch)
            await self.child.wait_exited()
            nursery.cancel_scope.cancel()

    async def _halt(self, stop: Stop) -> None:
        """Ask everybody to end, and wait for all of them as long as the grace lasts (A05)."""
        self._note_phase(Phase.ASKED)
        self.family.meet(since=time.monotonic() - _FRESH)
        self._note_sent(signal.SIGTERM)
        self.family.signal(signal.SIGTERM)
        # A stopped process keeps SIGTERM pending until it is continued (A06).
        self.family.signal(signal.SIGCONT)
        # Not from the wish for an end on: to meet them all may have taken a while since.
        stop.tell.deadline = trio.current_time() + stop.grace
        with stop.tell:
            await self.child.wait_exited()
            await wait_gone(self.family.everybody)

    async def _clear_up(self, *, halted: bool) -> None:
        """Name and end who is left, reap the child, and let the pumps drain.

        A stop may interrupt it; then it is done again from the start, and forgets no name.
        """
        thorough = self._is_thorough(halted=halted)
        if thorough:
            self._note_phase(Phase.ENDING)
        if halted or not await self._is_clean(thorough=thorough):
            await self._end_family(thorough=thorough)
        if not thorough and self.child.ward is not None:
            self.survivors += self.child.ward.spare()
        self._reap_family()
        for pump in self.pumps:
            pump.drain()

    async def _is_clean(self, *, thorough: bool) -> bool:
        """Whether nobody is left after an end that nobody asked for; soon counts as now."""
        if thorough and self.child.ward is not None:
            self.family.meet()  # whom only the guard knows
        if not self.family.everybody() and not self._held():
            return True
        with trio.move_on_after(SETTLE):
            await wait_gone(self.family.everybody)
            while self._held():  # noqa: ASYNC110  # only a reader is woken by a hang-up
                await trio.sleep(_POLL)
            if thorough and self.child.ward is not None:
                self.family.meet()  # who left the session meanwhile has not ended
            return not self.family.everybody()
        return False

    async def _end_family(self, *, thorough: bool) -> None:
        # Fifty commands may end at once. Whom they forked since that look is not named, but ended:
        # with the group, by way of a parent, or at the look that follows.
        since = time.monotonic() - _FRESH
        found = members = self.family.session(since=since)
        if thorough:
            self.family.meet(members, since=since)
            found = self.family.everybody(members)
        if not (found or self._held() or self.child.peek() is None or self.family.session()):
            return
        for process in found:
            if process.pid != self.child.pid:  # which lives on when it outlasted the grace
                self._name(process)
        self._note_sent(signal.SIGKILL)
        withstood = await self.family.kill(found, strays=thorough)
        for process in withstood:
            self._name(process, "cannot be killed")
        if not withstood:
            with trio.move_on_after(PATIENCE):
                await self.child.wait_exited()
        await self._free_pipes(thorough=thorough, withstood=withstood)

    async def _free_pipes(self, *, thorough: bool, withstood: Sequence[Process] = ()) -> None:
        """Name who holds a pipe without being of the session, and end him where that is asked."""
        for _ in range(_LOOKS):
            holders = await self._find_holders()
            for process, streams in holders.items():
                self._name(process, "holds " + " and ".join(streams))
            ours = {process for process in holders if self._is_descendant(process)}
            if not thorough or not ours.difference(withstood):
                return
            self.family.meet(ours)
            found = self.family.everybody()
            for process in found:
                if process.pid != self.child.pid:
                    self._name(process)
            withstood = await self.family.kill(found)

    async def _find_holders(self) -> dict[Process, list[str]]:
        """Who can still write into the pipes, and into which."""
        holders: dict[Process, list[str]] = {}
        for pump in self._held():
            # Abandoned when cancelled: it only reads, and closes everything that it opened.
            found = await trio.to_thread.run_sync(
                proc.writers,
                os.fstat(pump.descriptor).st_ino,
                abandon_on_cancel=True,
                limiter=trio.CapacityLimiter(1),
            )
            if not found and pump.is_held():
                found = [_NOBODY]  # another user's
            for process in found:
                holders.setdefault(process, []).append(pump.stream.value)
        return holders

    def _note_phase(self, phase: Phase) -> None:
        if self.child.ward is not None:
            self.child.ward.phase = phase

    def _note_sent(self, number: signal.Signals) -> None:
        """What a stop makes us do again is told once."""
        if all(sent.signal != number for sent in self.sent):
            self.sent.append(Sent(number.value, trio.current_time() - self.started))

    def _is_descendant(self, process: Process) -> bool:
        """Whether a holder can come from the child: a pipe may have been handed to a stranger.

        Who is older than the child is a stranger; a direct child of ours that we have not adopted
        belongs to somebody else in this process, who forked while the pipe was open.
        """
        child, ward = proc.look(self.child.pid, dead=True), self.child.ward
        adopts = ward is not None and ward.guard.adopts
        return (
            child is not None
            and process.started >= child.started
            and (adopts or process.parent != os.getpid())
            and process.pid != 1
        )

    def _held(self) -> list[Pump]:
        return [pump for pump in self.pumps if pump.is_held()]

    def _name(self, process: Process, remark: str = "") -> None:
        remarks = self.leftovers.setdefault(process, [])
        if remark and remark not in remarks:
            remarks.append(remark)

    async def _put_down(self) -> None:
        """The caller was cancelled, or a pump failed: end everything without asking."""
        # Shielded so that nobody is left behind; bounded by PATIENCE.
        with trio.move_on_after(PATIENCE, shield=True):
            self._note_phase(Phase.ENDING)
            self.family.meet()
            self.family.signal(signal.SIGKILL)
            await self.child.wait_exited()
            self.family.meet(self.family.session())
            await self.family.kill()
            await self._free_pipes(thorough=True)
        self.child.reap()


_NOBODY = Process(pid=0, started=0, parent=0, session=0, name="a process that cannot be seen")
