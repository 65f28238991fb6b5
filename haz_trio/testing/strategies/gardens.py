"""Gardens, and rounds of edits: something else is done to each task, then all of them run."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from hypothesis import strategies as st

from haz_trio.testing.moves import MODES, Ask, Chmod, Damage, Move, Remove, Rot, Run, Turn
from haz_trio.testing.reference.garden import DEEP, MUTEXES, NONE, Garden, Plot
from haz_trio.testing.reference.references import Id
from haz_trio.testing.strategies.edits import (
    ARGS,
    CONTENTS,
    ONLY_DECLARED,
    POINTED,
    SHAPES,
    TO_KEPT,
    TO_OUTPUTS,
    VALUES,
    WITH_EFFECT,
    WITHOUT_EFFECT,
    Gardener,
    Step,
    link_of,
    outputs_of,
    swing,
)

KEYS = "abcdefghijklt"
OLD = ("old", ".old")  # what is among the copies before the first run
TWINS, FOLLOWER = "tu", "w"  # which depends on one of them
_TRIES = 3  # to find something that can be done to a task


@st.composite
def gardens(draw: st.DrawFn) -> tuple[Garden, tuple[Move, ...]]:
    """A garden and two or three runs with edits between them, some of which are taken back."""
    keys = [key for key in KEYS if draw(st.integers(0, 8))]
    plots = {key: draw(_plots(key, keys[:place])) for place, key in enumerate(keys)}
    if "t" in plots:
        plots["u"] = attrs.evolve(plots["t"], project="q")
        plots["w"] = Plot("p", "w", spelling=NONE, deps=("t",))
    sources: dict[str, bytes] = {}
    for plot in plots.values():
        for name in draw(st.sampled_from(["ab", "a", "ab", "abc"])):
            sources[f"/{plot.project}/in/{plot.name}/{name}"] = draw(st.sampled_from(CONTENTS[:3]))
    swinging = {
        key: draw(st.booleans())
        for key, plot in plots.items()
        if plot.globbed and not plot.deps and not draw(st.integers(0, 2))
    }
    for key in swinging:
        sources[f"/{plots[key].project}/in/{key}/b"] = b"1\n"
    moves: list[Move] = []
    for plot in plots.values():
        if plot.globbed and draw(st.booleans()):
            old = f"{outputs_of(plot)[1]}/{draw(st.sampled_from(OLD))}"
            sources[old] = b"old\n"
            moves += [Chmod(old, 0o755)] * draw(st.booleans())
    buffered, rollback = draw(st.booleans()), draw(st.booleans())
    garden = Garden(plots, sources, buffered=buffered, rollback=rollback)
    it = Gardener(draw, garden, {**sources}, swinging=swinging)
    for plot in plots.values():
        if draw(st.integers(0, 2)):
            moves.append(it.export(plot, "V", VALUES)[0])
            it.play(moves[-1])
    moves.append(Run())
    undo: dict[str, list[Move]] = {}
    ids = [plot.id for plot in plots.values()]
    some = st.lists(st.sampled_from(ids), max_size=4, unique=True) if ids else st.just([])
    modes = {draw(st.integers(0, 1)): draw(st.sampled_from([*MODES]))}
    for number in range(draw(st.sampled_from([1, 2, 2, 1, 3])) if plots else 0):
        moves += _round(it, undo, number)
        if modes.get(number):
            moves.append(Run(tuple(draw(some)), modes[number]))
        if draw(st.booleans()):
            moves.append(Rot(draw(st.sampled_from(ids))))
        elif changed := _changed(it, undo):
            some_of = st.lists(st.sampled_from(changed), max_size=2, unique=True)
            moves += [Ask(id, briefly=True) for id in draw(some_of)]
        one = draw(st.sampled_from(ids)) if draw(st.integers(0, 9)) == 9 else None
        moves.append(Run(() if one is None else (one,)))
    last = draw(st.sampled_from(["", "hash", "blobs", "streams", "manifests", "cleared"]))
    if last and plots:
        moves.append(Turn("hash", "sha256") if last == "hash" else Damage(last))
        moves.append(Run(tuple(draw(some))))
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
        spelling=draw(st.sampled_from([0, 1, 2, 3, 4, DEEP, DEEP])) if key != "t" else NONE,
        hosts=draw(st.sampled_from([("V",), ("V", "W"), (), ("W",), ("V",)])),
        v=draw(st.sampled_from([None, None, None, "", "1"])),
        declares=bool(draw(st.integers(0, 5))) and key != "t",  # only their folders differ
        globbed=draw(st.booleans()) and key != "t",
        hollow=draw(st.booleans()) and key != "t",
        executable=draw(st.sampled_from([False, False, True])),
        link=draw(st.integers(0, 3)) == 3 and key != "t",
        talks=draw(st.booleans()),
        mutex=draw(st.sampled_from([*MUTEXES])),
        deps=deps,
        weak=weak if weak != deps else (),
        eats=draw(st.booleans()),
    )


def _changed(it: Gardener, undo: Mapping[str, list[Move]]) -> list[Id]:
    """Tasks to which something was done, and nothing to those before them."""
    plots = it.garden.plots
    done = [key for key in plots if undo.get(key) or key in it.swinging]
    return [plots[key].id for key in done if not {*done} & {*plots[key].deps}]


def _kind_of(key: str, plot: Plot) -> str:
    """What is special about a task."""
    if key == FOLLOWER:
        return "follows"
    if plot.shape == "argv" and plot.spelling != DEEP:
        return "argv"
    return "deep" if plot.spelling == DEEP else ""


def _round(it: Gardener, undo: dict[str, list[Move]], number: int) -> list[Move]:
    """Something else for each task: another thing each time, as long as there are others."""
    draw = it.draw
    unused = list(range(len(WITH_EFFECT)))
    moves: list[Move] = []

    def play(move: Move) -> None:
        it.play(move)
        moves.append(move)

    calm = draw(st.booleans())  # whether the twins stay as they are, while another one follows
    for key in it.garden.plots:
        plot = it.garden.plots[key]
        steps: list[Step] = []
        if key in it.swinging:
            for move in swing(it, plot, number, grows=it.swinging[key]):
                play(move)
            continue
        if calm and key in TWINS:
            continue
        if calm and key == FOLLOWER:
            for done, _ in POINTED["follows"][0](it, key, plot):
                play(done)
        elif key in undo and draw(st.booleans()):
            for move in undo.pop(key):
                play(move)
        elif draw(st.integers(0, 4)):
            if draw(st.integers(0, 2)) == 2:
                steps = draw(st.sampled_from(POINTED[_kind_of(key, plot)]))(it, key, plot)
            elif draw(st.integers(0, 5)) == 5:
                steps = draw(st.sampled_from(ONLY_DECLARED))(it, key, plot)
            for _ in range(0 if steps else _TRIES):
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
        can_be = TO_OUTPUTS if steps or not plot.globbed else (*TO_OUTPUTS, *TO_KEPT * 3)
        for move in draw(st.sampled_from(can_be))(*outputs_of(plot)):
            play(move)
        if plot.link and draw(st.booleans()):
            play(Remove(link_of(plot)))
    for knob in ("tag", "cap", "buffered"):
        if draw(st.integers(0, 3)) == 3:
            play(Turn(knob, not getattr(it.garden, knob)))
    if draw(st.integers(0, 2)) == 2:
        play(Turn("comment", draw(st.sampled_from(["", "new"]))))
    return moves
