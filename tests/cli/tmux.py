"""A window of tmux: a whole terminal with a screen, a keyboard and a size, as a person has."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

DEADLINE = 40.0  # seconds that anything may take to show; a loaded machine starts Python slowly


class Window:
    """One window with one program; made by ``open_window``."""

    def __init__(self, socket: str, env: Mapping[str, str], shown: int) -> None:
        """``shown`` is where everything arrives that the program writes."""
        self._socket = socket
        self._env = env
        self._shown = shown

    @property
    def screen(self) -> str:
        """What is on the screen, without the blanks at the ends of lines."""
        return self.ask("capture-pane", "-p")

    @property
    def history(self) -> str:
        """The same with what has scrolled off, broken lines joined."""
        return self.ask("capture-pane", "-p", "-J", "-S", "-")

    def value(self, name: str) -> str:
        """What tmux knows: ``alternate_on``, ``cursor_flag``, ``pane_width``."""
        return self.ask("display-message", "-p", f"#{{{name}}}").strip()

    def press(self, *keys: str) -> None:
        """Keys by the names that tmux has for them: ``Down``, ``C-c``, ``y``."""
        self.ask("send-keys", *keys)

    def enter(self, line: str) -> None:
        """Type a line and press Enter."""
        self.type(line)
        self.press("Enter")

    def type(self, text: str) -> None:
        self.ask("send-keys", "-l", text)

    def resize(self, columns: int, lines: int) -> None:
        self.ask("resize-window", "-x", str(columns), "-y", str(lines))

    def wait_for(self, *texts: str) -> str:
        """Wait until the screen shows all of these; the screen."""
        return self.wait_until(lambda screen: all(text in screen for text in texts), repr(texts))

    def wait_until(self, good: Callable[[str], bool], wanted: str) -> str:
        """Wait until a screen is as it should be; the screen."""
        end = time.monotonic() + DEADLINE
        while not good(screen := self.screen):
            assert time.monotonic() < end, f"{wanted} is not shown:\n{screen}"
            # What the program writes wakes us; the limit is for what tmux does by itself.
            if select.select([self._shown], [], [], 0.5)[0]:
                os.read(self._shown, 1 << 16)
        return screen

    def ask(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", self._socket, *words],
            env=self._env,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def open_window(
    words: Sequence[str], cwd: Path, env: Mapping[str, str], *, columns: int = 80, lines: int = 24
) -> Iterator[Window]:
    """A program in a window of a tmux of its own, which ends with the block."""
    folder = tempfile.mkdtemp(prefix="tmux")  # short: a socket has no room for a long path
    env = {"LANG": "C.UTF-8", "TERM": "xterm-256color", **env}
    os.mkfifo(f"{folder}/shown")
    shown = os.open(f"{folder}/shown", os.O_RDONLY | os.O_NONBLOCK)
    window = Window(f"{folder}/socket", env, shown)
    try:
        size = ["-x", str(columns), "-y", str(lines)]
        window.ask("-f", "/dev/null", "new-session", "-d", *size, "-c", str(cwd), *words)
        window.ask("pipe-pane", "-O", f"exec cat > {folder}/shown")
        yield window
    finally:
        subprocess.run(
            ["tmux", "-S", f"{folder}/socket", "kill-server"],
            env=env,
            capture_output=True,
            check=False,
        )
        os.close(shown)
        shutil.rmtree(folder)
