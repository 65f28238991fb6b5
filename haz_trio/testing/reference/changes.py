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
RANGES = (
    *("HEAD~1..HEAD", "HEAD~1..", "HEAD~1...", f"{BRANCHES[0]}..", f"{BRANCHES[0]}..HEAD"),
    *(f"{TAG}...HEAD", f"HEAD...{BRANCHES[1]}", f"...{BRANCHES[0]}", f"..{TAG}"),
)


@attrs.frozen
class Changes:
    """Paths below the root: those that differ from the last commit, from the index to it, and
    from the commit before it, where another branch begins; and those that differ on that.

    ``committed`` are those in which the last commit differs from there, and ``untracked`` those
    that git does not know.
    """

    changed: Paths = NONE
    staged: Paths = NONE
    since: Paths = NONE
    beyond: Paths = NONE
    committed: Paths = NONE
    untracked: Paths = NONE

    def plus(
        self,
        changed: Iterable[str] = (),
        staged: Iterable[str] = (),
        since: Iterable[str] = (),
    ) -> Changes:
        return attrs.evolve(
            self,
            changed=self.changed.union(changed),
            staged=self.staged.union(staged),
            since=self.since.union(since),
        )

    def commit(self, paths: Iterable[str]) -> Changes:
        """With paths that are committed, behind the place where the other branch begins."""
        return attrs.evolve(self.plus(since=paths), committed=self.committed.union(paths))

    def add(self, path: str) -> Changes:
        """With a path that git has not been told of."""
        return attrs.evolve(self.plus([path], [], [path]), untracked=self.untracked | {path})

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
        if ".." in revision:
            return self._between(revision)
        forks = name == "--affected" and revision in BRANCHES
        return (
            self.since | self.beyond if revision in (*BRANCHES, TAG) and not forks else self.since
        )

    def _between(self, range: str) -> Paths:
        """Two commits compared, or with three dots what the second has since they parted."""
        dots = "..." if "..." in range else ".."
        ends = range.split(dots)
        elsewhere = [end in (*BRANCHES, TAG) for end in ends]
        found = self.committed
        if any(elsewhere) and dots == "..":
            found = found | self.beyond
        elif elsewhere[1]:
            found = self.beyond
        return found | self.untracked


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
