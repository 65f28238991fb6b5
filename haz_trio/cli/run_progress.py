"""The status line of ``haz run``: whether there is one, and what it knows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager

import trio

from haz_trio.abc import Observer
from haz_trio.cache.entries import examine
from haz_trio.cache.layout import is_digest
from haz_trio.cache.ledger_file import load
from haz_trio.cache.manifest import Manifest
from haz_trio.engine.explain import reading_cache
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import Workspace
from haz_trio.output.progress import Progress
from haz_trio.output.status_line import (
    StatusStreams,
    drawing_for,
    look_for_terminal,
    open_status_line,
)


def status_streams(environment: Mapping[str, str]) -> StatusStreams | None:
    """Streams with a status line where there is a terminal that can show one, else ``None``."""
    targets = look_for_terminal(environment)
    return StatusStreams(targets, drawing_for(environment)) if targets else None


@asynccontextmanager
async def open_progress(
    streams: StatusStreams | None,
    workspace: Workspace,
    tasks: Collection[TaskId],
    slots: int,
) -> AsyncIterator[Sequence[Observer]]:
    """The observers that keep the line up to date while the body runs; none without a line."""
    if streams is None:
        yield []
        return
    progress = Progress(slots)
    async with open_status_line(progress, streams) as line, trio.open_nursery() as nursery:
        nursery.start_soon(_learn, progress, workspace, tasks)
        yield [line]
        nursery.cancel_scope.cancel()


async def _learn(progress: Progress, workspace: Workspace, tasks: Collection[TaskId]) -> None:
    """Find out how long tasks took, while they run already."""
    # Abandoned when cancelled: it only reads.
    progress.learn(
        await trio.to_thread.run_sync(
            recorded_durations, workspace, tuple(tasks), abandon_on_cancel=True
        )
    )


def recorded_durations(workspace: Workspace, tasks: Collection[TaskId]) -> dict[TaskId, float]:
    """How many seconds the last result took that is still in the cache, where there is one."""
    found: dict[TaskId, float] = {}
    try:
        with reading_cache(workspace) as root:
            folder, rows = root.reading(), load(root)
            if folder is None:
                return {}
            for task in tasks:
                row = rows.get(str(task))
                if row is None or not is_digest(row.key):
                    continue
                entry = examine(folder, row.key, workspace.settings.hash)
                if isinstance(entry, Manifest):
                    found[task] = entry.duration / 1000
    except OSError:
        return {}  # the run itself says what is wrong with its cache
    return found
