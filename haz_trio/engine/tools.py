"""What looks and runs work with: the store, the files, the keys; made when first needed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial

from haz_trio.abc import Store
from haz_trio.cache.files import Disk
from haz_trio.cache.hashing import RowOf, StatRow, stat_row
from haz_trio.cache.inputs import InputReader
from haz_trio.cache.ledger import all_declare
from haz_trio.cache.store import DiskStore
from haz_trio.cache.targets import no_vouch
from haz_trio.engine.keys import Keys
from haz_trio.engine.knowledge import Knowledge
from haz_trio.engine.lessons import Lessons
from haz_trio.engine.looker import Looker, WhyMissed
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.workspace import KeepOutputs, Workspace
from haz_trio.plan.policy import CacheUse
from haz_trio.process.proc import lives
from haz_trio.trust import FIELDS, SENSES, Senses
from haz_trio.values import frozen


@frozen
class Tools:
    """The tools of one kit; ``disk`` is the cache below the workspace root, if that is used."""

    store: Store
    keys: Keys
    looker: Looker
    disk: DiskStore | None
    lessons: Lessons | None

    def recover(self) -> None:
        """Before the first look: undo what killed runs left, and let nothing be stale."""
        self.store.recover()
        self.looker.settle()


def make_tools(
    workspace: Workspace,
    graph: TaskGraph,
    *,
    store: Store | None,
    host: Mapping[str, str],
    use: CacheUse,
    knowledge: Knowledge | None,
    why_missed: WhyMissed | None,
    strict: bool,
    durable: bool,
    senses: Senses = SENSES,
) -> Tools:
    """Tools for a workspace; ``strict`` and ``durable`` as in ``disk_store``.

    ``knowledge`` only without store.
    """
    hash_name = workspace.settings.hash
    reader = InputReader(
        workspace.root,
        hash_name,
        clock=senses.clock,
        row_of=_stat_row_through(senses),
    )
    disk = lessons = None
    if store is None:
        store = disk = disk_store(
            workspace, strict=strict, durable=durable, reader=reader, graph=graph
        )
    if knowledge is not None:
        reader.fingerprints.earlier = knowledge.earlier
        contents = hash_name.value.encode()
        lessons = Lessons(
            workspace.root, graph, contents, knowledge, reader.fingerprints, senses=senses
        )
    keys = Keys(reader, hash_name, host, graph.producers_of)
    if use is not CacheUse.BOTH:
        from haz_trio.engine.cache_use import limit  # here, because few runs need it

        store = limit(store, use)
    claims = None if disk is None else disk.claims
    looker = Looker(store, keys, knowledge, lessons, why_missed, senses.clock, claims)
    if disk is not None and workspace.settings.outputs is KeepOutputs.ROLLBACK:
        looker.heal = disk.heal
    elif disk is not None:
        looker.mender = disk.mend
    return Tools(store, keys, looker, disk, lessons)


def _declares(graph: TaskGraph, task: str, path: str) -> bool:
    return any(str(id) == task for id in graph.producers_of(path))


def _stat_row_through(senses: Senses) -> RowOf:
    if senses.row_of is FIELDS:
        return stat_row
    return lambda info: StatRow._make(senses.row_of(info))


def disk_store(
    workspace: Workspace,
    *,
    strict: bool = False,
    durable: bool = False,
    reader: InputReader | None = None,
    graph: TaskGraph | None = None,
) -> DiskStore:
    """The cache below the workspace root, for one run that begins now (cache.md C4).

    ``strict`` counts results that could not be stored in ``failures`` (decisions.md 14).
    ``durable`` has each result on the disk before it is stored (cache.md C11).
    What ``reader`` knows of files need not be read again to compare outputs.
    What tasks have left that ``graph`` does not have, or not with such outputs, is nobody's.
    """
    now = int(time.time())
    hash_name = workspace.settings.hash
    return DiskStore(
        workspace.root,
        hash_name,
        created_at=now,
        strict=strict,
        vouch=no_vouch if reader is None else reader.vouches,
        lives=lives,
        declares=all_declare if graph is None else partial(_declares, graph),
        disk=Disk(durable=durable),
    )
