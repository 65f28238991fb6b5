"""Claims: one process at a time for a task and for a key; who lives is known by name."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from haz_trio.cache.claims import Claims
from haz_trio.cache.files import Disk
from haz_trio.cache.root import CacheRoot
from haz_trio.living import dead
from tests.cache.test_locks import Refusing

_RUN = """
import sys
from haz_trio.cache.claims import Claims
from haz_trio.cache.files import Disk
from haz_trio.cache.root import CacheRoot
claims = Claims(CacheRoot(sys.argv[1], Disk()), Disk())
assert claims.claim("p:build", "11") is not None
print("claimed", flush=True)
sys.stdin.read()
"""


class Runs:
    """The claims of as many runs as a test asks for, in one workspace."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.notes: list[list[str]] = []
        self._made: list[Claims] = []

    def new(self, *, disk: Disk | None = None) -> Claims:
        disk = disk or Disk()
        root = CacheRoot(str(self.root), disk)
        claims = Claims(root, disk)
        self.notes.append(root.notes)
        self._made.append(claims)
        return claims

    def end(self) -> None:
        for claims in self._made:
            claims.close()


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    runs = Runs(tmp_path)
    yield runs
    runs.end()


def state(runs: Runs) -> Path:
    return runs.root / ".haz" / "cache" / "state"


def test_a_task_is_claimed_by_one_run_at_a_time(runs: Runs) -> None:
    """Whatever the key; after the release another run may have it."""
    one, other = runs.new(), runs.new()
    claim = one.claim("p:build", "11")
    assert claim is not None
    assert other.claim("p:build", "22") is None
    claim.release()
    assert other.claim("p:build", "22") is not None


def test_a_key_is_claimed_by_one_run_at_a_time(runs: Runs) -> None:
    """Whatever the task is called."""
    one, other = runs.new(), runs.new()
    assert one.claim("p:build", "11") is not None
    assert other.claim("p:make", "11") is None


def test_a_claim_that_is_refused_holds_nothing(runs: Runs) -> None:
    """Who waits keeps nobody else waiting."""
    one, other, third = runs.new(), runs.new(), runs.new()
    assert one.claim("p:a", "11") is not None
    assert other.claim("p:b", "11") is None
    assert third.claim("p:b", "22") is not None


def test_other_tasks_are_not_in_the_way(runs: Runs) -> None:
    """Runs work side by side on what differs."""
    one, other = runs.new(), runs.new()
    assert one.claim("p:a", "11") is not None
    assert other.claim("p:b", "22") is not None


def test_a_release_twice_is_one(runs: Runs) -> None:
    """A claim that was released does not take away what somebody else of the run holds."""
    one, other = runs.new(), runs.new()
    first, second = one.claim("p:a", "11"), one.claim("p:b", "11")
    assert first is not None
    assert second is not None
    first.release()
    first.release()
    assert other.claim("p:c", "11") is None
    second.release()
    assert other.claim("p:c", "11") is not None


def test_mutexes_hold_between_runs(runs: Runs) -> None:
    """Shared ones together, an exclusive one alone, until the claim is released."""
    one, other = runs.new(), runs.new()
    mine, yours = one.claim("p:a", "11"), other.claim("p:b", "22")
    assert mine is not None
    assert yours is not None
    assert one.add_mutex(mine, "db", shared=True)
    assert other.add_mutex(yours, "db", shared=True)
    assert not one.add_mutex(mine, "db", shared=False)
    assert one.add_mutex(mine, "p/db", shared=False)
    assert not other.add_mutex(yours, "p/db", shared=False)
    yours.release()
    assert one.add_mutex(mine, "db", shared=False)


