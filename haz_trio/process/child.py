"""One child process: its pidfd, its pipes, its end; a zombie until everybody has been signalled.

As long as the child has not been reaped, its pid is the number of its group and session and of
nobody else's, so the group is signalled before the reaping and never after it (B07).
No ``Popen`` knows of it, whose ``poll``, ``wait`` and even ``repr`` reap (B08).
"""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress
from functools import partial

import attrs
import trio

from haz_trio.plan.outcome import Exited, ExitStatus, Signalled
from haz_trio.process.guard import Ward

# What is reported when somebody else in this process took the exit status: never success (B14).
UNKNOWN_STATUS = Exited(255)
_MOMENT = 0.001  # seconds; the shortest time that epoll can wait


@attrs.define(eq=False, repr=False)
class Child:
    """A process that leads its own session; the pipes are our reading ends, non-blocking.

    ``pidfd`` is None where there is none to be had; then a thread waits.
    ``status`` is None until the child has been reaped.
    ``started`` is when it was executed, in seconds of the monotonic clock.
    ``is_watched`` says that somebody may be waiting on one of the descriptors.
    ``ward`` is told before the reaping, while the pid still is this child's.
    """

    pid: int
    pidfd: int | None
    stdout: int
    stderr: int
    status: ExitStatus | None = None
    started: float = attrs.field(factory=time.monotonic)
    is_watched: bool = False
    ward: Ward | None = None
    _lost: bool = False
    _ended: ExitStatus | None = None  # how, as soon as that has been seen
    _is_awaited: bool = False  # trio knows the pidfd

    @property
    def is_ours(self) -> bool:
        """Whether the pid still is this child's: it lives, or is a zombie that nobody reaped."""
        return self.status is None and not self._lost

    async def wait_silent_end(self) -> bool:
        """Wait for the child's end or its first word; whether it ended, and its pipes with it.

        False also for a child that left its pipes to others, or that cannot be watched this way.
        One wait for three descriptors: a task for each would cost more than a short command.
        """
        if self.pidfd is None:
            return False
        try:
            stirrings = select.epoll(3)
        except OSError:  # no descriptor left (D06)
            return False
        with stirrings:
            stirrings.register(self.pidfd, select.EPOLLIN)
            for pipe in (self.stdout, self.stderr):
                stirrings.register(pipe, select.EPOLLIN | select.EPOLLONESHOT)
            hung_up, moment = 0, 0.0
            while True:
                if not moment:
                    await trio.lowlevel.wait_readable(stirrings.fileno())
                ended, stirred = False, stirrings.poll(moment)
                moment = 0.0
                for descriptor, flags in stirred:
                    if descriptor == self.pidfd:
                        ended = True
                    elif flags & select.EPOLLIN:
                        return False
                    else:
                        # A process closes its files one by one just before it ends: too soon
                        # for a turn of the loop.
                        hung_up, moment = hung_up + 1, _MOMENT
                if ended:
                    return hung_up == 2
                if hung_up == 2 and not moment:
                    break
        await self.wait_exited()
        return True

    async def wait_exited(self) -> None:
        """Return when the child has ended; it is not reaped. Always a checkpoint."""
        if self.pidfd is not None:
            self._is_awaited = True
            await trio.lowlevel.wait_readable(self.pidfd)
            return
        # A cancelled wait leaves the thread behind until the child ends; it never reaps.
        wait = partial(self._waitid, os.WEXITED | os.WNOWAIT)
        await trio.to_thread.run_sync(
            wait, abandon_on_cancel=True, limiter=trio.CapacityLimiter(1)
        )

    def peek(self) -> ExitStatus | None:
        """How the child ended, or None while it runs; it is not reaped."""
        if self.status is not None:
            return self.status
        if self._ended is None:
            self._ended = self._waitid(os.WEXITED | os.WNOWAIT | os.WNOHANG)
        return self._ended

    def signal_group(self, number: signal.Signals) -> None:
        """Signal every member of the group; a no-op once the number may be somebody else's.

        Members that belong to another user are left alone by the system, without an error here.
        """
        if self.is_ours:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def reap(self) -> ExitStatus:
        """Take the exit status of a child that has ended; no signal is sent by number after it."""
        if self.status is None:
            if self.ward is not None:
                self.ward.leave()
            status = self._waitid(os.WEXITED | os.WNOHANG)
            # A process that SIGKILL does not end is stuck in the kernel or another user's.
            # It is given up: its status says so, and the system reaps it after our own end.
            self.status = Signalled(signal.SIGKILL) if status is None else status
        return self.status

    def close(self) -> None:
        """Close the pipes and the pidfd; nobody may wait on them any more."""
        for pipe in (self.stdout, self.stderr):
            if self.is_watched:
                trio.lowlevel.notify_closing(pipe)
            os.close(pipe)
        if self.pidfd is not None:
            if self._is_awaited:
                trio.lowlevel.notify_closing(self.pidfd)
            os.close(self.pidfd)

    def _waitid(self, options: int) -> ExitStatus | None:
        try:
            if self.pidfd is not None:
                found = os.waitid(os.P_PIDFD, self.pidfd, options)
            else:
                found = os.waitid(os.P_PID, self.pid, options)
        except ChildProcessError:
            self._lost = True
            return UNKNOWN_STATUS
        if found is None:
            return None
        if found.si_code == os.CLD_EXITED:
            return Exited(found.si_status)
        return Signalled(found.si_status)
