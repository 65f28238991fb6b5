"""What a run does so that nothing of its commands escapes it: the tiers of containment.

Every command leads a session of its own, and a watchdog ends it when this process is killed.
A program of its own may adopt as well: who has lost its parent becomes a child of this process
instead of the system's first one, and is found again. That changes the whole process, so a
library does not do it unasked.
A run that contains strictly gives each command a control group, where there are any to be had.
"""

from __future__ import annotations

import ctypes
import enum
import math
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import attrs

from haz_trio.abc import Journal
from haz_trio.model.workspace import Containment
from haz_trio.process import proc
from haz_trio.process.cells import Cell, next_cell
from haz_trio.process.enclosure import Enclosure
from haz_trio.process.proc import Process
from haz_trio.process.watchdog import Watchdog

_SET_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of <linux/prctl.h>
_CLOCK = os.sysconf("SC_CLK_TCK")
DUSTING = 64  # commands between two looks for the dead among the adopted
_LOOKS = 20  # for those who were forked while others were stopped
_MOMENT = 0.005  # seconds for a stop to arrive
_BLIND = (
    "there is no /proc of this PID namespace: who leaves the process group of a command is "
    "neither found nor ended; mount it (mount -t proc proc /proc)"
)


def adopt_orphans(wanted: bool) -> bool:
    """Become, or stop being, the parent of descendants that lose theirs; whether that worked."""
    try:
        return bool(ctypes.CDLL(None).prctl(_SET_SUBREAPER, int(wanted), 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


def _ticks() -> int:
    """The present moment as the system notes the start of processes."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * _CLOCK)


class Phase(enum.IntEnum):
    """How far the end of a command and of all that comes from it has got."""

    RUNNING = 0
    ASKED = 1  # they have the grace
    ENDING = 2  # it failed, or its grace is over: nobody is to be left


@attrs.define(eq=False)
class Ward:
    """One command under guard; ``pid`` is 0 before it is started."""

    guard: Guard
    number: int
    began: int  # before the command's own start, in clock ticks since boot
    task: str = ""
    pid: int = 0
    cell: Cell | None = None
    is_enclosed: bool = False  # whoever comes from the command is in the cell, parent or not
    phase: Phase = Phase.RUNNING

    def enter(self, pid: int) -> None:
        """The command has been started."""
        self.pid = pid
        self.guard.enter(self)

    def met(self, *, since: float = math.inf) -> list[Process]:
        """Who came from the command, as far as adoption and the control group tell.

        A look at the adopted that began at ``since`` (``time.monotonic``) or later will do.
        """
        inside = self.cell.members() if self.cell is not None else ()
        looked = [proc.look(pid) for pid in inside if pid != self.pid]
        found = [process for process in looked if process is not None]
        return found + self.guard.orphans(self, since=since)

    def spare(self) -> list[str]:
        """Let live whoever left on purpose; returns their names, if anybody wants to know them."""
        return self.guard.spare(self)

    def leave(self) -> None:
        """The command's group has been ended, or was never made; nothing happens twice."""
        self.guard.leave(self)


@attrs.define(eq=False)
class Guard:
    """Watches over the commands of one run; ``tell`` hears what people should know.

    ``adopts`` says that orphans come to this process; ``names_survivors`` that people want to
    know of processes that left on purpose.
    """

    watchdog: Watchdog
    tell: Callable[[str], None]
    adopts: bool = False
    names_survivors: bool = False
    enclosure: Enclosure | None = None
    journal: Journal | None = None
    _wards: dict[int, Ward] = attrs.field(factory=dict)  # by pid
    _spared: list[tuple[int, int]] = attrs.field(factory=list)  # when commands ran that succeeded
    _named: set[Process] = attrs.field(factory=set)
    _latest: tuple[float, list[Process]] = (-math.inf, [])  # when the adopted were looked at
    _first: float = math.inf  # ticks at which the first command began
    _has_told: bool = False
    _left: int = 0

    @property
    def is_busy(self) -> bool:
        """Whether some command is running."""
        return bool(self._wards)

    def expect(self, *pipes: int, task: str = "") -> Ward:
        """A command is about to be started that will write into these pipes."""
        began = _ticks()
        if not proc.is_ours():
            self.tell_once(_BLIND)
        number = self.watchdog.expect(began, *pipes)
        if self.enclosure is not None and not self.enclosure.enter():
            self.enclosure = None
        return Ward(self, number, began, task)

    def share(self, descriptor: int) -> None:
        """Have a folder kept open after our death until our commands have been ended too.

        To be called before there is a command.
        """
        self.watchdog.shared.append(descriptor)

    def pause(self) -> None:
        """Stop every command with its descendants, as far as they can be seen.

        SIGTSTP would not do: it is ignored by groups that no shell could continue.
        """
        self._signal_leaders(signal.SIGSTOP)
        told: set[Process] = set()
        for _ in range(_LOOKS):
            moving = any(map(proc.may_fork, told))
            found = self._family()
            for process in found - told:
                proc.send(process, signal.SIGSTOP)
            if found <= told and not moving:
                return  # nobody whom we know could fork, or lose a child to us, while we looked
            told |= found
            if moving:
                time.sleep(_MOMENT)

    def resume(self) -> None:
        """Continue them."""
        found = self._family()  # before one of those who go on can end, and leave others unseen
        self._signal_leaders(signal.SIGCONT)
        for process in found:
            proc.send(process, signal.SIGCONT)

    def _signal_leaders(self, number: signal.Signals) -> None:
        for pid in self._wards:
            with suppress(OSError):
                os.killpg(pid, number)

    def _family(self) -> set[Process]:
        """Everybody who comes from a command that is running, as far as they can be seen."""
        if not self._wards:
            return set()
        leaders = list(self._wards)
        begun = min(ward.began for ward in self._wards.values())
        found = {each for each in self._unspared() if each.started >= begun}
        found.update(proc.session_members(*leaders))
        found.update(proc.descendants([*leaders, *(each.pid for each in found)]))
        return found

    def enter(self, ward: Ward) -> None:
        """See ``Ward.enter``; here, so that a command is found from the first moment on."""
        if self.enclosure is not None:
            # Being admitted may take the system milliseconds, enough to become a daemon.
            os.kill(ward.pid, signal.SIGSTOP)
        self.watchdog.enter(ward.number, ward.pid)
        self._wards[ward.pid] = ward
        self._first = min(self._first, ward.began)
        if self.journal is not None:
            self.journal.began(ward.task, ward.pid, ward.began)
        if self.enclosure is not None:
            try:
                ward.cell = self.enclosure.make(ward.pid)
                ward.is_enclosed = self.enclosure.admit(ward.cell, ward.pid)
            except OSError as problem:
                self.tell_once(f"no control group for a command: {problem.strerror}")
            finally:
                os.kill(ward.pid, signal.SIGCONT)

    def leave(self, ward: Ward) -> None:
        """See ``Ward.leave``."""
        if ward.number < 0:
            return
        self._left += 1
        if self._left % DUSTING == 0:
            self._adopted()  # while the command still is a ward: it is not reaped here
        self.watchdog.leave(ward.number)
        ward.number = -1
        if self.journal is not None:
            self.journal.ended(ward.pid)
        self._wards.pop(ward.pid, None)
        if ward.cell is not None:
            ward.cell.remove()

    def tell_once(self, text: str) -> None:
        """Tell what every further command would tell again."""
        if not self._has_told:
            self._has_told = True
            self.tell(text)

    def orphans(self, ward: Ward, *, since: float = math.inf) -> list[Process]:
        """The adopted processes that can only come from this command, as things stand.

        Another command that began early enough may be the origin as well. While it has not got
        as far with its end as this one, the process is not this one's to end; when it has, it is
        asked about again. What may come from a command that has succeeded is nobody's to end.
        """
        others = [
            other.began
            for other in self._wards.values()
            if other is not ward and not Phase.RUNNING < ward.phase <= other.phase
        ]
        end = min(others, default=math.inf)
        return [each for each in self._unspared(since) if ward.began <= each.started < end]

    def _unspared(self, since: float = math.inf) -> list[Process]:
        """The adopted processes that do not come from a command that has succeeded."""
        return [
            each
            for each in self._adopted(since)
            if not any(first <= each.started <= last for first, last in self._spared)
        ]

    def spare(self, ward: Ward) -> list[str]:
        """See ``Ward.spare``."""
        if not self.adopts:
            return []
        first, last = ward.began, _ticks()
        # Intervals that touch become one, so that a long run keeps few of them.
        while self._spared and self._spared[-1][1] >= first:
            first = min(first, self._spared.pop()[0])
        self._spared.append((first, last))
        if not self.names_survivors:
            return []
        fresh = [
            each
            for each in self._adopted()
            if each.started >= ward.began and each not in self._named
        ]
        self._named.update(fresh)
        return [str(each) for each in fresh]

    def foresee_end(self) -> None:
        """Do now what takes a while and can be done as soon as nothing more is started."""
        if self.enclosure is not None:
            self.enclosure.leave()

    def close(self) -> None:
        """End the watchdog, take leave of the adopted, and remove the control groups."""
        if self.adopts:
            self._end_adopted()
            adopt_orphans(False)
        if self.enclosure is not None:
            self.enclosure.close()
        self.watchdog.close()

    def _end_adopted(self) -> None:
        """End who became ours after the last look of a command that did not succeed."""
        for _ in range(_LOOKS):
            left = [each for each in self._unspared() if each.started >= self._first]
            if not left:
                return
            for process in (*left, *proc.descendants([each.pid for each in left])):
                proc.send(process, signal.SIGKILL)
            time.sleep(_MOMENT)

    def _adopted(self, since: float = math.inf) -> list[Process]:
        """Who lives of those that lost their parents; the dead among them are taken down.

        Those of a look that began at ``since`` or later will do; some may have ended.

        A process in our own session was started by other code of this program.
        """
        if not self.adopts:
            return []
        if self._latest[0] >= since:
            return self._latest[1]
        began, ours = time.monotonic(), os.getsid(0)
        found = []
        for pid in proc.own_children():
            if pid in self._wards or pid == self.watchdog.pid:
                continue
            process = proc.look(pid, dead=True)
            if process is None or process.session == ours:
                continue
            if not process.is_dead:
                found.append(process)
                continue
            # By its number and never "any child": that could take a command's status (B13).
            with suppress(ChildProcessError):
                os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG)
        self._latest = began, found
        return found


def open_guard(
    tell: Callable[[str], None],
    *,
    containment: Containment,
    adopts: bool = False,
    names_survivors: bool = False,
    journal: Journal | None = None,
) -> Guard:
    """A guard for one run; starts nothing before there is a command."""
    cell = next_cell() if containment is Containment.STRICT else None
    watchdog = Watchdog(tell, cell.path if cell is not None else "", journal=journal)
    adopts = adopts and adopt_orphans(True)
    enclosure = Enclosure(cell, enters=adopts) if cell is not None else None
    return Guard(watchdog, tell, adopts, names_survivors, enclosure, journal)
