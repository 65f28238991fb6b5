"""Which single change of its limits would shorten a run most."""

from __future__ import annotations

from collections.abc import Iterator

from haz_trio.plan.simulation import Change, Simulation, simulate
from haz_trio.plan.timeline import Timeline
from haz_trio.plan.waits import ForMutex, ForSlot, ForTag, account, totals

_WORTH = 0.01  # part of the time that a change must save to be named
_TRIED = 12  # changes that are tried, those for the longest waits first


def best_changes(timeline: Timeline, most: int = 3) -> list[tuple[Change, Simulation]]:
    """The changes that save most, best first, each with the run that it would give.

    Only what tasks waited for is changed: one slot or one unit of a tag more, twice as many, no
    mutex.  Raises ``ValueError`` like ``simulate``.
    """
    unchanged = simulate(timeline).makespan
    tried = [(change, simulate(timeline, change)) for change in _candidates(timeline)]
    worth = [each for each in tried if each[1].makespan < unchanged * (1 - _WORTH)]
    return sorted(worth, key=lambda each: each[1].makespan)[:most]


def _candidates(timeline: Timeline) -> Iterator[Change]:
    limits = timeline.limits
    for reason in list(totals(account(timeline)))[:_TRIED]:
        match reason:
            case ForSlot():
                yield Change(slots=limits.slots + 1)
                if limits.slots > 1:
                    yield Change(slots=limits.slots * 2)
            case ForTag(tag):
                cap = limits.tags[tag]
                yield Change(tags={tag: cap + 1})
                if cap > 1:
                    yield Change(tags={tag: cap * 2})
            case ForMutex(mutex):
                yield Change(unlocked=frozenset({mutex}))
            case _:
                pass
