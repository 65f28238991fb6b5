"""``haz cache``: what is counted, what is removed, and what is left."""

from __future__ import annotations

import json
import stat
import time
from pathlib import Path

import attrs
from hypothesis import strategies as st

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.harm import each, flip_once
from haz_trio.testing.models import files_of
from haz_trio.testing.reference.json_values import Body
from haz_trio.testing.reference.workspace import Declared
from haz_trio.testing.trial import Trial

MINE = "notes.txt"
OTHERS = (MINE, "stdout")  # the last one is a name that we might have given
AGES = (*range(1_000_000_000, 1_250_000_000, 50_000_000), 4_000_000_000)  # the last is to come
BETWEEN = 25_000_000  # seconds: so far from each of them is what cuts them apart
SILENT = ("blob", "stream")  # other bytes, as many as before
HARMS = ("", "", "", "cut", "gone", "hash", *SILENT)
LOST = ("cut", "gone")  # the harms after which nothing is known of an entry
SIZES = {"1KB": 1000, "1KiB": 1024, "2KB": 2000, "2KiB": 2048, "1MB": 10**6, "1MiB": 1 << 20}
SETTINGS = {"9000d": 9000 * 86400, "14000d": 14000 * 86400, "10B": 10, "25": 25} | SIZES


@attrs.frozen
class Clean:
    """How to clean: ``age`` entries of ``AGES`` are too old, and the newest of ``size[0]`` good
    ones may stay, or would if ``size[1]`` bytes more were allowed; or one of ``SIZES``."""

    soft: bool
    age: int | None
    size: tuple[int, int] | str | None


@attrs.frozen
class Example:
    """What each task prints and writes, in bytes; what happens to its entry; how to clean."""

    tasks: tuple[tuple[int, int], ...]
    ages: tuple[int, ...]  # when each was stored, in seconds of the epoch
    harms: tuple[str, ...]
    orphans: tuple[int, int]  # temporary folders and restores that were cut off
    others: tuple[str, ...]  # what is in folders of other names, one file in each
    cleans: tuple[Clean, ...]  # all but the last one as a dry run
    dry: bool  # the last one, too
    settings: tuple[tuple[str, str], ...]  # cache.clean of the workspace


@attrs.frozen
class Entry:
    """An entry as ``haz cache`` sees it; unreadable ones have no age and no footprint."""

    name: str
    created: int
    footprint: int
    corrupt: bool
    stays: bool = False  # a file in it is not from us
    task: str = ""  # of which a run may use it


@st.composite
def examples(draw: st.DrawFn) -> Example:
    count = draw(st.integers(2, 6))
    sizes = st.tuples(st.integers(0, 9), st.integers(1, 9))
    tasks = draw(st.lists(sizes, min_size=count, max_size=count))
    unit = draw(st.sampled_from(["KB", "KB", "MB"]))
    named = [text for text in SIZES if text.replace("i", "").endswith(unit)]
    for number in range(draw(st.integers(0, 2))):
        tasks[number] = (0, SIZES[draw(st.sampled_from(named))] + draw(st.integers(-9, 1)))
    ages = tuple(draw(st.sampled_from(AGES)) for _ in tasks)
    kinds = draw(st.sampled_from([HARMS, HARMS, *(("", "", harm) for harm in SILENT)]))
    harms = tuple(draw(st.sampled_from(kinds)) for _ in tasks)
    orphans = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    others = draw(st.lists(st.sampled_from(OTHERS), max_size=2).map(tuple))
    cleans = st.builds(
        Clean,
        st.booleans(),
        st.one_of(st.none(), st.integers(0, len(AGES) - 1)),
        st.one_of(
            st.none(),
            st.tuples(st.integers(0, count), st.sampled_from([0, 0, 1])),
            st.sampled_from(named),
        ),
    )
    offered: tuple[tuple[str, str], ...] = (("max_age", "9000d"), ("max_age", "14000d"))
    offered += tuple(("max_size", text) for text in ("10B", "25", *named))
    least = draw(st.sampled_from([0, 1, 2, 2]))
    given = draw(
        st.lists(st.sampled_from(offered), min_size=least, max_size=2, unique_by=lambda it: it[0])
    )
    some = draw(st.lists(cleans, min_size=2, max_size=3))
    if given:  # the settings say what the flags do not
        some += [attrs.evolve(draw(cleans), size=None), attrs.evolve(draw(cleans), age=None)]
        some = draw(st.permutations(some))
    return Example(
        tuple(tasks), ages, harms, orphans, others, tuple(some), draw(st.booleans()), tuple(given)
    )


