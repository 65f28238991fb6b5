"""What can be done to a task of a garden between two runs, and how it is undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import attrs
from hypothesis import strategies as st

from haz_trio.testing.moves import (
    Chmod,
    Export,
    Folder,
    Forge,
    Link,
    Move,
    Remove,
    Scribble,
    Turn,
    Write,
)
from haz_trio.testing.reference.garden import MUTEXES, SPELLINGS, Garden, Plot
from haz_trio.testing.reference.world import Value

CONTENTS = (b"1\n", b"2\n", b"", b"1", b"12\n")
VALUES = ("1", "2", "", "s")
ARGS = (("a b",), ("a", "b"), ("a", "", "b"), ("a  b",), ("a b", ""), ("a", "b", ""), ())
COPIES = ("*", "**", "?*")
SALTS = ("s", "t", "s ", "S", "s s")
SHAPES = ("sh", "bash", "argv")
Step: TypeAlias = "tuple[Move, Move]"  # what is done, and how it is undone


@attrs.define
class Gardener:
    """What there is while moves are drawn."""

    draw: st.DrawFn
    garden: Garden
    files: dict[str, bytes]
    host: dict[str, str | None] = attrs.field(factory=dict)
    swinging: Mapping[str, bool] = attrs.field(factory=dict)  # the tasks of ``swing``, and how

    def other(self, of: tuple[Value, ...], than: Value) -> Value:
        return self.draw(st.sampled_from([value for value in of if value != than]))

    def turn(self, key: str, knob: str, of: tuple[Value, ...]) -> list[Step]:
        old: Value = getattr(self.garden.plots[key], knob)
        return [(Turn(f"{key}.{knob}", self.other(of, old)), Turn(f"{key}.{knob}", old))]

    def flip(self, key: str, knob: str) -> list[Step]:
        return self.turn(key, knob, (False, True))

    def put(self, path: str, content: bytes | None) -> Step:
        """A file with these contents, or none."""
        old = self.files.get(path)
        return _put(path, content), _put(path, old)

    def export(self, plot: Plot, letter: str, of: tuple[str | None, ...]) -> Step:
        name = plot.variable(letter)
        old = self.host.get(name)
        new = self.draw(st.sampled_from([value for value in of if value != old]))
        return Export(name, new), Export(name, old)

    def inputs(self, plot: Plot) -> list[str]:
        """The paths of its files."""
        folder = f"/{plot.project}/in/{plot.name}/"
        return sorted(path for path in self.files if path.startswith(folder))

    def play(self, move: Move) -> None:
        match move:
            case Write(path, content):
                self.files[path] = content
            case Remove(path):
                self.files.pop(path, None)
            case Forge(path) if self.files.get(path):
                self.files[path] = bytes([self.files[path][0] ^ 1]) + self.files[path][1:]
            case Turn(knob, value):
                self.garden = self.garden.turned(knob, value)
            case Export(name, to):
                self.host[name] = to
            case _:
                pass


def _put(path: str, content: bytes | None) -> Move:
    return Remove(path) if content is None else Write(path, content)


Edit: TypeAlias = Callable[[Gardener, str, Plot], "list[Step]"]


def _content(it: Gardener, key: str, plot: Plot) -> list[Step]:
    paths = it.inputs(plot)
    if not paths:
        return []
    path = it.draw(st.sampled_from(paths))
    old = it.files[path]
    return [it.put(path, it.draw(st.sampled_from([new for new in CONTENTS if new != old])))]


def _forge(it: Gardener, key: str, plot: Plot) -> list[Step]:
    """Other contents, of the same size and the same time."""
    paths = [path for path in it.inputs(plot) if it.files[path][:1].isdigit()]
    if not paths:
        return []
    path = it.draw(st.sampled_from(paths))
    return [(Forge(path, it.draw(st.booleans())), Forge(path, it.draw(st.booleans())))]


def _rename(it: Gardener, key: str, plot: Plot) -> list[Step]:
    """A file has another name, at another place in the order or not."""
    paths = it.inputs(plot)
    if not paths:
        return []
    path = it.draw(st.sampled_from(paths))
    new = it.draw(st.sampled_from([path + "a", path[:-1] + "z", path[:-1] + "A"]))
    return [] if new in it.files else [it.put(path, None), it.put(new, it.files[path])]


def _bury(it: Gardener, key: str, plot: Plot) -> list[Step]:
    """A file moves to another folder, and keeps its name."""
    paths = it.inputs(plot)
    if not paths:
        return []
    path = it.draw(st.sampled_from(paths))
    folder, name = f"/{plot.project}/in/{plot.name}", path.rpartition("/")[2]
    new = it.other(tuple(f"{folder}/{between}{name}" for between in ("", "s/", "r/")), path)
    assert isinstance(new, str)
    return [] if new in it.files else [it.put(path, None), it.put(new, it.files[path])]


def _swap(it: Gardener, key: str, plot: Plot) -> list[Step]:
    one, two = [*it.inputs(plot), "", ""][:2]
    if not two or it.files[one] == it.files[two]:
        return []
    return [it.put(one, it.files[two]), it.put(two, it.files[one])]


def _add(it: Gardener, key: str, plot: Plot) -> list[Step]:
    path = f"/{plot.project}/in/{plot.name}/{it.draw(st.sampled_from('zaA'))}"
    return [] if path in it.files else [it.put(path, it.draw(st.sampled_from([b"", b"1\n"])))]


def _drop(it: Gardener, key: str, plot: Plot) -> list[Step]:
    return [it.put(path, None) for path in it.inputs(plot)[-1:]]


def _spoil(it: Gardener, key: str, plot: Plot) -> list[Step]:
    """The command fails, now and at every run until this is undone."""
    return [it.put(f"/{plot.project}/in/{plot.name}/b", b"!\n")]


def _hosts(it: Gardener, key: str, plot: Plot) -> list[Step]:
    return it.turn(key, "hosts", ((), ("V",), ("V", "W"), ("W",)))


def _rename_override(it: Gardener, key: str, plot: Plot) -> list[Step]:
    """The value that V had is now that of W, and the other way round."""
    if plot.v == plot.w:
        return []
    pairs = (("v", plot.w, plot.v), ("w", plot.v, plot.w))
    return [(Turn(f"{key}.{knob}", new), Turn(f"{key}.{knob}", old)) for knob, new, old in pairs]


def _override_host(it: Gardener, key: str, plot: Plot) -> list[Step]:
    """An override that changes nothing for the command comes, or goes."""
    value = it.host.get(plot.variable("V"))
    if "V" not in plot.hosts or value is None:
        return []
    new = value if plot.v is None else None
    return [(Turn(f"{key}.v", new), Turn(f"{key}.v", plot.v))]


def _deps(it: Gardener, key: str, plot: Plot) -> list[Step]:
    earlier = [other for other in it.garden.plots if other < key and other not in plot.weak]
    return it.turn(key, "deps", ((), *((other,) for other in earlier))) if earlier else []


def _weak(it: Gardener, key: str, plot: Plot) -> list[Step]:
    earlier = [other for other in it.garden.plots if other < key and other not in plot.deps]
    return it.turn(key, "weak", ((), *((other,) for other in earlier))) if earlier else []


def _args(it: Gardener, key: str, plot: Plot) -> list[Step]:
    return it.turn(key, "args", ARGS) if plot.shape == "argv" else []


def _switch(it: Gardener, key: str, plot: Plot) -> list[Step]:
    """A task of the same name, most often with the same streams, comes first instead."""
    return it.turn(key, "deps", (("t",), ("u",)))


def _join(it: Gardener, key: str, plot: Plot) -> list[Step]:
    """The same text between the first word and the last."""
    same = tuple(args for args in ARGS if " ".join(args) == " ".join(plot.args))
    return it.turn(key, "args", same) if plot.shape == "argv" and len(same) > 1 else []


def _split(it: Gardener, key: str, plot: Plot) -> list[Step]:
    """The same words, cut elsewhere or with empty ones between them."""
    same = tuple(args for args in ARGS if " ".join(args).split() == " ".join(plot.args).split())
    return it.turn(key, "args", same) if plot.shape == "argv" and len(same) > 1 else []


def outputs_of(plot: Plot) -> tuple[str, str, str]:
    """The one file, and the folder of the copies with one of them."""
    folder = f"/{plot.project}/gen/{plot.name}"
    return f"/{plot.project}/out/{plot.name}", folder, f"{folder}/a"


def link_of(plot: Plot) -> str:
    return f"/{plot.project}/ln/{plot.name}"


def swing(it: Gardener, plot: Plot, number: int, *, grows: bool) -> list[Move]:
    """In each round the last file comes or goes, and nothing is done to the copies.

    A task that grows makes a copy more in the first round; the second one is a hit that takes the
    copy away. One that shrinks has lost the copy as well before its first round, the second brings
    it back, and the third takes it away. What somebody has edited meanwhile stays.
    """
    folder = outputs_of(plot)[1]
    path = f"/{plot.project}/in/{plot.name}/{'z' if grows else 'b'}"
    comes = grows is (number % 2 == 0)
    moves = [it.put(path, b"1\n" if comes else None)[0]]
    copy = f"{folder}/{path[-1]}"
    if not grows and number == 0:
        moves.append(Remove(copy))
    elif not comes and it.draw(st.integers(0, 3)) == 3:
        moves.append(Write(copy, b"edited\n"))
    return moves


def _last(path: str) -> str:
    return path.rpartition("/")[2]


WITH_EFFECT: tuple[Edit, ...] = (
    _content,
    _forge,
    _rename,
    _swap,
    _add,
    _drop,
    _spoil,
    _spoil,
    _bury,
    lambda it, key, plot: [it.export(plot, "V", VALUES)],
    lambda it, key, plot: [it.export(plot, "W", ("", None))],
    _hosts,
    _hosts,
    lambda it, key, plot: it.turn(key, "v", (None, *VALUES)),
    lambda it, key, plot: it.turn(key, "w", (None, "", "1")),
    _rename_override,
    _override_host,
    lambda it, key, plot: it.turn(key, "salt", SALTS),
    _args,
    _split,
    _split,
    lambda it, key, plot: it.turn(key, "shape", SHAPES),
    lambda it, key, plot: it.turn(key, "shape", ("sh", "bash")),
    lambda it, key, plot: it.turn(key, "shape", ("sh", "bash")),
    lambda it, key, plot: it.flip(key, "declares"),
    lambda it, key, plot: it.flip(key, "globbed"),
    lambda it, key, plot: it.turn(key, "copies", COPIES) if plot.globbed else [],
    lambda it, key, plot: it.flip(key, "talks"),
    lambda it, key, plot: it.flip(key, "executable"),
    lambda it, key, plot: it.flip(key, "link"),
    lambda it, key, plot: it.flip(key, "hollow") if plot.globbed else [],
    lambda it, key, plot: it.flip(key, "eats"),
    lambda it, key, plot: it.turn(key, "spelling", tuple(range(len(SPELLINGS)))),
    _deps,
    _deps,
)
POINTED: Mapping[str, tuple[Edit, ...]] = {  # of those who are like this, often
    "argv": (_join, _join, _split, _args),
    "deep": (_bury,),
    "follows": (_switch, _deps),
    "": (
        lambda it, key, plot: it.turn(key, "salt", SALTS),
        lambda it, key, plot: _spoil(it, key, plot) if it.garden.rollback else [],
    ),
}
ONLY_DECLARED: tuple[Edit, ...] = (  # other outputs of a command that does the same
    lambda it, key, plot: it.turn(key, "copies", COPIES) if plot.globbed else [],
    lambda it, key, plot: [] if plot.link else it.flip(key, "declares"),
    lambda it, key, plot: it.flip(key, "hollow") if plot.globbed else [],
)
WITHOUT_EFFECT: tuple[Edit, ...] = (
    lambda it, key, plot: it.turn(key, "mutex", (*MUTEXES,)),
    lambda it, key, plot: [it.put(path, it.files[path]) for path in it.inputs(plot)],
    lambda it, key, plot: [
        (Chmod(path, 0o755), Chmod(path, 0o644)) for path in it.inputs(plot)[:1]
    ],
    lambda it, key, plot: [it.put(f"/{plot.project}/in/{plot.name}x", b"not read\n")],
    lambda it, key, plot: it.turn(key, "spelling", (0, 1, 2, 3)) if plot.spelling < 4 else [],
    lambda it, key, plot: [] if "W" in plot.hosts else [it.export(plot, "W", VALUES)],
    lambda it, key, plot: [it.export(plot, "V", VALUES)] if plot.v is not None else [],
    _weak,
)
TO_OUTPUTS: tuple[Callable[[str, str, str], list[Move]], ...] = (
    lambda one, folder, copy: [],
    lambda one, folder, copy: [Remove(one)],
    lambda one, folder, copy: [Scribble(one), Scribble(copy)],
    lambda one, folder, copy: [Scribble(one), Chmod(copy, 0o755), Chmod(f"{folder}/e", 0o711)],
    lambda one, folder, copy: [Chmod(one, 0o600), Chmod(f"{folder}/e", 0o755)],
    lambda one, folder, copy: [Remove(folder), Remove(one)],
    lambda one, folder, copy: [Write(one, b"edited\n"), Remove(copy)],
    lambda one, folder, copy: [Write(f"{folder}/stale", b"stale\n"), Write(copy, b"")],
    lambda one, folder, copy: [Forge(one), Forge(copy, anew=True)],
    lambda one, folder, copy: [Forge(one, anew=True), Chmod(copy, 0o755)],
    lambda one, folder, copy: [Link(one, f"../in/{_last(one)}/a"), Link(f"{folder}/e", "nowhere")],
    lambda one, folder, copy: [Link(one, "nowhere"), Link(copy, f"../../in/{_last(one)}/a")],
    lambda one, folder, copy: [Folder(one), Link(copy, "nowhere")],
    lambda one, folder, copy: [Chmod(one, 0o600), Folder(copy), Remove(f"{folder}/e")],
)
TO_KEPT: tuple[Callable[[str, str, str], list[Move]], ...] = (
    lambda one, folder, copy: [Remove(folder)],
    lambda one, folder, copy: [Remove(folder), Remove(one)],
    lambda one, folder, copy: [Remove(folder), Scribble(one)],
    lambda one, folder, copy: [Remove(f"{folder}/e"), Remove(one)],
    lambda one, folder, copy: [Chmod(f"{folder}/e", 0o755), Folder(copy, full=True)],
    lambda one, folder, copy: [Chmod(f"{folder}/e", 0o755), Folder(one, full=True)],
)
"""What more may be done to those of a task that is to be a hit."""
