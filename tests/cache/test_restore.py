"""All or nothing: what a hit puts, leaves alone and takes back (CACHE-019, cache.md C7, B5)."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.abc import Miss, Restored
from haz_trio.cache.files import Disk
from tests.cache.restore_support import WHAT, built, without_cache
from tests.cache.store_support import Bench, Faults, remove, subject, tree, write


def test_everything_comes_back_as_it_was(bench: Bench) -> None:
    """Kinds, bytes, modes and link texts of a deleted result (R1, B 121..124)."""
    fresh = without_cache(built(bench))
    remove(bench.lib)
    remove(bench.root / "shared")
    bench.lib.mkdir()
    restored = bench.hit(WHAT)
    assert isinstance(restored, Restored)
    assert without_cache(bench.tree(".")) == fresh
    assert "/lib/dist/latest" in restored.outputs
    assert bench.litter() == []


def test_what_is_right_is_not_touched(bench: Bench) -> None:
    """A hit on a complete result changes no inode, no time and writes nothing (R4, B 181)."""
    built(bench)

    def times() -> dict[str, tuple[int, int, int]]:
        return {
            str(p): (p.lstat().st_ino, p.lstat().st_mtime_ns, p.lstat().st_ctime_ns)
            for p in bench.root.rglob("*")
        }

    before = times()
    counter = Faults(0)
    assert isinstance(bench.hit(WHAT, store=bench.store(disk=Disk(counter))), Restored)
    assert times() == before
    assert counter.count == 0


def mutate(name: str, target: Path, elsewhere: Path) -> None:
    """Something that a user or a tool may do to an output before a hit.

    The mode of a file with a name elsewhere stays: it is not the output's alone.
    """
    if name == "other mode":
        info = target.lstat() if os.path.lexists(target) else None
        if info is None or stat.S_ISLNK(info.st_mode):
            return
        if stat.S_ISDIR(info.st_mode) or info.st_nlink == 1:
            target.chmod(0o741)
        return
    remove(target)
    match name:
        case "delete":
            pass
        case "other bytes":
            write(target, b"other")
        case "same size":
            write(target, b"2" * 3000, 0o600)
        case "link":
            target.symlink_to(elsewhere)
        case "dangling link":
            target.symlink_to("gone")
        case "empty folder":
            target.mkdir()
        case "fifo":
            os.mkfifo(target)
        case "hard link":
            os.link(elsewhere / "f", target)
        case _:
            raise AssertionError(name)


MUTATIONS = (
    *("delete", "other bytes", "same size", "other mode", "link", "dangling link"),
    *("empty folder", "fifo", "hard link"),
)
TARGETS = [
    "lib/out.o",
    "shared/x",
    "lib/dist/a/one",
    "lib/dist/a/two",
    "lib/dist/b/three",
    "lib/dist/latest",
    "lib/dist/alias",
    "lib/dist/empty",
    "lib/dist/a",
    "lib/dist/b",
    "lib/dist",
]
FOLDERS = {"lib/dist/empty", "lib/dist/a", "lib/dist/b", "lib/dist"}


@given(
    st.lists(
        st.tuples(st.sampled_from(TARGETS), st.sampled_from(MUTATIONS)),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=40, deadline=None)
def test_a_hit_equals_the_fresh_run_whatever_happened_before(
    changes: list[tuple[str, str]],
) -> None:
    """R1: after any mutations a hit gives the fresh run's tree, or misses and changes nothing."""
    with tempfile.TemporaryDirectory() as where:
        bench = Bench(Path(where) / "ws")
        bench.lib.mkdir(parents=True)
        elsewhere = Path(where) / "elsewhere"
        write(elsewhere / "f", b"precious")
        fresh = without_cache(built(bench))
        for target, name in changes:
            path = bench.root / target
            if path.parent.is_dir() and not path.parent.is_symlink():
                mutate(name, path, elsewhere)
        before = without_cache(bench.tree("."))
        answer = bench.hit(WHAT)
        after = without_cache(bench.tree("."))
        if isinstance(answer, Restored):
            assert after == fresh
        else:
            assert after == before
            blocked = FOLDERS.intersection(t for t, _ in changes)
            assert blocked, f"nothing was in the way: {answer}"
        assert tree(elsewhere) == {"f": ("file", 0o644, b"precious")}
        assert bench.litter() == []


def test_a_link_in_the_place_of_a_folder_is_replaced(bench: Bench) -> None:
    """A link below the fixed prefix is not followed, however harmless (H03)."""
    fresh = without_cache(built(bench))
    write(bench.lib / "src/one", b"source")
    remove(bench.lib / "dist/a")
    (bench.lib / "dist/a").symlink_to("../src")
    assert isinstance(bench.hit(WHAT), Restored)
    assert (bench.lib / "src/one").read_bytes() == b"source"
    remove(bench.lib / "src")
    assert without_cache(bench.tree(".")) == fresh


