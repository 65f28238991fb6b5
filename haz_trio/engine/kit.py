"""What a run needs before anything runs: the plan, the jobs, what is known already.  No trio.

Both drivers of a plan work with one kit: ``direct`` as long as everything is there already, the
loop from the first task on that has to do something.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from haz_trio.abc import Store
from haz_trio.cache.known import read_known
from haz_trio.config.snapshot import Origin, Snapshot
from haz_trio.engine.jobs import Jobs, known_edges, planned_tasks
from haz_trio.engine.knowledge import Knowledge, environment_digest, read_secret
from haz_trio.frames import MANY
from haz_trio.graph.graph import TaskGraph
from haz_trio.living import dead
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import Workspace
from haz_trio.plan.machine import Limits, Plan
from haz_trio.plan.policy import CacheUse, Policy
from haz_trio.process.environment import host_environment
from haz_trio.trust import SENSES, Senses

if TYPE_CHECKING:
    from haz_trio.engine.looker import Looker, WhyMissed
    from haz_trio.engine.remember import Grounds
    from haz_trio.engine.tools import Tools
    from haz_trio.plan.timeline import Timeline
    from haz_trio.trust import Row

_DEFAULT = Policy()
_UNKNOWN = Origin()
_CACHE = ".haz/cache"
_RESTORING = ".restore-"
_RUNS = "state/runs"


class Kit:
    """See ``make_kit``."""

    def __init__(
        self,
        *,
        workspace: Workspace,
        graph: TaskGraph,
        host: Mapping[str, str],
        policy: Policy,
        limits: Limits,
        store: Store | None,
        why_missed: WhyMissed | None,
        strict: bool,
        durable: bool,
        knowledge: Knowledge | None,
        origin: Origin,
        environment: bytes,
        senses: Senses,
    ) -> None:
        self._senses = senses
        self.workspace: Workspace = workspace
        self.graph: TaskGraph = graph
        self.host: Mapping[str, str] = host
        self.policy: Policy = policy
        self.limits: Limits = limits
        self._store, self._why_missed, self._strict = store, why_missed, strict
        self._durable = durable
        self._knowledge, self._origin, self._environment = knowledge, origin, environment
        self._tools: Tools | None = None
        self.keepers: list[Callable[[], None]] = []
        """Who keeps something else in the state folder when a run in which something had to run
        has ended; each may raise ``OSError``."""

    def plan(self, tasks: Iterable[TaskId]) -> tuple[Plan, Jobs]:
        """A fresh plan for just these tasks, and their jobs."""
        selected = self.graph.in_order(frozenset(tasks))
        known = self._knowledge
        plan = Plan(
            planned_tasks(self.graph, selected),
            self.limits,
            consumers=self.graph.consumers_of if known is None else known.consumers,
            edges=known_edges(self.graph, selected),
            fail_fast=self.policy.fail_fast,
            retries=self.policy.retries,
        )
        return plan, Jobs(self.graph, selected, self.workspace, self.host)

    @property
    def tools(self) -> Tools:
        """What looks and runs work with; made when it is asked for first."""
        if self._tools is None:
            # Imported here: where everything is proven nothing is looked at (cli.md 14.5).
            from haz_trio.engine.tools import make_tools

            self._tools = make_tools(
                self.workspace,
                self.graph,
                store=self._store,
                host=self.host,
                use=self.policy.cache,
                knowledge=self._knowledge,
                why_missed=self._why_missed,
                strict=self._strict,
                durable=self._durable,
                senses=self._senses,
            )
        return self._tools

    # -- for who drives the plan without a loop -------------------------------------------------

    @property
    def works_directly(self) -> bool:
        """Whether looks may be answered before the loop is there."""
        return self._knowledge is not None and self.policy.cache is CacheUse.BOTH

    def look_ahead(self, many: int = MANY) -> None:
        """Before the plan is made, and by a process with one thread: use another processor.

        Where ``many`` names are known; ``look_alone`` of ``recall`` ends that.
        """
        if self.works_directly and processors() > 1 and self._is_calm:
            self.recall.look_ahead(many)

    def begin(self) -> None:
        """Before the first look of a run that may come without tools."""
        if not self._is_calm:
            self.recall.disturb()
            self.tools.recover()

    @property
    def _is_calm(self) -> bool:
        return _is_calm(os.path.join(self.workspace.root, _CACHE))

    def cut_off(self) -> tuple[str, ...]:
        """What killed runs were doing, after ``begin``; remarks for people."""
        disk = None if self._tools is None else self._tools.disk
        return () if disk is None else disk.cut_off()

    def looker(self) -> Looker:
        """What looks where nothing is proven."""
        if self._tools is None:
            self.tools.recover()
        return self.tools.looker

    @property
    def recall(self) -> Knowledge:
        """What is known already."""
        assert self._knowledge is not None, "asked only where it works directly"
        return self._knowledge

    def finish(self) -> tuple[str, ...]:
        """End a run that has done nothing; remarks for people."""
        tools = self._tools
        return () if tools is None else tools.store.finish() + tools.keys.notes()

    # -- for the next run -----------------------------------------------------------------------

    @property
    def failed(self) -> bool:
        """Whether a result could not be stored that had to be (decisions.md 14)."""
        disk = self._tools.disk if self._tools is not None else None
        return disk is not None and bool(disk.failures)

    def save(self, timeline: Timeline | None = None) -> None:
        """Keep what this run has learned; a state file that cannot be written is an old one.

        ``timeline`` is that of a run in which something had to run.
        """
        if self._tools is not None:
            with suppress(OSError):
                self._save(self._tools)
            if timeline is not None:
                with suppress(OSError):
                    self._save_what_happened(self._tools, timeline)
        self.close()

    def _save_what_happened(self, tools: Tools, timeline: Timeline) -> None:
        if tools.disk is None or not self.policy.cache.stores or not tools.disk.open_state():
            return
        # Imported here: what has nothing to run has no timeline.
        from haz_trio.cache.timelines import write_timeline

        write_timeline(self.workspace.root, timeline)
        if self.keepers:
            with tools.disk.claims.maintenance():
                for keep in self.keepers:
                    keep()

    def close(self) -> None:
        """Let go of what is open between runs."""
        if self._tools is not None and self._tools.disk is not None:
            self._tools.disk.close()

    def memo_of(self, jobs: Jobs) -> tuple[Grounds, tuple[str, ...]] | None:
        """What a memo of a run of these jobs would rest on, after ``save``; and its variables."""
        knowledge, snapshot = self._knowledge, self._origin.snapshot
        if knowledge is None or not knowledge.is_calm:
            return None  # what the run has restored is too young to rest on
        known = knowledge.written
        if known is None or snapshot is None:
            return None
        if any(map(jobs.absent, jobs)):
            return None  # such a look leaves no proof: what is known of the task is older
        # Imported here: a memo is written once for many runs.
        from haz_trio.engine.remember import rows_of_run

        seen = self._origin.seen_ns
        found = rows_of_run(known, snapshot, jobs, seen, senses=self._senses)
        return None if found is None else (found, snapshot.variables)

    def _save(self, tools: Tools) -> None:
        if tools.lessons is None or tools.disk is None or not self.policy.cache.stores:
            return
        snapshot, sources = self._origin.snapshot, self._origin.sources
        is_new = snapshot is None and sources is not None
        if not (is_new or tools.lessons.news) or not tools.disk.open_state():
            return
        tools.keys.rest()
        if snapshot is None and sources is not None:
            # Imported here: a snapshot is written once for many runs.
            from haz_trio.config.snapshot_file import drop_snapshot, write_snapshot

            snapshot = write_snapshot(
                self.workspace,
                self.graph,
                sources,
                seen_ns=self._origin.seen_ns,
                senses=self._senses,
            )
            if snapshot is None:  # the old one does not hold, and is not to hold again
                drop_snapshot(self.workspace)
        if snapshot is not None and not self._environment:
            self._environment = _environment(snapshot, self.host)
        with tools.disk.claims.maintenance():
            tools.lessons.save(snapshot, self._environment)
        self._origin = Origin(snapshot, None, self._origin.seen_ns)


def make_kit(
    workspace: Workspace,
    graph: TaskGraph,
    *,
    store: Store | None = None,
    host: Mapping[str, str] | None = None,
    policy: Policy = _DEFAULT,
    why_missed: WhyMissed | None = None,
    origin: Origin = _UNKNOWN,
    strict: bool = False,
    durable: bool = False,
    proofs: bool = True,
    held: Mapping[bytes, Row] | None = None,
    senses: Senses = SENSES,
) -> Kit:
    """The kit for runs of a workspace, with the cache below its root unless there is a ``store``.

    ``strict`` counts results that could not be stored as failures (decisions.md 14).
    ``durable`` has each result on the disk before it is stored (cache.md C11).
    Without ``proofs`` each task is looked at, whatever is known of it.
    ``held`` are names below the root that have just been seen, with their rows.
    """
    if host is None:
        host = host_environment()
    settings, snapshot = workspace.settings, origin.snapshot
    environment = b"" if snapshot is None else _environment(snapshot, host)
    knowledge = None
    if store is None:
        known = read_known(workspace.root, settings.hash.value.encode(), senses=senses)
        # A cache that the store refuses has nothing to say (cache.md C4).
        if known is not None and not _is_ours(os.path.join(workspace.root, _CACHE)):
            known = None
        if known is not None and held:
            known.presume(held)
        knowledge = Knowledge(
            workspace.root,
            graph,
            known=known,
            snapshot=snapshot,
            environment=environment,
            proofs=proofs and policy.cache.looks,
        )
    slots = policy.slots or settings.concurrency or processors()
    return Kit(
        workspace=workspace,
        graph=graph,
        host=host,
        policy=policy,
        limits=Limits(slots=slots, tags=settings.tag_caps),
        store=store,
        why_missed=why_missed,
        strict=strict,
        durable=durable,
        knowledge=knowledge,
        origin=origin,
        environment=environment,
        senses=senses,
    )


def processors() -> int:
    """How many processors this process may use; at least 1 (EXEC-004)."""
    return max(1, len(os.sched_getaffinity(0)))


def _environment(snapshot: Snapshot, host: Mapping[str, str]) -> bytes:
    secret = read_secret(snapshot.workspace.root)
    return b"" if secret is None else environment_digest(secret, snapshot.variables, host)


def _is_ours(folder: str) -> bool:
    """Whether a folder is surely one that nobody else writes to."""
    try:
        info = os.stat(folder)
    except OSError:  # gone since it was looked at
        return False
    return not info.st_mode & stat.S_IWOTH and info.st_uid in (os.geteuid(), 0)


def _is_calm(cache: str) -> bool:
    """Whether a cache needs no look of the store: surely ours, and no killed run left anything."""
    try:
        if any(name.startswith(_RESTORING) for name in os.listdir(cache)):
            return False
        if dead(os.path.join(cache, _RUNS)):
            return False
        return _is_ours(cache)
    except FileNotFoundError:
        return True
    except OSError:
        return False
