"""Reads and writes ``state/ledger``, one sealed frame whose body is JSON (cache.md C5)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from haz_trio.cache.layout import LEDGER, STATE
from haz_trio.cache.ledger import Leavings, Ledger, decode, encode
from haz_trio.cache.quarantine import make_state
from haz_trio.cache.root import CacheRoot, Refused
from haz_trio.frames import read_frame, write_frame
from haz_trio.trust import UNSURE, row_at

if TYPE_CHECKING:
    from haz_trio.trust import Row

_KIND = b"ledger 1"


def load(root: CacheRoot) -> dict[str, Leavings]:
    """The rows on disk, none where there is no ledger that can be believed.  Never raises."""
    if root.reading() is None:
        return {}
    frame = read_frame(_path(root), _KIND)
    return {} if frame is None else decode(frame.body)


def stamp(root: CacheRoot) -> Row:
    """What tells the ledger that is on disk now from any other."""
    return row_at(_path(root))


def save(root: CacheRoot, ledger: Ledger, *, loaded: Row = UNSURE) -> None:
    """Write the rows of this run over those that are on disk now.  Never raises.

    ``loaded`` is the ``stamp`` from before the other rows of this ledger were loaded.
    A ledger that cannot be written is an old one: what it lacks is never removed by a hit.
    """
    if root.reading() is None:
        return  # a cache is made by a store alone
    try:
        make_state(root)
        others = ledger.rows if stamp(root) == loaded else load(root)
        write_frame(_path(root), _KIND, body=encode({**others, **ledger.new}))
    except (OSError, Refused):
        return


def _path(root: CacheRoot) -> str:
    return os.path.join(root.path, STATE, LEDGER)
