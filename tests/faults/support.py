"""Stopping haz at a chosen moment of its work, and asking what is left when it has ended.

Python tells an audit hook of every import, file, folder, rename and process before it happens.
A program that is nothing but ``haz`` with such a hook says that it is there and waits for a word,
in the very thread that does the work; nothing in haz itself knows of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from tests.cli.support import HAZ, LIMIT, Done, Home, hear_until

PAUSE = 0.08  # seconds; two signals within 50 ms count as one press (decisions.md 8)
_HALTING = """
import json, os, sys
kind, words, here, go = json.loads(sys.argv.pop(1))
waiting = True
def hook(event, details):
    global waiting
    if waiting and event == kind and all(word in str(details) for word in words):
        waiting = False
        os.write(here, b"here")
        os.read(go, 1)
sys.addaudithook(hook)
from haz_trio.__main__ import main
main()
"""


@attrs.frozen
class Moment:
    """An event of Python's audit, by its name and words in its details."""

    kind: str
    words: tuple[str, ...]


@attrs.define
class Halted:
    """A haz that stands still at a moment, or runs until a task has said its word."""

    child: subprocess.Popen[bytes]
    _go: int | None
    heard: bytes = b""

    def wait_for(self, word: bytes) -> None:
        """Read until a word has come, on either stream."""
        self.heard = hear_until(word, self.child, self.heard)

    def press(self, numbers: Sequence[int]) -> None:
        """Send signals, each far enough from the one before to count."""
        for number in numbers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.child.pid, number)
            time.sleep(PAUSE)

    def go_on(self) -> None:
        if self._go is not None:
            with contextlib.suppress(BrokenPipeError):
                os.write(self._go, b"!")

    def end(self) -> int:
        """Read to the end; the exit code, negative for a signal."""
        self.heard += self.child.communicate(timeout=LIMIT)[0]
        return self.child.returncode


@contextlib.contextmanager
def halted(
    home: Home,
    moment: Moment | None,
    *words: str,
    program: Sequence[str] = HAZ,
    around: Sequence[str] = (),
) -> Iterator[Halted]:
    """Haz with these words, standing still at the moment if one is given.

    ``around`` is the start of a command line that takes haz for its rest.
    """
    here, telling = os.pipe()
    waiting, go = os.pipe()
    argv = [*program, *words]
    if moment is not None:
        what = json.dumps([moment.kind, moment.words, telling, waiting])
        argv = [sys.executable, "-c", _HALTING, what, *words]
    child = subprocess.Popen(
        [*around, *argv],
        cwd=home.root,
        env={**home.env, "HAZ_MEMO": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        pass_fds=(telling, waiting),
    )
    os.close(telling)
    os.close(waiting)
    try:
        if moment is not None:
            assert select.select([here], [], [], LIMIT)[0], "it never comes there"
            assert os.read(here, 4) == b"here", child.communicate()[0]
        yield Halted(child, go if moment is not None else None)
    finally:
        if child.poll() is None:
            child.kill()
        os.close(here)
        os.close(go)
        child.communicate()
        for pid in home.place.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def gone_soon(home: Home, seconds: float = 3.0) -> bool:
    """Whether nothing of a run is left, at once or some moments later; who is left is printed.

    A second is what they have, and a busy machine may add to it; ``campaign`` measures the second.
    """
    end = time.monotonic() + seconds
    while left := home.place.processes():
        if time.monotonic() > end:
            for pid in left:
                print(f"left: {_status(pid)}")
            return False
    return True


def _status(pid: int) -> str:
    """What the system says of a process, in one line."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().split(" 0 ")[0]
        words = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        cell = Path(f"/proc/{pid}/cgroup").read_text().splitlines()[-1]
    except OSError:
        return f"{pid} gone by now"
    return f"{stat} | {words} | {cell}"


def assert_quiet(heard: bytes) -> None:
    """Nothing was said that only a programmer wants to read."""
    for word in (b"Traceback", b"Exception ignored", b"RuntimeWarning", b"haz failed"):
        assert word not in heard, heard


def assert_heals(home: Home, *words: str, tidy: bool = True) -> None:
    """Whatever happened: one more run succeeds, and the one after it has everything.

    Not ``tidy`` may be what was killed: temporary files are somebody's until they are old (C08).
    """
    first = home.haz("run", *words, HAZ_MEMO="0")
    assert first.code == 0, first.err
    second = home.haz("run", *words, HAZ_MEMO="0")
    assert second.code == 0, second.err
    completed = second.lines[-2].removeprefix("Tasks: ")
    count = completed.split()[0]
    assert completed == f"{count} completed ({count} cached)", second.err
    assert not second.said("note:"), second.err
    assert not tidy or home.place.litter() == []


def program(bug: str) -> list[str]:
    """haz with something planted in it: see ``planted.py``."""
    return [sys.executable, "-P", str(Path(__file__).with_name("planted.py")), bug]


def run_with(bug: str, home: Home, *words: str, **env: str) -> Done:
    """``haz run`` with something planted in it."""
    started = time.perf_counter()
    done = subprocess.run(
        [*program(bug), "run", *words],
        cwd=home.root,
        env={**home.env, "HAZ_MEMO": "0", **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr, time.perf_counter() - started)
