"""Streams: hashed as they pass, in memory or in a file, and never lost silently (D09, D12)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.cache.files import CREATE, Damage, Disk
from haz_trio.cache.hashing import digest_bytes
from haz_trio.cache.streams import CHUNK, MEMORY, Spool, open_recorded
from haz_trio.model.workspace import HashName
from tests.cache.store_support import Faults

NAME = HashName.SHA256


@pytest.fixture
def folder(tmp_path: Path):  # type: ignore[no-untyped-def]  # a generator fixture of a descriptor
    fd = os.open(tmp_path, os.O_RDONLY)
    yield fd
    os.close(fd)


def spool(folder: int, disk: Disk | None = None) -> Spool:
    return Spool(NAME, disk or Disk(), lambda: os.open("stdout", CREATE, 0o600, dir_fd=folder))


@pytest.mark.parametrize("sizes", [[], [5, 0, 7], [MEMORY], [MEMORY, 1], [MEMORY // 2] * 5])
def test_what_is_written_is_given_again(folder: int, sizes: list[int]) -> None:
    """Whatever the sizes, around the limit of what stays in memory."""
    data = [os.urandom(size) for size in sizes]
    one = spool(folder)
    for piece in data:
        one.write(piece)
    one.save("stdout", at=folder)
    whole = b"".join(data)
    assert (one.size, one.digest) == (len(whole), digest_bytes(NAME, whole))
    found = open_recorded(
        "stdout", at=folder, size=len(whole), digest=one.digest.hex(), hash_name=NAME
    )
    for _ in range(2):
        pieces = list(found.chunks())
        assert b"".join(pieces) == whole
        assert all(0 < len(piece) <= CHUNK for piece in pieces)


def test_only_a_large_stream_waits_for_the_disk(folder: int) -> None:
    """``spooling`` is said before a write that may block, and nothing is written earlier."""
    one = spool(folder)
    one.write(b"x" * (MEMORY - 1))
    assert not one.spooling
    one.write(b"xx")
    assert one.spooling
    assert os.listdir(folder) == []
    one.write(b"x")
    assert os.listdir(folder) == ["stdout"]
    one.drop()
    assert not one.spooling


@given(st.lists(st.binary(max_size=40), max_size=8))
@settings(max_examples=50)
def test_the_digest_does_not_depend_on_the_pieces(data: list[bytes]) -> None:
    """Chunks end anywhere."""
    one = Spool(NAME, Disk(), lambda: -1)
    for piece in data:
        one.write(piece)
    assert one.digest == digest_bytes(NAME, b"".join(data))


def test_a_full_disk_stops_keeping_and_not_the_task(folder: int) -> None:
    """The stream is hashed on, and saving it fails with what went wrong (D12)."""
    for at in (1, 2):
        one = spool(folder, Disk(Faults(at)))
        for _ in range(3):
            one.write(b"x" * MEMORY)
        assert (one.size, one.digest) == (3 * MEMORY, digest_bytes(NAME, b"x" * 3 * MEMORY))
        assert not one.spooling
        with pytest.raises(OSError, match="injected into write"):
            one.save("stdout", at=folder)
        os.unlink("stdout", dir_fd=folder)


@pytest.mark.parametrize("size", [10, MEMORY + 10])
@pytest.mark.parametrize("damage", ["shorter", "longer", "other", "folder"])
def test_a_damaged_stream_is_not_given(
    folder: int, tmp_path: Path, size: int, damage: str
) -> None:
    """Verified before the first byte is given (B 169..172)."""
    data = b"y" * size
    digest = digest_bytes(NAME, data).hex()
    path = tmp_path / "stdout"
    match damage:
        case "shorter":
            path.write_bytes(data[:-1])
        case "longer":
            path.write_bytes(data + b"y")
        case "other":
            path.write_bytes(data[:-1] + b"z")
        case _:
            path.mkdir()
    with pytest.raises(Damage):
        open_recorded("stdout", at=folder, size=size, digest=digest, hash_name=NAME)
