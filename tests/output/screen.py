"""A small terminal: what a person sees after some bytes, and a real one to write them to."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
from collections.abc import Iterator
from contextlib import contextmanager

import attrs

from haz_trio.output.columns import character_width

_CONTROL = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])|\x1b([78])|([\r\n\b])|(.)", re.DOTALL)


@attrs.define
class Cell:
    text: str = " "
    look: str = ""


@attrs.define
class Emulator:
    """Knows what the tests need: printing with wrapping, SGR, ED, EL, CUD, DECSC, DECRC, DECAWM.

    What scrolls off is kept.
    So is what is erased from the first place of the screen on, as tmux does.
    """

    lines: int = 6
    columns: int = 40
    rows: list[list[Cell]] = attrs.field(factory=list)
    history: list[str] = attrs.field(factory=list)
    x: int = 0
    y: int = 0
    look: str = ""
    wraps: bool = True
    wrapped: int = 0  # how often a line went on in the next one
    _saved: tuple[int, int, str] = (0, 0, "")

    def __attrs_post_init__(self) -> None:
        self.rows = [self._empty() for _ in range(self.lines)]

    def _empty(self) -> list[Cell]:
        return [Cell() for _ in range(self.columns)]

    def feed(self, data: bytes) -> Emulator:
        for found in _CONTROL.finditer(data.decode("utf-8", "replace")):
            private, parameters, final, save, control, character = found.groups()
            if final:
                self._sequence(private + parameters, final)
            elif save == "7":
                self._saved = (self.x, self.y, self.look)
            elif save == "8":
                self.x, self.y, self.look = self._saved
            elif control:
                self._control(control)
            else:
                self._print(character)
        return self

    def _sequence(self, parameters: str, final: str) -> None:
        match final:
            case "m":
                self.look = "" if parameters in ("", "0") else self.look + parameters
            case "J" | "K":
                assert parameters in ("", "0")
                if final == "J" and (self.x, self.y) == (0, 0):
                    used = [at for at, line in enumerate(self.shown, 1) if line]
                    self.history += self.shown[: max(used, default=0)]
                self.rows[self.y][self.x :] = self._empty()[self.x :]
                for row in range(self.y + 1, self.lines if final == "J" else 0):
                    self.rows[row] = self._empty()
            case "B":
                self.y = min(self.y + 1, self.lines - 1)
            case "h" | "l":
                assert parameters == "?7"
                self.wraps = final == "h"
            case _:
                raise AssertionError(f"unknown sequence {parameters}{final}")

    def _control(self, control: str) -> None:
        match control:
            case "\r":
                self.x = 0
            case "\b":
                self.x = max(self.x - 1, 0)
            case _:
                self._down()

    def _down(self) -> None:
        self.y += 1
        if self.y == self.lines:
            self.history.append(self.shown[0])
            self.rows = [*self.rows[1:], self._empty()]
            self.y -= 1

    def _print(self, character: str) -> None:
        width = character_width(character)
        if self.x + width > self.columns:
            if self.wraps:
                self.wrapped += 1
                self.x = 0
                self._down()
            else:
                self.x = self.columns - width
        self.rows[self.y][self.x] = Cell(character, self.look)
        for place in range(self.x + 1, self.x + width):
            self.rows[self.y][place] = Cell("", self.look)
        self.x += width

    @property
    def shown(self) -> list[str]:
        return ["".join(cell.text for cell in row).rstrip() for row in self.rows]

    @property
    def state(self) -> object:
        """Everything that can be seen or that later output depends on."""
        looks = [[(cell.text, cell.look) for cell in row] for row in self.rows]
        return looks, self.x, self.y, self.look, self.wraps, self.history


@attrs.define
class Terminal:
    """A pseudo-terminal: ``line`` is what a program writes to."""

    line: int
    person: int

    def resize(self, lines: int, columns: int) -> None:
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self.person, termios.TIOCSWINSZ, size)

    def read(self) -> bytes:
        """What has been written since the last call."""
        data = b""
        while select.select([self.person], [], [], 0)[0]:
            data += os.read(self.person, 65536)
        return data


@contextmanager
def open_terminal(lines: int = 6, columns: int = 40) -> Iterator[Terminal]:
    person, line = pty.openpty()
    terminal = Terminal(line, person)
    terminal.resize(lines, columns)
    try:
        yield terminal
    finally:
        os.close(person)
        os.close(line)
