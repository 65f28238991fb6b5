"""The control group of one run, and in it one for each of its commands (tier 2 of ``guard``)."""

from __future__ import annotations

import os
from contextlib import suppress
from threading import Thread

import attrs

from haz_trio.process import proc
from haz_trio.process.cells import Cell

_ADMISSIONS = 20  # looks for who was forked while others were admitted


@attrs.define(eq=False)
class Enclosure:
    """The cell of a run, made when the first command is started; the watchdog knows of it before.

    ``enters`` is for a program of its own, which goes inside, so that everybody whom it starts is
    born there; in a host, other threads may start processes that are not ours.
    """

    cell: Cell
    enters: bool = False
    _is_open: bool = False
    _is_inside: bool = False
    _leaving: Thread | None = None

    def enter(self) -> bool:
        """Before a command is started; False where there can be no cells after all."""
        if not self._is_open:
            self._is_open = self.cell.open()
            if self._is_open:
                self.cell.sweep()
        if self._is_open and self.enters and not self._is_inside:
            self._await_leaving()
            with suppress(OSError):
                self.cell.admit(os.getpid())
                self._is_inside = True
        return self._is_open

    def make(self, pid: int) -> Cell:
        """A cell for the command that this process leads; raises ``OSError``."""
        return self.cell.make(str(pid))

    def admit(self, cell: Cell, pid: int) -> bool:
        """Take in a command, and whom it has forked in the moment since its start.

        Returns whether nobody was left outside whose parent lives. Raises ``OSError``.
        """
        cell.admit(pid)
        for _ in range(_ADMISSIONS):
            inside = set(cell.members())
            outside = [each for each in proc.descendants([pid]) if each.pid not in inside]
            if not outside:
                return True
            for process in outside:
                with suppress(OSError):  # it has gone
                    cell.admit(process.pid)
        return False

    def leave(self) -> None:
        """Go outside, in a thread: the kernel waits for all of its own readers, 5 to 25 ms."""
        if not self._is_inside:
            return
        self._is_inside = False
        self._leaving = Thread(target=self._leave, daemon=True)
        try:
            self._leaving.start()
        except RuntimeError:  # no room for a thread
            self._leaving = None
            self._leave()

    def close(self) -> None:
        """Go outside, and remove the cell with everybody in it."""
        if self._is_inside:
            self._is_inside = False
            self._leave()
        self._await_leaving()
        if self._is_open and os.getpid() not in self.cell.members():
            self.cell.end()

    def _leave(self) -> None:
        with suppress(OSError):
            self.cell.parent.admit(os.getpid())

    def _await_leaving(self) -> None:
        if self._leaving is not None:
            self._leaving.join()
            self._leaving = None
