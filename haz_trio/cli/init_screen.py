"""The screens of ``haz init`` as lines of text with their attributes (cli.md 13.3); reads nothing.

Every function fits the size that it is given: lines are cut at the right, and what does not fit
below scrolls with the focus.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import terminal_size
from typing import TypeAlias

from haz_trio.config.scaffold import Plan
from haz_trio.config.scaffold_tree import Choice, Row, Tree
from haz_trio.model.patterns import WORKSPACE_ROOT
from haz_trio.output.columns import character_width, display_width
from haz_trio.output.palette import RESET, Drawing, Palette
from haz_trio.output.text import escape
from haz_trio.values import frozen

Piece: TypeAlias = tuple[str, str]  # a text, and the parameters of its SGR sequence or nothing
Line: TypeAlias = tuple[Piece, ...]

_TITLE, _FOCUS, _BOLD, _DIM = "1;7", "1;7", "1", "2"
_GREEN, _CYAN, _YELLOW = "32", "36", "33"
_COLOURS = frozenset({_GREEN, _CYAN, _YELLOW})
_BLANK: Line = ()


@frozen
class _Signs:
    """The characters of the tree."""

    marks: dict[Choice, str]
    folded: str
    opened: str
    dash: str
    up_down: str
    right: str
    left: str


_UNICODE = _Signs(
    {Choice.NONE: "□", Choice.PROJECT: "■", Choice.PARENT: "▣"}, "▶", "▼", "—", "↑↓", "→", "←"
)
_ASCII = _Signs(
    {Choice.NONE: ".", Choice.PROJECT: "x", Choice.PARENT: "*"},
    *(">", "v", "-", "up/down", "right", "left"),
)
_COLOUR_OF = {Choice.NONE: "", Choice.PROJECT: _GREEN, Choice.PARENT: _CYAN}


@frozen
class Screen:
    """How big the screen is, and what it can show; without colour, bold and reverse remain."""

    size: terminal_size
    palette: Palette

    def paint(self, lines: Sequence[Line]) -> list[str]:
        """Lines cut to the screen, with their attributes."""
        return [self._paint(line) for line in lines[: self.size.lines]]

    def _paint(self, line: Line) -> str:
        room = self.size.columns
        painted = ""
        for text, attributes in line:
            shown, room = _cut(escape(text), room)
            if attributes in _COLOURS and not self.palette.colour:
                attributes = ""
            painted += f"\x1b[{attributes}m{shown}{RESET}" if attributes and shown else shown
        return painted

    @property
    def signs(self) -> _Signs:
        return _ASCII if self.palette.drawing is Drawing.ASCII else _UNICODE


def draw_tree(screen: Screen, root: str, tree: Tree) -> list[str]:
    """The first screen: directories to choose from."""
    signs = screen.signs
    rows = tree.rows()
    paths = [row.path for row in rows]
    focused = paths.index(tree.focus) if tree.focus is not None else len(rows) - 1
    room = max(screen.size.lines - 6, 1)
    first = max(0, min(focused - room // 2, len(rows) - room))
    noun = "project" if tree.count == 1 else "projects"
    button = f"  [ Commit selection ({tree.count} {noun}) ]"
    keys = _hints(
        screen.size.columns,
        (5, f"{signs.up_down} move"),
        (6, f"{signs.right} open"),
        (7, f"{signs.left} fold"),
        (3, "Space choose"),
        (4, "Enter commit"),
        (8, "H hidden"),
        (2, "? help"),
        (1, "q quit"),
    )
    lines: list[Line] = [
        ((f" haz init {signs.dash} select directories to register as projects ", _TITLE),),
        ((f" cwd: {root}", ""),),
        *(_row(signs, tree, row) for row in rows[first : first + room]),
        _BLANK,
        ((button, _FOCUS if tree.focus is None else _BOLD),),
        ((f" {tree.remark}" if tree.remark else "", _YELLOW),),
        ((keys, _DIM),),
    ]
    return screen.paint(lines)


def draw_help(screen: Screen) -> list[str]:
    """What the keys do; the next key leads back."""
    signs = screen.signs
    keys = (
        (signs.up_down, "move over the directories and the button"),
        (signs.right, "open a directory"),
        (signs.left, "fold it"),
        ("Space", "nothing, a project, the parent of projects, and round again"),
        ("H", "show or hide directories that start with a dot or git ignores"),
        ("Enter", "see what would be written, and confirm it"),
        ("q, Esc", "leave and write nothing"),
        ("Ctrl+C", "the same, with exit code 130"),
    )
    lines: list[Line] = [
        ((f" haz init {signs.dash} help ", _TITLE),),
        _BLANK,
        *(((f"  {key:<9}", _BOLD), (text, "")) for key, text in keys),
        _BLANK,
        ((f"  {signs.marks[Choice.PROJECT]}", _GREEN), ("  one project: `/web`", "")),
        (
            (f"  {signs.marks[Choice.PARENT]}", _CYAN),
            ("  each directory in it is a project, hidden ones too: `/pkgs/*`", ""),
        ),
        _BLANK,
        (("  any key goes back", _DIM),),
    ]
    return screen.paint(lines)


def draw_confirmation(screen: Screen, plan: Plan, scrolled: int) -> list[str]:
    """The second screen: what would be written, from line ``scrolled`` on."""
    title = ((f" haz init {screen.signs.dash} confirm scaffold ", _TITLE),)
    body = _body(plan)
    room = max(screen.size.lines - 5, 1)
    shown = body[scrolled : scrolled + room]
    left = len(body) - scrolled - len(shown)
    more = f" {screen.signs.up_down} scroll, {left} more below" if left or scrolled else ""
    keys = _hints(
        screen.size.columns,
        (1, "y proceed"),
        (2, "n decline"),
        (3, "q / Esc cancel"),
        (4, "Ctrl+C abort"),
    )
    lines: list[Line] = [
        title,
        *shown,
        _BLANK,
        ((" Proceed?  y = write, n / q = decline", _BOLD),),
        ((more, _YELLOW),),
        ((keys, _DIM),),
    ]
    return screen.paint(lines)


def last_scroll(screen: Screen, plan: Plan) -> int:
    """The largest ``scrolled`` that still fills the second screen."""
    return max(0, len(_body(plan)) - max(screen.size.lines - 5, 1))


def _body(plan: Plan) -> list[Line]:
    lines: list[Line] = [_BLANK, ((" will write .haz/workspace.yml:", _BOLD),)]
    lines += [((f"   {text}", ""),) for text in plan.workspace.splitlines()]
    lines.append(_BLANK)
    if plan.scaffolds:
        lines.append(((" will scaffold haz.yml:", _BOLD),))
        lines += [((f"   {s.root}        name: {s.name}", ""),) for s in plan.scaffolds]
    elif plan.existing:
        lines.append(((" will scaffold no haz.yml files (every project has one).", ""),))
    else:
        lines.append(((" will scaffold no haz.yml files (empty projects: list).", ""),))
    if plan.existing:
        lines += [_BLANK, ((" keeps haz.yml as it is:", _BOLD),)]
        lines += [((f"   {path}", ""),) for path in plan.existing]
    if plan.hidden:
        lines += [_BLANK, ((" hidden directories that become projects too:", _YELLOW),)]
        lines += [((f"   {path}", ""),) for path in plan.hidden]
    return lines


def _hints(columns: int, *hints: tuple[int, str]) -> str:
    """What keys do, in one line; where it is too narrow the highest numbers are left out."""
    kept = list(hints)
    while True:
        line = "".join(f" {text} " for _, text in kept).rstrip()
        if display_width(line) <= columns or len(kept) == 1:
            return line
        kept.remove(max(kept))


def _row(signs: _Signs, tree: Tree, row: Row) -> Line:
    choice = tree.choice(row.path)
    name = row.path.rpartition("/")[2] or WORKSPACE_ROOT
    triangle = signs.opened if row.opened else signs.folded
    mark = signs.marks[choice]
    text = f" {'  ' * row.depth}{triangle} {name}"
    kind = "" if choice is Choice.NONE else f"    ({choice.value})"
    if row.path == tree.focus:
        return ((f" {mark}{text}{kind}", _FOCUS),)
    colour = _COLOUR_OF[choice]
    return ((" ", ""), (mark, colour), (text, ""), (kind, colour))


def _cut(text: str, room: int) -> tuple[str, int]:
    """As much of a text as fits, and the columns that are left."""
    for at, character in enumerate(text):
        width = character_width(character)
        if width > room:
            return text[:at], 0
        room -= width
    return text, room
