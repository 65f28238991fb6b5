"""Undoing what killed runs left half done, before a run looks at anything (C7.9).

That is half a restore, or the outputs of a command where they are kept (decisions.md 12).
"""

from __future__ import annotations

import contextlib
import os

from haz_trio.cache import journal as journals
from haz_trio.cache.files import FOLDER, Disk, delete_tree, lock, opened
from haz_trio.cache.journal import Workshop
from haz_trio.cache.layout import BESIDE_LIST, JOURNAL, RESTORING, backup_number
from haz_trio.cache.restore import listed
from haz_trio.cache.tree import Tree


def recover(root: int, tree: Tree, disk: Disk) -> list[str]:
    """Undo what killed runs left half done, and remove their folders; remarks for people.

    Staging folders whose maker still lives are left alone.  Never raises.
    """
    remarks: list[str] = []
    try:
        names = sorted(name for name in os.listdir(root) if name.startswith(RESTORING))
    except OSError:
        return remarks
    for name in names:
        with contextlib.suppress(OSError), opened(name, FOLDER, at=root) as staging:
            # Imported here: it is rare that a run was killed.
            from haz_trio.cache.healing import wait_for_mourners

            if lock(staging) or wait_for_mourners(staging):
                remarks += _recover(name, staging, root, tree, disk)
    return remarks


def _recover(name: str, staging: int, root: int, tree: Tree, disk: Disk) -> list[str]:
    journal = journals.read(staging, JOURNAL)
    planned = journals.read(staging, BESIDE_LIST)
    if any(each is not None and each.home != tree.home for each in (journal, planned)):
        return []  # of another workspace that has the same cache (F02): it is there to be undone
    if journal is not None:
        shop = Workshop(tree, staging, journal.token)
        failed = journals.undo(journal, shop, disk)
        if failed:
            return [f"an interrupted restore could not be undone: {listed(failed)}"]
        journals.sweep_beside(journal, shop)
    elif planned is not None:
        journals.sweep_beside(planned, Workshop(tree, staging, planned.token))
    # Imported here: see above.
    from haz_trio.cache.healing import heal

    remarks = heal(staging, name, tree, disk)
    if not any(backup_number(each) is not None for each in os.listdir(staging)):
        delete_tree(name, at=root)
    return remarks
