"""A restore of one file: put in one step from a folder that serves the whole run (C7)."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from haz_trio.abc import Miss, Restored, Stored
from haz_trio.cache.files import Disk
from tests.cache.restore_support import without_cache
from tests.cache.store_support import KEY, OTHER_KEY, Bench, Faults, remove, subject, write

WHAT = subject("out.o")
OTHER = subject("other.o", task="other")


def link_elsewhere(path: Path) -> None:
    remove(path)
    path.symlink_to("elsewhere")


Spoil = Callable[[Path], object]
STATES: dict[str, Spoil] = {
    "nothing": lambda path: remove(path),
    "another file": lambda path: write(path, b"edited"),
    "another mode": lambda path: path.chmod(0o600),
    "a link": link_elsewhere,
}


@pytest.fixture
def bench(bench: Bench) -> Bench:
    def build() -> None:
        write(bench.lib / "out.o", b"object" * 1000, 0o755)

    assert bench.fresh(WHAT, build)[1] == Stored()
    return bench


@pytest.mark.parametrize("spoil", STATES.values(), ids=STATES)
def test_the_file_is_right_whatever_stood_there(bench: Bench, spoil: Spoil) -> None:
    """Bytes and mode are those of the fresh run, and nothing of the restore is left."""
    before = bench.tree()
    spoil(bench.lib / "out.o")
    assert isinstance(bench.hit(WHAT), Restored)
    assert bench.tree() == before
    assert bench.litter() == []


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EXDEV, errno.EACCES])
@pytest.mark.parametrize("spoil", STATES.values(), ids=STATES)
def test_a_failure_at_any_call_leaves_the_file_as_it_was(
    bench: Bench, spoil: Spoil, number: int
) -> None:
    """R2: the n-th call fails, for all n: the file is the new one, or the old one."""
    right = bench.tree()
    saved = bench.root.parent / "saved"
    shutil.copytree(bench.cache, saved, symlinks=True)
    for at in range(1, 40):
        remove(bench.cache)
        shutil.copytree(saved, bench.cache, symlinks=True)
        spoil(bench.lib / "out.o")
        before = bench.tree()
        faults = Faults(at, number)
        store = bench.store(disk=Disk(faults))
        answer = bench.hit(WHAT, store=store)
        store.finish()
        assert bench.tree() == (before if isinstance(answer, Miss) else right), f"call {at}"
        assert bench.litter() == []
        if not faults.raised:
            return
    pytest.fail("there is no end of calls")


@pytest.mark.parametrize("at", range(1, 6))
def test_a_killed_restore_leaves_the_old_file_or_the_new_one(bench: Bench, at: int) -> None:
    """SIGKILL before the n-th call, for all n; the next run removes what is left (C7.9)."""
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from haz_trio.cache.files import Disk\n"
        "from tests.cache.store_support import Bench\n"
        "from tests.cache.test_restore_single import WHAT\n"
        "left = [int(sys.argv[2])]\n"
        "def kill(call):\n"
        "    left[0] -= 1\n"
        "    left[0] or os.kill(os.getpid(), signal.SIGKILL)\n"
        "bench = Bench(Path(sys.argv[1]))\n"
        "bench.hit(WHAT, store=bench.store(disk=Disk(kill)))\n"
    )
    write(bench.lib / "out.o", b"edited")
    before = without_cache(bench.tree("."))
    done = subprocess.run([sys.executable, "-c", script, str(bench.root), str(at)], check=False)
    assert done.returncode == -9
    assert bool(bench.litter()) is (at > 1)
    bench.store().recover()
    assert without_cache(bench.tree(".")) == before
    assert bench.litter() == []
    assert isinstance(bench.hit(WHAT), Restored)


def test_one_folder_serves_a_run(bench: Bench) -> None:
    """It is made by the first restore only, needs no journal, and goes with the run."""
    bench.fresh(OTHER, lambda: write(bench.lib / "other.o"), key=OTHER_KEY)
    remove(bench.lib / "out.o")
    remove(bench.lib / "other.o")
    calls: list[str] = []
    store = bench.store(disk=Disk(calls.append))
    assert isinstance(bench.hit(WHAT, store=store), Restored)
    assert calls == ["mkdir", "create", "write", "chmod", "rename"]
    calls.clear()
    assert isinstance(bench.hit(OTHER, key=OTHER_KEY, store=store), Restored)
    assert calls == ["create", "write", "chmod", "rename"]
    assert len(bench.litter()) == 1
    # Who looks for leavings of killed runs finds it locked.
    bench.store().recover()
    assert len(bench.litter()) == 1
    store.finish()
    assert bench.litter() == []


def test_a_cleared_cache_takes_the_folder_along(bench: Bench) -> None:
    """The next restore of the same run makes another one."""
    saved = bench.root.parent / "saved"
    shutil.copytree(bench.cache, saved, symlinks=True)
    store = bench.store()
    remove(bench.lib / "out.o")
    assert isinstance(bench.hit(WHAT, store=store), Restored)
    for name in os.listdir(bench.cache):
        remove(bench.cache / name)
    shutil.copytree(saved, bench.cache, symlinks=True, dirs_exist_ok=True)
    remove(bench.lib / "out.o")
    assert isinstance(bench.hit(WHAT, store=store), Restored)
    store.finish()
    assert bench.litter() == []
    assert bench.entry(KEY).is_dir()


def test_nothing_is_made_where_nothing_is_written(bench: Bench) -> None:
    """R4: a hit that is in place makes no folder and changes nothing."""
    calls: list[str] = []
    store = bench.store(disk=Disk(calls.append))
    assert isinstance(bench.hit(WHAT, store=store), Restored)
    assert calls == []


def test_one_damaged_blob_is_never_put(bench: Bench) -> None:
    """The bytes are verified as they pass: other bytes are a miss, and the file stays."""
    [blob] = (bench.entry() / "outputs").iterdir()
    blob.write_bytes(b"abject" * 1000)
    write(bench.lib / "out.o", b"edited")
    before = bench.tree()
    assert isinstance(bench.hit(WHAT), Miss)
    assert bench.tree() == before
    assert bench.litter() == []
