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
    # -- who is left behind a command -------------------------------------------------------------
    Mutant(
        "leavings-are-stored",
        "engine.gathering",
        "        if outlived:\n",
        "        if False:\n",
    ),
    Mutant(
        "only-groups-count",
        "process.supervise",
        "        if not self.family.everybody() and not self._held():\n",
        "        if not self.family.everybody():\n",
    ),
    Mutant(
        "only-holders-count",
        "process.supervise",
        "        if not self.family.everybody() and not self._held():\n",
        "        if not self._held():\n",
    ),
    # -- a standard output that takes nothing -----------------------------------------------------
    Mutant(
        "lost-output-is-no-failure",
        "cli.run_loop",
        "        if lost and code == EXIT_SUCCESS:\n",
        "        if False and code == EXIT_SUCCESS:\n",
    ),
)
