"""More of what ``executing`` has: each was wrong unnoticed until an area was told to look."""

from __future__ import annotations

from tests.mutants.patches import Mutant

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "cancelled-tasks-lose-their-last-line",
        "output.renderers",
        "                return _join([*self._end(task), self._narrate(event, at)])",
        "                rests = self._end(task)\n"
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
    # -- order, mutexes, tries --------------------------------------------------------------------
    Mutant(
        "hits-let-others-in-beside-a-holder",
        "plan.locks",
        "            lock.called.discard(task)\n            lock.alone = False\n",
        "            lock.called.discard(task)\n        lock.alone = False\n",
    ),
    Mutant(
        "equal-tasks-both-run",
        "plan.machine",
        "self._gates.park_or_run(task, key)",
        'self._gates.park_or_run(task, f"{self._ids[task]} {key}")',
    ),
    Mutant(
        "the-third-of-failing-equals-waits",
        "plan.flights",
        "        del self._owners[key]\n        return self._send_scout(key)\n",
        "        del self._owners[key]\n"
        "        return [] if self.effort else self._send_scout(key)\n",
    ),
    Mutant(
        "variables-beat-options",
        "cli.run_choices",
        "    if text is not None:\n        return parse_jobs",
        '    if text is not None and not environment.get("HAZ_JOBS"):\n        return parse_jobs',
    ),
    Mutant(
        "fail-fast-beats-retries",
        "plan.machine",
        "        if number < self._tries and not",
        "        if number < self._tries and not self._fail_fast and not",
    ),
    Mutant(
        "only-the-last-try-is-shown",
        "output.renderers",
        "            case TaskSettled(task):\n                return _join([*self._blocks(task),",
        "            case TryFailed(task):\n"
        "                _ = list(self._blocks(task))\n"
        "                return self._narrate(event, at)\n"
        "            case TaskSettled(task):\n                return _join([*self._blocks(task),",
    ),
    Mutant(
        "skips-are-told-backwards",
        "plan.board",
        "        return sorted(found)\n",
        "        return sorted(found, reverse=True)\n",
    ),
    # -- two runs at once -------------------------------------------------------------------------
    Mutant(
        "runs-claim-no-keys",
        "cache.claims",
        '            (place_of(f"key:{key}", Plane.CLAIM), False),\n',
        "",
    ),
    Mutant(
        "runs-claim-nothing",
        "cache.claims",
        '            (place_of(f"task:{task}", Plane.CLAIM), False),\n'
        '            (place_of(f"key:{key}", Plane.CLAIM), False),\n',
        "",
    ),
    Mutant(
        "mutexes-are-of-one-run",
        "cache.claims",
        'return claim.take(place_of(f"mutex:{name}", Plane.CLAIM), shared=shared)',
        "return True",
    ),
    Mutant(
        "mutexes-of-runs-are-exclusive",
        "cache.claims",
        'return claim.take(place_of(f"mutex:{name}", Plane.CLAIM), shared=shared)',
        'return claim.take(place_of(f"mutex:{name}", Plane.CLAIM), shared=False)',
    ),
    Mutant(
        "one-mutex-for-all-runs",
        "cache.claims",
        'return claim.take(place_of(f"mutex:{name}", Plane.CLAIM), shared=shared)',
        'return claim.take(place_of("mutex:", Plane.CLAIM), shared=shared)',
    ),
)
