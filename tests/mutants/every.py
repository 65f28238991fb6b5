"""All wrong implementations, also those that ``judge`` tries only when they are named."""

from __future__ import annotations

from tests.mutants import (
    choosing,
    declarative,
    declared_blind,
    executing,
    executing_again,
    executing_blind,
    keeping_blind,
    patches,
    standing,
)
from tests.mutants.patches import Mutant

EVERY: tuple[Mutant, ...] = (
    *patches.MUTANTS,
    *executing.MUTANTS,
    *executing_blind.MUTANTS,
    *executing_again.MUTANTS,
    *declarative.MUTANTS,
    *declared_blind.MUTANTS,
    *choosing.MUTANTS,
    *keeping_blind.MUTANTS,
    *standing.MUTANTS,
)
