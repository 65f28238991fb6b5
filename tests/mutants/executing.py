"""Wrong implementations of what runs, of keys, of storing, restoring and stopping."""

from __future__ import annotations

from tests.mutants.patches import Mutant

MUTANTS: tuple[Mutant, ...] = ()
