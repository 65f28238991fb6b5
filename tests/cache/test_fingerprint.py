"""Fingerprints: files are read once, and never believed when they may have changed."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.cache.fingerprint import Fingerprint, Fingerprints, digest_in
from haz_trio.cache.hashing import LARGE, StatRow, digest_bytes, stat_row
from haz_trio.errors import InputError
from haz_trio.model.workspace import HashName

NAME = HashName.BLAKE3
TICK = 10_000_000
SETTLED = 25_000_000  # more than the slack


def digest_of(path: Path) -> bytes:
    return digest_bytes(NAME, path.read_bytes())


@attrs.define
class World:
    """Files whose times come from a coarse clock: all that happens within a tick looks alike.

    ``reads`` counts how often a file was opened and read.
    """

    now: int = 1_000_000_000_123_456_789
    stamps: dict[int, tuple[int, int]] = attrs.field(factory=dict)
    reads: int = 0

    def fingerprints(self) -> Fingerprints:
        return Fingerprints(NAME, clock=self.clock, row_of=self.row_of)

    def clock(self) -> int:
        return self.now

    def stamp(self) -> int:
        return self.now // TICK * TICK + 1

    def row_of(self, info: os.stat_result) -> StatRow:
        mtime, ctime = self.stamps.get(info.st_ino, (self.stamp(), self.stamp()))
        return stat_row(info)._replace(mtime_ns=mtime, ctime_ns=ctime)

    def write(self, path: Path, data: bytes) -> None:
        """Change a file in place."""
        path.write_bytes(data)
        self.stamps[path.stat().st_ino] = (self.stamp(), self.stamp())

    def touch(self, path: Path, mtime: int) -> None:
        """``touch -d``: any mtime that one likes, but the ctime is that of the clock."""
        self.stamps[path.stat().st_ino] = (mtime, self.stamp())

    def replace(self, path: Path, data: bytes) -> None:
        """Rename another file of the same size and mtime over it, as ``cp -p`` and ``mv`` do."""
        mtime = self.stamps[path.stat().st_ino][0]
        other = path.with_name("other")
        other.write_bytes(data)
        self.stamps[other.stat().st_ino] = (mtime, self.stamp())
        other.rename(path)


def test_1000_edits_of_equal_size_are_all_seen(tmp_path: Path) -> None:
    """Many edits within each tick of the clock: not one stale digest (F1)."""
    world, path = World(), tmp_path / "file"
    known = world.fingerprints()
    for number in range(1000):
        world.write(path, b"%06d" % number)
        assert digest_in(known.take(os.fsencode(path))) == digest_of(path)
        world.now += number % 7 * 1_000_000


def test_a_slack_below_the_tick_would_be_fooled(tmp_path: Path) -> None:
    """The world above can fool: with times an hour old at once, a stale digest is believed."""
    world, path = World(), tmp_path / "file"
    known = world.fingerprints()
    path.write_bytes(b"1")
    world.stamps[path.stat().st_ino] = (1_001, 1_001)
    old = known.take(os.fsencode(path))
    path.write_bytes(b"2")
    world.now += SETTLED
    assert known.take(os.fsencode(path)) is old


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from([b"aa", b"bb", b"ccc"])),
        st.tuples(st.just("replace"), st.sampled_from([b"aa", b"bb"])),
        st.tuples(st.just("touch"), st.sampled_from([1, 10**18, 10**12 + 1])),
        st.tuples(st.just("wait"), st.sampled_from([1_000, TICK // 2, TICK, SETTLED, 10**9])),
        st.tuples(st.just("back"), st.sampled_from([TICK, SETTLED, 10**9])),
        st.tuples(st.just("look"), st.none()),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_no_history_leaves_a_stale_digest(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, object]]
) -> None:
    """Edits, renames over, ``touch``, waits and clocks set back in any order (F1)."""
    world, path = World(), tmp_path_factory.mktemp("f") / "file"
    known = world.fingerprints()
    world.write(path, b"aa")
    for kind, value in steps:
        match kind, value:
            case "write", bytes(data):
                world.write(path, data)
            case "replace", bytes(data):
                world.replace(path, data)
            case "touch", int(mtime):
                world.touch(path, mtime)
            case "wait", int(duration):
                world.now += duration
            case "back", int(duration):
                world.now -= duration
                known.take(os.fsencode(path))  # a clock set back is noticed at the next look
            case _:
                pass
        if kind != "wait":
            assert digest_in(known.take(os.fsencode(path))) == digest_of(path)


def test_a_settled_file_is_read_once(tmp_path: Path) -> None:
    """The same fingerprint object comes back; after ``touch`` an equal digest."""
    world, path = World(), tmp_path / "file"
    known = world.fingerprints()
    world.write(path, b"data")
    world.now += SETTLED
    first = known.take(os.fsencode(path))
    assert known.take(os.fsencode(path)) is first
    world.touch(path, 7)
    again = known.take(os.fsencode(path))
    assert again is not first
    assert digest_in(again) == digest_in(first)


def test_a_fresh_file_is_read_once_more_and_then_believed(tmp_path: Path) -> None:
    """A file that was just built costs one extra read, once."""
    world, path = World(), tmp_path / "file"
    known = world.fingerprints()
    world.write(path, b"data")
    first = known.take(os.fsencode(path))
    world.now += SETTLED
    second = known.take(os.fsencode(path))
    assert second is not first
    assert known.take(os.fsencode(path)) is second


def test_a_clock_set_back_is_distrusted(tmp_path: Path) -> None:
    """What was seen in the future of the present clock is read again."""
    world, path = World(), tmp_path / "file"
    known = world.fingerprints()
    world.write(path, b"data")
    world.now += 10 * SETTLED
    first = known.take(os.fsencode(path))
    world.now -= SETTLED
    assert known.take(os.fsencode(path)) is not first


def test_real_edits_with_restored_times_are_seen(tmp_path: Path) -> None:
    """On the real clock: same size, same mtime by ``utime``, and by renaming over."""
    path, other = tmp_path / "file", tmp_path / "other"
    path.write_text("old")
    info = path.stat()
    known = Fingerprints(NAME)
    for number in range(100):
        path.write_bytes(b"%03d" % number)
        os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
        assert digest_in(known.take(os.fsencode(path))) == digest_of(path)
        other.write_bytes(b"%03d" % (999 - number))
        os.utime(other, ns=(info.st_atime_ns, info.st_mtime_ns))
        other.rename(path)
        assert digest_in(known.take(os.fsencode(path))) == digest_of(path)


def test_a_link_that_turns_elsewhere_is_seen(tmp_path: Path) -> None:
    """The row is that of the target, so that another target is another file."""
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    link = tmp_path / "link"
    known = Fingerprints(NAME)
    for name in "abab":
        link.unlink(missing_ok=True)
        link.symlink_to(name)
        assert digest_in(known.take(os.fsencode(link))) == digest_bytes(NAME, name.encode())


def test_an_old_file_in_the_place_of_another_is_seen(tmp_path: Path) -> None:
    """A folder that is exchanged brings files whose own times say nothing of it."""
    world, path = World(), tmp_path / "now" / "file"
    known = world.fingerprints()
    for name in ("now", "next"):
        (tmp_path / name).mkdir()
        world.write(tmp_path / name / "file", name[:3].encode())
    world.now += SETTLED
    known.take(os.fsencode(path))
    (tmp_path / "now").rename(tmp_path / "old")
    (tmp_path / "next").rename(tmp_path / "now")
    assert digest_in(known.take(os.fsencode(path))) == digest_of(path)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    """A missing file is an ``OSError``, also when it was there before; a folder is refused."""
    path = tmp_path / "file"
    path.write_text("x")
    known = Fingerprints(NAME)
    known.take(os.fsencode(path))
    path.unlink()
    with pytest.raises(FileNotFoundError):
        known.take(os.fsencode(path))
    path.mkdir()
    with pytest.raises(InputError, match="is a folder"):
        known.take(os.fsencode(path))


def test_rows_of_an_earlier_run_are_believed_like_our_own(tmp_path: Path) -> None:
    """What one run knew serves the next one, and an edit between them is seen."""
    world, path = World(), tmp_path / "file"
    world.write(path, b"old")
    world.now += SETTLED
    first = world.fingerprints()
    old = first.take(os.fsencode(path))
    assert list(first) == [(os.fsencode(path), old)]
    second = world.fingerprints()
    second.adopt(first)
    assert second.take(os.fsencode(path)) is old
    world.write(path, b"new")
    assert digest_in(second.take(os.fsencode(path))) == digest_of(path)


def test_a_large_file_is_read_by_one_thread_for_all(tmp_path: Path) -> None:
    """Threads that want a file that is being read wait for it."""
    path = tmp_path / "large"
    path.write_bytes(bytes(4 * LARGE))
    os.utime(path, ns=(0, 0))
    ahead = time.time_ns() + 10**9  # as if the file were a second old
    known = Fingerprints(NAME, clock=lambda: ahead)
    pieces, found = [], list[Fingerprint]()
    gate = threading.Barrier(4)

    def look() -> None:
        gate.wait()
        found.append(known.take(os.fsencode(path), check=lambda: pieces.append(1)))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(one) for one in found}) == 1


def test_a_thread_that_waits_can_be_given_up(tmp_path: Path) -> None:
    """Whoever waits for another thread's read looks at ``check``, and frees nothing of others."""
    path = os.fsencode(tmp_path / "large")
    Path(os.fsdecode(path)).write_bytes(bytes(2 * LARGE))
    known = Fingerprints(NAME)
    reading, go_on = threading.Event(), threading.Event()

    class Enough(Exception):
        pass

    def hold() -> None:
        reading.set()
        assert go_on.wait(20)

    def give_up() -> None:
        raise Enough

    reader = threading.Thread(target=known.take, args=(path,), kwargs={"check": hold})
    reader.start()
    assert reading.wait(20)
    with pytest.raises(Enough):
        known.take(path, check=give_up)
    go_on.set()
    reader.join()
    assert digest_in(known.take(path)) == digest_bytes(NAME, bytes(2 * LARGE))
