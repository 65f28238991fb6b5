"""What a key is made of and what a hit leaves, of many tasks at once."""

from __future__ import annotations

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.areas.history import live
from haz_trio.testing.moves import Move, Turn
from haz_trio.testing.reference.garden import Garden
from haz_trio.testing.strategies.gardens import gardens
from haz_trio.testing.trial import Trial


def play(trial: Trial, example: tuple[Garden, tuple[Move, ...]]) -> None:
    garden, moves = example
    if trial.knows("links-anywhere-fail"):  # and those among outputs come back as files
        garden = garden.turned("links", False)
        moves = tuple(
            it for it in moves if not isinstance(it, Turn) or not it.knob.endswith(".link")
        )
    live(trial, garden, moves)


AREA: Area = area("keys", "hits and misses of many tasks at once", gardens, play, 1)