def test_a_link_above_the_prefix_is_followed_inside_the_workspace(bench: Bench) -> None:
    """``dist`` may itself be a link to another folder of the workspace."""
    (bench.root / "big").mkdir()
    (bench.lib / "out").symlink_to("../big")
    what = subject("out/**")
    bench.fresh(what, lambda: write(bench.lib / "out/x"))
    remove(bench.root / "big/x")
    assert isinstance(bench.hit(what), Restored)
    assert (bench.root / "big/x").read_bytes() == b"made\n"
    assert (bench.lib / "out").is_symlink()


def test_two_outputs_that_are_one_file_through_a_link(bench: Bench) -> None:
    """The file comes back once, and both paths are ours then (B 178)."""
    what = subject("build/x", "out/x")

    def command() -> None:
        write(bench.lib / "build/x")
        (bench.lib / "out").symlink_to("build")

    bench.fresh(what, command)
    fresh = bench.tree()
    remove(bench.lib / "build/x")
    answer = bench.hit(what)
    assert isinstance(answer, Restored)
    assert answer.wrote
    assert answer.changed is None
    assert bench.tree() == fresh
    ledger = (bench.cache / "state/ledger").read_bytes()
    assert b"/lib/build/x" in ledger
    assert b"/lib/out/x" in ledger


def test_two_outputs_that_have_become_one_file_are_a_miss(bench: Bench) -> None:
    """What stands there cannot have both contents, whichever it has."""
    what = subject("build/x", "out/x")
    bench.fresh(what, lambda: (write(bench.lib / "build/x", b"1"), write(bench.lib / "out/x")))
    remove(bench.lib / "out")
    (bench.lib / "out").symlink_to("build")
    answer = bench.hit(what)
    assert isinstance(answer, Miss)
    assert "are one file through a link" in answer.reason
    assert (bench.lib / "build/x").read_bytes() == b"1"


def test_a_parent_that_leads_outside_is_a_miss(bench: Bench, tmp_path: Path) -> None:
    """Nothing is written outside the workspace, and a remark says why (B 189)."""
    built(bench)
    remove(bench.lib / "dist")
    (tmp_path / "outside").mkdir()
    (bench.lib / "dist").symlink_to(tmp_path / "outside")
    store = bench.store()
    answer = bench.hit(WHAT, store=store)
    assert isinstance(answer, Miss)
    assert "outside the workspace" in answer.reason
    assert any("outside the workspace" in note for note in store.finish())
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("blocked", ["lib/dist/a/one", "lib/out.o", "shared/x"])
def test_a_full_folder_in_the_way_is_a_miss(bench: Bench, blocked: str) -> None:
    """No other output is touched then, and the entry stays good (B 184, 187)."""
    built(bench)
    remove(bench.root / blocked)
    write(bench.root / blocked / "mine")
    remove(bench.lib / "dist/b/three")
    before = bench.tree(".")
    assert isinstance(bench.hit(WHAT), Miss)
    assert bench.tree(".") == before
    remove(bench.root / blocked)
    assert isinstance(bench.hit(WHAT), Restored)


def test_a_file_in_the_place_of_a_parent_is_a_miss(bench: Bench) -> None:
    """The command decides what to do with it (B 186)."""
    built(bench)
    remove(bench.lib / "dist/b")
    write(bench.lib / "dist/b", b"mine")
    before = bench.tree()
    assert isinstance(bench.hit(WHAT), Miss)
    assert bench.tree() == before


def test_files_of_others_stay(bench: Bench) -> None:
    """Unknown files beside the outputs are left alone (B 183)."""
    built(bench)
    write(bench.lib / "dist/a/mine", b"mine")
    remove(bench.lib / "dist/a/one")
    assert isinstance(bench.hit(WHAT), Restored)
    assert (bench.lib / "dist/a/mine").read_bytes() == b"mine"


def test_a_restored_file_shares_nothing_with_the_cache(bench: Bench) -> None:
    """Editing it in place does not edit the cache (decision 13, H08)."""
    built(bench)
    for _ in range(2):
        remove(bench.lib / "out.o")
        assert isinstance(bench.hit(WHAT), Restored)
        with (bench.lib / "out.o").open("r+b") as file:
            file.write(b"EDITED")
    assert isinstance(bench.hit(WHAT), Restored)
    assert (bench.lib / "out.o").read_bytes() == b"object"
