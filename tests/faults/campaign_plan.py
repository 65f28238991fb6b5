"""What a cycle of the campaign does, drawn from its seed alone; instants are parts of a run."""

from __future__ import annotations

import enum
import random

import attrs


class Target(enum.Enum):
    """Who is killed."""

    HAZ = "haz"
    TASK = "task"
    BOTH = "both"


class Spoil(enum.Enum):
    """What is done to the outputs before the runs."""

    NOTHING = "nothing"
    REMOVED = "removed"
    OVERWRITTEN = "overwritten"
    FOLDER_REMOVED = "folder removed"


@attrs.frozen
class Kill:
    """``instant`` is in parts of the length of an undisturbed run; ``pick`` chooses among many."""

    instant: float
    target: Target
    pick: float


@attrs.frozen
class Cycle:
    """``version`` is the text of the inputs; one that was there before should be all hits."""

    version: int
    spoil: Spoil
    processes: int
    jobs: int
    memo: bool
    buffered: bool
    kills: tuple[Kill, ...]


def plan(seed: object, lane: int, number: int, most: int) -> Cycle:
    """The cycle of this number in a lane, with 1 to ``most`` processes.

    Half of the cycles have one process: a crowd costs time and is over later.
    """
    draw = random.Random(f"{seed} {lane} {number}")
    again = number > 0 and draw.random() < 0.25
    processes = 1 if draw.random() < 0.6 else draw.randint(min(2, most), most)
    kills = [
        Kill(draw.uniform(0, 1.1), draw.choice(list(Target)), draw.random())
        for _ in range(draw.choice((1, 1, 1, 2, processes)))
    ]
    return Cycle(
        version=draw.randrange(number) if again else number,
        spoil=draw.choice((Spoil.NOTHING, *Spoil)),
        processes=processes,
        jobs=draw.randint(1, 3),
        memo=draw.random() < 0.5,
        buffered=draw.random() < 0.5,
        kills=tuple(sorted(kills, key=lambda kill: kill.instant)),
    )
