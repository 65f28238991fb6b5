"""The processes that a child brought forth: who they are, how to wait for them, how to end them.

The first circle is the child's group, which the system signals as one.
The second is the rest of its session: jobs of an interactive shell, for example.
The third are processes with sessions of their own.
They are found through their parents while these live; once known they are not forgotten.

What is not reached: a process that left the session and lost its parent between two looks, unless
it holds one of the pipes, was adopted, or is in the command's control group (``guard``).
"""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence

import attrs
import trio

from haz_trio.process import proc
from haz_trio.process.child import Child
from haz_trio.process.proc import Process

# Seconds in which not even a storm of forks uses up the 32,000 numbers that there are at least.
_YOUNG = 0.1
_BEAT = 0.05  # seconds between two looks at a child that is strictly contained
_ROUNDS = 20  # of signalling what appeared meanwhile
_ROUND = 0.25  # seconds for the killed of one round to be gone
_PAUSE = 0.02  # seconds between two looks where no pidfd is to be had


@attrs.define(eq=False)
class Family:
    """What descends from one child, as far as it has been seen."""

    child: Child
    _strays: set[Process] = attrs.field(factory=set)  # outside of the group, maybe gone by now
    _strangers: set[Process] = attrs.field(factory=set)  # who may not descend from the child

    def meet(self, strangers: Iterable[Process] = (), *, since: float = math.inf) -> None:
        """Get to know the descendants outside of the group, and those of ``strangers``.

        ``since`` is that of ``Ward.met``.
        """
        self._strangers.update(strangers)
        known = self._strays.union(strangers)
        if self.child.ward is not None:
            known.update(self.child.ward.met(since=since))
        if not self.is_enclosed:
            known.update(proc.descendants([self.child.pid, *(each.pid for each in known)]))
        self._strays = {process for process in known if not self._in_group(process)}

    @property
    def is_enclosed(self) -> bool:
        """Whether the control group knows everybody, so that no parent has to lead to them."""
        return self.child.ward is not None and self.child.ward.is_enclosed

    async def watch(self) -> None:
        """Meet again and again, so that somebody is known before losing its parent; never ends."""
        while True:
            self.meet(since=time.monotonic() - _BEAT)  # one look at the adopted for all of them
            await trio.sleep(_BEAT)

    def session(self, *, since: float = math.inf) -> list[Process]:
        """The live members of the session, without a child that has ended.

        ``since`` is that of ``proc.session_members``.
        Nobody once the child has been reaped: the number may be another session's then.
        """
        if not self.child.is_ours or self.is_alone():
            return []
        return proc.session_members(self.child.pid, since=since)

    def is_alone(self) -> bool:
        """Whether surely nobody but the child is in the session; False where that is unclear."""
        young = time.monotonic() < self.child.started + _YOUNG
        return young and self.child.is_ours and proc.is_alone(self.child.pid)

    def everybody(self, members: Sequence[Process] | None = None) -> list[Process]:
        """The live members of the session, unless they were just found, and every live stray."""
        session = self.session() if members is None else members
        found = {process.pid: process for process in session}
        for stray in self._strays:
            process = proc.look(stray.pid)
            if process is not None and process == stray:  # it may be of another session by now
                found[process.pid] = process
        return [found[pid] for pid in sorted(found)]

    def signal(self, number: signal.Signals) -> None:
        """Signal the group, and every known stray."""
        self.child.signal_group(number)
        for stray in sorted(self._strays, key=lambda process: process.pid):
            proc.send(stray, number)

    async def kill(
        self, found: Sequence[Process] | None = None, *, strays: bool = True
    ) -> list[Process]:
        """End the group, the session and the strays, until nobody is left; returns who withstood.

        ``found`` are those that have just been found, if they have.
        Takes at most ``_ROUNDS * _ROUND`` seconds.
        """
        self.child.signal_group(signal.SIGKILL)
        if self.child.ward is not None and self.child.ward.cell is not None:
            self.child.ward.cell.kill()
        if found is None:
            found = self.everybody() if strays else self.session()
        left, sessions = list(found), set[int]()
        for _ in range(_ROUNDS):
            if not left:
                break
            sessions |= self._closed_sessions(left)
            for process in left:
                proc.send(process, signal.SIGKILL)
            # Nobody is forked by a process to which that has been sent.
            since = time.monotonic()
            with trio.move_on_after(_ROUND):
                await trio.lowlevel.checkpoint()
                for process in left:
                    await _wait_ended(process)
            left = self.session(since=since)
            if strays:
                left = self.everybody(left)
            if sessions:  # who was forked after the look, by one who has been killed since
                left += proc.session_members(*sessions, since=since)
        return left

    def _closed_sessions(self, found: Iterable[Process]) -> set[int]:
        """The sessions, beside the child's own, that only descendants of the child can be in.

        A session is joined by being born in it: who is in it descends from who made it.
        """
        return {
            process.session
            for process in found
            if process.session != self.child.pid
            and (process not in self._strangers or process.session == process.pid)
        }

    def _in_group(self, process: Process) -> bool:
        try:
            return os.getpgid(process.pid) == self.child.pid
        except OSError:
            return True  # gone


async def wait_gone(who: Callable[[], list[Process]]) -> None:
    """Return when ``who`` finds nobody; looks again whenever all that it found have ended."""
    while found := who():
        await trio.lowlevel.checkpoint()  # processes that come and go must not block the loop
        for process in found:
            await _wait_ended(process)


async def _wait_ended(process: Process) -> None:
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    except OSError:
        await trio.sleep(_PAUSE)
        return
    try:
        if proc.look(process.pid) == process:
            await trio.lowlevel.wait_readable(descriptor)
    finally:
        trio.lowlevel.notify_closing(descriptor)
        os.close(descriptor)
