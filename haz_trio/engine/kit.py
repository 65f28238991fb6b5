"""What a run needs before anything runs: the plan, the jobs, the store, the looks.  No trio.

Both drivers of a plan work with one kit: ``direct`` as long as everything is there already, the
loop from the first task on that has to do something.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs

from haz_trio.abc import Store
from haz_trio.cache.inputs import InputReader
from haz_trio.cache.known import Known, read_known
from haz_trio.cache.secret import read_secret
from haz_trio.cache.store import DiskStore
from haz_trio.config.snapshot import Origin, Snapshot
from haz_trio.config.snapshot_file import write_snapshot
from haz_trio.engine.cache_use import limit
from haz_trio.engine.jobs import Job, job_for, known_edges, planned_tasks
from haz_trio.engine.keys import Keys
from haz_trio.engine.knowledge import Knowledge, environment_digest
from haz_trio.engine.looker import Looker, WhyMissed
from haz_trio.engine.remember import rows_of_run
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import Workspace
from haz_trio.plan.machine import Limits, Plan
from haz_trio.plan.policy import CacheUse, Policy
from haz_trio.process.environment import host_environment

if TYPE_CHECKING:
    from haz_trio.trust import Row

_DEFAULT = Policy()


_UNKNOWN = Origin()


class Jobs(Mapping[TaskId, Job]):
    """The jobs of a run, each made when it is asked for first."""

    def __init__(
        self,
        graph: TaskGraph,
        selected: Iterable[TaskId],
        workspace: Workspace,
        host: Mapping[str, str],
    ) -> None:
        self._graph, self._workspace, self._host = graph, workspace, host
        self._chosen = dict.fromkeys(selected)
        self._made: dict[TaskId, Job] = {}

    def __getitem__(self, id: TaskId) -> Job:
        job = self._made.get(id)
        if job is None:
            if id not in self._chosen:
                raise KeyError(id)
            node = self._graph.nodes[id]
            absent = self.absent(id)
            job = job_for(node, self._workspace, self._host, absent=absent)
            self._made[id] = job
        return job

    def __iter__(self) -> Iterator[TaskId]:
        return iter(self._chosen)

    def __len__(self) -> int:
        return len(self._chosen)

    def absent(self, id: TaskId) -> tuple[TaskId, ...]:
        """The hard predecessors of a task that this run leaves out."""
        return tuple([before for before in self._graph.hard[id] if before not in self._chosen])


@attrs.define
class Kit:
    """See ``make_kit``."""

    workspace: Workspace
    graph: TaskGraph
    host: Mapping[str, str]
    policy: Policy
    store: Store
    keys: Keys
    looker: Looker
    limits: Limits
    disk: DiskStore | None
    _knowledge: Knowledge | None
    _origin: Origin
    _environment: bytes
    _saved: bool = attrs.field(default=False, init=False)

    def plan(self, tasks: Iterable[TaskId]) -> tuple[Plan, Jobs]:
        """A fresh plan for just these tasks, and their jobs."""
        selected = self.graph.in_order(frozenset(tasks))
        plan = Plan(
            planned_tasks(self.graph, selected),
            self.limits,
            consumers=self.graph.consumers_of
            if self._knowledge is None
            else self._knowledge.consumers,
            edges=known_edges(self.graph, selected),
            fail_fast=self.policy.fail_fast,
            retries=self.policy.retries,
        )
        return plan, Jobs(self.graph, selected, self.workspace, self.host)

    @property
    def works_directly(self) -> bool:
        """Whether looks may be answered before the loop is there."""
        return self.disk is not None and self.policy.cache is CacheUse.BOTH

    def recover(self) -> None:
        """Before the first look: undo what killed runs left, and let nothing be stale."""
        self.store.recover()
        self.keys.settle()

    def finish(self) -> tuple[str, ...]:
        """End a run that has done nothing; remarks for people."""
        return self.store.finish() + self.keys.notes()

    def save(self) -> None:
        """Keep what this run has learned; a state file that cannot be written is an old one."""
        with suppress(OSError):
            self._save()
        self.close()

    def close(self) -> None:
        """Let go of what is open between runs."""
        if self.disk is not None:
            self.disk.close()

    def memo_of(
        self, tasks: Iterable[TaskId], seen_ns: int
    ) -> tuple[dict[bytes, Row], tuple[bytes, ...], tuple[str, ...]] | None:
        """What a memo of a run that began then would rest on, after ``save``.

        Rows by name, folders, variables.
        """
        knowledge, snapshot = self._knowledge, self._origin.snapshot
        if knowledge is None or snapshot is None:
            return None
        known = knowledge.written()
        if known is None:
            return None
        found = rows_of_run(known, snapshot, tasks, seen_ns)
        return None if found is None else (*found, snapshot.variables)

    def _save(self) -> None:
        knowledge, disk = self._knowledge, self.disk
        if knowledge is None or disk is None or not self.policy.cache.stores:
            return
        snapshot, sources = self._origin.snapshot, self._origin.sources
        is_new = snapshot is None and sources is not None
        if not (is_new or knowledge.news or self.keys.fingerprints.fresh) or not disk.open_state():
            return
        if snapshot is None and sources is not None:
            seen = self._origin.seen_ns
            snapshot = write_snapshot(self.workspace, self.graph, sources, seen_ns=seen)
        if snapshot is not None and not self._environment:
            self._environment = _environment(disk, snapshot, self.host)
        knowledge.save(self.keys.fingerprints, snapshot, self._environment)
        self._origin = Origin(snapshot)


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
    proofs: bool = True,
) -> Kit:
    """The kit for runs of a workspace, with the cache below its root unless there is a ``store``.

    ``strict`` counts results that could not be stored as failures (decisions.md 14).
    Without ``proofs`` each task is looked at, whatever is known of it.
    """
    if host is None:
        host = host_environment()
    settings = workspace.settings
    disk = None
    knowledge = None
    environment = b""
    reader = InputReader(workspace.root, settings.hash)
    if store is None:
        store = disk = disk_store(workspace, strict=strict, reader=reader)
        known = _known(disk, workspace)
        if origin.snapshot is not None:
            environment = _environment(disk, origin.snapshot, host)
        knowledge = Knowledge(
            workspace.root,
            graph,
            known=known,
            snapshot=origin.snapshot,
            environment=environment,
            proofs=proofs and policy.cache.looks,
        )
        reader.fingerprints.earlier = knowledge.earlier
    keys = Keys(reader, settings.hash, host, graph.producers_of)
    looker = Looker(limit(store, policy.cache), keys, knowledge, why_missed)
    slots = policy.slots or settings.concurrency or processors()
    return Kit(
        workspace=workspace,
        graph=graph,
        host=host,
        policy=policy,
        store=limit(store, policy.cache),
        keys=keys,
        looker=looker,
        limits=Limits(slots=slots, tags=settings.tag_caps),
        disk=disk,
        knowledge=knowledge,
        origin=origin,
        environment=environment,
    )


def disk_store(
    workspace: Workspace, *, strict: bool = False, reader: InputReader | None = None
) -> DiskStore:
    """The cache below the workspace root, for one run that begins now (cache.md C4).

    ``strict`` counts results that could not be stored in ``failures`` (decisions.md 14).
    What ``reader`` knows of files need not be read again to compare outputs.
    """
    now = int(time.time())
    hash_name = workspace.settings.hash
    if reader is None:
        return DiskStore(workspace.root, hash_name, created_at=now, strict=strict)
    return DiskStore(
        workspace.root, hash_name, created_at=now, strict=strict, vouch=reader.vouches
    )


def processors() -> int:
    """How many processors this process may use; at least 1 (EXEC-004)."""
    return max(1, len(os.sched_getaffinity(0)))


def _known(disk: DiskStore, workspace: Workspace) -> Known | None:
    return read_known(workspace.root) if disk.is_there else None


def _environment(disk: DiskStore, snapshot: Snapshot, host: Mapping[str, str]) -> bytes:
    secret = read_secret(disk.place)
    return b"" if secret is None else environment_digest(secret, snapshot.variables, host)
