"""Receipts of tasks that were running when their haz was killed: nobody else can write them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from haz_trio.cache.cut_off import CutOff
from haz_trio.cache.receipts import Receipt, add_receipts, read_receipts


def keep_cut_off(root: str, cuts: Collection[CutOff]) -> None:
    """Keep receipts of what was cut off in the workspace at ``root``; see ``add_receipts``."""
    fresh = cut_receipts(cuts, read_receipts(root))
    if fresh:
        add_receipts(root, fresh, (), at=0.0)


def cut_receipts(cuts: Iterable[CutOff], old: Mapping[str, Receipt]) -> dict[str, Receipt]:
    """The receipts that these runs leave, without those of which ``old`` has a later one.

    ``run`` is when the first command of the run began, ``at`` the last moment of which is known.
    """
    found: dict[str, Receipt] = {}
    for cut in sorted(cuts, key=lambda each: each.at):
        for begun in cut.running:
            at = old.get(begun.task, {}).get("at")
            if not isinstance(at, int | float) or at <= cut.at:
                found[begun.task] = {
                    "run": cut.began,
                    "at": cut.at,
                    "state": "cut_off",
                    "reason": f"the haz of process {cut.process} was killed while it ran",
                    "process": cut.process,
                }
    return found
