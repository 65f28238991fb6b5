"""The texts of `haz cache info` and `haz cache clean`, byte for byte (cache.md A9, A10)."""

from __future__ import annotations

import errno
import json
import os

from haz_trio.cache.census import Bulk, Census, Standing
from haz_trio.cache.collect import CleanPlan, Mode
from haz_trio.cache.manifest import REVISION
from haz_trio.model.workspace import HashName
from haz_trio.output.text import escape

_SHOWN = 8  # characters of an entry's name


def info_text(census: Census, bulk: Bulk, hash_name: HashName) -> str:
    """The report of AUX-019; the schema is named only where an entry has it."""
    good = census.count(Standing.WELL_FORMED)
    lines = [
        f"cache root: {census.path}",
        f"well-formed entries: {good}",
        f"corrupt entries: {census.count(Standing.CORRUPT)}",
        f"orphan tmp directories: {len(set(census.temporary) - census.misplaced)}",
        f"orphan restore directories: {len(set(census.restoring) - census.misplaced)}",
        f"total bytes: {bulk.total}",
    ]
    if good:
        lines += ["by schema:", f"  (revision={REVISION}, hash={hash_name.value}): {good}"]
    return _text(lines)


def info_json(census: Census, bulk: Bulk, hash_name: HashName) -> str:
    """The same figures, and what is not counted in them."""
    good = census.count(Standing.WELL_FORMED)
    schema = {"revision": REVISION, "hash": hash_name.value, "entries": good}
    return json_text(
        {
            "root": census.path,
            "wellFormed": good,
            "corrupt": census.count(Standing.CORRUPT),
            "orphanTmp": len(set(census.temporary) - census.misplaced),
            "orphanRestore": len(set(census.restoring) - census.misplaced),
            "quarantined": census.quarantined,
            "totalBytes": bulk.total,
            "bySchema": [schema] if good else [],
            "problems": _problems(census, bulk),
        }
    )


def _problems(census: Census, bulk: Bulk) -> list[dict[str, str]]:
    """What is not counted, each place once, though two looks have met it."""
    met = [(problem.path, problem.reason) for problem in census.problems + bulk.problems]
    met += [
        (f"{census.path}/{name}", os.strerror(errno.ENOTDIR)) for name in sorted(census.misplaced)
    ]
    return [{"path": path, "reason": reason} for path, reason in dict.fromkeys(met)]


def cleaned_text(done: CleanPlan) -> str:
    """What was removed (AUX-026)."""
    return _text(
        [
            f"entries inspected: {done.inspected}",
            *(f"evicted {mode.value}: {done.count(mode)}" for mode in Mode),
            f"orphan tmp directories removed: {len(done.temporary)}",
            f"orphan restore directories removed: {len(done.restoring)}",
            f"bytes reclaimed: {done.footprint}",
        ]
    )


def plan_text(plan: CleanPlan) -> str:
    """What would be removed (AUX-024)."""
    lines = [
        "dry-run: AUX-024 plan only, no entries removed.",
        f"entries inspected: {plan.inspected}",
        *(f"would evict {mode.value}: {plan.count(mode)}" for mode in Mode),
        f"orphan tmp directories noted: {len(plan.temporary)}",
        f"orphan restore directories noted: {len(plan.restoring)}",
        f"bytes projected: {plan.footprint}",
    ]
    if plan.evictions:
        lines.append("dry-run plan:")
    for eviction in plan.evictions:
        entry = eviction.entry
        lines.append(
            f"  {short_name(entry.name)} created_at={entry.created_at} "
            f"footprint={entry.footprint} mode={eviction.mode.value}"
        )
    return _text(lines)


def short_name(name: str) -> str:
    """The first characters of a folder's name, safe to print."""
    return escape(os.fsencode(name).decode("utf-8", "replace")[:_SHOWN])


def json_text(value: object) -> str:
    """A JSON document for programs, in ASCII."""
    return json.dumps(value, indent=2) + "\n"


def _text(lines: list[str]) -> str:
    return "".join(line + "\n" for line in lines)
