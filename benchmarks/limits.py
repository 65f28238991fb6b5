"""The regression limits of the short form, as data.

``most`` is the ratio that was measured when the limit was set, and half as much again: processor
times repeat within a tenth on a busy machine, and machines differ in what a stat costs beside an
import. Memory, which hardly varies, has a third more; a wall, which others stretch, twice.
When haz-trio becomes faster, the limit follows: `python -m benchmarks --short` prints the ratios.
"""

from __future__ import annotations

import enum

import attrs

from benchmarks.scenarios import Scenario


class Quantity(enum.Enum):
    """Of all processes of a run; PEAK is the memory of the largest."""

    WALL = "wall"
    CPU = "CPU"
    PEAK = "peak"


@attrs.frozen
class Limit:
    """At most so many times what the floor takes."""

    size: str
    scenario: Scenario
    quantity: Quantity
    most: float

    @property
    def name(self) -> str:
        return f"{self.size} {self.scenario.value}, {self.quantity.value} over the floor"

    @property
    def floor_scenario(self) -> Scenario:
        """The floor has no memo to switch off."""
        plain = self.scenario is Scenario.NOOP_PLAIN
        return Scenario.NOOP if plain else self.scenario


@attrs.frozen
class StartLimit:
    """At most so many times what a Python takes that does nothing."""

    command: str
    most: float

    @property
    def name(self) -> str:
        return f"haz {self.command}, CPU over a bare Python"


LIMITS = (
    Limit("small", Scenario.COLD, Quantity.CPU, 6.5),
    Limit("small", Scenario.NOOP, Quantity.CPU, 1.1),
    Limit("small", Scenario.NOOP_PLAIN, Quantity.CPU, 2.9),
    Limit("medium", Scenario.COLD, Quantity.CPU, 3.7),
    Limit("medium", Scenario.COLD, Quantity.WALL, 5.6),
    Limit("medium", Scenario.COLD, Quantity.PEAK, 5.2),
    Limit("medium", Scenario.NOOP, Quantity.CPU, 1.0),
    Limit("medium", Scenario.NOOP, Quantity.PEAK, 1.1),
    Limit("medium", Scenario.NOOP_PLAIN, Quantity.CPU, 2.9),
    Limit("medium", Scenario.NOOP_PLAIN, Quantity.PEAK, 1.8),
    Limit("medium", Scenario.NOOP_EDITED, Quantity.CPU, 1.1),
    Limit("medium", Scenario.RESTORE, Quantity.CPU, 4.5),
    Limit("medium", Scenario.CHANGE, Quantity.CPU, 7.3),
    Limit("medium", Scenario.FAIL, Quantity.CPU, 6.9),
    Limit("output-heavy", Scenario.COLD, Quantity.CPU, 7.5),
    Limit("output-heavy", Scenario.COLD, Quantity.PEAK, 5.2),
    Limit("output-heavy", Scenario.NOOP, Quantity.CPU, 14.5),
)
START_LIMITS = (
    StartLimit("--version", 1.5),
    StartLimit("check", 13.5),
    StartLimit("run, nothing changed", 1.8),
    StartLimit("run, memo off", 5.9),
)
