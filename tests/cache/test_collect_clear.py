"""`cache clear` removes the cache and nothing else (CACHE-021, cache.md B 309, C9)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from haz_trio.cache.clearing import Cleared, clear
from haz_trio.cache.files import Disk
from tests.cache.collect_support import held, key, mixed, put_key
from tests.cache.store_support import Bench, Faults, subject, tree, write


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.lib.mkdir()
    (tmp_path / ".haz").mkdir()
    return bench


def test_everything_goes_with_the_folder(bench: Bench) -> None:
    """Strays, orphans, state and trash included; the rest of the workspace stays."""
    mixed(bench)
    bench.fresh(subject("out"), lambda: write(bench.lib / "out"))
    write(bench.root / ".haz" / "workspace.yml")
    before = tree(bench.lib)
    assert clear(str(bench.root)) == Cleared()
    assert os.listdir(bench.root / ".haz") == ["workspace.yml"]
    assert tree(bench.lib) == before


def test_no_cache_is_nothing_to_do(bench: Bench) -> None:
    """Also when it was cleared before, or is a link that leads nowhere."""
    assert clear(str(bench.root)) == Cleared()
    bench.cache.symlink_to("/nowhere")
    assert clear(str(bench.root)) == Cleared()
    assert bench.cache.is_symlink()


def test_behind_a_link_the_contents_go_and_the_link_stays(bench: Bench) -> None:
    """The original removes the link and leaves the contents (B 309)."""
    mixed(bench)
    elsewhere = bench.root / "elsewhere"
    bench.cache.rename(elsewhere)
    bench.cache.symlink_to(elsewhere)
    assert clear(str(bench.root)) == Cleared()
    assert bench.cache.is_symlink()
    assert list(elsewhere.iterdir()) == []


def test_a_cache_that_stays_is_marked(bench: Bench) -> None:
    """Beside a living run the two files for git and backups stay (C4)."""
    bench.fresh(subject("out"), lambda: write(bench.lib / "out"))
    orphan = write(bench.cache / "aa" / ".tmp-x" / "f").parent
    with held(orphan):
        assert clear(str(bench.root)).busy == ("aa/.tmp-x",)
    assert sorted(os.listdir(bench.cache)) == [".gitignore", "CACHEDIR.TAG", "aa", "state"]
    assert clear(str(bench.root)) == Cleared()
    assert not bench.cache.exists()


def test_a_cache_behind_a_link_is_marked_by_the_next_run(bench: Bench) -> None:
    """Where the folder is there already: empty at first, and emptied by a clear."""
    elsewhere = bench.root / "elsewhere"
    elsewhere.mkdir()
    bench.cache.symlink_to(elsewhere)
    for _ in range(2):
        bench.fresh(subject("out"), lambda: write(bench.lib / "out"))
        assert (elsewhere / ".gitignore").read_text() == "*\n"
        assert (elsewhere / "CACHEDIR.TAG").is_file()
        assert clear(str(bench.root)) == Cleared()
        assert list(elsewhere.iterdir()) == []


def test_a_file_in_the_place_of_the_cache_is_not_removed(bench: Bench) -> None:
    """It is not ours; the original refuses as well."""
    write(bench.cache)
    with pytest.raises(NotADirectoryError):
        clear(str(bench.root))
    assert bench.cache.exists()


def test_what_a_living_run_works_on_stays(bench: Bench) -> None:
    """Its temporary folders and the state; all other things go, and later these as well."""
    mixed(bench)
    put_key(bench.root, "9")
    with held(bench.cache / "aa" / ".tmp-x"), held(bench.cache / ".restore-x"):
        cleared = clear(str(bench.root))
    assert cleared == Cleared((".restore-x", "aa/.tmp-x"))
    assert sorted(os.listdir(bench.cache)) == [".restore-x", "aa", "state"]
    assert os.listdir(bench.cache / "aa") == [".tmp-x"]
    assert (bench.cache / "aa" / ".tmp-x" / "f").exists()
    assert clear(str(bench.root)) == Cleared()
    assert not bench.cache.exists()


def test_names_of_temporary_folders_protect_nothing_else(bench: Bench) -> None:
    """Files and links in shards go, whatever they are called, and links are not followed."""
    mixed(bench)
    outside = write(bench.root / "outside" / "file")
    for name in (".tmp-file", ".tmp-", "file"):
        write(bench.cache / "aa" / name)
    for name in (".tmp-link", "another-link", key("8")):
        (bench.cache / "aa" / name).symlink_to(outside.parent)
    (bench.cache / "aa" / ".tmp-nowhere").symlink_to("nowhere")
    assert clear(str(bench.root)) == Cleared()
    assert not bench.cache.exists()
    assert outside.exists()


def test_a_store_goes_on_after_a_clear(bench: Bench) -> None:
    """A task that runs meanwhile ends as it would have, stored or not."""
    task, store = subject("out"), bench.store()
    bench.fresh(task, lambda: write(bench.lib / "out"))
    _, kept = bench.fresh(
        task,
        lambda: (write(bench.lib / "out", b"again"), clear(str(bench.root))),
        key=key("7"),
        store=store,
    )
    store.finish()
    assert kept is not None
    assert (bench.lib / "out").read_bytes() == b"again"


@pytest.mark.parametrize("at", range(1, 12))
def test_a_failing_call_is_reported(bench: Bench, at: int) -> None:
    """Nothing is raised, all else goes, and the next clear removes the rest."""
    mixed(bench)
    faults = Faults(at)
    cleared = clear(str(bench.root), Disk(faults))
    assert faults.raised == 1
    assert bool(cleared.problems) is bench.cache.exists()  # deleting is tried twice
    assert clear(str(bench.root)) == Cleared()
    assert not bench.cache.exists()
