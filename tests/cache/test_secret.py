"""The secret of a cache: made once, by runs alone, and read by who wants to compare."""

from __future__ import annotations

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from haz_trio.cache.secret import NAME, SIZE, ensure_secret, read_secret


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path


def test_it_is_made_once_for_its_owner_alone(cache: Path) -> None:
    """32 random bytes of mode 0600, the same for ever, and nothing else lies about."""
    first = ensure_secret(str(cache))
    assert len(first) == SIZE
    assert ensure_secret(str(cache)) == read_secret(str(cache)) == first
    file = cache / "state" / NAME
    assert file.read_bytes() == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [p.name for p in file.parent.iterdir()] == [NAME]


def test_two_caches_have_two_secrets(tmp_path: Path) -> None:
    """What is veiled in one cache says nothing about another."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    assert ensure_secret(str(tmp_path / "a")) != ensure_secret(str(tmp_path / "b"))


def test_reading_makes_nothing(cache: Path) -> None:
    """Without a secret there is none, and the folder stays empty."""
    assert read_secret(str(cache)) is None
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"short", b"x" * (SIZE + 1)])
def test_what_is_no_secret_is_replaced(cache: Path, data: bytes) -> None:
    """Of another size it is none; the next run that stores makes a new one."""
    (cache / "state").mkdir()
    (cache / "state" / NAME).write_bytes(data)
    assert read_secret(str(cache)) is None
    made = ensure_secret(str(cache))
    assert read_secret(str(cache)) == made


@pytest.mark.parametrize("kind", ["link", "folder", "fifo"])
def test_only_a_regular_file_is_a_secret(cache: Path, kind: str) -> None:
    """A link could lead to what somebody else knows; nothing blocks or raises."""
    (cache / "state").mkdir()
    known = cache / "known"
    known.write_bytes(b"k" * SIZE)
    place = cache / "state" / NAME
    match kind:
        case "link":
            place.symlink_to(known)
        case "folder":
            place.mkdir()
        case _:
            os.mkfifo(place)
    assert read_secret(str(cache)) is None
    made = ensure_secret(str(cache))
    assert len(made) == SIZE
    assert made != known.read_bytes()
    if kind != "folder":
        assert read_secret(str(cache)) == made


def test_a_linked_state_folder_is_not_followed(tmp_path: Path) -> None:
    """Nor is anything made where it leads."""
    for name in ("cache", "elsewhere"):
        (tmp_path / name).mkdir()
    (tmp_path / "cache/state").symlink_to(tmp_path / "elsewhere")
    assert len(ensure_secret(str(tmp_path / "cache"))) == SIZE
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("obstacle", ["no cache", "state is a file"])
def test_where_nothing_can_be_kept_it_serves_one_run(cache: Path, obstacle: str) -> None:
    """A fault of the cache changes no outcome; no cache is made for a secret's sake."""
    root = cache / "absent" if obstacle == "no cache" else cache
    if obstacle != "no cache":
        (cache / "state").write_text("")
    assert ensure_secret(str(root)) != ensure_secret(str(root))
    assert read_secret(str(root)) is None
    assert not (cache / "absent").exists()


def test_those_who_start_together_agree(tmp_path: Path) -> None:
    """The first wins, everybody uses what is kept, and nothing else lies about."""
    together = threading.Barrier(4)

    def make(cache: Path) -> bytes:
        together.wait()
        return ensure_secret(str(cache))

    with ThreadPoolExecutor(4) as pool:
        for number in range(100):
            cache = tmp_path / str(number)
            cache.mkdir()
            assert set(pool.map(make, [cache] * 4)) == {read_secret(str(cache))}
            assert [p.name for p in (cache / "state").iterdir()] == [NAME]
