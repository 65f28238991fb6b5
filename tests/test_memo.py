"""A memo says again what a run has said, and only while nothing has moved."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haz_trio import memo, scout
from haz_trio.memo import (
    CLOCK,
    MOST,
    SECRET,
    STATE,
    STDERR,
    STDOUT,
    _duration,
    held_below,
    replay,
    write_memo,
)
from haz_trio.output.summary import format_duration
from haz_trio.scout import send_scout
from haz_trio.trust import ABSENT, row_at
from tests.cli.support import Home
from tests.config.snapshot_support import reseal
from tests.engine.workspaces import sh
from tests.process.support import children
from tests.told import Told, haz

ARGV = ["run", "p:a"]
FILES = ("p/haz.yml", "p/in", "p/out")
PIECES = [(STDOUT, b"said\n"), (STDERR, b"done in "), (CLOCK, b""), (STDERR, b"\n")]


@attrs.frozen
class Place:
    """A folder with a memo, in which we are."""

    root: Path

    def remember(self, argv: list[str] = ARGV, *, marker: str = ".haz/workspace.yml") -> None:
        """Write a memo that rests on everything here."""
        names = [".haz/cache", marker, *FILES, "no"]
        rows = {os.fsencode(name): row_at(str(self.root / name)) for name in names}
        folders = {b"p": row_at(str(self.root / "p"))}
        write_memo(
            str(self.root),
            argv,
            os.getcwd(),
            rows=rows,
            folders=folders,
            variables=("A",),
            pieces=PIECES,
        )

    @property
    def memos(self) -> list[Path]:
        return sorted((self.root / STATE).glob("memo-*"))


@pytest.fixture(params=["alone", "together", "behind"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """A memo that holds, in an environment that holds still.

    It is looked at alone, together with a scout, or behind one that has seen everything.
    """
    if request.param != "alone":
        monkeypatch.setattr(memo, "MANY", 1)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    if request.param == "behind":
        monkeypatch.setattr(scout, "send_scout", ahead)
    root = tmp_path.resolve()
    for name in (*FILES, ".haz/workspace.yml", SECRET):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / SECRET).write_bytes(bytes(32))
    monkeypatch.chdir(root)
    monkeypatch.setenv("A", "1")
    for name in os.environ:
        if name.startswith("HAZ_"):
            monkeypatch.delenv(name)
    place = Place(root)
    place.remember()
    before = children()
    yield place
    assert children() == before


def ahead(*words: Any) -> scout.Scout | None:
    """A scout that has come back already."""
    before = children()
    sent = send_scout(*words)
    (process,) = set(children()).difference(before)
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    return sent


def says(capfd: pytest.CaptureFixture[str], argv: list[str] = ARGV) -> bool:
    """Whether the memo is said again; whole, or not at all."""
    code = replay(argv, time.perf_counter())
    out, err = capfd.readouterr()
    if code is None:
        assert (out, err) == ("", "")
        return False
    assert (code, out) == (0, "said\n")
    assert err.startswith("done in ")
    assert err.endswith("ms\n")
    return True


def test_a_memo_is_said_again(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    """The same bytes on the same streams, with the time that it takes now; nothing is written."""
    before = sorted(place.root.rglob("*"))
    assert says(capfd)
    assert says(capfd)
    assert sorted(place.root.rglob("*")) == before


def touched_back(path: Path) -> None:
    info = path.stat()
    path.write_text("x" * info.st_size)
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def copied_over(path: Path) -> None:
    other = path.with_name("other")
    shutil.copy2(path, other)
    other.rename(path)


def swapped(path: Path) -> None:
    shutil.copytree(path.parent, path.parents[1] / "copy")
    path.parent.rename(path.parents[1] / "old")
    (path.parents[1] / "copy").rename(path.parent)


EDITS: list[Callable[[Path], object]] = [
    lambda root: (root / "p/in").write_text("p/iN"),
    lambda root: touched_back(root / "p/in"),
    lambda root: copied_over(root / "p/in"),
    lambda root: swapped(root / "p/in"),
    lambda root: (root / "p/out").unlink(),
    lambda root: (root / "p/out").chmod(0o600),
    lambda root: (root / "p").chmod(0o700),
    lambda root: touched_back(root / "p/haz.yml"),
    lambda root: touched_back(root / ".haz/workspace.yml"),
    lambda root: (root / "no").touch(),
    lambda root: (root / "no").symlink_to("nowhere"),
    lambda root: (root / ".haz/cache/.restore-x").mkdir(),
    lambda root: (root / SECRET).write_bytes(bytes(31) + b"1"),
    lambda root: (root / SECRET).write_bytes(bytes(33)),
    lambda root: (root / SECRET).unlink(),
]


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_ends_a_memo(
    place: Place, capfd: pytest.CaptureFixture[str], edit: Callable[[Path], object]
) -> None:
    """Configuration, inputs, outputs, folders, what was not there, and the cache itself."""
    edit(place.root)
    assert not says(capfd)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("A", "2"),
        ("A", None),
        ("NO_COLOR", "1"),
        ("HAZ_NEW", ""),
        ("LANG", "x"),
        ("HAZ_MEMO", "0"),
    ],
)
def test_another_environment_ends_a_memo(
    place: Place,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str | None,
) -> None:
    """What tasks copy, and what we heed ourselves; nothing else."""
    monkeypatch.setenv("UNRELATED", "1")
    assert says(capfd)
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    assert not says(capfd)


def test_a_memo_is_for_one_command_line_in_one_place(
    place: Place, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other words, another directory, or another place in the same directory."""
    for words in (["run"], ["run", "p:b"], ["run", "p:a", ""], ["p:a", "run"]):
        assert not says(capfd, words)
    monkeypatch.chdir(place.root / "p")
    assert not says(capfd)
    place.remember()
    assert says(capfd)
    for name in (".haz", ".git"):
        (place.root / "p" / name).mkdir()
        assert not says(capfd)
        (place.root / "p" / name).rmdir()
        place.remember()


