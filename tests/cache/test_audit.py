"""``cache verify`` finds every damage, leaves runs alone, and what it repairs heals (O-CACHE)."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from haz_trio.abc import Restored, Stored
from haz_trio.cache.audit import Audit, audit
from haz_trio.cache.claims import Claim
from haz_trio.cache.repair import repair
from haz_trio.model.workspace import HashName
from haz_trio.plan.messages import Stream
from tests.cache.collect_support import held, manifest, put
from tests.cache.small_result import WHAT, build
from tests.cache.store_support import KEY, Bench, remove, tree, write


@pytest.fixture
def bench(bench: Bench) -> Bench:
    assert bench.fresh(WHAT, partial(build, bench))[1] == Stored()
    return bench


def look(bench: Bench) -> Audit:
    return audit(str(bench.root), HashName.BLAKE3)


def needed(bench: Bench) -> list[Path]:
    """The files of the entry and of the pool, but for the recipe, without which a hit is one."""
    found = [*bench.entry().rglob("*"), *(bench.cache / "blobs").iterdir()]
    return sorted(path for path in found if path.is_file() and path.name != "recipe.json")


def test_a_sound_cache_is_right_and_stays_as_it_is(bench: Bench) -> None:
    """Everything is counted, and nothing is written, read times aside."""
    before = tree(bench.root)
    found = look(bench)
    assert (found.entries, found.blobs, found.others, found.quarantined) == (1, 2, 0, 0)
    assert found.is_right
    assert tree(bench.root) == before


def test_no_cache_is_right(tmp_path: Path) -> None:
    """Nothing can be wrong where nothing is."""
    assert audit(str(tmp_path), HashName.BLAKE3).is_right
    assert list(tmp_path.iterdir()) == []


def _change(path: Path) -> None:
    data = bytearray(path.read_bytes() or b"!")
    data[len(data) // 2] ^= 0xFF
    with path.open("r+b") as file:
        file.write(data)


def _make_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    "damage",
    [
        _change,
        lambda path: os.truncate(path, max(0, path.stat().st_size - 2)),
        lambda path: path.write_bytes(bytes(path.stat().st_size)),
        lambda path: (path.unlink(), path.symlink_to("/etc/passwd")),
        _make_fifo,
    ],
    ids=["changed", "shortened", "zeros", "link", "fifo"],
)
def test_every_damage_of_every_file_is_found_and_repaired(
    bench: Bench, damage: Callable[[Path], object]
) -> None:
    """C09: after a repair nothing is wrong, and after a run there is a hit again."""
    for path in needed(bench):
        damage(path)
        found = look(bench)
        assert found.faults, path
        done = repair(str(bench.root), HashName.BLAKE3, found)
        assert set(done.mended) == set(found.faults)
        assert look(bench).is_right
        assert bench.fresh(WHAT, partial(build, bench))[1] == Stored()
        assert look(bench).is_right
        remove(bench.lib / "out.o")
        assert isinstance(bench.hit(WHAT), Restored)


def test_an_entry_without_blobs_is_damage(bench: Bench) -> None:
    """C10: a record of what is not there."""
    remove(bench.entry() / "outputs")
    [fault] = look(bench).faults
    assert (fault.task, fault.reason) == ("lib:build", "the folder of the blobs is absent")


def test_an_entry_under_another_key_is_damage(bench: Bench) -> None:
    """I12: the manifest names its key, and the folder has to be the one of such keys."""
    other = "3f" + "0" * 62
    os.rename(bench.entry(), bench.entry(other))
    assert "is that of the key" in look(bench).faults[0].reason
    os.rename(bench.entry(other), bench.entry())
    (bench.cache / "aa").mkdir()
    os.rename(bench.entry(), bench.cache / "aa" / KEY)
    found = look(bench)
    assert [fault.place for fault in found.faults] == [f"aa/{KEY}"]
    assert len(repair(str(bench.root), HashName.BLAKE3, found).mended) == 1
    assert look(bench).is_right


def test_a_blob_that_no_record_names_is_strange(bench: Bench) -> None:
    """B168: it is nobody's, and the result that it lies beside stays a hit."""
    write(bench.entry() / "outputs" / ("0" * 64))
    found = look(bench)
    assert (found.entries, found.faults) == (1, ())
    assert found.strangers == (f"3f/{KEY}/outputs/{'0' * 64}",)


