"""What can be asked of a plan at any moment, and how it refuses what cannot be true."""

from __future__ import annotations

from haz_trio.values import frozen


class UnexpectedFactError(RuntimeError):
    """A fact that the state of its task does not allow: a bug in whoever drives the plan."""


@frozen
class PlanStatistics:
    """How many tasks are in which state, and how much work the queues have had so far."""

    waiting: int
    ready: int
    parked: int
    looking: int
    running: int
    keeping: int
    settled: int
    effort: int
