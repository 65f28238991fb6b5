"""Locks between processes: bytes of one file, else whole files, else none (cache.md C9)."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haz_trio.cache.files import Disk
from haz_trio.cache.lock_ways import MAINTENANCE
from haz_trio.cache.locks import Locks, Plane, open_locks, place_of

_HOLDER = """
import os, sys
from haz_trio.cache.files import Disk
from haz_trio.cache.locks import open_locks
locks = open_locks(os.open(sys.argv[1], os.O_RDONLY), Disk(), make=True)
assert locks.take(int(sys.argv[2]))
print("held", flush=True)
sys.stdin.read()
"""


class Refusing:
    """A file system on which some ways to lock do not exist."""

    def __init__(self, *calls: str, number: int = errno.ENOLCK) -> None:
        self._calls, self._number = calls, number

    def __call__(self, call: str) -> None:
        if call in self._calls:
            raise OSError(self._number, os.strerror(self._number))


WAYS = {"bytes": Disk(), "stripes": Disk(Refusing("lock"))}


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "state").mkdir()
    root = os.open(tmp_path, os.O_RDONLY)
    yield root
    os.close(root)


@pytest.fixture(params=WAYS)
def disk(request: pytest.FixtureRequest) -> Disk:
    """Each way to lock in turn."""
    return WAYS[request.param]


@contextlib.contextmanager
def locks_of(cache: int, disk: Disk | None = None) -> Iterator[Locks]:
    """What a process of its own would have: locks belong to the open file."""
    locks = open_locks(cache, disk or Disk(), make=True)
    assert locks is not None
    try:
        yield locks
    finally:
        locks.close()


@pytest.fixture
def pair(cache: int, disk: Disk) -> Iterator[tuple[Locks, Locks]]:
    with locks_of(cache, disk) as one, locks_of(cache, disk) as other:
        yield one, other


@contextlib.contextmanager
def holder(path: Path, place: int) -> Iterator[subprocess.Popen[str]]:
    """A process that holds a place until it is killed or its input ends."""
    child = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(path), str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    with child:
        assert child.stdout.readline() == "held\n"
        yield child
        child.kill()


def test_one_process_at_a_time(pair: tuple[Locks, Locks]) -> None:
    """A place that is held alone is busy for others, and free after it was dropped."""
    one, other = pair
    assert one.take(6)
    assert not other.take(6)
    assert not other.take(6, shared=True)
    one.drop(6)
    assert other.take(6)


def test_shared_holders_keep_out_who_wants_to_be_alone(pair: tuple[Locks, Locks]) -> None:
    """Sharing goes together; alone comes after all of them."""
    one, other = pair
    assert one.take(6, shared=True)
    assert other.take(6, shared=True)
    assert not other.take(6)
    one.drop(6)
    assert other.take(6)
    assert not one.take(6, shared=True)


def test_a_process_may_hold_a_place_several_times(pair: tuple[Locks, Locks]) -> None:
    """It is free for others when the last holder of the process has let go."""
    one, other = pair
    assert one.take(6)
    assert one.take(6)
    assert one.take(6, shared=True)
    for _ in range(3):
        assert not other.take(6)
        one.drop(6)
    assert one.is_idle
    assert other.take(6)


def test_places_are_apart(pair: tuple[Locks, Locks]) -> None:
    """Neighbours, the planes of one name and the place of maintenance do not meet."""
    one, other = pair
    places = [0, 1, 2, place_of("k", Plane.USE), place_of("k", Plane.CLAIM), MAINTENANCE]
    for place in places[::2]:
        assert one.take(place)
    for place in places[1::2]:
        assert other.take(place)


def test_looking_takes_nothing(pair: tuple[Locks, Locks]) -> None:
    """Whether others hold a place can be asked, and nobody is kept out by the question."""
    one, other = pair
    assert not other.is_taken(6)
    assert one.take(6)
    assert other.is_taken(6)
    one.drop(6)
    assert not other.is_taken(6)
    assert one.take(6)


def test_all_at_once_only_while_nobody_holds_anything(pair: tuple[Locks, Locks]) -> None:
    """And then nobody gets anything until the end."""
    one, other = pair
    assert one.take(6, shared=True)
    assert not other.take_all()
    one.drop(6)
    assert other.take_all()
    assert not one.take(6)


def test_maintenance_is_waited_for_and_given_up(cache: int, disk: Disk) -> None:
    """Who has no patience goes on without; who has gets it when the other is done."""
    with locks_of(cache, disk) as one, locks_of(cache, disk) as other:
        leave, entered = threading.Event(), threading.Event()

        def keep() -> None:
            with one.maintenance(0) as alone:
                assert alone
                entered.set()
                leave.wait()

        thread = threading.Thread(target=keep)
        thread.start()
        try:
            assert entered.wait(10)
            with other.maintenance(0) as alone:
                assert not alone
        finally:
            leave.set()
        with other.maintenance(10) as alone:
            assert alone
        thread.join()


def test_threads_count_right(cache: int, disk: Disk) -> None:
    """Many threads that take and drop one place leave it free."""
    with locks_of(cache, disk) as one, locks_of(cache, disk) as other:

        def work() -> None:
            for _ in range(200):
                assert one.take(6)
                one.drop(6)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert one.is_idle
        assert other.take(6)


def test_a_lock_dies_with_its_process(tmp_path: Path, cache: int) -> None:
    """After a SIGKILL the place is free as soon as the process is gone."""
    with locks_of(cache) as locks, holder(tmp_path, 6) as child:
        assert not locks.take(6)
        child.kill()
        child.wait()
        assert locks.take(6)


def test_programs_do_not_inherit_locks(cache: int) -> None:
    """A command that goes on after the process that started it keeps nobody out."""
    with locks_of(cache) as other:
        with locks_of(cache) as one:
            assert one.take(6)
            child = subprocess.Popen(["sleep", "60"], close_fds=False)
        try:
            assert other.take(6)
        finally:
            child.kill()
            child.wait()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL])
def test_where_no_bytes_can_be_locked_files_are(cache: int, number: int) -> None:
    """The other way begins by itself, and holds between processes."""
    disk = Disk(Refusing("lock", number=number))
    with locks_of(cache, disk) as one, locks_of(cache, disk) as other:
        assert one.take(6)
        assert one.works
        assert not other.take(6)


def test_where_nothing_can_be_locked_nobody_is_kept_out(cache: int) -> None:
    """It is known, so that it can be told."""
    disk = Disk(Refusing("lock", "flock"))
    with locks_of(cache, disk) as one, locks_of(cache, disk) as other:
        assert one.take(6)
        assert other.take(6)
        assert not one.works


def test_other_trouble_is_not_hidden(cache: int) -> None:
    """An error that says nothing of locks does not change the way."""
    faults = Refusing("lock", number=errno.EIO)
    with locks_of(cache, Disk(faults)) as locks:
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            locks.take(6)
        assert locks.works


def test_nobody_but_a_run_makes_the_file(tmp_path: Path, cache: int) -> None:
    """Who only looks finds that nobody can hold anything."""
    assert open_locks(cache, Disk(), make=False) is None
    assert list((tmp_path / "state").iterdir()) == []
    (tmp_path / "state").rmdir()
    assert open_locks(cache, Disk(), make=False) is None


def test_a_removed_file_shows(tmp_path: Path, cache: int) -> None:
    """Its locks are worth nothing: who comes now makes another file."""
    with locks_of(cache) as locks:
        assert not locks.is_gone
        (tmp_path / "state" / "locks").unlink()
        assert locks.is_gone


def test_a_link_in_the_place_of_the_file_is_not_followed(tmp_path: Path, cache: int) -> None:
    """Nothing outside the cache is opened for writing."""
    (tmp_path / "state" / "locks").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        open_locks(cache, Disk(), make=True)
    assert not (tmp_path / "elsewhere").exists()


@given(st.text(), st.sampled_from(Plane))
def test_every_name_has_a_place(name: str, plane: Plane) -> None:
    """Within what the kernel takes, below the place of maintenance, and on its plane."""
    place = place_of(name, plane)
    assert 0 <= place < MAINTENANCE
    assert place % 2 == plane
    assert place == place_of(name, plane)


def _cost(work: Callable[[], object], rounds: int) -> float:
    started = time.perf_counter()
    for _ in range(rounds):
        work()
    return (time.perf_counter() - started) / rounds


def test_a_lock_costs_next_to_nothing(cache: int) -> None:
    """Taking and dropping a byte stays far below the start of any command."""
    with locks_of(cache) as locks:

        def once() -> None:
            locks.take(6)
            locks.drop(6)

        cost = min(_cost(once, 2000) for _ in range(5))
    print(f"one lock taken and dropped: {cost * 1e6:.1f} µs")
    assert cost < 100e-6
