"""What a memo of a run rests on (``haz_trio.memo``): every row that was looked at, and no more."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from haz_trio.cache.known import WAY, Known
from haz_trio.cache.layout import CACHE, LEDGER, STATE
from haz_trio.config.snapshot import OVERLAYS, Snapshot
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import Mode
from haz_trio.trust import ABSENT, SENSES, UNSURE, Senses, identity, is_settled
from haz_trio.values import frozen

if TYPE_CHECKING:
    from haz_trio.trust import Row

_WORKSPACE_FILE = b".haz/workspace.yml"
_LEDGER = f"{CACHE}/{STATE}/{LEDGER}".encode()  # what other runs have left behind, and last said
_COERCED = "LC_CTYPE"  # which Python may have set itself, so that our own value says nothing


@frozen
class Grounds:
    """Names below the root with their rows, the cache and the root's marker first.

    ``folders`` only have to be the same folders as before: their rows are identities.
    """

    rows: Mapping[bytes, Row]
    folders: Mapping[bytes, Row]


def rows_of_run(
    known: Known,
    snapshot: Snapshot,
    tasks: Iterable[TaskId],
    seen_ns: int,
    *,
    senses: Senses = SENSES,
) -> Grounds | None:
    """What a run rested on that began after ``seen_ns``, in which each task was a hit.

    ``None`` when a task has no proof, or when something may change without a trace.
    """
    if _COERCED in snapshot.variables:
        return None
    watched = snapshot.watched
    cache = CACHE.encode()
    rows: dict[bytes, Row] = {cache: UNSURE, **watched.files}
    folders = dict(watched.folders)
    root = os.fsencode(snapshot.workspace.root).rstrip(b"/") + b"/"
    for task in tasks:
        number = known.tasks.get(str(task).encode())
        if number is None or not known.is_whole(number):
            return None
        for place in known.uses(number):
            name = known.names[place]
            row = known.row(place)
            of_kind = folders if name.startswith(WAY) else rows
            name = name.removeprefix(WAY)
            if not known.believable(row) or of_kind.setdefault(name, row) != row:
                return None
    now = senses.clock()
    for name in (*watched.listings, cache, _LEDGER):
        row = rows[name] = senses.row_at(root + name)
        if row == ABSENT and name in (OVERLAYS, _LEDGER):
            continue
        settled = is_settled(row[0], row[3], row[4], seen_ns=seen_ns, now_ns=now)
        if row == ABSENT or stat.S_ISLNK(row[5]) or not settled:
            return None  # what a link leads to moves without a trace
    if UNSURE in rows.values():
        return None
    if snapshot.workspace.mode is Mode.IMPLICIT:
        git = senses.row_at(root + b".git")
        if not (stat.S_ISDIR(git[5]) or stat.S_ISREG(git[5])):
            return None  # a link may lead elsewhere, or nowhere, without a trace
        folders[b".git"] = identity(git)
        above = root.rstrip(b"/")
        rows[_WORKSPACE_FILE] = ABSENT
        while (above := os.path.dirname(above)) != os.path.dirname(above):
            rows[os.path.join(above, _WORKSPACE_FILE)] = ABSENT
        rows[b"/" + _WORKSPACE_FILE] = ABSENT
    return Grounds(rows, folders)
