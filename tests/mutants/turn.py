"""One turn of a mutant: some seconds of examples, or the first that differs."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import attrs

from haz_trio.testing.areas.area import Case
from haz_trio.testing.areas.registry import area_named
from haz_trio.testing.command.session import draw_cases, try_case
from haz_trio.testing.subject import Subject
from haz_trio.testing.trial import DifferenceError, new_trial

PROGRAM = str(Path(__file__).with_name("haz.py"))
_DRAWN = 30  # examples at once
_PATIENCE = 12.0  # seconds: a call that hangs is to cost little of the time for all
# Where most is drawn it takes longest until all of it has been; the others get one part each.
_PARTS = {"keys": 2, "running": 2, "signals": 3}
_AGAIN = 2  # trials in which a difference has to show once more, or it is chance


@attrs.frozen
class Turn:
    """What came of it; ``next`` is the number of the example that is to come, by areas."""

    seconds: float
    examples: int
    next: Mapping[str, int]
    area: str = ""
    rules: tuple[str, ...] = ()
    doubtful: int = 0


@cache
def drawn(area: str, seed: int, number: int) -> list[Case]:
    """The same for every mutant: drawing takes as long as playing does."""
    return draw_cases(area_named(area), f"{seed} {area} {number}", _DRAWN)


def play_turn(
    mutant: str,
    seed: int,
    areas: tuple[str, ...],
    following: Mapping[str, int],
    seconds: float,
    end: float,
) -> Turn:
    """Give areas their parts of some seconds, example by example.

    ``end`` is of the clock ``time.time``.
    """
    warm = len(areas) > 1  # for few calls it is not worth it
    subject = Subject(
        (sys.executable, PROGRAM, mutant), warm=warm, prelude=PROGRAM, patience=_PATIENCE
    )
    started, examples, doubtful = time.time(), 0, 0
    position = {area: following.get(area, 0) for area in areas}
    spent = dict.fromkeys(areas, 0.0)
    end = min(end, started + seconds)
    while (begun := time.time()) < end:
        area = min(areas, key=lambda area: spent[area] / _PARTS.get(area, 1))
        batch, index = divmod(position[area], _DRAWN)
        position[area] += 1
        cases = drawn(area, seed, batch)
        if index >= len(cases):
            position[area] = (batch + 1) * _DRAWN
            continue
        examples += 1
        difference = _differs(subject, cases[index])
        if difference is not None:
            if any(_differs(subject, cases[index]) for _ in range(_AGAIN)):
                rules = tuple(difference.rules)
                return Turn(time.time() - started, examples, position, area, rules, doubtful)
            doubtful += 1
        spent[area] += time.time() - begun
    return Turn(time.time() - started, examples, position, doubtful=doubtful)


def _differs(subject: Subject, case: Case) -> DifferenceError | None:
    with new_trial(subject) as trial:
        return try_case(case, trial)
