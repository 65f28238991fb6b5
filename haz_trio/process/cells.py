"""Control groups: what is born in one stays in it, whatever it does to leave (tier 2).

A cell is a folder of the second version of control groups. Its processes are found without a
search and ended by one write, which no fork outruns.
Nothing here is needed to run commands: where the kernel or its keeper does not allow cells, there
are none, and families are found through parents and sessions instead.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress

from haz_trio.values import frozen

_KILL = "cgroup.kill"  # since Linux 5.14
_MEMBERS = "cgroup.procs"
_TYPE = b"cgroup2"
_CHILDLESS = 2  # links to a folder without folders
_GONE = 1.0  # seconds for the killed to leave a cell, in which they only have to be taken down
_PAUSE = 0.002
_NAME = re.compile(r"haz-(\d+)-[0-9a-f]{8}")


@frozen
class Cell:
    """One control group, by the path of its folder."""

    path: str

    @property
    def parent(self) -> Cell:
        """The control group that this one is in."""
        return Cell(os.path.dirname(self.path))

    def open(self) -> bool:
        """Make the group; whether that is allowed, and it can be used."""
        try:
            os.mkdir(self.path)
        except OSError:
            return False
        if os.access(f"{self.path}/{_KILL}", os.W_OK) and os.access(
            f"{self.parent.path}/{_MEMBERS}", os.W_OK
        ):
            return True
        self.remove()
        return False

    def make(self, name: str) -> Cell:
        """A cell in this one; raises ``OSError``."""
        path = os.path.join(self.path, name)
        os.mkdir(path)
        return Cell(path)

    def admit(self, pid: int) -> None:
        """Take a process in, and from now on all that descends from it; raises ``OSError``."""
        with open(f"{self.path}/{_MEMBERS}", "wb", buffering=0) as file:
            file.write(b"%d" % pid)

    def members(self) -> list[int]:
        """The pids of who is in the cell or below it, the dead among them included."""
        try:
            with open(f"{self.path}/{_MEMBERS}", "rb") as file:
                found = [int(line) for line in file]
        except OSError:
            return []
        for cell in self._cells():
            found += cell.members()
        return found

    def kill(self) -> None:
        """End whoever is in the cell or below it."""
        with suppress(OSError), open(f"{self.path}/{_KILL}", "wb", buffering=0) as file:
            file.write(b"1")

    def remove(self) -> bool:
        """Remove an empty cell; whether it is gone."""
        with suppress(FileNotFoundError):
            try:
                os.rmdir(self.path)
            except OSError:
                return False
        return True

    def end(self) -> None:
        """Kill, wait for the end, and remove the cell with all cells in it; blocks so long."""
        self.kill()
        end = time.monotonic() + _GONE
        while not self._remove_all() and time.monotonic() < end:
            time.sleep(_PAUSE)

    def sweep(self) -> None:
        """Remove what is left beside this cell of runs that were killed with their watchdogs.

        Those are empty cells, named by processes that are gone.
        """
        for cell in self.parent._cells():
            found = _NAME.fullmatch(os.path.basename(cell.path))
            if found is not None and not _exists(int(found[1])):
                cell._remove_all()

    def _cells(self) -> list[Cell]:
        """The cells in this one: a command may be a haz, or a manager of containers."""
        try:
            if os.stat(self.path).st_nlink <= _CHILDLESS:
                return []
            with os.scandir(self.path) as entries:
                return [Cell(each.path) for each in entries if each.is_dir(follow_symlinks=False)]
        except OSError:
            return []

    def _remove_all(self) -> bool:
        for cell in self._cells():
            cell._remove_all()
        return self.remove()


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # another user's
    return True


def next_cell() -> Cell | None:
    """A cell beside this process that is not open yet, or None where there can be none."""
    home = _home()
    if home is None:
        return None
    return Cell(os.path.join(home.path, f"haz-{os.getpid()}-{os.urandom(4).hex()}"))


def open_cell() -> Cell | None:
    """A new cell beside this process, or None where none is to be had."""
    cell = next_cell()
    return cell if cell is not None and cell.open() else None


def _home() -> Cell | None:
    """The control group that this process is in."""
    try:
        with open("/proc/self/cgroup", "rb") as file:
            lines = file.read().splitlines()
        with open("/proc/self/mountinfo", "rb") as file:
            mounts = file.read().splitlines()
    except OSError:
        return None
    inside = next((line[3:] for line in lines if line.startswith(b"0::/")), None)
    if inside is None:
        return None
    for line in mounts:
        mount, _, kind = line.partition(b" - ")
        if kind.split()[:1] == [_TYPE]:
            root, place = mount.split()[3:5]
            below = os.path.relpath(inside, root)
            if not below.startswith(b".."):
                return Cell(os.fsdecode(os.path.normpath(os.path.join(place, below))))
    return None
