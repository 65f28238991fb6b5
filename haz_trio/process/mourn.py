"""``python -m haz_trio.process.mourn``: end what a killed haz has left running.

The watchdog's helper becomes this program when the process that it watched is gone.
Who belongs to a command is collected before anybody is ended, since a process whose parent has
ended can no longer be told from a stranger.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress

from haz_trio.process import proc
from haz_trio.process.cells import Cell
from haz_trio.values import frozen

_ROUNDS = 50  # of looking for who was forked while others were ended


@frozen
class Record:
    """A command of the dead: its group, unless it was only about to start, and its pipes.

    ``began`` is a moment before its start, in clock ticks since boot.
    """

    pid: int
    began: int
    pipes: tuple[int, ...]


def read_book(descriptor: int) -> list[Record]:
    """The commands that were running; what cannot be read is none."""
    lines = os.pread(descriptor, os.fstat(descriptor).st_size, 0).splitlines()
    records = []
    for line in lines:
        pid, began, *pipes = map(int, line.split())
        if pipes:
            records.append(Record(pid, began, tuple(pipes)))
    return records


def mourn(records: Iterable[Record]) -> None:
    """End the commands and all that descends from them, as far as it can be seen."""
    records = list(records)
    own = proc.look(os.getpid())
    if own is None:
        _end_groups(records)
        return
    leaders = set()
    holders = proc.writers(*(pipe for record in records for pipe in record.pipes))
    # Older than every command is who opened a pipe without descending from any of them.
    begun = min((record.began for record in records), default=0)
    strays = {each for each in holders if each.started >= begun}
    for record in records:
        if record.pid > 1:
            leader = proc.look(record.pid, dead=True)
            # The number of a leader that has gone is not given away while its session has members.
            if leader is None or leader.started <= own.started:
                leaders.add(record.pid)
    for _ in range(_ROUNDS):
        found = strays.union(proc.session_members(*leaders))
        found.update(proc.descendants([*leaders, *(each.pid for each in found)]))
        found = {each for each in found if each != own and proc.look(each.pid) == each}
        if not found:
            return
        for group in leaders.intersection(process.session for process in found):
            with suppress(OSError):
                os.killpg(group, signal.SIGKILL)  # whoever is being forked included
        for process in found:
            proc.send(process, signal.SIGKILL)
        # Whom they forked since the look is of their sessions, which nobody else can be in.
        leaders.update(
            each.session for each in found if each not in strays or each.session == each.pid
        )


def _end_groups(records: Iterable[Record]) -> None:
    """What can be done where nobody can be seen."""
    for record in records:
        if record.pid > 1:
            with suppress(OSError):
                os.killpg(record.pid, signal.SIGKILL)


def main() -> None:
    """The words are the book's descriptor, the run's control group and its journal, or nothing;
    then descriptors of folders to leave a mark in.
    """
    _, book, cell, journal, *folders = sys.argv
    records = read_book(int(book))
    if cell:
        with suppress(OSError):
            Cell(cell).parent.admit(os.getpid())  # a later watchdog is born with the others
        Cell(cell).end()
    mourn(records)
    for folder in folders:
        with suppress(OSError):
            _mark(int(folder))
    if journal and records:
        with suppress(OSError):
            _note(journal)


def _mark(folder: int) -> None:
    """Who undoes the work of the dead spares what was changed from now on."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    os.close(os.open("mourned", flags, 0o600, dir_fd=folder))  # ``MOURNED`` of ``cache/layout.py``


def _note(journal: str) -> None:
    """Tell the next run that nothing is left; it may have read the journal already."""
    fd = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.write(fd, b"watchdog\n")  # ``MOURNED`` of ``cache/cut_off.py``
    finally:
        os.close(fd)


if __name__ == "__main__":
    main()
