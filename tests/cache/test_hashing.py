"""Hash functions and the digests of files."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import tracemalloc
from pathlib import Path

import blake3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.cache.hashing import (
    ALGORITHMS,
    LARGE,
    SMALL,
    digest_bytes,
    digest_file,
    new_hasher,
    stat_row,
)
from haz_trio.errors import InputError
from haz_trio.model.workspace import HashName

ROOT = Path(__file__).parents[2]


class Enough(Exception):
    """Somebody gave up."""


def test_every_name_of_the_setting_has_a_function() -> None:
    """No value of ``cache.hash`` is without an entry in the table."""
    assert ALGORITHMS.keys() == set(HashName)


@pytest.mark.parametrize(
    ("name", "empty"),
    [
        (HashName.BLAKE3, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
        (HashName.SHA256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ],
)
def test_the_functions_are_the_published_ones(name: HashName, empty: str) -> None:
    """The digests of nothing are those of the specifications."""
    assert digest_bytes(name, b"").hex() == empty


@given(st.sampled_from(HashName), st.lists(st.binary(max_size=200), max_size=8))
def test_how_data_is_cut_does_not_matter(name: HashName, pieces: list[bytes]) -> None:
    """Pieces of any size have the digest of the whole."""
    hasher = new_hasher(name)
    for piece in pieces:
        hasher.update(memoryview(piece))
    assert hasher.digest() == digest_bytes(name, b"".join(pieces))


@pytest.mark.parametrize("name", list(HashName))
@pytest.mark.parametrize(
    "size", [0, 1, SMALL - 1, SMALL, SMALL + 1, LARGE - 1, LARGE, 2 * LARGE + 7]
)
def test_a_file_has_the_digest_of_its_bytes(name: HashName, size: int, tmp_path: Path) -> None:
    """On both sides of every change of buffer, by text and by bytes name."""
    data = bytes(range(251)) * (size // 251 + 1)
    path = tmp_path / "é x"
    path.write_bytes(data[:size])
    found = digest_file(name, str(path))
    by_hand = hashlib.sha256 if name is HashName.SHA256 else blake3.blake3
    assert found.digest == by_hand(data[:size]).digest()
    assert found.row == stat_row(path.stat())
    assert digest_file(name, os.fsencode(path)) == found


def test_a_link_is_followed(tmp_path: Path) -> None:
    """A link has the digest and the row of the file that it leads to."""
    (tmp_path / "file").write_text("content")
    (tmp_path / "link").symlink_to("file")
    via = digest_file(HashName.BLAKE3, str(tmp_path / "link"))
    assert via == digest_file(HashName.BLAKE3, str(tmp_path / "file"))


@pytest.mark.parametrize("kind", ["a folder", "a FIFO", "a socket", "a device"])
def test_what_is_no_file_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    """Neither a FIFO without a writer nor any other special file is opened or waited for."""
    path = str(tmp_path / "special")
    match kind:
        case "a folder":
            os.mkdir(path)
        case "a FIFO":
            os.mkfifo(path)
        case "a socket":
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(path)
        case _:
            path = "/dev/zero"
    with pytest.raises(InputError, match=f"is {kind}, not a regular file"):
        digest_file(HashName.BLAKE3, path)


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    """The caller knows which path was meant and says so."""
    with pytest.raises(FileNotFoundError):
        digest_file(HashName.BLAKE3, str(tmp_path / "none"))


def test_a_file_that_changes_once_is_read_again(tmp_path: Path) -> None:
    """The digest is never one of bytes of two moments."""
    path = tmp_path / "file"
    path.write_bytes(b"a" * SMALL)
    edits = iter([b"b" * (SMALL + 1)])

    def check() -> None:
        for data in edits:
            path.write_bytes(data)

    found = digest_file(HashName.BLAKE3, str(path), check=check)
    assert found.digest == digest_bytes(HashName.BLAKE3, b"b" * (SMALL + 1))
    assert found.row == stat_row(path.stat())


def test_a_file_that_never_rests_is_given_up(tmp_path: Path) -> None:
    """After a few tries there is an error instead of a wrong digest."""
    path = tmp_path / "log"
    path.write_bytes(b"x" * SMALL)

    def check() -> None:
        path.chmod(path.stat().st_mode ^ 0o044)

    with pytest.raises(InputError, match="changed each of the 3 times"):
        digest_file(HashName.BLAKE3, str(path), check=check)


def test_a_large_file_can_be_given_up_midway(tmp_path: Path) -> None:
    """``check`` is called between pieces, and no descriptor stays open when it raises."""
    path = tmp_path / "large"
    path.write_bytes(bytes(5 * LARGE))
    calls = []

    def check() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise Enough

    before = os.listdir("/proc/self/fd")
    with pytest.raises(Enough):
        digest_file(HashName.BLAKE3, str(path), check=check)
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_a_large_file_needs_little_memory(tmp_path: Path) -> None:
    """The memory does not grow with the file (the original reads inputs whole)."""
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(64 * LARGE)
    tracemalloc.start()
    try:
        digest_file(HashName.SHA256, str(path))
        assert tracemalloc.get_traced_memory()[1] < 3 * LARGE
    finally:
        tracemalloc.stop()


def test_without_blake3_its_name_is_refused_and_sha256_works(tmp_path: Path) -> None:
    """A package that cannot be imported is an error with a way out, never another function."""
    (tmp_path / "blake3.py").write_text("raise ImportError('no wheel for this machine')")
    program = (
        "from haz_trio.cache.hashing import digest_bytes\n"
        "from haz_trio.errors import HazError\n"
        "from haz_trio.model.workspace import HashName\n"
        "print(digest_bytes(HashName.SHA256, b'').hex()[:8])\n"
        "try:\n"
        "    digest_bytes(HashName.BLAKE3, b'')\n"
        "except HazError as problem:\n"
        "    print(problem)\n"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    digest, message = done.stdout.splitlines()
    assert digest == "e3b0c442"
    assert "no wheel for this machine" in message
    assert "cache.hash: sha256" in message


@settings(max_examples=20)
@given(st.binary(min_size=1, max_size=64), st.integers(0, 511))
def test_one_bit_more_or_less_is_seen(data: bytes, bit: int) -> None:
    """A flipped bit gives another digest, with either function."""
    flipped = bytearray(data)
    flipped[bit // 8 % len(data)] ^= 1 << bit % 8
    for name in HashName:
        assert digest_bytes(name, data) != digest_bytes(name, flipped)
