"""Whose turn it is: areas get their parts of a run at the same pace, the waiting ones beside.

Knows neither processes nor clocks.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from haz_trio.testing.areas.area import Area
from haz_trio.testing.command.session import Batch

BATCH = 40  # examples; small, so that every area is tried early
SLOW_BATCH = 8  # of areas whose examples take long


@attrs.define
class _Course:
    """How far an area has come."""

    area: Area
    examples: float  # that it is to play; may be infinite
    begun: int = 0
    batches: int = 0
    seconds: float = 0.0
    running: int = 0


def _parts(areas: Sequence[Area], examples: int) -> list[int]:
    """As many examples as there are, by shares; each area gets one at least."""
    total = sum(area.share for area in areas)
    parts: list[int] = []
    shares = 0.0
    for area in areas:
        shares += area.share
        parts.append(max(1, round(examples * shares / total) - sum(parts)))
    return parts


class Turns:
    """Hands out batches until each area has had its part of ``examples``, by its share.

    Without a number, areas get the same part of the time instead, and there is no end.
    """

    def __init__(self, base: Batch, areas: Sequence[Area], examples: int | None) -> None:
        self.base = base
        self.counted: bool = examples is not None
        endless = [float("inf")] * len(areas)
        parts: Sequence[float] = endless if examples is None else _parts(areas, examples)
        self.courses: list[_Course] = list(map(_Course, areas, parts))

    @property
    def examples(self) -> float:
        """How many there are to be in all."""
        return sum(course.examples for course in self.courses)

    def next(self, *, waits: bool) -> Batch | None:
        """A batch of the area that is furthest behind, of those that mostly wait or the others."""
        open_ = [c for c in self.courses if c.area.waits is waits and c.begun < c.examples]
        if not open_:
            return None
        course = min(open_, key=self._pace)
        most = SLOW_BATCH if course.area.share < 1 else BATCH
        count = int(min(most, course.examples - course.begun))
        batch = attrs.evolve(
            self.base, area=course.area.name, number=course.batches, examples=count
        )
        course.begun += count
        course.batches += 1
        course.running += 1
        return batch

    def _pace(self, course: _Course) -> float:
        if self.counted:
            return course.begun / course.examples
        # What is under way counts as well, as much as it is likely to take.
        done = course.batches - course.running
        each = course.seconds / done if done else 1.0
        return course.seconds + course.running * each

    def ended(self, batch: Batch, seconds: float) -> None:
        """What a batch took."""
        (course,) = (each for each in self.courses if each.area.name == batch.area)
        course.running -= 1
        course.seconds += seconds
