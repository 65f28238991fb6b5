"""More of what ``executing`` has, written without a look at the areas that have to find them."""

from __future__ import annotations

from tests.mutants.patches import Mutant

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "modes-are-not-recorded",
        "cache.pending",
        "content.size, file.mode & 0o777)",
        "content.size, 0o644)",
    ),
    Mutant(
        "empty-outputs-are-lost",
        "cache.pending",
        "            if file.path in without:\n",
        "            if file.path in without or not file.row[1]:\n",
    ),
    Mutant(
        "streams-are-not-verified",
        "cache.streams",
        "        if seen != size or hasher.digest().hex() != digest:\n",
        "        if seen != size:\n",
    ),
    Mutant(
        "blank-pieces-are-lost",
        "output.renderers",
        "                if data:\n                    self._held",
        "                if data.strip():\n                    self._held",
    ),
    Mutant(
        "links-are-lost",
        "cache.pending",
        "links=tuple(k for k in result.links if k.path not in without),",
        "links=(),",
    ),
    Mutant(
        "programs-come-back-plain",
        "cache.restore",
        "self._disk.chmod(target, output.mode)",
        "self._disk.chmod(target, output.mode & 0o666)",
    ),
    Mutant(
        "weak-predecessors-are-hard",
        "engine.jobs",
        "PlannedTask(id, hard, weak, ",
        "PlannedTask(id, tuple(sorted({*hard, *weak})), (), ",
    ),
    Mutant(
        "skipped-tasks-count-as-cancelled",
        "output.summary",
        '(counts[Skipped], "skipped", Tone.ODD),\n        (counts[Cancelled], ',
        '(0, "skipped", Tone.ODD),\n        (counts[Cancelled] + counts[Skipped], ',
    ),
    Mutant(
        "hits-show-nothing",
        "engine.worker",
        "                if followed is None or not followed.is_all_of(record):\n",
        "                if followed is not None:\n",
    ),
    Mutant(
        "stops-let-others-begin",
        "plan.machine",
        "        self._stopped = True\n        self._close(frozenset(), out)\n",
        "        self._stopped = True\n",
    ),
)