def play(trial: Trial, example: Example) -> None:
    bodies: Body = {
        f"t{number}": {
            "shell": f"echo t{number} >>../../outside/log; printf '{'x' * says}'; "
            f"/usr/bin/head -c {makes} /dev/zero >o{number}",
            "outputs": [f"o{number}"],
        }
        for number, (says, makes) in enumerate(example.tasks)
    }
    for other, hash in ((True, "sha256"), (False, "blake3")):
        cache: Body = {"hash": hash, "clean": dict(example.settings)}
        settings: Body = {"projects": ["/p"], "cache": cache}
        trial.write(files_of(Declared(settings, {"/p": {"name": "p", "tasks": bodies}})))
        harms = enumerate(example.harms)
        words = [f"p:t{number}" for number, harm in harms if (harm == "hash") == other]
        if words:
            trial.haz("run", *words)
    entries = _age(trial, example)
    root = trial.root / ".haz/cache"
    (shard,) = list(root.glob("??"))[:1]
    for number in range(example.orphans[0]):
        (shard / f".tmp-{number:064x}-{number:016x}").mkdir()
    for number in range(example.orphans[1]):
        (root / f".restore-{number:064x}-{number:016x}").mkdir()
    for number, name in enumerate(example.others):
        trial.write({f".haz/cache/{shard.name}/other-{number}/{name}": "x\n"})
        stays = name == MINE and not trial.knows("strangers-are-deleted")
        entries.append(Entry(f"other-{number}", 0, 0, True, stays))
    _info(trial, entries, example.orphans)
    for clean in example.cleans[:-1]:
        _clean(trial, example, clean, entries, dry=True)
    left, orphans = _clean(trial, example, example.cleans[-1], entries, dry=example.dry)
    _info(trial, left, orphans)
    _verify(trial, example, left)
    cleared = trial.haz("cache", "clear")
    trial.same("CACHE-021", f"{cleared}", (cleared.code, cleared.out), (0, b"cache cleared.\n"))
    _info(trial, [], (0, 0))


def _age(trial: Trial, example: Example) -> list[Entry]:
    """Date every entry, and cut or remove the manifests of some."""
    found = []
    seen: set[int] = set()
    for path in sorted((trial.root / ".haz/cache").glob("??/*/manifest.json")):
        manifest = json.loads(path.read_text())
        (made,) = (it["workspace_absolute_path"] for it in manifest["outputs"])
        number = int(made[-1])
        created, harm = example.ages[number], example.harms[number]
        old = f'"created_at_unix": {manifest["created_at_unix"]}'
        path.write_text(path.read_text().replace(old, f'"created_at_unix": {created}'))
        damage = {"blob": "outputs/*", "stream": "stdout"}.get(harm)
        if damage is not None:
            each(path.parent, damage, flip_once(seen))
        if harm == "cut":
            path.write_text("{")
        elif harm == "gone":
            path.unlink()
        lost = harm in LOST
        corrupt = lost or harm == "hash"
        task = "" if corrupt else f"t{number}"
        size = 0 if lost else sum(example.tasks[number])
        found.append(Entry(path.parent.name, 0 if lost else created, size, corrupt, task=task))
    trial.same("CACHE-010 CACHE-017", "entries after a run", len(found), len(example.tasks))
    return found


def _info(trial: Trial, entries: list[Entry], orphans: tuple[int, int]) -> None:
    before = _bulk(trial.root / ".haz/cache")
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
    trial.same("AUX-019", f"{result}bytes", found[5:6], [f"total bytes: {before}"])
    schema = ["by schema:", f"  (revision=0, hash=blake3): {formed}"] if formed else []
    trial.same("AUX-019", f"{result}by schema", found[6:], schema)


