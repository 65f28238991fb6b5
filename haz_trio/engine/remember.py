"""What a memo of a run rests on (``haz_trio.memo``): every row that was looked at, and no more."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from haz_trio.cache.known import UNSURE, Known
from haz_trio.cache.layout import CACHE
from haz_trio.config.snapshot import Snapshot
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import Mode
from haz_trio.trust import ABSENT, is_settled, row_at

if TYPE_CHECKING:
    from haz_trio.trust import Row

_WORKSPACE_FILE = b".haz/workspace.yml"


def rows_of_run(
    known: Known, snapshot: Snapshot, tasks: Iterable[TaskId], seen_ns: int
) -> tuple[dict[bytes, Row], tuple[bytes, ...]] | None:
    """The rows of a run that began after ``seen_ns``, and names that must stay the same folders.

    ``None`` when a task has no proof, or when something may change without a trace.
    """
    rows: dict[bytes, Row] = dict(snapshot.watched.files)
    root = os.fsencode(snapshot.workspace.root).rstrip(b"/") + b"/"
    for task in tasks:
        number = known.tasks.get(str(task).encode())
        if number is None:
            return None
        for place in known.raw(number).uses:
            name = known.names[place]
            if name not in rows:
                rows[name] = known.row(place)
    if UNSURE in rows.values():
        return None
    now = time.time_ns()
    for name in (*snapshot.watched.listings, CACHE.encode()):
        row = rows[name] = row_at(root + name)
        settled = is_settled(row[0], row[3], row[4], seen_ns=seen_ns, now_ns=now)
        if row != ABSENT and not settled:
            return None
    folders = snapshot.watched.folders
    if snapshot.workspace.mode is Mode.IMPLICIT:
        folders += (b".git",)
        above = root.rstrip(b"/")
        rows[_WORKSPACE_FILE] = ABSENT
        while (above := os.path.dirname(above)) != os.path.dirname(above):
            rows[os.path.join(above, _WORKSPACE_FILE)] = ABSENT
        rows[b"/" + _WORKSPACE_FILE] = ABSENT
    return rows, folders
