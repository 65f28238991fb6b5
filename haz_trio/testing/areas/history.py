"""What is executed and what is a hit, over a history of edits."""

from __future__ import annotations

from collections.abc import Sequence

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.moves import Move
from haz_trio.testing.reference.small_monorepo import Knobs
from haz_trio.testing.reference.world import World
from haz_trio.testing.strategies.moves import histories
from haz_trio.testing.trial import Trial
from haz_trio.testing.workspace import WorkspaceMachine


def play(trial: Trial, example: tuple[Knobs, tuple[Move, ...]]) -> None:
    live(trial, *example)


def live(trial: Trial, world: World, moves: Sequence[Move]) -> None:
    """Play moves on a workspace."""
    machine = WorkspaceMachine(trial, world)
    for move in moves:
        machine.play(move)


AREA: Area = area("history", "hits and misses over edits and runs", histories, play, 1)
