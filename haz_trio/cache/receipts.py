"""Why each task did not succeed when it last did not, ``state/receipts`` (peers.md, idea 3).

One JSON object in a sealed frame: receipts by the names of their tasks.
Knows nothing of what a receipt says.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

from haz_trio.frames import read_frame, write_frame

KIND = b"cause  1"
COMPLETED = "completed"
_FILE = ".haz/cache/state/receipts"

Receipt: TypeAlias = Mapping[str, object]


def read_receipts(root: str) -> dict[str, Receipt]:
    """All receipts of the workspace at ``root``; none when the file is damaged.  Never raises."""
    frame = read_frame(os.path.join(root, _FILE), KIND)
    if frame is None:
        return {}
    try:
        found = json.loads(frame.body)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {task: receipt for task, receipt in found.items() if isinstance(receipt, dict)}


def add_receipts(
    root: str,
    fresh: Mapping[str, Receipt],
    completed: Iterable[str],
    *,
    at: float,
    tasks: Collection[str] | None = None,
) -> None:
    """Keep the receipts of a run that ended ``at`` (unix seconds) beside those that others left.

    Who has ``completed`` keeps its old receipt, which then says when.
    Only receipts of ``tasks``, those of the workspace, stay, or all where they are not known.
    The state folder is there, and nobody else writes.  Raises ``OSError``.
    """
    old = read_receipts(root)
    new = {task: receipt for task, receipt in old.items() if tasks is None or task in tasks}
    for task in completed:
        if task in new:
            new[task] = {COMPLETED: at, **new[task]}
    new.update(fresh)
    if new != old:
        body = json.dumps(new, separators=(",", ":")).encode()
        write_frame(os.path.join(root, _FILE), KIND, body=body)
