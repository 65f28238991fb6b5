"""haz with a bug on purpose: ``python planted.py BUG words…``, to see that an oracle notices it.

Stands alone: it is run as a file, by the interpreter that has haz_trio.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import trio

import haz_trio
from haz_trio import memo
from haz_trio.cache import known, manifest, manifest_reader, recipe, tree
from haz_trio.cache.draft import Draft
from haz_trio.cache.files import FOLDER, READ, opened
from haz_trio.cache.manifest import Manifest, Output
from haz_trio.cache.restore import Restore
from haz_trio.config import snapshot
from haz_trio.process import spawn
from haz_trio.process.child import Child
from haz_trio.process.guard import Guard
from haz_trio.process.pumps import Pump


def plant(owner: object, **members: object) -> None:
    for name, member in members.items():
        setattr(owner, name, member)


def no_bug() -> None:
    """haz as it is."""


def skip_fsync() -> None:
    plant(os, fsync=lambda fd: None, fdatasync=lambda fd: None)


def skip_the_hash_check() -> None:
    def stage(self: Restore, output: Output, name: str, folder: int, blobs: int) -> None:
        with opened(output.digest, READ, at=blobs) as source:
            data = os.read(source, 1 << 30)
        self._disk.write_new(name, data, at=folder)

    plant(Restore, _stage_file=stage)


def publish_before_blobs() -> None:
    right = Draft.publish

    def publish(self: Draft, manifest: Manifest, *, doubted: bool) -> Manifest | None:
        os.rename("outputs", "../.later", src_dir_fd=self.folder, dst_dir_fd=self.folder)
        beaten = right(self, manifest, doubted=doubted)
        os.rename("../.later", "outputs", src_dir_fd=self.folder, dst_dir_fd=self.folder)
        return beaten

    plant(Draft, publish=publish)


def reap_before_kill() -> None:
    right = Child.wait_exited

    async def wait_exited(self: Child) -> None:
        await right(self)
        with suppress(ChildProcessError):
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG)  # noqa: ASYNC222  # it has ended

    plant(Child, wait_exited=wait_exited, is_ours=True)


def wait_for_the_end_of_the_pipe() -> None:
    plant(Pump, drain=lambda self: None)


def dropped_drain() -> None:
    right = Pump.drain

    def drain(self: Pump) -> None:
        right(self, -1.0)
        self._owed = 0

    plant(Pump, drain=drain)


def no_sigcont() -> None:
    right = Child.signal_group

    def signal_group(self: Child, number: signal.Signals) -> None:
        if number is not signal.SIGCONT:
            right(self, number)

    plant(Child, signal_group=signal_group)


def follow_a_symlink() -> None:
    plant(tree, FOLDER=FOLDER & ~os.O_NOFOLLOW)
    plant(tree.Tree, _prefix=lambda self, prefix: prefix.strip("/"))


def wait_for_any_child() -> None:
    right = Guard.expect

    def expect(self: Guard, *pipes: int) -> object:
        with suppress(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        return right(self, *pipes)

    plant(Guard, expect=expect)


def shared_limiter() -> None:
    def searches() -> object:
        return spawn._Searches(trio.to_thread.current_default_thread_limiter())

    plant(spawn, _searches_of_run=searches)


def another_version() -> None:
    """Not a bug: a haz of another version, whose keys, entries and state files are its own."""
    plant(haz_trio, __version__="99.0.0")
    plant(manifest, FORMAT="haz-trio/99")
    plant(manifest_reader, FORMAT="haz-trio/99")
    plant(recipe, FORMAT="haz-trio recipe 99")
    plant(known, KIND=b"known 99")
    plant(snapshot, KIND=b"config99")
    plant(memo, KIND=b"memo  99")


def a_clock_that_jumps() -> None:
    """Not a bug: whenever the time is asked for it is another year; ``monotonic`` is as it is."""
    right = time.time
    jumps = itertools.cycle((0.0, -3.2e7, 3.2e8, -1.7e9, 3.2e7))

    def now() -> float:
        return max(0.0, right() + next(jumps))

    plant(time, time=now, time_ns=lambda: int(now() * 1e9))


BUGS: dict[str, Callable[[], None]] = {
    each.__name__.replace("_", " "): each
    for each in (
        no_bug,
        skip_fsync,
        skip_the_hash_check,
        publish_before_blobs,
        reap_before_kill,
        wait_for_the_end_of_the_pipe,
        dropped_drain,
        no_sigcont,
        follow_a_symlink,
        wait_for_any_child,
        shared_limiter,
        another_version,
        a_clock_that_jumps,
    )
}


if __name__ == "__main__":
    BUGS[sys.argv.pop(1)]()
    from haz_trio.__main__ import main

    main()
