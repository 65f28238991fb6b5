"""``haz cache``: what is counted, what is removed, and what is left."""

from __future__ import annotations

import json
import time
from pathlib import Path

import attrs
from hypothesis import strategies as st

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.models import files_of
from haz_trio.testing.reference.json_values import Body
from haz_trio.testing.reference.workspace import Declared
from haz_trio.testing.trial import Trial

YEARS_AGO = (1_000_000_000, 1_100_000_000, 1_200_000_000)


@attrs.frozen
class Example:
    """What each task prints and writes, in bytes; what happens to its entry; how to clean."""

    tasks: tuple[tuple[int, int], ...]
    ages: tuple[int, ...]  # when each was stored, in seconds of the epoch
    corrupt: frozenset[int]
    orphans: tuple[int, int]  # temporary folders and restores that were cut off
    clean: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]  # cache.clean of the workspace


@attrs.frozen
class Entry:
    """An entry as ``haz cache`` sees it; corrupt ones have no age and no footprint."""

    name: str
    created: int
    footprint: int
    corrupt: bool


@st.composite
def examples(draw: st.DrawFn) -> Example:
    tasks = draw(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=3))
    ages = draw(st.permutations(YEARS_AGO))
    corrupt = draw(st.sets(st.integers(0, 2), max_size=1))
    orphans = draw(st.tuples(st.integers(0, 1), st.integers(0, 1)))
    modes = ("--soft", "--max-age=3650d", "--max-age=0s", "--max-size=0", "--max-size=12B")
    clean = draw(st.lists(st.sampled_from(modes), max_size=2, unique_by=lambda it: it[:8]))
    if draw(st.booleans()):
        clean.append("--dry-run")
    offered = [("max_age", "9000d"), ("max_size", "10B"), ("max_size", "1KiB")]
    given = draw(st.lists(st.sampled_from(offered), max_size=1))
    sizes, words = tuple(tasks), tuple(clean)
    return Example(sizes, tuple(ages), frozenset(corrupt), orphans, words, tuple(given))


def play(trial: Trial, example: Example) -> None:
    bodies: Body = {
        f"t{number}": {
            "shell": f"printf '{'x' * says}'; printf '{'y' * makes}' >o{number}",
            "outputs": [f"o{number}"],
        }
        for number, (says, makes) in enumerate(example.tasks)
    }
    settings: Body = {"projects": ["/p"], "cache": {"clean": dict(example.settings)}}
    declared = Declared(settings, {"/p": {"name": "p", "tasks": bodies}})
    trial.write(files_of(declared))
    _info(trial, [], (0, 0))
    trial.haz("run", "--workspace")
    entries = _age(trial, example)
    cache = trial.root / ".haz/cache"
    (shard,) = list(cache.glob("??"))[:1]
    for number in range(example.orphans[0]):
        (shard / f".tmp-{number:064x}-{number:016x}").mkdir()
    for number in range(example.orphans[1]):
        (cache / f".restore-{number:064x}-{number:016x}").mkdir()
    _info(trial, entries, example.orphans)
    left, orphans = _clean(trial, example, entries)
    _info(trial, left, orphans)
    trial.haz("run", "--workspace")
    cleared = trial.haz("cache", "clear")
    trial.same("CACHE-021", f"{cleared}", (cleared.code, cleared.out), (0, b"cache cleared.\n"))
    _info(trial, [], (0, 0))


def _age(trial: Trial, example: Example) -> list[Entry]:
    """Date every entry, and cut the manifests of some."""
    found = []
    for path in sorted((trial.root / ".haz/cache").glob("??/*/manifest.json")):
        manifest = json.loads(path.read_text())
        (made,) = (it["workspace_absolute_path"] for it in manifest["outputs"])
        number = int(made[-1])
        says, makes = example.tasks[number]
        created = example.ages[number]
        old = f'"created_at_unix": {manifest["created_at_unix"]}'
        path.write_text(path.read_text().replace(old, f'"created_at_unix": {created}'))
        corrupt = number in example.corrupt
        if corrupt:
            path.write_text("{")
        size = 0 if corrupt else says + makes
        found.append(Entry(path.parent.name, 0 if corrupt else created, size, corrupt))
    trial.same("CACHE-010 CACHE-017", "entries after a run", len(found), len(example.tasks))
    return found


