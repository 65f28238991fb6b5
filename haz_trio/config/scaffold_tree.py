"""The tree of ``haz init``: what a key press makes of it (cli.md 13.3, AUX-003, AUX-004).

Folders are workspace paths: ``/`` is the root, ``/lib/src`` a folder below it.
Pure: before a press whose effect depends on a folder that nobody has read yet, ``wanted`` names
that folder, and ``learn`` takes what was found in it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping

from haz_trio.errors import InvalidTextError
from haz_trio.model.names import quote
from haz_trio.model.patterns import WORKSPACE_ROOT, check_segment, join
from haz_trio.values import evolve, field, frozen

# What the walk of a project glob passes over (DISC-006): no child of a projects parent.
NEVER_A_CHILD = frozenset({".haz", ".git"})


class Choice(enum.Enum):
    """What a folder is to become."""

    NONE = "none"
    PROJECT = "project"
    PARENT = "projects parent"


class Move(enum.Enum):
    """The keys that change the tree."""

    UP = "up"
    DOWN = "down"
    OPEN = "open"
    FOLD = "fold"
    CYCLE = "cycle"
    HIDDEN = "hidden"


@frozen
class Folder:
    """A child of a folder; ``hidden`` ones start with a dot or are ignored by git."""

    name: str
    hidden: bool = False


@frozen
class Listing:
    """The children of a folder sorted by bytes; ``trouble`` says why it could not be read."""

    folders: tuple[Folder, ...] = ()
    trouble: str = ""


@frozen
class Selection:
    """Workspace paths of folders that are projects, and of those whose children all are."""

    projects: frozenset[str] = frozenset()
    parents: frozenset[str] = frozenset()


@frozen
class Row:
    """A visible line of the tree."""

    path: str
    depth: int
    opened: bool


@frozen
class Tree:
    """The whole state of the first screen; ``focus`` is ``None`` on the button.

    ``remark`` comments on the last press, and ``bell`` says that it was refused.
    """

    listings: Mapping[str, Listing]
    opened: frozenset[str] = frozenset({WORKSPACE_ROOT})
    choices: Mapping[str, Choice] = field(factory=dict)
    focus: str | None = WORKSPACE_ROOT
    show_hidden: bool = False
    remark: str = ""
    bell: bool = False

    def choice(self, path: str) -> Choice:
        return self.choices.get(path, Choice.NONE)

    def visible(self, path: str) -> Iterator[str]:
        """The children of a folder that has been read, as far as they are shown."""
        for folder in self.listings[path].folders:
            if self.show_hidden or not folder.hidden:
                yield join(path, folder.name)

    def rows(self) -> list[Row]:
        """Every visible line, from the root down."""
        rows = []
        waiting = [(WORKSPACE_ROOT, 0)]
        while waiting:
            path, depth = waiting.pop()
            opened = path in self.opened
            rows.append(Row(path, depth, opened))
            if opened:
                waiting += [(child, depth + 1) for child in reversed([*self.visible(path)])]
        return rows

    @property
    def selection(self) -> Selection:
        return Selection(
            frozenset(p for p, c in self.choices.items() if c is Choice.PROJECT),
            frozenset(p for p, c in self.choices.items() if c is Choice.PARENT),
        )

    @property
    def count(self) -> int:
        """How many projects the workspace would have, hidden children of parents included."""
        chosen = self.selection
        children = (self._children(path) for path in chosen.parents)
        return len(chosen.projects - {WORKSPACE_ROOT}) + sum(len(c) for c in children)

    def _children(self, path: str) -> list[Folder]:
        """What the glob of a projects parent takes in."""
        return [f for f in self.listings[path].folders if f.name not in NEVER_A_CHILD]


def start(listing: Listing) -> Tree:
    """The tree as it is first shown: the root is open and has the focus."""
    return Tree({WORKSPACE_ROOT: listing})


def learn(tree: Tree, path: str, listing: Listing) -> Tree:
    """The tree with what was found in a folder."""
    return evolve(tree, listings={**tree.listings, path: listing})


def wanted(tree: Tree, move: Move) -> str | None:
    """The folder that has to be read before this press."""
    path = tree.focus
    if path is None or path in tree.listings:
        return None
    becomes_parent = move is Move.CYCLE and tree.choice(path) is Choice.PROJECT
    return path if move is Move.OPEN or becomes_parent else None


def press(tree: Tree, move: Move | None) -> Tree:
    """The tree after a key; ``None`` is a key without a meaning, which only clears the remark."""
    tree = evolve(tree, remark="", bell=False)
    match move:
        case None:
            return tree
        case Move.UP:
            return _step(tree, -1)
        case Move.DOWN:
            return _step(tree, 1)
        case Move.HIDDEN:
            return _toggle_hidden(tree)
        case Move.OPEN | Move.FOLD | Move.CYCLE if tree.focus is None:
            return tree
        case Move.OPEN:
            return _open(tree, tree.focus)
        case Move.FOLD:
            return evolve(tree, opened=tree.opened - {tree.focus})
        case Move.CYCLE:
            return _cycle(tree, tree.focus)


def unusable(path: str) -> str:
    """What forbids a workspace path as a project (PATH-002), or nothing."""
    for segment in path.removeprefix("/").split("/") if path != WORKSPACE_ROOT else ():
        try:
            segment.encode()
            check_segment(segment)
        except UnicodeEncodeError:
            return f"{quote(segment)} is not UTF-8"
        except InvalidTextError as problem:
            return f"{quote(segment)}: {problem}"
    return ""


def _step(tree: Tree, by: int) -> Tree:
    stops = [*(row.path for row in tree.rows()), None]
    return evolve(tree, focus=stops[(stops.index(tree.focus) + by) % len(stops)])


def _open(tree: Tree, path: str) -> Tree:
    if any(tree.visible(path)):
        return evolve(tree, opened=tree.opened | {path})
    return _refuse(tree, f"cannot expand `{path}`: {_why_empty(tree, path)}")


def _cycle(tree: Tree, path: str) -> Tree:
    if any(tree.choice(above) is Choice.PARENT for above in _above(path)):
        return _refuse(tree, f"cannot cycle `{path}`: under a projects-parent directory")
    match tree.choice(path):
        case Choice.NONE:
            return _make_project(tree, path)
        case Choice.PROJECT if any(tree.visible(path)):
            return _make_parent(tree, path)
        case Choice.PROJECT:
            why = f"skipped projects-parent for `{path}`: {_why_empty(tree, path)}"
            return _refuse(_choose(tree, path, Choice.NONE), why)
        case Choice.PARENT:
            return _choose(tree, path, Choice.NONE)


def _make_project(tree: Tree, path: str) -> Tree:
    wrong = unusable(path)
    if wrong:
        return _refuse(tree, f"`{path}` cannot be a project: {wrong}")
    tree = _choose(tree, path, Choice.PROJECT)
    if path == WORKSPACE_ROOT:
        return _refuse(
            tree,
            "the root cannot be a project beside others; Space once more takes its directories",
        )
    return tree


def _make_parent(tree: Tree, path: str) -> Tree:
    base = path.rstrip("/") + "/"
    kept = {p: c for p, c in tree.choices.items() if not p.startswith(base)}
    tree = _choose(evolve(tree, choices=kept), path, Choice.PARENT)
    hidden = [folder.name for folder in tree._children(path) if folder.hidden]
    if not hidden or tree.show_hidden:
        return tree
    return evolve(tree, remark=f"`{base}*` takes in hidden ones too: {', '.join(hidden)}")


def _choose(tree: Tree, path: str, choice: Choice) -> Tree:
    others = {p: c for p, c in tree.choices.items() if p != path}
    chosen = {} if choice is Choice.NONE else {path: choice}
    return evolve(tree, choices={**others, **chosen})


def _toggle_hidden(tree: Tree) -> Tree:
    """Show or hide; what vanishes loses its choice, and gives the focus to who still shows."""
    if not tree.show_hidden:
        return evolve(tree, show_hidden=True, remark="hidden directories shown")
    gone = {
        join(path, folder.name)
        for path, listing in tree.listings.items()
        for folder in listing.folders
        if folder.hidden
    }
    kept = {p: c for p, c in tree.choices.items() if gone.isdisjoint((p, *_above(p)))}
    focus = tree.focus
    if focus is not None:
        vanished = [path for path in (focus, *_above(focus)) if path in gone]
        focus = _parent(vanished[-1]) if vanished else focus
    return evolve(
        tree, show_hidden=False, choices=kept, focus=focus, remark="hidden directories hidden"
    )


def _refuse(tree: Tree, remark: str) -> Tree:
    return evolve(tree, remark=remark, bell=True)


def _why_empty(tree: Tree, path: str) -> str:
    return tree.listings[path].trouble or "no subdirectories"


def _parent(path: str) -> str:
    return path.rpartition("/")[0] or WORKSPACE_ROOT


def _above(path: str) -> Iterator[str]:
    """The folders that hold a folder, the nearest first."""
    while path != WORKSPACE_ROOT:
        path = _parent(path)
        yield path
