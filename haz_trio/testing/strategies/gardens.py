"""Gardens, and rounds of edits: something else is done to each task, then all of them run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import attrs
from hypothesis import strategies as st

from haz_trio.testing.moves import (
    Chmod,
    Damage,
    Export,
    Move,
    Remove,
    Rot,
    Run,
    Scribble,
    Turn,
    Write,
)
from haz_trio.testing.reference.garden import MUTEXES, SPELLINGS, Garden, Plot
from haz_trio.testing.reference.world import Value

KEYS = "abcdefghijklt"  # "t" and "u" are twins
CONTENTS = (b"1\n", b"2\n", b"", b"1", b"12\n")
VALUES = ("1", "2", "", "s")
ARGS = (("a b",), ("a", "b"), ("a", "", "b"), ("a  b",), ("a b", ""), ("a", "b", ""), ())
COPIES = ("*", "**", "?*")
SALTS = ("s", "t", "s ", "S", "s s")
SHAPES = ("sh", "bash", "argv")
_TRIES = 3  # to find something that can be done to a task
Step: TypeAlias = "tuple[Move, Move]"  # what is done, and how it is undone


@attrs.define
class Gardener:
    """What there is while moves are drawn."""

    draw: st.DrawFn
    garden: Garden
    files: dict[str, bytes]
    host: dict[str, str | None] = attrs.field(factory=dict)

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


def _rename(it: Gardener, key: str, plot: Plot) -> list[Step]:
    """A file has another name, at another place in the order or not."""
    paths = it.inputs(plot)
    if not paths:
        return []
    path = it.draw(st.sampled_from(paths))
    new = it.draw(st.sampled_from([path + "a", path[:-1] + "z", path[:-1] + "A"]))
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


def _split(it: Gardener, key: str, plot: Plot) -> list[Step]:
    """The same words, cut elsewhere or with empty ones between them."""
    same = tuple(args for args in ARGS if " ".join(args).split() == " ".join(plot.args).split())
    return it.turn(key, "args", same) if plot.shape == "argv" and len(same) > 1 else []


def _outputs(plot: Plot) -> tuple[str, str, str]:
    """The one file, and the folder of the copies with one of them."""
    folder = f"/{plot.project}/gen/{plot.name}"
    return f"/{plot.project}/out/{plot.name}", folder, f"{folder}/a"


def _link(plot: Plot) -> str:
    return f"/{plot.project}/ln/{plot.name}"


WITH_EFFECT: tuple[Edit, ...] = (
    _content,
    _content,
    _rename,
    _swap,
    _add,
    _drop,
    _spoil,
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
    lambda it, key, plot: it.flip(key, "declares"),
    lambda it, key, plot: it.flip(key, "globbed"),
    lambda it, key, plot: it.turn(key, "copies", COPIES) if plot.globbed else [],
    lambda it, key, plot: it.flip(key, "talks"),
    lambda it, key, plot: it.flip(key, "executable"),
    lambda it, key, plot: it.flip(key, "link"),
    lambda it, key, plot: it.flip(key, "eats"),
    lambda it, key, plot: it.turn(key, "spelling", tuple(range(len(SPELLINGS)))),
    _deps,
    _deps,
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
    lambda one, folder, copy: [Scribble(one), Chmod(copy, 0o755)],
    lambda one, folder, copy: [Chmod(one, 0o600)],
    lambda one, folder, copy: [Remove(folder), Remove(one)],
    lambda one, folder, copy: [Write(one, b"edited\n"), Remove(copy)],
    lambda one, folder, copy: [Write(f"{folder}/stale", b"stale\n"), Write(copy, b"")],
)


@st.composite
def gardens(draw: st.DrawFn) -> tuple[Garden, tuple[Move, ...]]:
    """A garden and two or three runs with edits between them, some of which are taken back."""
    keys = [key for key in KEYS if draw(st.integers(0, 8))]
    plots = {key: draw(_plots(key, keys[:place])) for place, key in enumerate(keys)}
    if "t" in plots:
        plots["u"] = attrs.evolve(plots["t"], project="q")
    sources: dict[str, bytes] = {}
    for plot in plots.values():
        for name in draw(st.sampled_from(["ab", "a", "ab", "abc"])):
            sources[f"/{plot.project}/in/{plot.name}/{name}"] = draw(st.sampled_from(CONTENTS[:3]))
    garden = Garden(plots, sources, buffered=draw(st.booleans()))
    it = Gardener(draw, garden, {**sources})
    moves: list[Move] = []
    for plot in plots.values():
        if draw(st.integers(0, 2)):
            moves.append(it.export(plot, "V", VALUES)[0])
            it.play(moves[-1])
    moves.append(Run())
    undo: dict[str, list[Move]] = {}
    for _ in range(draw(st.sampled_from([1, 2, 2, 3])) if plots else 0):
        moves += _round(it, undo)
        if draw(st.booleans()):
            moves.append(Rot(draw(st.sampled_from([plot.id for plot in plots.values()]))))
        moves.append(draw(_runs([plot.id for plot in plots.values()])))
    return garden, tuple(moves)


@st.composite
def _plots(draw: st.DrawFn, key: str, earlier: list[str]) -> Plot:
    place = KEYS.index(key)
    shape = SHAPES[place % 3] if draw(st.integers(0, 4)) else "sh"
    before = ((), (), *((other,) for other in earlier[-4:]))
    deps = draw(st.sampled_from(before)) if key != "t" else ()
    weak = draw(st.sampled_from(before)) if key != "t" else ()
    return Plot(
        project="pq"[place % 2] if key != "t" else "p",
        name=key,
        shape=shape,
        args=draw(st.sampled_from(ARGS)) if shape == "argv" else (),
        spelling=draw(st.integers(0, 4)) if key != "t" else SPELLINGS.index(()),
        hosts=draw(st.sampled_from([("V",), ("V", "W"), (), ("W",), ("V",)])),
        v=draw(st.sampled_from([None, None, None, "", "1"])),
        declares=bool(draw(st.integers(0, 5))) and key != "t",  # only their folders differ
        globbed=draw(st.booleans()) and key != "t",
        executable=draw(st.sampled_from([False, False, True])),
        link=draw(st.integers(0, 3)) == 3 and key != "t",
        talks=draw(st.booleans()),
        mutex=draw(st.sampled_from([*MUTEXES])),
        deps=deps,
        weak=weak if weak != deps else (),
        eats=draw(st.booleans()),
    )


def _round(it: Gardener, undo: dict[str, list[Move]]) -> list[Move]:
    """Something else for each task: another thing each time, as long as there are others."""
    draw = it.draw
    unused = list(range(len(WITH_EFFECT)))
    moves: list[Move] = []

    def play(move: Move) -> None:
        it.play(move)
        moves.append(move)

    for key in it.garden.plots:
        plot = it.garden.plots[key]
        steps: list[Step] = []
        if key in undo and draw(st.booleans()):
            for move in undo.pop(key):
                play(move)
        elif draw(st.integers(0, 4)):
            for _ in range(_TRIES):
                what = draw(st.sampled_from(unused or range(len(WITH_EFFECT))))
                if steps := WITH_EFFECT[what](it, key, plot):
                    unused = [other for other in unused if other != what]
                    break
            for done, _ in steps:
                play(done)
            undo[key] = [undone for _, undone in reversed(steps)]
        else:
            for edit in WITHOUT_EFFECT:
                if draw(st.integers(0, 2)) == 2:
                    for done, _ in edit(it, key, it.garden.plots[key]):
                        play(done)
        for move in draw(st.sampled_from(TO_OUTPUTS))(*_outputs(plot)):
            play(move)
        if plot.link and draw(st.booleans()):
            play(Remove(_link(plot)))
    for knob in ("tag", "cap", "buffered"):
        if draw(st.integers(0, 3)) == 3:
            play(Turn(knob, not getattr(it.garden, knob)))
    if draw(st.integers(0, 2)) == 2:
        play(Turn("comment", draw(st.sampled_from(["", "new"]))))
    rare = draw(st.integers(0, 29))
    if rare == 29:
        play(Turn("hash", "sha256"))
    elif rare > 26:
        play(Damage(draw(st.sampled_from(["blobs", "streams", "manifests", "cleared"]))))
    return moves


@st.composite
def _runs(draw: st.DrawFn, ids: list[tuple[str, str]]) -> Run:
    rare = draw(st.integers(0, 9))
    mode = draw(st.sampled_from(["force", "no-cache=read", "no-cache=write", "no-cache"]))
    return Run((draw(st.sampled_from(ids)),) if rare == 8 else (), mode if rare == 9 else "")
