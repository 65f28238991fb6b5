"""What `cache clean` removes, and in which order (CACHE-022, AUX-022..028).

The plan is made from a census alone and can be shown instead of being carried out.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable

from haz_trio.cache.census import Census, Entry, Standing
from haz_trio.cache.problems import Problem
from haz_trio.cache.record import LARGEST
from haz_trio.values import evolve, frozen


class Mode(enum.Enum):
    """Why an entry goes, in the order in which the reasons are asked; the value is the flag."""

    SOFT = "--soft"
    AGE = "--max-age"
    SIZE = "--max-size"


@frozen
class CleanOptions:
    """What to remove: ``max_age`` in seconds, ``max_size`` in bytes."""

    soft: bool = False
    max_age: int | None = None
    max_size: int | None = None

    @property
    def asks_for_nothing(self) -> bool:
        return not self.soft and self.max_age is None and self.max_size is None

    def merged(self, *, max_age: int | None, max_size: int | None) -> CleanOptions:
        """With the workspace's settings where nothing else was said, field by field (AUX-025)."""
        return evolve(
            self,
            max_age=max_age if self.max_age is None else self.max_age,
            max_size=max_size if self.max_size is None else self.max_size,
        )


@frozen
class Eviction:
    """One entry that goes, and why."""

    entry: Entry
    mode: Mode


@frozen
class CleanPlan:
    """What is to be removed, or what was.

    ``kept`` are corrupt entries that stay because they hold files of others.
    ``problems`` is what could not be looked at: nothing of it is touched.
    """

    inspected: int
    soft: bool
    evictions: tuple[Eviction, ...] = ()
    temporary: tuple[str, ...] = ()
    restoring: tuple[str, ...] = ()
    kept: tuple[Entry, ...] = ()
    problems: tuple[Problem, ...] = ()

    def count(self, mode: Mode) -> int:
        return sum(eviction.mode is mode for eviction in self.evictions)

    @property
    def footprint(self) -> int:
        """The bytes of all that is evicted; orphans add none."""
        return min(sum(eviction.entry.footprint for eviction in self.evictions), LARGEST)


def plan_clean(census: Census, options: CleanOptions, *, now: int) -> CleanPlan:
    """What goes: what is corrupt, then what is old, then the oldest of what is too much.

    ``now`` is in unix seconds; an entry of the future counts as one of now.
    What a living run uses stays, and the next oldest goes in its place.
    """
    mine = [entry for entry in census.entries if not entry.stranger and not entry.in_use]
    corrupt = [entry for entry in mine if entry.standing is Standing.CORRUPT]
    good = [entry for entry in mine if entry.standing is Standing.WELL_FORMED]
    evictions: list[Eviction] = []
    kept: tuple[Entry, ...] = ()
    if options.soft:
        evictions += [Eviction(entry, Mode.SOFT) for entry in corrupt]
        kept = tuple(e for e in census.entries if e.stranger and e.standing is Standing.CORRUPT)
    if options.max_age is not None:
        limit = max(0, now - options.max_age)
        evictions += [Eviction(entry, Mode.AGE) for entry in good if entry.created_at < limit]
        good = [entry for entry in good if entry.created_at >= limit]
    if options.max_size is not None:
        rest = sum(e.footprint for e in good)
        rest += sum(e.footprint for e in census.entries if _is_good_but_stays(e))
        for entry in sorted(good, key=lambda e: (min(e.created_at, now), e.name[:8], e.place)):
            if rest <= options.max_size:
                break
            evictions.append(Eviction(entry, Mode.SIZE))
            rest -= entry.footprint
    return CleanPlan(
        inspected=len(census.entries),
        soft=options.soft,
        evictions=_ordered(evictions),
        temporary=census.temporary if options.soft else (),
        restoring=census.restoring if options.soft else (),
        kept=kept,
        problems=census.problems,
    )


def _is_good_but_stays(entry: Entry) -> bool:
    stays = bool(entry.stranger) or entry.in_use
    return stays and entry.standing is Standing.WELL_FORMED


def _ordered(evictions: Iterable[Eviction]) -> tuple[Eviction, ...]:
    """By mode, then by time, then by name, as the report lists them."""
    ranks = {mode: rank for rank, mode in enumerate(Mode)}
    return tuple(
        sorted(
            evictions,
            key=lambda e: (ranks[e.mode], e.entry.created_at, e.entry.name, e.entry.shard),
        )
    )