def _clean(
    trial: Trial, example: Example, clean: Clean, entries: list[Entry], *, dry: bool
) -> tuple[list[Entry], tuple[int, int]]:
    """Clean, compare the report; the entries and orphans that are left."""
    limits = {key: SETTINGS[value] for key, value in example.settings}
    words = ["--soft"] * clean.soft + ["--dry-run"] * dry
    if clean.age is not None:
        edge = min(AGES[clean.age], AGES[-2] + 2 * BETWEEN) - BETWEEN
        limits["max_age"] = int(time.time()) - edge
        words.append(f"--max-age={limits['max_age']}s")
    by_age = sorted((it for it in entries if not it.corrupt), key=_in_time)
    start = time.time()
    old = [it for it in by_age if it.created < start - limits.get("max_age", start)]
    rest = [it for it in by_age if it not in old]
    if isinstance(clean.size, str):
        limits["max_size"] = SIZES[clean.size]
        words.append(f"--max-size={clean.size}")
    elif clean.size is not None:
        keep, less = clean.size
        kept = sum(it.footprint for it in rest[max(0, len(rest) - keep) :])
        limits["max_size"] = max(0, kept - less)
        words.append(f"--max-size={limits['max_size']}{'B' * less}")
    result = trial.haz("cache", "clean", *words)
    if not clean.soft and not limits:
        trial.same("AUX-022", f"{result}no mode", (result.code, result.out), (2, b""))
        return entries, example.orphans
    soft = sorted(
        (it for it in entries if it.corrupt and clean.soft and not it.stays), key=_in_time
    )
    evicted = {"--soft": soft, "--max-age": old, "--max-size": []}
    while sum(entry.footprint for entry in rest) > limits.get("max_size", 1 << 64):
        evicted["--max-size"].append(rest.pop(0))
    orphans = example.orphans if clean.soft else (0, 0)
    expected = _report(entries, evicted, orphans, dry)
    rules = "AUX-024 AUX-025 CFG-034 CFG-035"
    trial.same(rules, f"{result}", (result.code, result.out.decode().splitlines()), (0, expected))
    gone = [] if dry else [entry for some in evicted.values() for entry in some]
    left = [entry for entry in entries if entry not in gone]
    names = sorted(path.name for path in _entries(trial.root / ".haz/cache"))
    trial.same(rules, "entries that are left", names, sorted(entry.name for entry in left))
    return left, (0, 0) if clean.soft and not dry else example.orphans


def _verify(trial: Trial, example: Example, left: list[Entry]) -> None:
    """``haz cache verify``: what is damaged is named, and with ``--repair`` not there any more.

    After that what was right is a hit, and everything else is executed.
    """
    if trial.knows("fewer-options"):
        return
    root = trial.root / ".haz/cache"
    right = {it.task for it in left if it.task and _is_right(root, it.name)}
    others = [it for it in left if it.name.startswith("other-")]
    lost = [it for it in left if it.corrupt and it not in others and _is_lost(root, it.name)]
    wrong = bool(lost) or any(it.task and it.task not in right for it in left)
    for words, found in (((), wrong or others), (("--repair",), others), ((), others)):
        result = trial.haz("cache", "verify", *words)
        trial.same("CACHE-014 CACHE-023", f"{result}exit code", result.code, int(bool(found)))
    log = trial.outside / "log"
    log.unlink(missing_ok=True)
    result = trial.haz("run", "--workspace")
    ran = log.read_text().split() if log.exists() else []
    expected = sorted({f"t{number}" for number in range(len(example.tasks))} - right)
    trial.same(
        "CACHE-014 CACHE-023", f"{result}executed", (result.code, sorted(ran)), (0, expected)
    )


def _is_lost(cache: Path, name: str) -> bool:
    (manifest,) = [path / "manifest.json" for path in cache.glob(f"??/{name}")]
    return not manifest.exists() or manifest.read_text() == "{"


def _is_right(cache: Path, name: str) -> bool:
    """Tasks print only one letter, and write only zeros."""
    (entry,) = cache.glob(f"??/{name}")
    blobs = [path.read_bytes().strip(b"\0") for path in entry.glob("outputs/*")]
    return not any(blobs) and not (entry / "stdout").read_bytes().strip(b"x")


def _in_time(entry: Entry) -> tuple[int, str]:
    return entry.created, entry.name


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


def _bulk(cache: Path) -> int:
    """The bytes of all regular files, of each one once, however many names it has."""
    found = {}
    for path in cache.rglob("*"):
        info = path.lstat()
        if stat.S_ISREG(info.st_mode):
            found[info.st_dev, info.st_ino] = info.st_size
    return sum(found.values())


def _entries(cache: Path) -> list[Path]:
    found = cache.glob("??/*")
    return [path for path in found if len(path.name) == 64 or path.name.startswith("other-")]


AREA: Area = area("cache", "what haz cache counts and removes", examples, play, 0.6)
