"""Who ends the commands when this process is killed, and nothing of it can run any more.

A helper is started with the first command: a shell that waits for the end of a pipe of ours and
costs nothing meanwhile. Whatever ends us closes the pipe; then the shell ends the control group of
the run, if there is one, and ``mourn`` everybody who is in the book, a file in memory that both of
us hold.

Neither ``PR_SET_PDEATHSIG`` nor a thread would do: the former is tied to the thread that forked
(reliability.md 1, decision 6), the latter dies with us.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

import attrs

from haz_trio.abc import Journal

RECORD = 64  # bytes for one command in the book
NOBODY = 0
_WIDTH = 11
_PID = b"%11d"

# A watchdog that was started late is in the control group, and must leave before it ends that.
# The last line is for a Python that cannot be started; -1 and 0 would mean other groups than ours.
_SCRIPT = """
trap '' HUP INT QUIT TERM
read -r nothing
[ -n "$2" ] && echo $$ > "${2%/*}/cgroup.procs" && echo 1 > "$2/cgroup.kill"
"$0" -P -m haz_trio.process.mourn "$@" && exit
while read -r pid rest; do [ "$pid" -gt 1 ] && kill -KILL "-$pid"; done < "/proc/self/fd/$1"
"""


@attrs.define(eq=False)
class Watchdog:
    """The helper and its book; ``tell`` hears once when there is no helper any more.

    ``cell`` is the control group of everything that is run, or empty; ``journal`` is where the
    helper adds that it has ended what was running.
    ``shared`` are descriptors of folders that a helper, once started, keeps open until all have
    been ended; a file ``mourned`` in each tells when that was.
    """

    tell: Callable[[str], None]
    cell: str = ""
    shared: list[int] = attrs.field(factory=list)
    journal: Journal | None = None
    book: int = attrs.field(factory=lambda: os.memfd_create("haz-watchdog"))
    _pipe: int | None = None
    _helper: subprocess.Popen[bytes] | None = None
    _has_told: bool = False
    _free: list[int] = attrs.field(factory=list)
    _size: int = 0

    @property
    def pid(self) -> int | None:
        """The helper's pid, or None before it is started."""
        return self._helper.pid if self._helper is not None else None

    def expect(self, began: int, *pipes: int) -> int:
        """A new record: who writes into these pipes is ours; returns its number.

        ``began`` is the present moment in clock ticks since boot.
        """
        self._look_after_helper()
        number = self._free.pop() if self._free else self._size
        self._size = max(self._size, number + 1)
        inodes = [os.fstat(pipe).st_ino for pipe in pipes]
        self._write(number, b" ".join(b"%d" % value for value in (began, *inodes)))
        return number

    def enter(self, number: int, pid: int) -> None:
        """The command of this record leads the group ``pid``."""
        self._put(number, _PID % pid)

    def leave(self, number: int) -> None:
        """Forget a record: its group has been ended, or never was."""
        self._write(number, b"0")
        self._free.append(number)

    def close(self) -> None:
        """End the helper; it has nobody to end."""
        if self._helper is not None:
            self._helper.kill()
            self._helper.wait()
        self._forget_helper()
        os.close(self.book)

    def _look_after_helper(self) -> None:
        """Let there be a helper; one that ended is followed by another, with the same book."""
        if self._helper is not None:
            if self._helper.poll() is None:
                return
            self._forget_helper()
            self._tell_once("has ended")
        try:
            self._start()
        except OSError as problem:
            self._tell_once(f"cannot be started ({problem.strerror})")

    def _tell_once(self, what: str) -> None:
        if not self._has_told:
            self._has_told = True
            self.tell(f"the watchdog {what}: if haz is killed, what it runs may go on")

    def _forget_helper(self) -> None:
        self._helper = None
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None

    def _start(self) -> None:
        words = (str(self.book), self.cell, self.journal.path if self.journal is not None else "")
        reading, writing = os.pipe()
        try:
            self._helper = subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT, sys.executable, *words, *map(str, self.shared)],
                stdin=reading,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(self.book, *self.shared),
                start_new_session=True,
            )
        except OSError:
            os.close(writing)
            raise
        finally:
            os.close(reading)
        self._pipe = writing

    def _write(self, number: int, text: bytes) -> None:
        self._put(number, _PID % NOBODY + b" " + text.ljust(RECORD - _WIDTH - 2) + b"\n")

    def _put(self, number: int, data: bytes) -> None:
        # A book that cannot grow must not keep a command from running.
        with suppress(OSError):
            os.pwrite(self.book, data, number * RECORD)
