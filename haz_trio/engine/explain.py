"""Why a task hits or misses: its recipe, its key and what the cache has, without a run (AUX-013).

Nothing is written, run or locked here, and trio is not needed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from haz_trio.cache.files import FOLDER, Disk, opened
from haz_trio.cache.inputs import InputReader
from haz_trio.cache.manifest import Manifest
from haz_trio.cache.recipe import Recipe
from haz_trio.cache.root import CacheRoot
from haz_trio.cache.verification import Foretold, Verifier
from haz_trio.engine.jobs import Job, job_for
from haz_trio.engine.keys import Keys
from haz_trio.errors import InputError
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.model.patterns import Anchored
from haz_trio.model.tasks import Function
from haz_trio.model.workspace import Workspace
from haz_trio.plan.messages import Upstream
from haz_trio.values import evolve, frozen


@frozen
class Keyed:
    """The key is known, and so is what a run would find under it; a ``Manifest`` is a hit."""

    key: str
    found: Foretold


@frozen
class Unkeyed:
    """The key cannot be derived.

    ``waiting`` are the hard predecessors without a hit: what they will print is unknown.
    ``problems`` say which inputs cannot be read, and ``unread`` by which patterns.
    """

    waiting: tuple[TaskId, ...]
    problems: tuple[str, ...] = ()
    unread: tuple[Anchored, ...] = ()


@frozen
class View:
    """One task: all that is known of its recipe, and what follows from it.

    The recipe of an unkeyed task lacks the inputs that cannot be read, and the predecessors
    that it waits for.
    """

    job: Job
    recipe: Recipe
    standing: Keyed | Unkeyed

    @property
    def hit(self) -> Manifest | None:
        """What a run would restore."""
        match self.standing:
            case Keyed(_, Manifest() as manifest):
                return manifest
            case _:
                return None


@frozen
class Explanation:
    """A task and its transitive hard predecessors, each behind its own; the task is the last.

    ``notes`` are remarks for people.
    """

    target: TaskId
    views: Mapping[TaskId, View]
    notes: tuple[str, ...] = ()

    @property
    def view(self) -> View:
        return self.views[self.target]

    @property
    def unready(self) -> TaskId | None:
        """The first predecessor that stands between the task and its key, or ``None``."""
        before = (id for id in self.views if id != self.target)
        return next((id for id in before if self.views[id].hit is None), None)


def explain(
    workspace: Workspace,
    graph: TaskGraph,
    task: TaskId,
    *,
    host: Mapping[str, str],
    imports: bool = False,
) -> Explanation:
    """Explain one task of a graph; ``host`` is the environment that a run would see.

    Without ``imports`` no code of the workspace is executed, and the key of a function is unknown;
    with it, ``TaskError`` is raised for a function that cannot be digested.

    Raises ``OSError`` when there is a cache that cannot be opened, ``KeyError`` for no task.
    """
    with reading_cache(workspace) as root:
        explainer = _Explainer(workspace, graph, host, root, imports)
        views: dict[TaskId, View] = {}
        for id in _behind_predecessors(graph, task):
            views[id] = explainer.view(id, views)
        return Explanation(task, views, (*root.notes, *explainer.reader.notes()))


@contextmanager
def reading_cache(workspace: Workspace) -> Iterator[CacheRoot]:
    """The cache of a workspace for reading; raises ``OSError`` when it cannot be opened.

    A cache that is not there is an empty one.
    """
    root = CacheRoot(workspace.root.rstrip("/") or "/", Disk())
    try:
        with opened(os.path.realpath(root.path), FOLDER):
            pass
    except FileNotFoundError:
        pass
    try:
        yield root
    finally:
        root.close()


def code_unread(task: TaskId) -> str:
    """Why there is no key of a function whose module has not been executed, and the way out."""
    return f"it is a Python function, whose module only `haz run --explain {task}` executes"


class _Explainer:
    def __init__(
        self,
        workspace: Workspace,
        graph: TaskGraph,
        host: Mapping[str, str],
        root: CacheRoot,
        imports: bool,
    ) -> None:
        hash_name = workspace.settings.hash
        self.reader = InputReader(workspace.root, hash_name)
        self._workspace = workspace
        self._graph = graph
        self._host = host
        self._imports = imports
        self._verifier = Verifier(workspace.root.rstrip("/"), root.reading(), hash_name)

    def view(self, id: TaskId, done: Mapping[TaskId, View]) -> View:
        """One task whose predecessors have been looked at."""
        job = job_for(self._graph.nodes[id], self._workspace, self._host)
        keys = self._keys(id)
        upstream, waiting = [], []
        for before in self._graph.hard[id]:
            hit = done[before].hit
            if hit is None:
                waiting.append(before)
            else:
                streams = bytes.fromhex(hit.stdout), bytes.fromhex(hit.stderr)
                upstream.append(Upstream(before, *streams))
        try:
            derived = keys.derive(job, tuple(upstream), check=_go_on)
        except InputError as problem:
            return self._without(job, keys, tuple(upstream), tuple(waiting), problem)
        unread = not self._imports and isinstance(job.node.task.action, Function)
        if waiting or unread:
            problems = (code_unread(id),) if unread else ()
            return View(job, derived.recipe, Unkeyed(tuple(waiting), problems))
        found = self._verifier.verify(derived.key, job.subject)
        return View(job, derived.recipe, Keyed(derived.key, found))

    def _keys(self, id: TaskId) -> Keys:
        """Keys for one task: who is in its ``deps`` is no advice for a missing input."""
        graph = self._graph
        return Keys(
            self.reader,
            self._workspace.settings.hash,
            self._host,
            graph.producers_of,
            frozenset(graph.hard[id]),
            self._imports,
        )

    def _without(
        self,
        job: Job,
        keys: Keys,
        upstream: tuple[Upstream, ...],
        waiting: tuple[TaskId, ...],
        first: InputError,
    ) -> View:
        """What is known when some inputs cannot be read: the others are read one by one."""
        problems, unread, known = [str(first)], [], []
        for pattern in job.inputs:
            try:
                self.reader.read((pattern,))
                known.append(pattern)
            except InputError as problem:
                if not problem.missing:
                    unread.append(pattern)
                if not str(first).startswith(str(problem)):
                    problems.append(str(problem))
        rest = evolve(job, inputs=tuple(known))
        recipe = keys.derive(rest, upstream, check=_go_on).recipe
        return View(job, recipe, Unkeyed(waiting, tuple(problems), tuple(unread)))


def _go_on() -> None:
    """Nobody can interrupt a look but the signal that ends the process."""


def _behind_predecessors(graph: TaskGraph, task: TaskId) -> Iterator[TaskId]:
    """A task behind its transitive hard predecessors, depth first in canonical order."""
    seen = {task}
    path = [(task, iter(graph.hard[task]))]
    while path:
        id, rest = path[-1]
        before = next((id for id in rest if id not in seen), None)
        if before is None:
            path.pop()
            yield id
        else:
            seen.add(before)
            path.append((before, iter(graph.hard[before])))
