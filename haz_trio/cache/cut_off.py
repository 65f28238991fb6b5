"""What killed runs were doing, told once by the next run and then forgotten (peers.md, idea 3)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

from haz_trio.cache.files import FOLDER, READ, opened, read_whole, regular
from haz_trio.cache.layout import RUNNING, STATE, running_process
from haz_trio.living import dead
from haz_trio.values import evolve, field, frozen

Lives: TypeAlias = Callable[[int, int], bool]
"""Whether a command still runs: its pid, and a moment before its start in ticks since boot."""

MOURNED = b"watchdog\n"  # the line that the watchdog adds when it has ended what was running
_LONGEST = 4 << 20  # bytes
_NAMED = 5  # tasks in a remark


def unknown(pid: int, ticks: int) -> bool:
    """Nobody asked the system whether a command still runs."""
    return False


@frozen
class Begun:
    """A command that was running: its task, its pid, and a moment before its start."""

    task: str
    pid: int
    ticks: int


@frozen
class CutOff:
    """A run that was killed: its process, when its first command began, and what was running.

    ``began`` and ``at``, the last moment that was written down, are in unix seconds; ``mourned``
    says that the watchdog has ended the commands.
    """

    process: int
    began: int
    running: tuple[Begun, ...]
    mourned: bool
    at: float = field(default=0.0, eq=False)

    def text(self, lives: Lives) -> str:
        """A remark for people."""
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.began))
        head = f"the run of process {self.process}, begun {when}, was cut off"
        if not self.running:
            return f"{head} while no command was running"
        left = [each for each in self.running if lives(each.pid, each.ticks)]
        if left:
            end = f"still running: {_listed([f'{each.task} (pid {each.pid})' for each in left])}"
        elif self.mourned:
            end = "the watchdog has ended that"
        else:
            end = "nothing of that runs any more"
        return f"{head} while it ran {_listed([each.task for each in self.running])}; {end}"


def take_cut_off(root: int, place: str) -> list[CutOff]:
    """The runs that were killed since somebody asked last; removes their files.  Never raises.

    ``root`` is the open cache, which is at ``place`` on the host.
    """
    names = dead(f"{place}/{STATE}/{RUNNING}")
    if not names:
        return []
    found = []
    with suppress(OSError), opened(f"{STATE}/{RUNNING}", FOLDER, at=root) as folder:
        for name in names:
            with suppress(OSError):
                cut = _read(name, folder)
                os.unlink(name, dir_fd=folder)  # who removes it tells of it
                if cut is not None:
                    found.append(cut)
    return found


def see_cut_off(place: str) -> list[CutOff]:
    """What ``take_cut_off`` would take from the cache at ``place`` (host path); leaves it."""
    folder_path = f"{place}/{STATE}/{RUNNING}"
    found: list[CutOff] = []
    names = dead(folder_path)
    if names:
        with suppress(OSError), opened(folder_path, FOLDER) as folder:
            for name in names:
                with suppress(OSError):
                    cut = _read(name, folder)
                    found += [] if cut is None else [cut]
    return found


def _read(name: str, folder: int) -> CutOff | None:
    """A journal; ``None`` for what is none, and for a run that had not begun anything."""
    process = running_process(name)
    with opened(name, READ, at=folder) as fd:
        info = os.fstat(fd)
        if process is None or not regular(info):
            return None
        cut = parse(process, read_whole(fd, _LONGEST)[:_LONGEST])
        return None if cut is None else evolve(cut, at=round(info.st_mtime, 3))


def parse(process: int, data: bytes) -> CutOff | None:
    """The lines of a journal; those that make no sense, as the last one may, count for nothing."""
    began: int | None = None
    mourned = False
    running: dict[int, Begun] = {}
    for line in data.splitlines(keepends=True):
        try:
            match line.decode().split():
                case ["run", moment]:
                    began = min(max(int(float(moment)), 0), int(time.time()))
                case ["+", pid, ticks, task]:
                    running[int(pid)] = Begun(task, int(pid), int(ticks))
                case ["-", pid]:
                    running.pop(int(pid), None)
                case _:
                    mourned = mourned or line == MOURNED
        except (ValueError, OverflowError):
            continue
    if began is None:
        return None
    return CutOff(process, began, tuple(running.values()), mourned)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
