"""Wrong implementations of what runs, of keys, of storing, restoring and stopping."""

from __future__ import annotations

from tests.mutants.patches import Mutant

_R = "cache.recipe"
MUTANTS: tuple[Mutant, ...] = (
    # -- keys -------------------------------------------------------------------------------------
    Mutant(
        "keys-without-contents",
        _R,
        "name, _DIGEST, digest)",
        "name, _DIGEST, bytes(32))",
    ),
    Mutant(
        "keys-count-inputs-alone",
        _R,
        "    for path, digest in inputs:\n        name",
        "    for path, digest in ():\n        name",
    ),
    Mutant(
        "keys-without-standard-error",
        _R,
        "u.task.task, u.stdout, u.stderr)",
        "u.task.task, u.stdout, u.stdout)",
    ),
    Mutant(
        "keys-without-standard-output",
        _R,
        "u.task.task, u.stdout, u.stderr)",
        "u.task.task, u.stderr, u.stderr)",
    ),
    Mutant(
        "empty-variables-are-unset",
        _R,
        "_bytes(host[name]) if name in host else None",
        "_bytes(host[name]) if host.get(name) else None",
    ),
    Mutant(
        "unset-variables-are-left-out",
        _R,
        "for name in sorted(env.from_host - shadowed)",
        "for name in sorted(env.from_host - shadowed) if name in host",
    ),
    Mutant(
        "overrides-count-by-value",
        _R,
        "overrides=tuple(sorted(env.override)),",
        'overrides=tuple(sorted(("", value) for _, value in env.override)),',
    ),
    Mutant(
        "globs-and-literals-are-one",
        _R,
        '("glob" if p.is_glob else "literal", p.text) for p in outputs',
        '("", "" if p.is_glob else p.text) for p in outputs',
    ),
    Mutant(
        "scripts-are-trimmed",
        _R,
        '("shell", shell, script)',
        '("shell", shell, script.replace(" ", ""))',
    ),
    Mutant(
        "empty-arguments-are-dropped",
        _R,
        '("command", argv)\n        case Shell(script, shell):\n            action = ("shell"',
        '("command", tuple(filter(None, argv)))\n        case Shell(script, shell):\n'
        '            action = ("shell"',
    ),
    Mutant(
        "hosts-and-overrides-are-one",
        _R,
        "for component in (recipe.upstream, recipe.host_env, recipe.overrides):",
        "for component in (recipe.upstream, tuple(sorted((n, v if v is None else bytes(v)) "
        "for n, v in (*recipe.host_env, *((n, _bytes(t)) for n, t in recipe.overrides))))):",
    ),
    Mutant(
        "keys-heed-tags",
        "engine.keys",
        "            root=job.subject.root,\n",
        "            root=job.subject.root + str(sorted(job.node.project.tags)),\n",
    ),
    Mutant(
        "keys-heed-weak-dependencies",
        "engine.keys",
        "            root=job.subject.root,\n",
        "            root=job.subject.root + str(job.node.task.weak_deps),\n",
    ),
    Mutant(
        "keys-heed-spellings",
        "engine.keys",
        "            root=job.subject.root,\n",
        "            root=job.subject.root + str(job.node.task.inputs),\n",
    ),
    # -- what a command gets ----------------------------------------------------------------------
    Mutant(
        "overrides-lose",
        "model.tasks",
        "        seen.update(self.override)\n        return seen",
        "        return {**dict(self.override), **seen}",
    ),
    Mutant(
        "unset-variables-are-empty",
        "model.tasks",
        "{name: host[name] for name in sorted(self.from_host) if name in host}",
        '{name: host.get(name, "") for name in sorted(self.from_host)}',
    ),
    Mutant(
        "paths-leak",
        "model.tasks",
        "        seen.update(self.override)\n",
        '        seen.setdefault("PATH", host.get("PATH", ""))\n'
        "        seen.update(self.override)\n",
    ),
    Mutant(
        "every-shell-is-sh",
        "model.tasks",
        'return (self.shell, "-c", self.script)',
        'return ("sh", "-c", self.script)',
    ),
    # -- order, caps, mutexes ---------------------------------------------------------------------
    Mutant(
        "project-mutexes-are-global",
        "model.tasks",
        'return self.name if self.scope is MutexScope.WORKSPACE else f"{owner}/{self.name}"',
        "return self.name",
    ),
    Mutant(
        "all-mutexes-are-shared",
        "engine.jobs",
        "mutex is not None and mutex.mode is MutexMode.SHARED",
        "mutex is not None",
    ),
    Mutant(
        "slots-are-lost-by-failures",
        "plan.gates",
        "        self._admission.release(task)\n        self.withdraw(task)",
        "        if self._board.state(task) is not State.RUNNING:\n"
        "            self._admission.release(task)\n        self.withdraw(task)",
    ),
    Mutant(
        "tags-are-uncapped",
        "plan.admission",
        "capped = tuple(sorted(names[tag] for tag in each if tag in names))",
        "capped = tuple(sorted(names[tag] for tag in each if tag in names)[:1])",
    ),
    Mutant(
        "a-full-tag-stops-the-queue",
        "plan.admission",
        "                heappush(self._gates[group.gate], (task, number))\n"
        "            if owed is not None:\n",
        "                heappush(self._gates[group.gate], (task, number))\n"
        "                return None\n"
        "            if owed is not None:\n",
    ),
    Mutant(
        "weak-failures-skip",
        "plan.board",
        "            successors = self._selection.hard.after[trail.pop()]\n",
        "            last = trail.pop()\n            successors = "
        "[*self._selection.hard.after[last], *self._selection.weak.after[last]]\n",
    ),
    Mutant(
        "skips-name-the-wrong-cause",
        "plan.machine",
        "Skipped(UpstreamErrored(self._ids[task]))",
        "Skipped(UpstreamFailed(self._ids[task]))",
    ),
    Mutant(
        "retries-are-one-too-many",
        "plan.machine",
        "retries + 1\n",
        "retries + 2 if retries else 1\n",
    ),
    Mutant("retries-are-forgotten", "plan.machine", "retries + 1\n", "1\n"),
    Mutant(
        "fail-fast-is-forgotten",
        "plan.machine",
        "        if self._fail_fast and not self._stopped:",
        "        if False:",
    ),
    Mutant(
        "hits-claim-nothing",
        "plan.machine",
        "claimed=outputs, outputs=outputs), out)",
        "claimed=(), outputs=outputs), out)",
    ),
    Mutant(
        "cycles-go-unseen",
        "plan.violations",
        "        if circle is not None:\n",
        "        if False:\n",
    ),
    Mutant(
        "overlaps-do-not-stop",
        "plan.machine",
        "        elif last is not None:\n            self._close(frozenset(), out)",
        "        elif last is not None:\n            pass",
    ),
    Mutant(
        "violations-exit-with-zero",
        "plan.outcome",
        "return not self.violations and not any(",
        "return not any(",
    ),
    # -- storing and restoring --------------------------------------------------------------------
    Mutant(
        "sizes-are-enough",
        "cache.targets",
        "        return seen == output.size and hasher.digest().hex() == output.digest\n",
        "        return seen == output.size\n",
    ),
    Mutant(
        "edited-leavings-go-too",
        "cache.ledger",
        "return {p: seen for p, seen in row.paths if left_row(self._root + p) == seen}",
        "return dict(row.paths)",
    ),
    Mutant(
        "modes-are-six-bits",
        "cache.targets",
        "        if info.st_mode & 0o777 != output.mode:\n",
        "        if info.st_mode & 0o700 != output.mode & 0o700:\n",
    ),
    Mutant(
        "the-first-output-is-enough",
        "cache.outputs",
        "    for pattern in patterns:\n        if not pattern.is_glob:\n",
        "    for pattern in patterns[1:]:\n        if not pattern.is_glob:\n",
    ),
    # -- stopping ---------------------------------------------------------------------------------
    Mutant(
        "the-group-is-not-asked",
        "process.supervise",
        "        self.family.signal(signal.SIGTERM)\n",
        "        os.kill(self.child.pid, signal.SIGTERM)\n",
    ),
    Mutant(
        "the-grace-is-a-second",
        "process.supervise",
        "        stop.tell.deadline = trio.current_time() + stop.grace",
        "        stop.tell.deadline = trio.current_time() + 1.0",
    ),
    Mutant(
        "kills-at-once",
        "process.supervise",
        "        self.family.signal(signal.SIGTERM)\n",
        "        self.family.signal(signal.SIGKILL)\n",
    ),
    Mutant(
        "stopped-runs-exit-with-one",
        "plan.outcome",
        "    if signal is not None:\n",
        "    if signal is not None and report.succeeded:\n",
    ),
    Mutant(
        "task-limits-are-forgotten",
        "engine.worker",
        "        if self._task_timeout < math.inf:\n",
        "        if False:\n",
    ),
    Mutant(
        "cancelled-tasks-are-stored",
        "engine.worker",
        "            if ending.halted:\n                return",
        "            if ending.halted and ending.status != Exited(0):\n                return",
    ),
    # -- what is said -----------------------------------------------------------------------------
    Mutant("hits-are-not-counted", "output.summary", "    if cached:\n", "    if cached > 1:\n"),
    Mutant(
        "errors-are-not-counted",
        "output.summary",
        "(counts[Failed] + counts[Errored], ",
        "(counts[Failed], ",
    ),
)