@pytest.mark.parametrize(
    "damage", [remove, _change, _make_fifo, lambda path: path.write_bytes(b"")]
)
def test_an_entry_is_right_without_its_recipe(
    bench: Bench, damage: Callable[[Path], object]
) -> None:
    """Missing or damaged: a run uses the entry, so that no repair takes it away (C5)."""
    damage(bench.entry() / "recipe.json")
    found = look(bench)
    assert (found.entries, found.is_right) == (1, True)
    assert repair(str(bench.root), HashName.BLAKE3, found).mended == ()
    assert isinstance(bench.hit(WHAT), Restored)


def test_files_of_others_are_named_and_never_touched(bench: Bench) -> None:
    """R3: in the root, in a shard, in an entry, among its blobs, and in the pool."""
    places = ["mine.txt", "3f/mine.txt", f"3f/{KEY}/mine.txt", f"3f/{KEY}/outputs/mine.txt"]
    for place in (*places, "blobs/mine.txt"):
        write(bench.cache / place)
    before = tree(bench.root)
    found = look(bench)
    assert set(found.strangers) == {*places, "blobs/mine.txt"}
    assert found.faults == ()
    assert repair(str(bench.root), HashName.BLAKE3, found).mended == ()
    assert tree(bench.root) == before


def test_the_order_of_the_streams_is_a_file_of_ours(bench: Bench) -> None:
    """A task that printed on both streams in turns has a sound entry like any other."""
    pending = bench.store().begin(KEY, WHAT, lambda secret: b'{"recipe": 1}\n')
    build(bench)
    for stream in (Stream.STDOUT, Stream.STDERR, Stream.STDOUT):
        pending.write(stream, b"said\n")
    pending.collect()
    assert pending.commit(foreign=frozenset(), duration=0.25) == Stored()
    assert (bench.entry() / "order").is_file()
    assert look(bench).is_right


def test_what_is_not_published_is_nobodys_damage(bench: Bench) -> None:
    """Leftovers of killed runs, what living runs work on, and entries of another schema."""
    write(bench.cache / "3f" / f".tmp-{KEY}-00" / "stdout")
    write(bench.cache / ".restore-00" / "00000000")
    write(bench.cache / ".trash-00" / "x")
    put(bench.root, "b" * 64, manifest("b" * 64, hash_function="sha256"))
    with held(bench.cache / "3f" / f".tmp-{KEY}-00"):
        found = look(bench)
    assert found.is_right
    assert (found.entries, found.others) == (1, 1)


def test_a_file_in_the_place_of_a_folder_is_thrown_away(bench: Bench) -> None:
    """A shard and the pool are folders."""
    remove(bench.cache / "blobs")
    write(bench.cache / "blobs")
    write(bench.cache / "aa")
    found = look(bench)
    assert [fault.place for fault in found.faults] == ["aa", "blobs"]
    assert len(repair(str(bench.root), HashName.BLAKE3, found).mended) == 2
    assert look(bench).is_right


def test_a_repair_leaves_alone_what_a_run_uses(bench: Bench) -> None:
    """The damage is told, and goes when the run has ended."""
    os.truncate(bench.entry() / "stdout", 1)
    found = look(bench)
    store = bench.store()
    claim = store.claims.claim("lib:build", KEY)
    assert isinstance(claim, Claim)
    done = repair(str(bench.root), HashName.BLAKE3, found)
    assert (done.mended, done.busy) == ((), found.faults)
    claim.release()
    store.finish()
    assert repair(str(bench.root), HashName.BLAKE3, found).mended == found.faults


def test_a_repair_looks_again(bench: Bench) -> None:
    """What somebody has made right meanwhile is not set aside."""
    path = bench.entry() / "stdout"
    data = path.read_bytes()
    path.write_bytes(b"")
    found = look(bench)
    path.write_bytes(data)
    assert repair(str(bench.root), HashName.BLAKE3, found).mended == ()
    assert look(bench).is_right


def test_the_quarantine_is_counted(bench: Bench) -> None:
    """Once for each entry that was set aside."""
    os.truncate(bench.entry() / "stdout", 1)
    repair(str(bench.root), HashName.BLAKE3, look(bench))
    assert look(bench).quarantined == 1
