"""All or nothing: what a hit puts, leaves alone and takes back (CACHE-019, cache.md C7, B5)."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.abc import Miss, NotStored, Restored, Stored
from haz_trio.cache.files import Disk
from haz_trio.errors import OutputError
from tests.cache.store_support import (
    KEY,
    OTHER_KEY,
    Bench,
    Faults,
    remove,
    subject,
    tree,
    write,
)

WHAT = subject("dist/**", "out.o", "/shared/x")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / "ws" / "lib").mkdir(parents=True)
    return Bench(tmp_path / "ws")


def build(bench: Bench) -> None:
    """A result with every kind of thing: modes, links, empty files and folders."""
    lib = bench.lib
    remove(lib / "dist")
    write(lib / "out.o", b"object", 0o755)
    write(bench.root / "shared/x", b"shared")
    write(lib / "dist/a/one", b"1" * 3000, 0o600)
    write(lib / "dist/a/two", b"", 0o444)
    write(lib / "dist/b/three", b"3")
    (lib / "dist/empty").mkdir(parents=True, mode=0o750)
    (lib / "dist/a").chmod(0o711)
    (lib / "dist/latest").symlink_to("a")
    (lib / "dist/alias").symlink_to("a/one")
    (lib / "dist/dangling").symlink_to("nowhere/near")
    (lib / "dist/self").symlink_to("self")


def built(bench: Bench) -> dict[str, tuple[str, int, bytes]]:
    assert bench.fresh(WHAT, lambda: build(bench))[1] == Stored()
    return bench.tree(".")


def without_cache(found: dict[str, tuple[str, int, bytes]]) -> dict[str, tuple[str, int, bytes]]:
    return {name: what for name, what in found.items() if not name.startswith(".haz")}


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
    """Something that a user or a tool may do to an output before a hit."""
    if name == "other mode":
        if target.exists():
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
@settings(max_examples=60, deadline=None)
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


def spoil(bench: Bench) -> None:
    """A state in which a restore has to do a change of every kind."""
    dist = bench.lib / "dist"
    remove(dist / "a")
    (dist / "a").symlink_to("b")
    remove(dist / "b/three")
    (dist / "b/three").mkdir()
    (dist / "empty").chmod(0o700)
    write(bench.lib / "out.o", b"edited")
    remove(dist / "latest")
    write(dist / "latest", b"no link")
    remove(bench.root / "shared")


def with_leavings(bench: Bench) -> None:
    """Two results of one task; the files of the later one are there, and ours."""
    bench.fresh(WHAT, lambda: build(bench))

    def more() -> None:
        write(bench.lib / "dist/old/file", b"old")
        write(bench.lib / "dist/more", b"more")

    bench.fresh(WHAT, more, key=OTHER_KEY)


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EXDEV, errno.EACCES])
def test_a_failure_at_any_call_leaves_everything_as_it_was(bench: Bench, number: int) -> None:
    """R2: the n-th call fails, for all n: all outputs are new, or all are old."""
    with_leavings(bench)
    saved = bench.root.parent / "saved"
    at, failures = 1, 0
    while True:
        spoil(bench)
        before = without_cache(bench.tree("."))
        remove(saved)
        shutil.copytree(bench.cache, saved, symlinks=True)
        faults = Faults(at, number)
        answer = bench.hit(WHAT, store=bench.store(disk=Disk(faults)))
        after = without_cache(bench.tree("."))
        if isinstance(answer, Miss):
            failures += 1
            assert after == before, f"call {at}"
        else:
            assert "lib/dist/a/one" in after
            assert "lib/dist/old/file" not in after
        assert bench.litter() == []
        if not faults.raised:
            assert isinstance(answer, Restored)
            break
        remove(bench.lib)
        remove(bench.root / "shared")
        remove(bench.cache)
        bench.lib.mkdir()
        with_leavings(bench)
        at += 1
    assert at > 30
    # Another file system is no failure: everything is then staged next to its target.
    assert failures == 0 if number == errno.EXDEV else failures > 10


def test_a_failure_that_lasts_says_what_is_mixed_and_a_later_run_undoes_it(bench: Bench) -> None:
    """When even the undo fails the journal stays, the task fails, the next run heals (C7.7)."""
    lost = 0
    for at in range(1, 60):
        remove(bench.root)
        bench.lib.mkdir(parents=True)
        with_leavings(bench)
        spoil(bench)
        before = without_cache(bench.tree("."))
        faults = Faults(at, errno.EIO, lasting=True)
        store = bench.store(disk=Disk(faults))
        answer: object
        try:
            answer = bench.hit(WHAT, store=store)
        except OutputError as problem:
            lost += 1
            answer = str(problem)
        store.finish()
        if isinstance(answer, Miss):
            assert without_cache(bench.tree(".")) == before
        healer = bench.store()
        healer.recover()
        assert healer.finish() == ()
        if isinstance(answer, str):
            assert "/lib" in answer
            assert "could not be undone" in answer
        if not isinstance(answer, Restored):
            assert without_cache(bench.tree(".")) == before, f"call {at}"
        assert bench.litter() == []
    assert lost > 5


def test_a_killed_restore_is_undone_by_the_next_run(bench: Bench) -> None:
    """SIGKILL at the n-th call: the next run finds the tree as it was, or complete (C7.9, C02)."""
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from haz_trio.cache.files import Disk\n"
        "from tests.cache.store_support import Bench\n"
        "from tests.cache.test_restore import WHAT, spoil\n"
        "left = [int(sys.argv[2])]\n"
        "def kill(call):\n"
        "    left[0] -= 1\n"
        "    left[0] or os.kill(os.getpid(), signal.SIGKILL)\n"
        "bench = Bench(Path(sys.argv[1]))\n"
        "bench.hit(WHAT, store=bench.store(disk=Disk(kill)))\n"
    )
    for at in (4, 12, 17, 22, 27, 31, 34, 38):
        remove(bench.root)
        bench.lib.mkdir(parents=True)
        with_leavings(bench)
        spoil(bench)
        before = without_cache(bench.tree("."))
        done = subprocess.run(
            [sys.executable, "-c", script, str(bench.root), str(at)], check=False
        )
        assert done.returncode == -9
        bench.store().recover()
        assert without_cache(bench.tree(".")) == before, f"call {at}"
        assert bench.litter() == []
        assert isinstance(bench.hit(WHAT), Restored)


def test_the_restore_of_a_live_run_is_left_alone(bench: Bench) -> None:
    """A staging folder whose lock is held belongs to somebody who works (C7.9)."""
    built(bench)
    staging = bench.cache / f".restore-{KEY}-{'0' * 16}"
    staging.mkdir()
    fd = os.open(staging, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    bench.store().recover()
    assert staging.exists()
    os.close(fd)
    bench.store().recover()
    assert not staging.exists()


def test_a_hostile_journal_removes_nothing(bench: Bench, tmp_path: Path) -> None:
    """A journal names inodes and places; one that leads elsewhere is not believed (I01)."""
    built(bench)
    canary = write(tmp_path / "canary", b"precious")
    ino = canary.stat().st_ino
    (bench.lib / "link").symlink_to(tmp_path)
    before = without_cache(bench.tree("."))
    for place in ("../canary", "/canary", "lib/../../canary", "lib/link/canary", "", "a\0b"):
        staging = bench.cache / f".restore-{KEY}-{'0' * 16}"
        staging.mkdir()
        journal = {
            "key": KEY,
            "token": "0" * 16,
            "changes": [
                ["made", place, ino, "nothing", 0, None],
                ["folder", place, "nothing", 1, None],
            ],
        }
        (staging / "journal").write_text(json.dumps(journal))
        bench.store().recover()
        assert canary.read_bytes() == b"precious"
        assert without_cache(bench.tree(".")) == before
        remove(staging)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.just("made"),
        lambda inner: (
            st.lists(inner, max_size=6)
            | st.dictionaries(st.sampled_from(["key", "token", "changes", "x"]), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
@settings(max_examples=100, deadline=None)
def test_no_journal_raises(value: object) -> None:
    """Whatever stands in a journal: it is read, or it is none."""
    from haz_trio.cache.journal import decode

    decode(json.dumps(value).encode())


@pytest.fixture
def other_device() -> Iterator[Path]:
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == os.stat("/tmp").st_dev:
        pytest.skip("no second file system")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as where:
        yield Path(where)


def test_a_cache_on_another_file_system_works(bench: Bench, other_device: Path) -> None:
    """Files are staged next to their targets then, and roll back all the same (B 306)."""
    (other_device / "cache").mkdir()
    bench.cache.parent.mkdir()
    bench.cache.symlink_to(other_device / "cache")
    with_leavings(bench)
    for at in range(1, 200):
        spoil(bench)
        before = without_cache(bench.tree("."))
        faults = Faults(at)
        answer = bench.hit(WHAT, store=bench.store(disk=Disk(faults)))
        if isinstance(answer, Restored):
            break
        assert without_cache(bench.tree(".")) == before
        assert bench.litter() == []
        build(bench)
    else:
        pytest.fail("no restore came to an end")
    assert (bench.lib / "dist/a/one").read_bytes() == b"1" * 3000
    assert bench.litter() == []
    assert stat.S_IMODE((bench.lib / "out.o").stat().st_mode) == 0o755


NOBODY = 65534


def as_nobody(root: Path, *steps: str) -> list[str]:
    """Run steps in a process without privileges; what each of them says."""
    script = (
        "import os, sys\n"
        "sys.path[:0] = [os.getcwd()]\n"
        "from pathlib import Path\n"
        "from haz_trio.abc import *\n"
        "import haz_trio.cache.store\n"
        "from tests.cache.store_support import *\n"
        f"os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        f"bench = Bench(Path({str(root)!r})); what = subject('x')\n"
    ) + "\n".join(steps)
    done = subprocess.run(
        [sys.executable, "-B", "-c", script], check=True, capture_output=True, text=True
    )
    return done.stdout.splitlines()


@pytest.fixture
def nobodys() -> Iterator[Bench]:
    if os.geteuid() != 0:
        pytest.skip("needs to become another user")
    with tempfile.TemporaryDirectory() as where:
        bench = Bench(Path(where) / "ws")
        bench.lib.mkdir(parents=True)
        for path in (Path(where), bench.root, bench.lib):
            os.chown(path, NOBODY, NOBODY)
        yield bench


def test_a_read_only_cache_hits_and_does_not_store(nobodys: Bench) -> None:
    """Staging beside the target; one remark per run and no attempt per task (B 304, 305)."""
    lines = as_nobody(
        nobodys.root,
        "bench.fresh(what, lambda: write(bench.lib / 'x'))",
        "bench.cache.chmod(0o555)",
        "remove(bench.lib / 'x')",
        "print(type(bench.hit(what)).__name__, (bench.lib / 'x').read_text().strip())",
        "store = bench.store()",
        "for key in ('ab' * 32, 'cd' * 32):",
        "    print(bench.fresh(what, lambda: None, key=key, store=store)[1])",
        "print(store.finish(), bench.litter())",
    )
    assert lines[0] == "Restored made"
    assert "nothing more is stored" in lines[1]
    assert lines[2:] == [repr(NotStored()), "() []"]


def test_an_unreadable_output_is_not_stored_and_read_only_twins_are(nobodys: Bench) -> None:
    """Mode 0200 cannot be read; two files of mode 0444 and one content can (B 302, 303)."""
    lines = as_nobody(
        nobodys.root,
        "print(bench.fresh(what, lambda: write(bench.lib / 'x', b'x', 0o200))[1])",
        "two = subject('a', 'b')",
        "make = lambda: [write(bench.lib / name, b'x', 0o444) for name in 'ab']",
        "print(bench.fresh(two, make)[1], isinstance(bench.hit(two), Restored))",
    )
    assert "cannot be read" in lines[0]
    assert lines[1] == f"{Stored()!r} True"


def test_an_unreadable_shard_is_a_miss(nobodys: Bench) -> None:
    """The command runs, nothing is stored, and nothing fails (B 308)."""
    lines = as_nobody(
        nobodys.root,
        "bench.fresh(what, lambda: write(bench.lib / 'x'))",
        "bench.entry().parent.chmod(0)",
        "store = bench.store()",
        "print(bench.hit(what, store=store))",
        "print(bench.fresh(what, lambda: None, store=store)[1])",
        "print(len(store.finish()))",
        "bench.entry().parent.chmod(0o700)",
    )
    assert lines[0].startswith("Miss(")
    assert lines[1].startswith("NotStored(")
    assert lines[2] == "1"
