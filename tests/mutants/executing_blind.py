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
    # -- by the rules alone, once more ------------------------------------------------------------
    Mutant(
        "one-mutex-per-project",
        "model.tasks",
        'else f"{owner}/{self.name}"',
        'else f"{owner}/"',
    ),
    Mutant(
        "mutexes-stay-in-their-project",
        "model.tasks",
        'return self.name if self.scope is MutexScope.WORKSPACE else f"{owner}/{self.name}"',
        'return f"{owner}/{self.scope.value}/{self.name}"',
    ),
    Mutant(
        "the-first-capped-tag-counts",
        "plan.admission",
        "capped = tuple(sorted(names[tag] for tag in each if tag in names))",
        "capped = tuple(sorted(names[tag] for tag in each if tag in names))[:1]",
    ),
    Mutant(
        "inputs-by-their-last-name",
        "cache.recipe",
        "        name = _bytes(path)\n",
        '        name = _bytes(path.rpartition("/")[2])\n',
    ),
    Mutant(
        "upstreams-by-the-name-of-the-task",
        "cache.recipe",
        "sorted({(u.task.project, u.task.task,",
        'sorted({("", u.task.task,',
    ),
    Mutant(
        "failures-say-nothing-when-buffered",
        "output.renderers",
        "            case TaskSettled(task):\n                return _join([*self._blocks(task),",
        "            case TaskSettled(task, outcome):\n"
        "                blocks = [*self._blocks(task)]\n"
        "                if not isinstance(outcome, Completed):\n"
        "                    blocks = []\n"
        "                return _join([*blocks,",
    ),
    Mutant(
        "cancelled-dependents-blame-the-run",
        "plan.machine",
        "Cancelled(UpstreamCancelled(self._ids[task]))",
        "Cancelled(RunCancelled())",
    ),
    Mutant(
        "durations-are-fractions",
        "output.summary",
        '    if whole == 0:\n        return f"{milliseconds}ms"',
        '    if whole == 0:\n        return f"{milliseconds / 1000}s"',
    ),
    Mutant(
        "only-the-first-file-closes-a-cycle",
        "plan.violations",
        "for path in () if self._over else paths:",
        "for path in () if self._over else [*paths][:1]:",
    ),
    Mutant(
        "signals-are-exit-codes",
        "plan.outcome",
        'return f"signal {self.signal}"',
        'return f"exit {128 + self.signal}"',
    ),
    Mutant(
        "empty-lines-have-no-prefix",
        "output.renderers",
        'data[: cut - 1].replace(b"\\n", b"\\n" + prefix) + b"\\n"',
        'data[: cut - 1].replace(b"\\n", b"\\n" + prefix).replace('
        'b"\\n" + prefix + b"\\n", b"\\n\\n") + b"\\n"',
    ),
    Mutant(
        "commands-read-our-input",
        "process.launch",
        '            _check(open_file(actions, _STDIN, b"/dev/null", os.O_RDWR, 0))\n',
        "",
    ),
    Mutant(
        "umask-is-fixed",
        "process.launch",
        "    return _launch_of_this_system()(program)",
        "    os.umask(0o022)\n    return _launch_of_this_system()(program)",
    ),
    Mutant(
        "no-color-is-ignored",
        "output.palette",
        '    if env.get("NO_COLOR"):\n        return False\n',
        "",
    ),
    Mutant(
        "zero-forces-colour",
        "output.palette",
        'env.get(name, "0") != "0" for name in',
        "env.get(name) for name in",
    ),
    Mutant(
        "failures-leave-daemons",
        "process.supervise",
        "return strict or halted or self.child.peek() != _SUCCESS",
        "return strict or halted",
    ),
    Mutant(
        "shared-holders-overtake",
        "plan.locks",
        "return all(self._shared[other] and self._shared[task] for other in before)",
        "return self._shared[task] or not any(True for _ in before)",
    ),
    Mutant(
        "quiet-runs-have-no-end",
        "output.renderers",
        "if not report.outcomes or (self.quiet and _all_well(report)):",
        "if not report.outcomes or self.quiet:",
    ),
    Mutant(
        "programs-of-the-superuser",
        "process.lookup",
        'DEFAULT_PATH = "/bin:/usr/bin"',
        'DEFAULT_PATH = "/bin:/usr/bin:/sbin:/usr/sbin"',
    ),
    Mutant(
        "who-is-stopped-is-not-woken",
        "process.supervise",
        "        self.family.signal(signal.SIGCONT)\n",
        "",
    ),
    Mutant(
        "nohup-is-ignored",
        "cli.signals",
        "return [number for number in STOPPING if signal.getsignal(number) is not signal.SIG_IGN]",
        "return list(STOPPING)",
    ),
    Mutant(
        "grace-is-short-by-default",
        "model.workspace",
        "cancel_grace: float = 5.0",
        "cancel_grace: float = 2.0",
    ),
    Mutant(
        "only-failures-run-out-of-time",
        "cli.run_loop",
        "if signal is None and self._expired:",
        "if signal is None and self._expired and not report.succeeded:",
    ),
)