def _info(trial: Trial, entries: list[Entry], orphans: tuple[int, int]) -> None:
    result = trial.haz("cache", "info")
    formed = sum(not entry.corrupt for entry in entries)
    expected = [
        f"cache root: {trial.root}/.haz/cache",
        f"well-formed entries: {formed}",
        f"corrupt entries: {len(entries) - formed}",
        f"orphan tmp directories: {orphans[0]}",
        f"orphan restore directories: {orphans[1]}",
    ]
    found = result.out.decode().splitlines()
    trial.same("AUX-019 CACHE-010", f"{result}", (result.code, found[:5]), (0, expected))
    schema = ["by schema:", f"  (revision=0, hash=blake3): {formed}"] if formed else []
    trial.same("AUX-019", f"{result}by schema", found[6:], schema)


def _clean(
    trial: Trial, example: Example, entries: list[Entry]
) -> tuple[list[Entry], tuple[int, int]]:
    """Clean, compare the report; the entries and orphans that are left."""
    result = trial.haz("cache", "clean", *example.clean)
    merged = dict(example.settings)
    merged |= {
        flag.replace("-", "_"): value
        for flag, _, value in (word[2:].partition("=") for word in example.clean)
        if value
    }
    soft, dry = "--soft" in example.clean, "--dry-run" in example.clean
    if not soft and not merged:
        trial.same("AUX-022", f"{result}no mode", (result.code, result.out), (2, b""))
        return entries, example.orphans
    evicted = {"--soft": [entry for entry in entries if entry.corrupt and soft]}
    rest = sorted(
        (entry for entry in entries if not entry.corrupt), key=lambda it: (it.created, it.name)
    )
    age = merged.get("max_age")
    evicted["--max-age"] = [it for it in rest if age is not None and _is_old(it, age)]
    rest = [entry for entry in rest if entry not in evicted["--max-age"]]
    evicted["--max-size"] = []
    limit = {"0": 0, "12B": 12, "10B": 10, "1KiB": 1024}.get(merged.get("max_size", ""))
    while limit is not None and sum(entry.footprint for entry in rest) > limit:
        evicted["--max-size"].append(rest.pop(0))
    orphans = example.orphans if soft else (0, 0)
    expected = _report(entries, evicted, orphans, dry)
    rules = "AUX-024 AUX-025 CFG-034 CFG-035"
    trial.same(rules, f"{result}", (result.code, result.out.decode().splitlines()), (0, expected))
    if dry:
        return entries, example.orphans
    gone = [entry for some in evicted.values() for entry in some]
    left = [entry for entry in entries if entry not in gone]
    names = sorted(path.name for path in _entries(trial.root / ".haz/cache"))
    trial.same(rules, "entries that are left", names, sorted(entry.name for entry in left))
    return left, (0, 0) if soft else example.orphans


def _is_old(entry: Entry, age: str) -> bool:
    """All entries are more than ten years old; none is as old as 9000 days, or some are."""
    seconds = {"3650d": 3650 * 86400, "0s": 0, "9000d": 9000 * 86400}[age]
    return entry.created < time.time() - seconds


def _report(
    entries: list[Entry], evicted: dict[str, list[Entry]], orphans: tuple[int, int], dry: bool
) -> list[str]:
    verb, how, sum_is = "evicted", "removed", "reclaimed"
    if dry:
        verb, how, sum_is = "would evict", "noted", "projected"
    lines = ["dry-run: AUX-024 plan only, no entries removed."] if dry else []
    lines.append(f"entries inspected: {len(entries)}")
    lines += [f"{verb} {mode}: {len(some)}" for mode, some in evicted.items()]
    lines.append(f"orphan tmp directories {how}: {orphans[0]}")
    lines.append(f"orphan restore directories {how}: {orphans[1]}")
    gone = [(mode, entry) for mode, some in evicted.items() for entry in some]
    lines.append(f"bytes {sum_is}: {sum(entry.footprint for _, entry in gone)}")
    if dry and gone:
        lines.append("dry-run plan:")
        for mode, it in gone:
            stamp = f"created_at={it.created} footprint={it.footprint}"
            lines.append(f"  {it.name[:8]} {stamp} mode={mode}")
    return lines


def _entries(cache: Path) -> list[Path]:
    return [path for path in cache.glob("??/*") if len(path.name) == 64]


AREA: Area = area("cache", "what haz cache counts and removes", examples, play, 0.6)
