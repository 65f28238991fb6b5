"""The regression limits of the short form, as data.

``most`` is the ratio that was measured when the limit was set, and half as much again for noise:
machines differ in what a stat costs beside an import.
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
    Limit("small", Scenario.COLD, Quantity.WALL, 15),
    Limit("small", Scenario.NOOP, Quantity.WALL, 30),
    Limit("medium", Scenario.COLD, Quantity.WALL, 10),
    Limit("medium", Scenario.COLD, Quantity.CPU, 10),
    Limit("medium", Scenario.COLD, Quantity.PEAK, 6),
    Limit("medium", Scenario.NOOP, Quantity.WALL, 30),
    Limit("medium", Scenario.NOOP, Quantity.PEAK, 6),
    Limit("medium", Scenario.NOOP_PLAIN, Quantity.WALL, 30),
    Limit("medium", Scenario.NOOP_EDITED, Quantity.WALL, 30),
    Limit("medium", Scenario.RESTORE, Quantity.WALL, 30),
    Limit("medium", Scenario.CHANGE, Quantity.WALL, 30),
    Limit("medium", Scenario.FAIL, Quantity.WALL, 30),
    Limit("output-heavy", Scenario.COLD, Quantity.WALL, 10),
)
START_LIMITS = (
    StartLimit("--version", 20),
    StartLimit("check", 30),
    StartLimit("run, nothing changed", 50),
)
