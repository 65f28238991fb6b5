"""What has changed, seen three ways, and the tasks that it is about (EXEC-027 to EXEC-029)."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from haz_trio.testing.reference.globs import matches
from haz_trio.testing.reference.graph import Graph, closure, reversed_edges
from haz_trio.testing.reference.json_values import mapping, texts
from haz_trio.testing.reference.references import Id
from haz_trio.testing.reference.workspace import Declared, Task

Paths = frozenset[str]
NONE: Paths = frozenset()
BRANCHES = ("other", "up/other")  # of which HEAD is no descendant: here, and of a remote
TAG = "there"  # on the same commit


@attrs.frozen
class Changes:
    """Paths below the root: those that differ from the last commit, from the index to it, and
    from the commit before it, where another branch begins; and those that differ on that."""

    changed: Paths = NONE
    staged: Paths = NONE
    since: Paths = NONE
    beyond: Paths = NONE

    def plus(
        self,
        changed: Iterable[str] = (),
        staged: Iterable[str] = (),
        since: Iterable[str] = (),
    ) -> Changes:
        return Changes(
            self.changed.union(changed),
            self.staged.union(staged),
            self.since.union(since),
            self.beyond,
        )

    def everywhere(self, paths: Iterable[str]) -> Changes:
        """With paths that differ in every way."""
        found = frozenset(paths)
        return self.plus(found, found, found)

    def seen_by(self, flag: str) -> Paths:
        """What a flag of the command line looks at."""
        if flag == "--git-staged":
            return self.staged
        name, _, revision = flag.partition("=")
        if not revision:
            return self.changed
        forks = name == "--affected" and revision in BRANCHES
        return (
            self.since | self.beyond if revision in (*BRANCHES, TAG) and not forks else self.since
        )


def touched(graph: Graph, changed: Paths) -> frozenset[Id]:
    """The tasks with an input that matches a changed path."""
    return _with_pattern(graph, "inputs", changed)


def affected(graph: Graph, declared: Declared, changed: Paths) -> frozenset[Id]:
    """All that may come out differently: also by outputs and by the files that declare tasks."""
    if ".haz/workspace.yml" in changed:
        return frozenset(graph.tasks)
    found = touched(graph, changed) | _with_pattern(graph, "outputs", changed)
    found |= {id for id, task in graph.tasks.items() if f"{task.root[1:]}/haz.yml" in changed}
    for stem, overlay in declared.overlays.items():
        if f".haz/tasks/{stem}.yml" in changed:
            tags, tasks = set(texts(overlay.get("tagsFilter"))), mapping(overlay["tasks"])
            found |= {
                id
                for id, task in graph.tasks.items()
                if id[1] in tasks and tags <= task.tags and not _is_own(task, declared)
            }
    return closure(found, reversed_edges(graph.hard))


def _is_own(task: Task, declared: Declared) -> bool:
    """Whether a project has a body of its own for a task: no overlay has a word in that."""
    return task.id[1] in mapping(declared.projects[task.root].get("tasks"))


def _with_pattern(graph: Graph, key: str, changed: Paths) -> frozenset[Id]:
    return frozenset(
        id
        for id, task in graph.tasks.items()
        if any(matches(it, f"/{path}") for it in task.patterns(key) for path in changed)
    )
