"""The wrong implementations: in one module each, one piece of source in the place of another."""

from __future__ import annotations

import attrs


@attrs.frozen
class Mutant:
    """``old`` occurs exactly once in the source of ``haz_trio.<module>``."""

    name: str
    module: str
    old: str
    new: str


def _m(name: str, module: str, old: str, new: str) -> Mutant:
    return Mutant(name, module, old, new)


MUTANTS: tuple[Mutant, ...] = (
    # -- names, patterns, globs -------------------------------------------------------------------
    _m("star-crosses-slash", "model.globs", 'return rb"[^/]*"', 'return rb".*"'),
    _m("question-mark-crosses-slash", "model.globs", 'return rb"[^/]"', 'return rb"."'),
    _m(
        "double-star-needs-a-folder",
        "model.globs",
        'return rb"(?:/|/.*/)"',
        'return rb"/.+/"',
    ),
    _m("suffix-stars-take-one-level", "model.globs", 'return rb"/.*"', 'return rb"/[^/]*"'),
    _m(
        "negated-class-is-not-negated",
        "model.globs",
        "frozenset(range(256)) - members if negated else members",
        "members",
    ),
    _m(
        "last-branch-of-braces-is-lost",
        "model.globs",
        'b"|".join(map(_expression, branches))',
        'b"|".join(map(_expression, branches[:-1] or branches))',
    ),
    _m(
        "ranges-leave-their-end-out",
        "model.globs",
        "*range(start[-1], end[0] + 1)",
        "*range(start[-1], end[0])",
    ),
    _m(
        "absolute-paths-are-relative",
        "model.patterns",
        'path = text if text.startswith("/") else join(root, text)',
        "path = join(root, text.lstrip('/'))",
    ),
    _m(
        "names-may-be-long",
        "model.names",
        "if _NAME.fullmatch(text) and len(text) <= limit:",
        "if _NAME.fullmatch(text):",
    ),
    _m(
        "names-may-start-with-a-dash",
        "model.names",
        'r"[A-Za-z0-9][A-Za-z0-9_-]*"',
        'r"[A-Za-z0-9_-]+"',
    ),
    _m(
        "dots-pass-in-globs",
        "model.patterns",
        '    if segment in (".", ".."):\n        raise InvalidTextError(f"glob segment is',
        '    if segment == "..":\n        raise InvalidTextError(f"glob segment is',
    ),
    # -- references, overlays, graph --------------------------------------------------------------
    _m(
        "siblings-include-oneself",
        "graph.references",
        "group = without(group, own)",
        "group = without(group, -1)",
    ),
    _m(
        "fan-out-takes-the-first",
        "graph.references",
        "return tuple(owners.values())",
        "return tuple(owners.values())[:1]",
    ),
    _m(
        "tags-are-ignored-in-references",
        "graph.references",
        "        if not tag:\n            return tuple(owners.values())\n",
        "        if True:\n            return tuple(owners.values())\n",
    ),
    _m(
        "overlays-need-one-tag",
        "graph.effective",
        "            reach &= tagged.get(tag, 0)",
        "            reach = tagged.get(tag, 0)",
    ),
    _m(
        "overlays-beat-projects",
        "graph.effective",
        "winner = own if own is not None else _winner(name, offered[name])",
        "winner = _winner(name, offered[name]) if name in offered else own",
    ),
    _m(
        "the-widest-overlay-wins",
        "graph.effective",
        "narrowest = min(candidates",
        "narrowest = max(candidates",
    ),
    _m(
        "all-is-the-workspace",
        "graph.selection",
        "return frozenset(task for task in graph.nodes if task.project == bearing.name)",
        "return frozenset(graph.nodes)",
    ),
    _m(
        "workspace-is-the-project",
        "graph.selection",
        "            return all_targets(graph, None)",
        "            return all_targets(graph, bearing)",
    ),
    # -- plan -------------------------------------------------------------------------------------
    _m(
        "one-slot-too-many",
        "plan.admission",
        "self._slots = limits.slots",
        "self._slots = limits.slots + 1",
    ),
    _m(
        "caps-allow-one-more",
        "plan.admission",
        "self._units = [limits.tags[name] for name in names]",
        "self._units = [limits.tags[name] + 1 for name in names]",
    ),
    _m(
        "capped-units-are-lost",
        "plan.admission",
        "            self._units[tag] += 1\n            self._open_next(tag)",
        "            self._open_next(tag)",
    ),
    _m(
        "mutexes-do-not-exclude",
        "plan.locks",
        "        return not lock.holders and not lock.called",
        "        return True",
    ),
    _m(
        "shared-mutexes-exclude-nobody",
        "plan.locks",
        "            return not lock.alone",
        "            return True",
    ),
    _m(
        "shared-mutexes-are-exclusive",
        "plan.locks",
        "            return not lock.alone",
        "            return not lock.alone and not lock.holders",
    ),
    _m(
        "mutexes-are-free-while-storing",
        "plan.gates",
        "        self._board.move(task, State.KEEPING)",
        "        self._board.move(task, State.KEEPING)\n        self._locks.leave(task)",
    ),
    _m(
        "failures-leak-their-mutex",
        "plan.gates",
        "        self._locks.leave(task)\n"
        "        self.offer(self._locks.call(task))\n        self.offer(self._flights.end(task))",
        "        if self._board.state(task) is not State.RUNNING:\n"
        "            self._locks.leave(task)\n"
        "        self.offer(self._locks.call(task))\n        self.offer(self._flights.end(task))",
    ),
    _m(
        "weak-edges-do-not-order",
        "plan.board",
        "            len(hard) + len(weak)\n",
        "            len(hard)\n",
    ),
    _m(
        "failures-release-dependents",
        "plan.machine",
        "        self._cascade(task, others, out)\n        if self._fail_fast",
        "        self._board._satisfy(self._board._selection.hard.after[task])\n"
        "        if self._fail_fast",
    ),
    _m(
        "skips-reach-one-step",
        "plan.board",
        "                    trail.append(successor)",
        "                    pass",
    ),
    _m(
        "the-last-skipped-is-missed",
        "plan.machine",
        "        for task in self._board.unsettled_descendants(root):",
        "        for task in self._board.unsettled_descendants(root)[:-1]:",
    ),
    _m(
        "a-failure-stops-the-run",
        "plan.machine",
        "        if self._fail_fast and not self._stopped:",
        "        if not self._stopped:",
    ),
    _m(
        "overlaps-are-no-violations",
        "plan.violations",
        "            for first, path in self._claims.claim(task, claimed)",
        "            for first, path in self._claims.claim(task, ())",
    ),
    _m(
        "overlaps-are-stored",
        "plan.machine",
        "        if any(isinstance(violation, OutputOverlap) for violation in violations):",
        "        if False:",
    ),
    _m(
        "failures-exit-with-zero",
        "plan.outcome",
        "return EXIT_SUCCESS if report.succeeded else EXIT_TASK_FAILURE",
        "return EXIT_SUCCESS",
    ),
    _m(
        "errors-count-as-success",
        "plan.outcome",
        "isinstance(o, Failed | Errored)",
        "isinstance(o, Failed)",
    ),
    _m("signals-exit-with-their-number", "plan.outcome", "return 128 + signal", "return signal"),
    # -- keys -------------------------------------------------------------------------------------
    _m(
        "keys-without-host-variables",
        "cache.recipe",
        "for component in (recipe.upstream, recipe.host_env, recipe.overrides):",
        "for component in (recipe.upstream, (), recipe.overrides):",
    ),
    _m(
        "keys-without-overrides",
        "cache.recipe",
        "for component in (recipe.upstream, recipe.host_env, recipe.overrides):",
        "for component in (recipe.upstream, recipe.host_env, ()):",
    ),
    _m(
        "keys-without-predecessors",
        "cache.recipe",
        "for component in (recipe.upstream, recipe.host_env, recipe.overrides):",
        "for component in ((), recipe.host_env, recipe.overrides):",
    ),
    _m(
        "keys-without-outputs",
        "cache.recipe",
        "for component in (recipe.root, action, recipe.outputs):",
        "for component in (recipe.root, action, ()):",
    ),
    _m(
        "keys-without-the-action",
        "cache.recipe",
        "for component in (recipe.root, action, recipe.outputs):",
        "for component in (recipe.root, (), recipe.outputs):",
    ),
    _m(
        "keys-without-the-folder",
        "cache.recipe",
        "for component in (recipe.root, action, recipe.outputs):",
        "for component in ((), action, recipe.outputs):",
    ),
    _m(
        "keys-without-the-names-of-inputs",
        "cache.recipe",
        "        name = _bytes(path)\n",
        '        name = b""\n',
    ),
    _m(
        "keys-without-the-last-input",
        "cache.recipe",
        "    for path, digest in inputs:\n        name",
        "    for path, digest in inputs[:-1]:\n        name",
    ),
    _m(
        "keys-without-the-shell",
        "cache.recipe",
        '            action = ("shell", shell, script)',
        '            action = ("shell", script)',
    ),
    _m(
        "keys-with-joined-arguments",
        "cache.recipe",
        '            action: Value = ("command", argv)',
        '            action: Value = ("command", " ".join(argv))',
    ),
    _m(
        "overridden-variables-count",
        "cache.recipe",
        "for name in sorted(env.from_host - shadowed)",
        "for name in sorted(env.from_host)",
    ),
    _m(
        "keys-heed-the-mutex",
        "engine.keys",
        "            root=job.subject.root,\n",
        "            root=job.subject.root + str(job.node.task.mutex),\n",
    ),
    # -- what is stored and brought back ----------------------------------------------------------
    _m(
        "restores-leave-stale-files",
        "cache.targets",
        "        return seen == output.size and hasher.digest().hex() == output.digest\n",
        "        return True\n",
    ),
    _m(
        "restores-forget-modes",
        "cache.targets",
        "        if info.st_mode & 0o777 != output.mode:\n            return False\n",
        "",
    ),
    _m(
        "restores-do-not-verify",
        "cache.restore",
        "                if seen != output.size or hasher.digest().hex() != output.digest:\n"
        "                    raise wrong\n",
        "",
    ),
    _m(
        "restores-leave-our-leavings",
        "cache.targets",
        "        gone = self._gone(leavings, places)\n",
        "        gone = self._gone({}, places)\n",
    ),
    _m(
        "every-output-is-claimed",
        "cache.outputs",
        "return tuple(path for path in after.paths if before.get(path) != after.rows[path])",
        "return after.paths",
    ),
    _m(
        "missing-outputs-pass",
        "cache.outputs",
        "        if not pattern.is_glob:\n            _require_file",
        "        if False:\n            _require_file",
    ),
    _m(
        "changed-inputs-are-stored",
        "engine.gathering",
        "            if changed is not None:\n",
        "            if False:\n",
    ),
    _m(
        "failures-are-stored",
        "engine.worker",
        "            if ending.status != Exited(0):\n",
        "            if ending.status != Exited(0) and False:\n",
    ),
    # -- processes --------------------------------------------------------------------------------
    _m(
        "no-grace",
        "process.supervise",
        "        stop.tell.deadline = trio.current_time() + stop.grace",
        "        stop.tell.deadline = trio.current_time()",
    ),
    _m(
        "the-second-signal-is-ignored",
        "cli.signals",
        "                self.tell()\n",
        "                pass\n",
    ),
    _m(
        "the-last-signal-decides",
        "cli.signals",
        "                self.tell()\n",
        "                self.first = number\n                self.tell()\n",
    ),
    _m(
        "all-of-the-environment-leaks",
        "engine.jobs",
        "        env=task.env.for_task(host),\n",
        "        env={**host, **task.env.for_task(host)},\n",
    ),
    _m(
        "commands-run-at-the-root",
        "engine.jobs",
        "        cwd=workspace.host_path(root),\n",
        '        cwd=workspace.host_path("/"),\n',
    ),
    # -- queries ----------------------------------------------------------------------------------
    _m(
        "or-is-and",
        "query.evaluation",
        "                return tasks - left\n",
        "                return frozenset[TaskId]()\n",
    ),
    _m(
        "depends-on-is-one-step",
        "query.evaluation",
        "                return _reached(members, self.successors)\n",
        "                return _steps(members, self.successors)\n",
    ),
    _m(
        "ancestors-are-descendants",
        "query.evaluation",
        "                return _reached(members, self.graph.hard)\n",
        "                return _reached(members, self.successors)\n",
    ),
    _m(
        "outputs-are-inputs",
        "query.evaluation",
        "node.inputs if side is Side.INPUTS else node.outputs",
        "node.inputs",
    ),
    _m(
        "mutexes-are-not-declared",
        "query.evaluation",
        "                return body.mutex is not None\n",
        "                return False\n",
    ),
)
