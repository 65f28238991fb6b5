"""A real terminal of the test's own, with a program on it: what it shows, and how it is left."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

DEADLINE = 20.0  # seconds that a program may take for anything
_ATTRIBUTES = re.compile(r"\x1b\[[0-9;]*m")


class PseudoTerminal:
    """The side of a terminal where the person sits; made by ``on_terminal``."""

    def __init__(self, keyboard: int, line: int, child: subprocess.Popen[bytes]) -> None:
        self.child = child
        self.raw = b""
        self._keyboard = keyboard
        self._line = line

    @property
    def text(self) -> str:
        """Everything shown so far, without attributes."""
        return _ATTRIBUTES.sub("", self.raw.decode(errors="replace"))

    @property
    def frame(self) -> str:
        """The last screen."""
        return self.text.rpartition("\x1b[H")[2]

    def settings(self) -> object:
        """How the terminal is set: modes, speeds, characters."""
        return termios.tcgetattr(self._line)

    def press(self, keys: bytes) -> None:
        os.write(self._keyboard, keys)

    def resize(self, lines: int, columns: int) -> None:
        fcntl.ioctl(self._keyboard, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def wait_for(self, text: str, *, count: int = 1) -> None:
        """Read until the last screen shows a text, or everything shown has it ``count`` times."""
        end = time.monotonic() + DEADLINE
        while not (text in self.frame if count == 1 else self.text.count(text) >= count):
            assert time.monotonic() < end, f"{text!r} is not shown:\n{self.text}"
            self._take(0.1)

    def finish(self) -> int:
        """Read until the program has ended; its exit code, negative for a signal."""
        end = time.monotonic() + DEADLINE
        while self.child.poll() is None:
            assert time.monotonic() < end, f"it does not end:\n{self.text}"
            self._take(0.02)
        while self._take(0):
            pass
        return self.child.returncode

    def _take(self, seconds: float) -> bool:
        if not select.select([self._keyboard], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._keyboard, 1 << 16)
        except OSError:  # nobody has the other side open
            return False
        self.raw += data
        return bool(data)


@contextmanager
def on_terminal(
    words: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    *,
    detached: bool = False,
) -> Iterator[PseudoTerminal]:
    """A program on a terminal of 80×24 that controls it.

    ``detached`` gives it empty pipes for standard streams: only the control is left.
    """
    keyboard, line = pty.openpty()
    fcntl.ioctl(line, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    stream = subprocess.DEVNULL if detached else line
    child = subprocess.Popen(
        words,
        cwd=cwd,
        env=env,
        stdin=stream,
        stdout=stream,
        stderr=stream,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(line, termios.TIOCSCTTY, 0),  # this process has one thread
    )
    try:
        yield PseudoTerminal(keyboard, line, child)
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()
        os.close(keyboard)
        os.close(line)
