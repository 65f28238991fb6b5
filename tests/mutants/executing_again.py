"""More of what ``executing`` has: each was wrong unnoticed until an area was told to look."""

from __future__ import annotations

from tests.mutants.patches import Mutant

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "cancelled-tasks-lose-their-last-line",
        "output.renderers",
        "                return _join([*rests, self._narrate(event, at)])",
        '                if "Cancelled" in type(getattr(event, "outcome", None)).__name__:\n'
        "                    rests = []\n"
        "                return _join([*rests, self._narrate(event, at)])",
    ),
)
