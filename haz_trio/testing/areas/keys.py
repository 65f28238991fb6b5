"""What a key is made of and what a hit leaves, of many tasks at once."""

from __future__ import annotations

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.areas.history import live
from haz_trio.testing.moves import Folder, Link, Move, Turn
from haz_trio.testing.reference.garden import Garden
from haz_trio.testing.strategies.gardens import gardens
from haz_trio.testing.trial import Trial


def play(trial: Trial, example: tuple[Garden, tuple[Move, ...]]) -> None:
    garden, moves = example
    if trial.knows("links-anywhere-fail"):  # and those among outputs come back as files
        garden = garden.turned("every.link", False)
        moves = _without(moves, Link, ".link")
    if trial.knows("folders-are-no-outputs"):
        garden = garden.turned("every.hollow", False)
        moves = _without(moves, Folder, ".hollow")
    if trial.knows("fewer-options"):
        garden = garden.turned("rollback", False)
    live(trial, garden, moves)


def _without(moves: tuple[Move, ...], kind: type[Move], knob: str) -> tuple[Move, ...]:
    turns = (isinstance(it, Turn) and it.knob.endswith(knob) for it in moves)
    return tuple(
        it for it, turn in zip(moves, turns, strict=True) if not turn and not isinstance(it, kind)
    )


AREA: Area = area("keys", "hits and misses of many tasks at once", gardens, play, 1)
