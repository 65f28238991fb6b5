"""More of what ``declarative`` and ``choosing`` have, most written without a look at the areas."""

from __future__ import annotations

from tests.mutants.patches import Mutant

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "the-last-merge-key-counts",
        "config.merging",
        "                sources.extend(_sources(sheet, value))",
        "                sources = list(_sources(sheet, value))",
    ),
    Mutant(
        "own-bodies-collide",
        "graph.effective",
        "winner = own if own is not None else",
        "winner = own if own is not None and len(offered.get(name, ())) < 2 else",
    ),
    Mutant(
        "two-spellings-are-refused",
        "graph.edges",
        "            parts.append(result.numbers)",
        "            (problems.found.append(_itself(node, field, place, reference)) if "
        "result.numbers in parts else parts.append(result.numbers))",
    ),
    Mutant(
        "own-files-hide-makers",
        "graph.files",
        "without(tuple(merged(makers[number])), number) if number in makers else ()",
        "tuple(merged(makers[number])) if number in makers and number not in "
        "merged(makers[number]) else ()",
    ),
    Mutant(
        "relative-words-are-absolute",
        "query.evaluation",
        "pattern.anchored(self.folder), tasks",
        'pattern.anchored("/"), tasks',
    ),
    Mutant(
        "corrupt-entries-have-a-size",
        "cache.collect",
        "rest = sum(e.footprint for e in good)",
        "rest = sum(e.footprint for e in mine)",
    ),
    Mutant(
        "no-glob-sees-haz",
        "config.expansion",
        'return NEVER_CANDIDATES.difference(entry.pattern.text.split("/"))',
        "return NEVER_CANDIDATES",
    ),
    Mutant(
        "overlays-touch-their-tasks-only",
        "graph.affected",
        "return known is None or node.task.source == overlay or node.id.task in known.tasks",
        "return node.task.source == overlay",
    ),
    Mutant(
        "hollow-folders-hide-git",
        "config.discovery",
        "at = next((i for i, found in enumerate(below) if found.mark is not _Mark.HOLLOW), None)",
        "at = 0 if below[0].mark is not _Mark.HOLLOW else None",
    ),
    Mutant(
        "and-binds-less-than-or",
        "query.parser",
        "        found = [self._negation()]\n"
        '        while self._take("&"):\n'
        "            found.append(self._negation())",
        "        found = [self._negation()]\n"
        '        while self._take("&"):\n'
        "            found.append(self._both())\n"
        '            if self._take("|"):\n'
        "                found[-1] = Or((found[-1], self._both()))",
    ),
    Mutant(
        "parent-of-drops-members",
        "query.filters",
        "        case Relation.CHILD_OF | Relation.PARENT_OF:\n"
        "            return Leaf(Related(rules.relation, asked))\n"
        "        case Relation.DEPENDS_ON | Relation.ANCESTOR_OF:",
        "        case Relation.CHILD_OF:\n"
        "            return Leaf(Related(rules.relation, asked))\n"
        "        case Relation.PARENT_OF | Relation.DEPENDS_ON | Relation.ANCESTOR_OF:",
    ),
    Mutant(
        "expr-drops-members",
        "query.evaluation",
        "                pending.append(task)\n    return reached",
        "                pending.append(task)\n    return reached.difference(tasks)",
    ),
    Mutant(
        "who-is-alone-is-a-sibling",
        "graph.references",
        "return Members(group) if group else NoMember()",
        "return Members(group or ((own,) if sibling and own is not None else ())) if "
        "group or (sibling and own is not None) else NoMember()",
    ),
    Mutant(
        "literal-inputs-have-one-maker",
        "graph.files",
        "                yield entry, owners\n",
        "                yield entry, owners[:1]\n",
    ),
    Mutant(
        "bare-git-ends-the-walk",
        "config.discovery",
        "        if found.mark is not _Mark.REPOSITORY:\n            continue",
        "        if found.mark is _Mark.HOLLOW:\n            continue",
    ),
    Mutant(
        "globs-may-name-a-root-again",
        "config.expansion",
        "        if first != index:\n",
        "        if first != index and not entry.pattern.is_glob:\n",
    ),
    Mutant(
        "linked-overlays-are-ignored",
        "config.overlay_files",
        "        if within(target, root) is None:",
        "        if True:",
    ),
    Mutant(
        "settings-beat-flags-of-clean",
        "cache.collect",
        "max_age=max_age if self.max_age is None else self.max_age",
        "max_age=self.max_age if max_age is None else max_age",
    ),
    Mutant(
        "affected-dependents-are-direct",
        "graph.affected",
        "        pending += new\n",
        "        pass\n",
    ),
    Mutant(
        "two-merge-sources-count",
        "config.merging",
        "    if sources:\n        entries.extend(_merged(sheet, sources, seen))",
        "    if sources:\n        entries.extend(_merged(sheet, sources[:2], seen))",
    ),
    Mutant(
        "only-two-overlays-are-compared",
        "graph.effective",
        "for other in candidates:",
        "for other in candidates[:2]:",
    ),
    Mutant(
        "the-last-step-is-the-way",
        "graph.races",
        "reached |= behind[predecessor]",
        "reached = bits.get(number, 0) | behind[predecessor]",
    ),
    Mutant(
        "checks-of-all-count-the-project",
        "cli.check",
        "bearing = None if scope is Scope.WORKSPACE else",
        "bearing = None if scope is Scope.ALL else",
    ),
    Mutant(
        "mebibytes-are-decimal",
        "model.quantities",
        '"MiB": 1 << 20',
        '"MiB": 10**6',
    ),
    Mutant(
        "tagged-nulls-are-texts",
        "config.nodes",
        'return standard == "null"',
        "return False",
    ),
    Mutant(
        "spellings-of-outputs-do-not-meet",
        "graph.files",
        "for entry in files.outputs.literals if len(entry.owners) > 1]",
        "for entry in files.outputs.literals if len(entry.owners) > 2]",
    ),
    Mutant(
        "drawings-are-of-the-named",
        "cli.graph",
        "tasks = graph.closure(seeds)",
        "tasks = graph.in_order(seeds)",
    ),
)
