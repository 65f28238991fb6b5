"""A restore that fails, is killed, or meets what a killed one left (cache.md C7.5..C7.9, R2)."""

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

from haz_trio.abc import Miss, Restored
from haz_trio.cache.files import Disk
from haz_trio.cache.journal import decode
from haz_trio.errors import OutputError
from tests.cache.restore_support import WHAT, build, built, spoil, with_leavings, without_cache
from tests.cache.store_support import ERRNOS, KEY, Bench, Faults, remove, write


@pytest.mark.parametrize("number", ERRNOS)
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
        "from tests.cache.restore_support import WHAT, spoil\n"
        "left = [int(sys.argv[2])]\n"
        "def kill(call):\n"
        "    left[0] -= 1\n"
        "    left[0] or os.kill(os.getpid(), signal.SIGKILL)\n"
        "bench = Bench(Path(sys.argv[1]))\n"
        "bench.hit(WHAT, store=bench.store(disk=Disk(kill)))\n"
    )
    for at in (4, 17, 24, 31, 36):
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
            "home": f"{bench.root.stat().st_ino:x}",
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