def test_the_other_runs_are_known_by_their_processes(runs: Runs) -> None:
    """Those that live; the file of a dead one is removed."""
    child = subprocess.Popen(
        [sys.executable, "-c", _RUN, str(runs.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    with child:
        assert child.stdout.readline() == "claimed\n"
        claims = runs.new()
        assert claims.claim("p:build", "11") is None
        assert claims.others() == (child.pid,)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert claims.claim("p:build", "11") is not None
        assert claims.others() == ()


def test_a_run_leaves_no_file_of_its_own(runs: Runs) -> None:
    """Only the file of the locks stays, and an empty folder for those who live."""
    claims, more = runs.new(), runs.new()
    for each, name in ((claims, "p:build"), (more, "p:make")):
        claim = each.claim(name, name)
        assert claim is not None
        claim.release()
    assert sorted(os.listdir(state(runs))) == ["locks", "runs"]
    assert len(os.listdir(state(runs) / "runs")) == 2
    claims.close()
    assert len(os.listdir(state(runs) / "runs")) == 1
    more.close()
    assert os.listdir(state(runs) / "runs") == []


def test_a_living_run_is_never_taken_for_a_dead_one(runs: Runs) -> None:
    """Its file appears with the lock taken."""
    stop, seen = threading.Event(), []

    def look() -> None:
        while not stop.is_set():
            seen.extend(dead(str(state(runs) / "runs")))

    looker = threading.Thread(target=look)
    looker.start()
    try:
        for _ in range(200):
            claims = runs.new()
            claim = claims.claim("p:build", "11")
            assert claim is not None
            claim.release()
            claims.close()
    finally:
        stop.set()
        looker.join()
    assert seen == []


def test_after_a_clear_the_next_claim_locks_the_new_file(runs: Runs) -> None:
    """Runs that began before and after the cache was removed keep each other out."""
    one, other = runs.new(), runs.new()
    first = one.claim("p:a", "11")
    assert first is not None
    shutil.rmtree(runs.root / ".haz" / "cache")
    assert one.claim("p:b", "22") is not None
    assert other.claim("p:b", "22") is None
    first.release()


def test_the_first_claim_makes_what_is_missing(runs: Runs) -> None:
    """Be it the whole cache, the folder of state files, or only the file of the locks."""
    for missing in (".haz", ".haz/cache/state", ".haz/cache/state/locks"):
        path = runs.root / missing
        if path.exists():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        one, other = runs.new(), runs.new()
        assert one.claim("p:a", "11") is not None
        assert other.claim("p:a", "11") is None
        one.close()


def test_without_locks_everything_is_granted_and_told_once(runs: Runs) -> None:
    """The file system has none at all."""
    claims = runs.new(disk=Disk(Refusing("lock", "flock")))
    assert claims.claim("p:a", "11") is not None
    assert claims.claim("p:b", "22") is not None
    (notes,) = runs.notes
    assert len(notes) == 1
    assert "cannot be locked" in notes[0]


@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE])
def test_trouble_with_a_lock_grants_the_claim(runs: Runs, number: int) -> None:
    """A fault of the cache costs time, never an outcome (CACHE-023)."""
    claims = runs.new(disk=Disk(Refusing("lock", number=number)))
    claim = claims.claim("p:a", "11")
    assert claim is not None
    assert claims.add_mutex(claim, "db", shared=False)
    assert len(runs.notes[0]) == 1


def test_a_folder_in_the_place_of_the_file_is_told(runs: Runs) -> None:
    """Nothing is locked then, and nothing fails."""
    (state(runs) / "locks").mkdir(parents=True)
    claims = runs.new()
    assert claims.claim("p:a", "11") is not None
    with claims.maintenance() as alone:
        assert not alone
    assert len(runs.notes[0]) == 1


def test_state_files_are_rewritten_by_one_run_at_a_time(runs: Runs) -> None:
    """Not where there is no cache: then nothing is made for it."""
    claims = runs.new()
    with claims.maintenance() as alone:
        assert not alone
    assert not (runs.root / ".haz").exists()
    assert claims.claim("p:a", "11") is not None
    with claims.maintenance() as alone:
        assert alone
