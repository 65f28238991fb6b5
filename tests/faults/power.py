"""What a disk may hold when the power fails, by what was written, renamed and synced before.

After any number of calls: a file that was not synced since its last write is full, empty, half or
as many zero bytes; a name that was not synced with its folder is kept or lost, alone or together
with others, so that later changes may be there without earlier ones.
A file that was synced has at least the bytes of that moment, a folder the names of that moment.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from tests.faults.trace import Kind, NotUnderstoodError, Op

ROOT = 0
Names = dict[str, int]
Tree = dict[str, "Tree | bytes | str"]  # folder, file, target of a link
Lose = Callable[[bytes], bytes]

LOSSES: Mapping[str, Lose] = {
    "full": lambda data: data,
    "empty": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "zeros": lambda data: bytes(len(data)),
}


@attrs.frozen
class Change:
    """A name of a folder gets another inode, or none; ``since`` is the number of the call."""

    since: int
    removed: tuple[int, str] | None
    added: tuple[int, str, int] | None
    synced: list[int]  # the calls that made it durable, none or one


@attrs.define
class Content:
    """The bytes of an inode after each call that changed them, and when they were synced."""

    versions: list[tuple[int, bytes]] = attrs.field(factory=lambda: [(-1, b"")])
    synced: list[int] = attrs.field(factory=list)
    link: str | None = None

    def at(self, call: int) -> bytes:
        return next(data for since, data in reversed(self.versions) if since <= call)

    def least(self, call: int) -> bytes | None:
        """What certainly is there after a call, None if all of it has been synced."""
        sync = max((each for each in self.synced if each <= call), default=None)
        if sync is None:
            return b""
        return None if self.at(sync) == self.at(call) else self.at(sync)


@attrs.define
class Model:
    """A folder before a run, and all that the run did to it."""

    root: str
    names: dict[int, Names] = attrs.field(factory=lambda: {ROOT: {}})
    contents: dict[int, Content] = attrs.field(factory=dict)
    changes: list[Change] = attrs.field(factory=list)
    calls: int = 0
    _now: dict[int, Names] = attrs.field(factory=dict)
    _next: int = 1

    @classmethod
    def make(cls, root: Path, before: Tree, ops: Sequence[Op]) -> Model:
        """``before`` has been on the disk for long."""
        model = cls(str(root))
        model._plant(ROOT, before)
        model._now = {folder: dict(names) for folder, names in model.names.items()}
        for op in ops:
            if model._perform(op):
                model.calls += 1
        return model

    def _plant(self, folder: int, tree: Tree) -> None:
        for name, what in tree.items():
            inode = self._new(isinstance(what, dict))
            self.names[folder][name] = inode
            if isinstance(what, dict):
                self._plant(inode, what)
            elif isinstance(what, str):
                self.contents[inode].link = what
            else:
                self.contents[inode] = Content([(-1, what)], [-1])

    def _new(self, is_folder: bool) -> int:
        inode, self._next = self._next, self._next + 1
        if is_folder:
            self.names[inode] = {}
            self._now[inode] = {}
        else:
            self.contents[inode] = Content()
        return inode

    def _perform(self, op: Op) -> bool:
        """Whether the call changed anything; raises ``NotUnderstoodError``."""
        if op.other.startswith("? "):
            raise NotUnderstoodError(f"{op.other[2:]} of {op.path}")
        folder, name = self._place(op.path)
        inode = self._now[folder].get(name)
        match op.kind:
            case Kind.CREATE:
                if inode is not None:
                    return False
                self._name(None, (folder, name, self._new(False)))
            case Kind.MKDIR:
                self._name(None, (folder, name, self._new(True)))
            case Kind.SYMLINK:
                new = self._new(False)
                self.contents[new].link = op.other
                self._name(None, (folder, name, new))
            case Kind.UNLINK:
                self._name((folder, name), None)
            case Kind.RENAME | Kind.LINK:
                assert inode is not None, op.path
                gone = (folder, name) if op.kind is Kind.RENAME else None
                self._name(gone, (*self._place(op.other), inode))
            case Kind.SYNC:
                self._sync(ROOT if op.path == self.root else inode)
            case Kind.TRUNCATE | Kind.WRITE:
                assert inode is not None, op.path
                old = self.contents[inode].at(self.calls)
                data = old + op.data if op.kind is Kind.WRITE else b""
                self.contents[inode].versions.append((self.calls, data))
        return True

    def _sync(self, inode: int | None) -> None:
        assert inode is not None
        if inode in self.contents:
            self.contents[inode].synced.append(self.calls)
        for change in self.changes:
            places = [change.removed, change.added]
            if not change.synced and all(place[0] == inode for place in places if place):
                change.synced.append(self.calls)

    def _name(self, removed: tuple[int, str] | None, added: tuple[int, str, int] | None) -> None:
        change = Change(self.calls, removed, added, [])
        self.changes.append(change)
        apply(change, self._now)

    def _place(self, path: str) -> tuple[int, str]:
        *folders, name = os.path.relpath(path, self.root).split("/")
        folder = ROOT
        for each in folders:
            folder = self._now[folder][each]
        return folder, name

    def states(
        self, draw: random.Random, mixed: int, calls: Sequence[int] = ()
    ) -> Iterator[State]:
        """For each number of calls: names of five kinds, bytes of four kinds and some mixtures.

        ``calls``: after these calls only, instead of after each one.
        """
        for call in calls or range(-1, self.calls):
            done = [change for change in self.changes if change.since <= call]
            safe = [change for change in done if change.synced and change.synced[0] <= call]
            loose = [change for change in done if change not in safe]
            cut = draw.randint(0, len(loose))
            kinds = {"all": done, "safe": safe, "prefix": [*safe, *loose[:cut]]}
            for share in (0.2, 0.6):
                kept = [each for each in loose if draw.random() > share]
                kinds[f"{share:.0%} lost"] = [*safe, *kept]
            for kind, kept in kinds.items():
                ordered = sorted(kept, key=lambda change: change.since)
                for loss in LOSSES:
                    yield State(self, call, kind, loss, ordered, _always(loss))
                for _ in range(mixed):
                    seed = draw.random()
                    yield State(self, call, kind, "mixed", ordered, _mixture(seed))

    def undamaged(self) -> Iterator[State]:
        """What a disk holds after each call when only the program is killed."""
        for call in range(-1, self.calls):
            done = [change for change in self.changes if change.since <= call]
            yield State(self, call, "all", "full", done, _always("full"))


def _always(loss: str) -> Callable[[int], Lose]:
    return lambda inode: LOSSES[loss]


def _mixture(seed: float) -> Callable[[int], Lose]:
    losses = list(LOSSES.values())
    return lambda inode: random.Random(seed * (inode + 1)).choice(losses)


def apply(change: Change, names: dict[int, Names]) -> None:
    """Do a change as far as what it rests on is there."""
    if change.removed is not None:
        folder, name = change.removed
        gone = names[folder].get(name)
        if change.added is not None and gone != change.added[2]:
            return  # what was to be renamed never came to be
        names[folder].pop(name, None)
    if change.added is not None:
        folder, name, inode = change.added
        names[folder][name] = inode


@attrs.frozen
class State:
    """What the disk may hold after a call: which names, and what is lost of which bytes."""

    model: Model
    call: int
    kind: str
    loss: str
    kept: Sequence[Change]
    losing: Callable[[int], Lose]

    def tree(self) -> Tree:
        names = {folder: dict(inner) for folder, inner in self.model.names.items()}
        for change in self.kept:
            apply(change, names)
        return self._tree(ROOT, names)

    def _tree(self, folder: int, names: Mapping[int, Names]) -> Tree:
        return {
            name: self._tree(inode, names) if inode in names else self._content(inode)
            for name, inode in names[folder].items()
        }

    def _content(self, inode: int) -> bytes | str:
        content = self.model.contents[inode]
        if content.link is not None:
            return content.link
        data, least = content.at(self.call), content.least(self.call)
        if least is None:
            return data
        lost = self.losing(inode)(data)
        return lost if len(lost) >= len(least) else least


def read_tree(folder: Path) -> Tree:
    """What stands in a folder now."""
    found: Tree = {}
    for path in folder.iterdir():
        if path.is_symlink():
            found[path.name] = os.readlink(path)
        elif path.is_dir():
            found[path.name] = read_tree(path)
        else:
            found[path.name] = path.read_bytes()
    return found


def write_tree(folder: Path, tree: Tree) -> None:
    """Make a state real; equal names of one inode become files of their own."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, what in tree.items():
        if isinstance(what, dict):
            write_tree(folder / name, what)
        elif isinstance(what, str):
            (folder / name).symlink_to(what)
        else:
            (folder / name).write_bytes(what)
            (folder / name).chmod(0o600)
