"""The two screens of ``haz init``: keys in, what the user decided out (cli.md 13.3)."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from os import terminal_size
from typing import Protocol, TypeAlias

from haz_trio.cli.init_keys import Key
from haz_trio.cli.init_screen import (
    Screen,
    draw_confirmation,
    draw_help,
    draw_tree,
    last_scroll,
)
from haz_trio.cli.init_terminal import Ended, Incoming, Redraw
from haz_trio.config.scaffold import Plan
from haz_trio.config.scaffold_tree import (
    Listing,
    Move,
    Selection,
    Tree,
    learn,
    press,
    start,
    wanted,
)
from haz_trio.model.patterns import WORKSPACE_ROOT
from haz_trio.output.palette import Palette
from haz_trio.values import evolve, frozen

_MOVES = {
    Key.UP: Move.UP,
    Key.DOWN: Move.DOWN,
    Key.RIGHT: Move.OPEN,
    Key.LEFT: Move.FOLD,
    Key.SPACE: Move.CYCLE,
    Key.HIDDEN: Move.HIDDEN,
}


class Display(Protocol):
    """What the screens are shown on, and where keys and signals come from."""

    def size(self) -> terminal_size:
        """Columns and lines."""

    def draw(self, lines: Sequence[str], *, bell: bool = False) -> None:
        """Replace the whole screen."""

    def read(self) -> Incoming:
        """Wait for a key or a signal."""


@frozen
class Confirmed:
    """The user has seen this plan and said yes."""

    plan: Plan


@frozen
class Declined:
    """The user left; nothing is to be written."""


@frozen
class Stopped:
    """Ctrl+C, or a signal of this number."""

    signal: int


Decision: TypeAlias = Confirmed | Declined | Stopped


@frozen
class Dialogue:
    """One conversation.

    ``listing`` reads a folder, ``planned`` makes the plan of a selection and may raise.
    """

    display: Display
    palette: Palette
    root: str
    listing: Callable[[str], Listing]
    planned: Callable[[Selection], Plan]

    def run(self) -> Decision:
        """Ask until the user has decided."""
        tree = start(self.listing(WORKSPACE_ROOT))
        while True:
            self.display.draw(draw_tree(self._screen(), self.root, tree), bell=tree.bell)
            match self.display.read():
                case Redraw():
                    tree = evolve(tree, bell=False)
                case Ended(number):
                    return Stopped(number)
                case Key.INTERRUPT:
                    return Stopped(signal.SIGINT)
                case Key.QUIT:
                    return Declined()
                case Key.ENTER:
                    return self._confirm(self.planned(tree.selection))
                case Key.HELP:
                    stopped = self._show_help()
                    if stopped is not None:
                        return stopped
                    tree = press(tree, None)
                case key:
                    tree = self._press(tree, _MOVES.get(key))

    def _press(self, tree: Tree, move: Move | None) -> Tree:
        unread = wanted(tree, move) if move is not None else None
        if unread is not None:
            tree = learn(tree, unread, self.listing(unread))
        return press(tree, move)

    def _show_help(self) -> Stopped | None:
        """Any key goes back, and does nothing else; Ctrl+C still ends the program."""
        while True:
            self.display.draw(draw_help(self._screen()))
            match self.display.read():
                case Redraw():
                    continue
                case Ended(number):
                    return Stopped(number)
                case Key.INTERRUPT:
                    return Stopped(signal.SIGINT)
                case _:
                    return None

    def _confirm(self, plan: Plan) -> Decision:
        scrolled = 0
        while True:
            screen = self._screen()
            scrolled = max(0, min(scrolled, last_scroll(screen, plan)))
            self.display.draw(draw_confirmation(screen, plan, scrolled))
            match self.display.read():
                case Ended(number):
                    return Stopped(number)
                case Key.INTERRUPT:
                    return Stopped(signal.SIGINT)
                case Key.YES:
                    return Confirmed(plan)
                case Key.NO | Key.QUIT:
                    return Declined()
                case Key.UP:
                    scrolled -= 1
                case Key.DOWN:
                    scrolled += 1
                case _:
                    pass

    def _screen(self) -> Screen:
        return Screen(self.display.size(), self.palette)
