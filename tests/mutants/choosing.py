"""Wrong implementations of graphs, selections, changes, queries, and where projects are."""

from __future__ import annotations

from tests.mutants.patches import Mutant

MUTANTS: tuple[Mutant, ...] = (
    # -- references and overlays -----------------------------------------------------------------
    Mutant(
        "siblings-of-tags-are-all",
        "model.references",
        '_name(rest[1 + sibling :], "task"), sibling)',
        '_name(rest[1 + sibling :], "task"))',
    ),
    Mutant(
        "tags-are-not-names",
        "model.references",
        'Tagged(_name(tag, "tag")',
        "Tagged(tag",
    ),
    Mutant(
        "equal-overlays-do-not-collide",
        "graph.effective",
        "other.reach == narrowest.reach or ",
        "",
    ),
    Mutant(
        "crossing-overlays-do-not-collide",
        "graph.effective",
        " or narrowest.reach & ~other.reach",
        "",
    ),
    Mutant(
        "filters-ask-for-any-tag",
        "graph.effective",
        "reach = (1 << len(projects)) - 1\n"
        "        for tag in overlay.tags_filter:\n"
        "            reach &= tagged.get(tag, 0)",
        "reach = 0 if overlay.tags_filter else (1 << len(projects)) - 1\n"
        "        for tag in overlay.tags_filter:\n"
        "            reach |= tagged.get(tag, 0)",
    ),
    Mutant(
        "tasks-may-need-themselves",
        "graph.edges",
        "elif holds(result.numbers, number):",
        "elif False:",
    ),
    Mutant(
        "both-lists-may-name-one",
        "graph.edges",
        "if hard[-1] and weak[-1]:",
        "if False:",
    ),
    Mutant(
        "the-last-reference-counts",
        "graph.edges",
        "return tuple(sorted(set().union(*parts)))",
        "return parts[-1] if parts else ()",
    ),
    Mutant(
        "weak-references-are-hard",
        "graph.edges",
        "node.task.deps if self is Field.DEPS else node.task.weak_deps",
        "node.task.deps",
    ),
    # -- selections and changes ------------------------------------------------------------------
    Mutant(
        "dependents-are-one-step",
        "graph.affected",
        "        pending += new",
        "        pass",
    ),
    Mutant(
        "outputs-affect-nothing",
        "graph.affected",
        "        touched.update(graph.producers_of(path))\n",
        "",
    ),
    Mutant(
        "overlays-affect-nothing",
        "graph.affected",
        "own in paths or any(",
        "own in paths or False and any(",
    ),
    Mutant(
        "untracked-files-have-not-changed",
        "vcs",
        "            listed += git.read(*_UNTRACKED, *inside)",
        "            pass",
    ),
    Mutant(
        "staged-is-changed",
        "vcs",
        'return ("--cached", _head(git))',
        "return (_head(git),)",
    ),
    Mutant(
        "paths-are-those-of-the-repository",
        "vcs",
        "name.removeprefix(prefix)",
        "name",
    ),
    Mutant(
        "since-is-head",
        "vcs",
        'return (_revision(git, revision, "--git-changed-since"),)',
        "return (_head(git),)",
    ),
    # -- queries ---------------------------------------------------------------------------------
    Mutant(
        "and-binds-as-or",
        "query.parser",
        'while self._take("&"):',
        'while self._take("&") or self._take("|"):',
    ),
    Mutant(
        "blanks-are-spaces",
        "query.parser",
        'BLANKS: Final = " \\t\\r\\n"',
        'BLANKS: Final = " \\r\\n"',
    ),
    Mutant(
        "not-is-nothing",
        "query.evaluation",
        "return tasks - self.narrow(inner, tasks)",
        "return self.narrow(inner, tasks)",
    ),
    Mutant(
        "parents-are-children",
        "query.evaluation",
        "return _steps(members, self.graph.hard)",
        "return _steps(members, self.successors)",
    ),
    Mutant(
        "relations-keep-to-the-candidates",
        "query.evaluation",
        "self.narrow(targets, frozenset(self.graph.ids))",
        "self.narrow(targets, frozenset(list(self.graph.ids)[:3]))",
    ),
    Mutant(
        "tags-are-those-of-all",
        "query.evaluation",
        "_any(name, nodes[t].project.tags)",
        "True",
    ),
    Mutant(
        "declared-deps-are-inputs",
        "query.evaluation",
        "return bool(body.deps)",
        "return bool(body.inputs)",
    ),
    Mutant(
        "globs-never-meet",
        "query.evaluation",
        "return intersects(a.glob, b.glob)",
        "return a.text == b.text",
    ),
    Mutant(
        "tails-must-be-equal",
        "query.evaluation",
        "(tail.endswith(other_tail) or other_tail.endswith(tail))",
        "tail == other_tail",
    ),
    Mutant(
        "stars-meet-slashes",
        "model.automata",
        "return self._many(_NO_SLASH, after)",
        "return self._many(_ANY, after)",
    ),
    Mutant(
        "infixes-need-a-folder",
        "model.automata",
        "self._one(_SLASH, after | self._many",
        "self._one(_SLASH, self._many",
    ),
    # -- discovery -------------------------------------------------------------------------------
    Mutant(
        "outer-roots-win",
        "config.discovery",
        "return _below_explicit(directory, below)",
        "return _below_explicit(directory, [])",
    ),
    Mutant(
        "hollow-folders-are-roots",
        "config.discovery",
        "found.mark is not _Mark.HOLLOW), None",
        "True), None",
    ),
    Mutant(
        "files-are-not-markers",
        "config.discovery",
        "stat.S_ISDIR(git) or stat.S_ISREG(git)",
        "stat.S_ISDIR(git)",
    ),
    Mutant(
        "roots-may-be-named-twice",
        "config.expansion",
        "if first != index:",
        "if False:",
    ),
    Mutant(
        "globs-may-match-nothing",
        "config.expansion",
        "        if not found.matches:\n",
        "        if False:\n",
    ),
    Mutant(
        "literals-may-be-files",
        "config.expansion",
        "elif not stat.S_ISDIR(status.st_mode):",
        "elif False:",
    ),
    Mutant(
        "projects-may-lie-outside",
        "config.expansion",
        "if within(directory, self._root) is None:\n            self._refuse_outside(entry, path",
        "if within(directory, self._root) is None and False:\n"
        "            self._refuse_outside(entry, path",
    ),
    Mutant(
        "links-outside-pass",
        "config.expansion",
        "        if within(target, self._root) is None:\n"
        "            self._refuse_outside(entry, path, target)\n"
        "        elif",
        "        if",
    ),
    Mutant(
        "cycles-of-links-pass",
        "config.expansion",
        "elif below(path, target) and",
        "elif False and",
    ),
    Mutant(
        "git-is-a-candidate",
        "config.expansion",
        'frozenset({".haz", ".git"})',
        'frozenset({".haz"})',
    ),
    Mutant(
        "overlays-may-be-yaml",
        "config.overlay_files",
        "if not name.endswith(SUFFIX):",
        'if not name.endswith((SUFFIX, ".yaml")):',
    ),
    Mutant(
        "overlays-have-any-name",
        "config.overlay_files",
        "        check_name(name.removesuffix(SUFFIX))",
        "        pass",
    ),
)
