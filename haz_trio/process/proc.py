"""What ``/proc`` says about processes: sessions, children, holders of pipes.

Everything here is a look at a moving thing: what is found may be gone the next moment, and
processes of other users may be hidden.
Where there is no ``/proc``, or that of another PID namespace, nothing is found.
"""

from __future__ import annotations

import math
import os
import signal
import stat
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import cache

from haz_trio.values import field, frozen

_DEAD = (b"Z", b"X")
_STILL = (b"T", b"t", *_DEAD)
# Not ``loadavg``, which tells the same: containers have it replaced by one that lags behind.
_LAST_PID = "/proc/sys/kernel/ns_last_pid"
_SOON = 2 * os.sysconf("SC_CLK_TCK")  # ticks from a command's note to its start
_PIECE = 4096  # bytes that are read at once
_FEW = 1000  # numbers that are asked one by one

_latest: tuple[float, dict[int, list[int]]] = (-math.inf, {})  # when, and who was in which session


@frozen
class Process:
    """A process as it was; pid and start time (clock ticks since boot) are its identity."""

    pid: int
    started: int
    parent: int = field(eq=False)
    session: int = field(eq=False)
    name: str = field(eq=False)
    is_dead: bool = field(eq=False, default=False)

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})" if self.pid else self.name


@cache
def is_ours() -> bool:
    """Whether there is a ``/proc``, and its numbers are those by which we know processes."""
    try:
        return os.readlink("/proc/self") == str(os.getpid())
    except OSError:
        return False


def look(pid: int, *, dead: bool = False) -> Process | None:
    """The process with this pid, or None; a zombie counts only with ``dead``.

    A process whose main thread has ended while others run looks like a zombie and is none.
    """
    told = _told(pid)
    if told is None:
        return None
    name, fields = told
    is_dead = fields[0] in _DEAD and int(fields[17]) <= 1
    if is_dead and not dead:
        return None
    started, parent, session = int(fields[19]), int(fields[1]), int(fields[3])
    return Process(pid, started, parent, session, _printable(name), is_dead)


def may_fork(process: Process) -> bool:
    """Whether a process is neither stopped nor dead: a stop that is sent takes a moment."""
    told = _told(process.pid)
    if told is None:
        return False
    _, fields = told
    return int(fields[19]) == process.started and fields[0] not in _STILL


def lives(leader: int, ticks: int) -> bool:
    """Whether somebody is left of the session of a command that was started at about ``ticks``.

    A number that was given away again does not lead the same session at the same time.
    """
    process = look(leader, dead=True)
    if process is not None:
        return look(leader) is not None and 0 <= process.started - ticks <= _SOON
    return bool(session_members(leader))


def session_members(*sessions: int, since: float = math.inf) -> list[Process]:
    """The live processes of these sessions, by pid.

    A look at all processes that began at ``since`` (``time.monotonic``) or later is taken again:
    fifty commands that are ended together need not look fifty times.
    """
    global _latest  # whichever thread has looked last
    began, by_session = _latest
    if began < since:
        _latest = began, by_session = time.monotonic(), _by_session()
    pids = {pid for session in sessions for pid in by_session.get(session, ())}
    looked = [process for pid in sorted(pids) if (process := look(pid)) is not None]
    return [process for process in looked if process.session in sessions]


def _by_session() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for pid in _pids():
        try:
            session = os.getsid(pid)
        except OSError:
            continue
        found.setdefault(session, []).append(pid)
    return found


def is_alone(leader: int) -> bool:
    """Whether a process that leads a session is surely its only member; no answer is False.

    Whoever is of the session was made later than its leader, so it is enough to ask the few
    numbers that have been given away since: all of `/proc` costs a hundred times as much.
    The leader must be so young that the numbers cannot have gone round since it was made.
    """
    try:
        told = os.open(_LAST_PID, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        asked, last = leader, _last_pid(told)
        while leader <= last <= leader + _FEW:
            for pid in range(asked + 1, last + 1):
                try:
                    if os.getsid(pid) == leader:
                        return False
                except ProcessLookupError:
                    continue
                except OSError:
                    return False
            asked, last = last, _last_pid(told)
            if asked == last:
                return True
    finally:
        os.close(told)
    return False


def _last_pid(told: int) -> int:
    """The number that was given to the newest process or thread; -1 where that is not told."""
    try:
        return int(os.pread(told, 32, 0))
    except (OSError, ValueError):
        return -1


def descendants(roots: Collection[int]) -> list[Process]:
    """The live children of processes, their children, and so on, without the roots.

    Who lost its parent is not found: it belongs to the system's first process then.
    """
    found: dict[int, Process] = {}
    ahead = list(roots)
    while ahead:
        for pid in _children(ahead.pop()):
            process = look(pid) if pid not in found and pid not in roots else None
            if process is not None:
                found[pid] = process
                ahead.append(pid)
    return [found[pid] for pid in sorted(found)]


def own_children() -> list[int]:
    """The children of this process, the dead among them included."""
    return _children(os.getpid())


def writers(*inodes: int) -> list[Process]:
    """The processes that hold the writing end of one of these pipes, without this process.

    Reads the descriptors of every process that this user may look at: tens of milliseconds.
    """
    names = {f"pipe:[{inode}]" for inode in inodes}
    own = os.getpid()
    found = []
    for pid in _pids():
        if pid != own and _writes(pid, names):
            process = look(pid)
            if process is not None:
                found.append(process)
    return found


def send(process: Process, number: signal.Signals) -> None:
    """Signal exactly this process; nothing happens when it is gone or another user's."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    except OSError:  # no descriptor to be had: look and send, with a gap of microseconds
        if look(process.pid) == process:
            with suppress(OSError):
                os.kill(process.pid, number)
        return
    try:
        # The pidfd holds whoever has the pid now; if that is the process, it stays so.
        if look(process.pid) == process:
            with suppress(OSError):
                signal.pidfd_send_signal(descriptor, number)
    finally:
        os.close(descriptor)


def _told(pid: int) -> tuple[bytes, list[bytes]] | None:
    """What stat(5) says: the name, and from the state (the third) on each field; None if gone."""
    if not is_ours():
        return None
    try:
        text = _read(f"/proc/{pid}/stat")
    except OSError:
        return None
    name, _, rest = text[text.index(b"(") + 1 :].rpartition(b")")
    return name, rest.split()


def _read(path: str) -> bytes:
    """All of a file of ``/proc``; ``open`` would take three times as long, and there are many."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pieces = [os.read(descriptor, _PIECE)]
        while len(pieces[-1]) == _PIECE:
            pieces.append(os.read(descriptor, _PIECE))
        return b"".join(pieces)
    finally:
        os.close(descriptor)


def _pids() -> Iterator[int]:
    if not is_ours():
        return
    try:
        names = os.listdir("/proc")
    except OSError:
        return
    yield from map(int, filter(str.isdigit, names))


def _children(pid: int) -> list[int]:
    children: list[int] = []
    if not is_ours():
        return children
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            children += map(int, _read(f"/proc/{pid}/task/{thread}/children").split())
    except OSError:
        pass  # it ended while we looked
    return children


def _writes(pid: int, pipes: Collection[str]) -> bool:
    directory = f"/proc/{pid}/fd"
    try:
        for descriptor in os.listdir(directory):
            link = f"{directory}/{descriptor}"
            if os.readlink(link) in pipes and os.lstat(link).st_mode & stat.S_IWUSR:
                return True
    except OSError:
        pass  # another user's, or it ended while we looked
    return False


def _printable(name: bytes) -> str:
    """A process may call itself anything, escape sequences included."""
    text = name.decode("utf-8", "replace")
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