def test_a_memo_that_is_refused_leaves_us_where_we_were(
    place: Place, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The working directory is the same, also one to which nobody could come back."""
    monkeypatch.chdir(place.root / "p")
    place.remember()
    (place.root / "p/in").write_text("new")
    here = os.stat(".")
    assert not says(capfd)
    assert os.path.samestat(here, os.stat("."))


def test_a_terminal_is_another_stream(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    """What was said to a pipe may not be what is said to a terminal."""
    leader, follower = os.openpty()
    kept = os.dup(0)
    try:
        os.dup2(follower, 0)
        assert not says(capfd)
    finally:
        os.dup2(kept, 0)
        for number in (kept, leader, follower):
            os.close(number)
    assert says(capfd)


def test_another_boot_and_a_clock_set_back_end_a_memo(
    place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing survives a boot; what comes from the future is thrown away."""
    (file,) = place.memos
    reseal(file, boot=bytes(range(16)))
    assert not says(capfd)
    place.remember()
    reseal(file, written_ns=time.time_ns() + 10**12)
    assert not says(capfd)
    assert place.memos == []


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_memo_that_others_may_write_is_not_read(
    place: Place, capfd: pytest.CaptureFixture[str], mode: int
) -> None:
    """Whoever can write it decides what seems to have succeeded."""
    place.memos[0].chmod(mode)
    assert not says(capfd)


def test_a_memo_without_a_marker_is_none_of_ours(
    place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    """One that did not look at what makes this a workspace may come with a repository."""
    place.remember(marker="no")
    assert not says(capfd)
    place.remember(marker="p/in")
    assert not says(capfd)


def test_each_byte_and_each_length_of_a_damaged_memo_is_no_memo(
    place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is raised, and nothing is said by halves."""
    (file,) = place.memos
    whole = file.read_bytes()
    for at in range(len(whole)):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert replay(ARGV, 0) is None
        file.write_bytes(whole[:at])
        assert replay(ARGV, 0) is None
    assert capfd.readouterr() == ("", "")


def test_the_newest_memos_are_kept(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    """Eight of them, and what is left of writers that were killed counts as well."""
    (place.root / STATE / "memo-0123.left").touch()
    for number in range(MOST + 3):
        place.remember(["run", str(number)])
    assert len(place.memos) == MOST
    assert says(capfd, ["run", str(MOST + 2)])
    assert not says(capfd)


@given(st.floats(1e-9, 10**6))
def test_a_time_is_said_as_a_run_says_it(seconds: float) -> None:
    """The two ways to write a duration are one."""
    assert _duration(seconds).decode() == format_duration(seconds)


# -- the real program -------------------------------------------------------------------------


def settled(home: Home, *words: str, tries: int = 40) -> Told:
    """Run until a memo answers, as soon as the files are old enough for one."""
    for _ in range(tries):
        done = haz(*words, cwd=home.root, env=home.env)
        if done.memo:
            break
    return done


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A workspace of two tasks, one behind the other."""
    home = Home.make(
        tmp_path / "w",
        {
            "a": sh("cat in > out; echo hello", inputs=["in"], outputs=["out"]),
            "b": sh("cat out > end", inputs=["out"], outputs=["end"], deps=["~:a"]),
        },
    )
    home.place.write("p/in", "1")
    return home


def test_the_program_answers_by_memo_and_stops_when_something_moves(home: Home) -> None:
    """The second run of hits is a memo; after an edit the tasks run again."""
    done = settled(home, "run", "--all")
    assert done.memo
    assert b"hello" in done.out
    assert b"2 cached" in done.err
    home.place.write("p/in", "2")
    again = haz("run", "--all", cwd=home.root, env=home.env)
    assert (again.memo, again.code) == (False, 0)
    assert (home.place.p / "end").read_text() == "2"


def test_a_run_without_predecessors_leaves_no_memo(home: Home) -> None:
    """Its looks leave no proof, so that a memo would rest on something older."""
    assert settled(home, "run", "--all").memo
    assert not settled(home, "run", "--only", "p:b", tries=4).memo


def test_an_old_run_of_one_task_says_nothing_of_another(home: Home) -> None:
    """After an edit that one task has seen, the other one still has to see it."""
    home.place.write(
        "p/haz.yml",
        (home.place.p / "haz.yml").read_text().replace('"inputs": ["out"]', '"inputs": ["in"]'),
    )
    assert settled(home, "run", "p:a", "p:b").memo
    home.place.write("p/in", "2")
    assert settled(home, "run", "p:a").memo
    done = haz("run", "p:b", cwd=home.root, env=home.env)
    assert b"1 cached" in done.err
    assert (home.place.p / "end").read_text() == "2"


def test_what_only_looks_writes_nothing(home: Home) -> None:
    """`check`, `query`, `why` and a dry run leave every state file as it is."""
    settled(home, "run", "--all")
    for moved in (False, True):
        if moved:
            home.place.write("p/in", "2")
            home.place.write("p/haz.yml", (home.place.p / "haz.yml").read_text() + " ")
        before = {path: row_at(str(path)) for path in sorted(home.root.rglob("*"))}
        for words in (["check"], ["query"], ["why", "p:a"], ["run", "--all", "--dry-run"]):
            assert haz(*words, cwd=home.root, env=home.env).code == 0
        assert {path: row_at(str(path)) for path in sorted(home.root.rglob("*"))} == before
        assert ABSENT not in before.values()


def test_what_held_before_a_memo_was_refused_is_told(place: Place) -> None:
    """Names seen in this process need not be asked again; the one that differs is none of them."""
    place.remember()
    (place.root / "p/in").write_text("other")
    assert replay(ARGV, 0.0) is None
    held = held_below(str(place.root))
    assert held[b"p/haz.yml"] == row_at(str(place.root / "p/haz.yml"))
    assert b"p/in" not in held
    assert held_below(str(place.root / "p")) == {}


@pytest.mark.parametrize("place", ["behind"], indirect=True)
def test_what_a_scout_has_seen_is_told_and_not_asked_for_again(
    place: Place, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what lies behind the first name that differs; folders are asked for once more."""
    asked: list[bytes] = []
    lstat = os.lstat

    def seen(name: bytes, dir_fd: int | None = None) -> os.stat_result:
        asked.append(name)
        return lstat(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "lstat", seen)
    assert says(capfd)
    below = [name for name in asked if isinstance(name, bytes) and not os.path.isabs(name)]
    assert below == [b"p"]
    (place.root / "p/in").write_text("other")
    assert not says(capfd)
    held = held_below(str(place.root))
    assert held[b"p/out"] == row_at(str(place.root / "p/out"))
    assert b"p/in" not in held


class Late(bytearray):
    """What a scout tells of each name just after it was asked for."""

    def __getitem__(self, place: Any) -> Any:
        return super().__getitem__(place) if isinstance(place, slice) else 0


@pytest.mark.parametrize("place", ["together"], indirect=True)
def test_what_moved_between_two_looks_has_not_held(
    place: Place, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scout that saw a name before it moved is not believed against our own eyes."""

    def send(*words: Any) -> scout.Scout | None:
        sent = ahead(*words)
        assert sent is not None
        sent.seen = Late(sent.seen)  # type: ignore[assignment]
        (place.root / "p/in").write_text("other")
        return sent

    monkeypatch.setattr(scout, "send_scout", send)
    assert not says(capfd)
    held = held_below(str(place.root))
    assert held[b"p/out"] == row_at(str(place.root / "p/out"))
    assert b"p/in" not in held


@pytest.mark.parametrize("place", ["together"], indirect=True)
@pytest.mark.parametrize("name", ["fork", "open"])
def test_without_room_for_another_process_or_file(
    place: Place, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A scout that cannot be sent is not missed, and none is sent for nothing."""
    usual = os.open

    def refuse(*words: Any, **more: Any) -> int:
        if words and words[0] != str(place.root):
            return usual(*words, **more)
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, name, refuse)
    assert says(capfd) == (name == "fork")
