"""What is executed and what is a hit, over a history of edits."""

from __future__ import annotations

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.reference.small_monorepo import Knobs
from haz_trio.testing.strategies.moves import histories
from haz_trio.testing.trial import Trial
from haz_trio.testing.workspace import Move, WorkspaceMachine


def play(trial: Trial, example: tuple[Knobs, tuple[Move, ...]]) -> None:
    knobs, moves = example
    machine = WorkspaceMachine(trial, knobs)
    for move in moves:
        machine.play(move)


AREA: Area = area("history", "hits and misses over edits and runs", histories, play, 1)
