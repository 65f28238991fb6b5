"""The user's terminal in raw mode on its alternate screen, and given back whatever happens."""

from __future__ import annotations

import os
import select
import signal
import termios
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TypeAlias

from haz_trio.cli.init_keys import Key, decode
from haz_trio.errors import HazError
from haz_trio.values import frozen

_ENTER = b"\x1b[?1049h\x1b[?25l"
_LEAVE = b"\x1b[?25h\x1b[?1049l"
_HOME, _BELOW, _BELL = "\x1b[H", "\x1b[J", "\x07"
_ESCAPE_PAUSE = 50  # milliseconds after which an escape is a key and begins no sequence
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_OTHERS = (signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH)
_DEFAULT_SIZE = os.terminal_size((80, 24))


@frozen
class Redraw:
    """The window has another size, or the process was stopped and goes on."""


@frozen
class Ended:
    """A signal asks the process to end, or the terminal is gone (SIGHUP)."""

    signal: int


Incoming: TypeAlias = Key | Redraw | Ended


class Terminal:
    """A terminal that is being drawn on; made by ``open_terminal``.

    Raises ``termios.error`` when ``source`` is none.
    """

    def __init__(self, source: int, target: int, signals: int) -> None:
        self._source = source
        self._target = target
        self._signals = signals
        self._saved = termios.tcgetattr(source)
        self._keys: list[Key] = []
        self._begun = b""

    def size(self) -> os.terminal_size:
        """Columns and lines."""
        try:
            size = os.get_terminal_size(self._target)
        except OSError:
            return _DEFAULT_SIZE
        return size if size.columns > 0 and size.lines > 0 else _DEFAULT_SIZE

    def draw(self, lines: Sequence[str], *, bell: bool = False) -> None:
        """Replace the whole screen; there are no more lines than the screen has."""
        # Erased before each line is written: behind a full line the cursor is still on it.
        text = _HOME + "\r\n".join(_BELOW + line for line in lines)
        self._write((text + _BELL * bell).encode("utf-8", "replace"))

    def read(self) -> Incoming:
        """Wait for a key or a signal."""
        poll = select.poll()
        poll.register(self._source, select.POLLIN)
        poll.register(self._signals, select.POLLIN)
        while not self._keys:
            ready = dict(poll.poll(_ESCAPE_PAUSE if self._begun else None))
            if self._signals in ready:
                event = self._take_signal(os.read(self._signals, 1)[0])
                if event is not None:
                    return event
            elif self._source in ready:
                try:
                    data = os.read(self._source, 1024)
                except OSError:
                    data = b""
                if not data:
                    return Ended(signal.SIGHUP)
                self._keys, self._begun = decode(self._begun + data, complete=False)
            else:
                self._keys, self._begun = decode(self._begun, complete=True)
        return self._keys.pop(0)

    def enter(self) -> None:
        """Take the screen and every key; raises ``termios.error``."""
        tty.setraw(self._source, termios.TCSADRAIN)
        self._write(_ENTER)

    def leave(self) -> None:
        """Give everything back; does not raise, the terminal may be gone."""
        self._write(_LEAVE)
        with suppress(termios.error):
            termios.tcsetattr(self._source, termios.TCSADRAIN, self._saved)

    def _take_signal(self, number: int) -> Incoming | None:
        if number in _ENDING:
            return Ended(number)
        if number == signal.SIGTSTP:
            self.leave()
            os.kill(os.getpid(), signal.SIGSTOP)
            return None  # SIGCONT is next
        if number == signal.SIGCONT:
            with suppress(termios.error):
                self.enter()
        return Redraw()

    def _write(self, data: bytes) -> None:
        with suppress(OSError):  # the next read finds out that the terminal is gone
            while data:
                data = data[os.write(self._target, data) :]


@contextmanager
def open_terminal() -> Iterator[Terminal]:
    """The controlling terminal, or else the one on the standard streams.

    Raises ``HazError`` when there is none.
    """
    source, target, opened = _find_terminal()
    try:
        with _signals() as arriving:
            try:
                terminal = Terminal(source, target, arriving)
                terminal.enter()
            except termios.error as problem:
                raise _no_terminal(str(problem.args[-1])) from None
            try:
                yield terminal
            finally:
                terminal.leave()
    finally:
        if opened:
            os.close(source)


def _find_terminal() -> tuple[int, int, bool]:
    """Where keys come from, where to draw, and whether it was opened for this."""
    try:
        descriptor = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as problem:
        if os.isatty(0) and os.isatty(1):
            return 0, 1, False
        raise _no_terminal(problem.strerror or str(problem)) from None
    return descriptor, descriptor, True


def _no_terminal(reason: str) -> HazError:
    return HazError(
        f"haz init: the screens need a terminal: {reason}; without one choose with "
        "`--yes`, `--discover`, `--project DIR` or `--projects-parent DIR`"
    )


@contextmanager
def _signals() -> Iterator[int]:
    """A descriptor on which signals arrive as bytes; those told to be ignored stay ignored."""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    numbers = [n for n in (*_ENDING, *_OTHERS) if signal.getsignal(n) is not signal.SIG_IGN]
    woken = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    before = {number: signal.signal(number, _noted) for number in numbers}
    try:
        yield reader
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(woken)
        os.close(reader)
        os.close(writer)


def _noted(number: int, frame: FrameType | None) -> None:
    """Python has written the signal's number to the pipe already."""
