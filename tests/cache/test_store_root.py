"""The cache root: who may use it, and what may stand in the place of its parts (C4)."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from haz_trio.abc import Miss, NotStored, Restored, Stored
from haz_trio.cache.files import Disk
from haz_trio.cache.root import CacheRoot
from tests.cache.store_support import KEY, OTHER_KEY, Bench, remove, subject, write


def test_the_cache_is_made_by_a_store_and_by_nothing_else(bench: Bench) -> None:
    """It is private, tagged for backups and ignored by git; a look leaves no trace (C4)."""
    store = bench.store()
    assert store.look(KEY, subject("out.o")) == Miss()
    assert store.finish() == ()
    assert not bench.cache.parent.exists()
    bench.fresh(subject("out.o"), lambda: write(bench.lib / "out.o"))
    assert stat.S_IMODE(bench.cache.stat().st_mode) == 0o700
    assert (bench.cache / ".gitignore").read_text() == "*\n"
    assert (bench.cache / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d1727")


def test_an_odd_umask_changes_nothing(bench: Bench) -> None:
    """Files of the cache and restored ones have their modes whatever the umask (L10, B 509)."""
    what = subject("out.o", "sub/x")
    old = os.umask(0o777)
    try:
        bench.fresh(
            what,
            lambda: (
                os.umask(0o022),
                write(bench.lib / "sub/x"),
                write(bench.lib / "out.o"),
                os.umask(0o777),
            ),
        )
        remove(bench.lib / "out.o")
        assert isinstance(bench.hit(what), Restored)
    finally:
        os.umask(old)
    assert stat.S_IMODE((bench.lib / "out.o").stat().st_mode) == 0o644
    assert stat.S_IMODE(bench.cache.stat().st_mode) == 0o700
    assert stat.S_IMODE((bench.entry() / "stdout").stat().st_mode) == 0o600


def test_a_link_to_the_cache_folder_works(bench: Bench, tmp_path: Path) -> None:
    """The cache root may be a symbolic link (B 176)."""
    (tmp_path / "real").mkdir(mode=0o755)
    bench.cache.parent.mkdir()
    bench.cache.symlink_to(tmp_path / "real")
    what = subject("x")
    assert bench.fresh(what, lambda: write(bench.lib / "x"))[1] == Stored()
    assert isinstance(bench.hit(what), Restored)


def test_a_file_in_place_of_the_cache_gives_one_warning(bench: Bench) -> None:
    """The command's result stands, nothing is stored, and it is said once (B 175)."""
    bench.cache.parent.mkdir()
    bench.cache.write_text("a file")
    store = bench.store()
    for key in (KEY, OTHER_KEY):
        assert store.look(key, subject("x")) == Miss()
        _, kept = bench.fresh(subject("x"), lambda: write(bench.lib / "x"), key=key, store=store)
        assert kept == NotStored()
    [note] = store.finish()
    assert str(bench.cache) in note


def test_a_cache_that_everybody_may_write_is_not_used(bench: Bench) -> None:
    """Anybody could have put entries there (I09)."""
    bench.fresh(subject("x"), lambda: write(bench.lib / "x"))
    bench.cache.chmod(0o777)
    store = bench.store()
    assert isinstance(store.look(KEY, subject("x")), Miss)
    _, kept = bench.fresh(subject("x"), lambda: None, store=store)
    assert isinstance(kept, NotStored)
    [note] = store.finish()
    assert "chmod o-w" in note


@pytest.mark.parametrize("place", ["entry", "shard", "pool", "quarantine", "state"])
def test_a_file_in_place_of_a_folder_is_replaced(bench: Bench, place: str) -> None:
    """The next store puts things right, and the one after that hits (B 173, 174)."""
    what = subject("x")
    bench.fresh(what, lambda: write(bench.lib / "x"))
    path = {"entry": bench.entry(), "shard": bench.entry().parent, "pool": bench.cache / "blobs"}
    victim = path.get(place, bench.cache / place)
    remove(victim)
    victim.write_text("a file")
    store = bench.store()
    found = store.look(KEY, what)
    assert isinstance(found, Miss) == (place in ("entry", "shard"))
    _, kept = bench.fresh(what, lambda: write(bench.lib / "y"), store=store)
    assert kept == Stored()
    store.finish()
    remove(bench.lib / "x")
    assert isinstance(bench.hit(what), Restored)
    assert bench.litter() == []


def test_a_cache_removed_during_a_run_is_made_again(bench: Bench) -> None:
    """A run survives ``cache clear`` and stores what comes later (D05)."""
    what, store = subject("x"), bench.store()
    bench.fresh(what, lambda: write(bench.lib / "x"), store=store)
    remove(bench.cache)
    assert isinstance(store.look(KEY, what), Miss)
    assert bench.fresh(what, lambda: write(bench.lib / "x"), store=store)[1] == Stored()
    store.finish()
    assert isinstance(bench.hit(what), Restored)


def test_no_descriptor_stays_open(bench: Bench) -> None:
    """A run that stores, restores and misses gives back every descriptor (O-FD)."""
    before = sorted(os.listdir("/proc/self/fd"))
    what = subject("d/**")
    bench.fresh(what, lambda: write(bench.lib / "d/x"))
    remove(bench.lib / "d")
    assert isinstance(bench.hit(what), Restored)
    (bench.entry() / "stdout").write_bytes(b"other")
    assert isinstance(bench.hit(what), Miss)
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_another_run_may_make_the_folder_of_the_cache_first(tmp_path: Path) -> None:
    """Two first runs at once both have a cache, whoever is quicker at each step."""
    made: list[str] = []

    class Overtaken(Disk):
        def before(self, operation: str) -> None:
            if operation == "mkdir" and not made:
                made.append(operation)
                (tmp_path / ".haz").mkdir()
            super().before(operation)

    root = CacheRoot(str(tmp_path), Overtaken())
    try:
        assert root.writing() == root.reading()
    finally:
        root.close()
    assert made == ["mkdir"]
    assert (tmp_path / ".haz/cache/.gitignore").is_file()
