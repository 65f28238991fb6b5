"""Large files share their blocks with the cache where the file system can do that (C7.4, C10)."""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

import pytest

from haz_trio.abc import Miss, Restored, Stored
from haz_trio.cache.files import SMALL, Disk, opened
from tests.cache.store_support import Bench, remove, subject, write

WHAT = subject("out.bin")
BYTES = os.urandom(64) * (SMALL // 32)
FIEMAP = 0xC020660B  # the ioctl that tells where a file's blocks are


class Sharing(Disk):
    """A file system with reflinks: a clone has the bytes of its source, or what a test says."""

    instead: bytes | None = None

    def clone(self, source: int, target: int) -> bool:
        self.before("clone")
        data = os.pread(source, os.fstat(source).st_size, 0) if self.instead is None else b""
        return os.pwrite(target, data or self.instead or b"", 0) > 0


class Lying(Sharing):
    """What stands in the new file is not what the old one has."""

    instead = BYTES[:-1] + bytes([BYTES[-1] ^ 1])


@pytest.fixture
def bench(bench: Bench) -> Bench:
    assert bench.fresh(WHAT, lambda: write(bench.lib / "out.bin", BYTES))[1] == Stored()
    remove(bench.lib / "out.bin")
    return bench


def test_what_is_shared_is_not_written(bench: Bench) -> None:
    """One call instead of a copy; the bytes are the same."""
    calls: list[str] = []
    assert isinstance(bench.hit(WHAT, store=bench.store(disk=Sharing(calls.append))), Restored)
    assert (bench.lib / "out.bin").read_bytes() == BYTES
    assert calls == ["mkdir", "create", "clone", "chmod", "rename"]


def test_what_stands_in_the_new_file_is_verified(bench: Bench) -> None:
    """Also where the blob itself is right."""
    assert isinstance(bench.hit(WHAT, store=bench.store(disk=Lying())), Miss)
    assert bench.tree() == {}


def test_a_file_that_cannot_be_shared_is_copied(bench: Bench) -> None:
    """Whatever the reason: another file system, or one that has no reflinks."""

    def refuse(call: str) -> None:
        if call == "clone":
            raise OSError(95, "not supported")

    assert isinstance(bench.hit(WHAT, store=bench.store(disk=Disk(refuse))), Restored)
    assert (bench.lib / "out.bin").read_bytes() == BYTES


def blocks(path: Path) -> set[int]:
    """Where the first blocks of a file are on the disk, in bytes."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        request = bytearray(struct.pack("=QQLLLL", 0, 1 << 62, 0, 0, 32, 0) + bytes(56 * 32))
        fcntl.ioctl(file, FIEMAP, request)
    count = struct.unpack_from("=L", request, 20)[0]
    return {struct.unpack_from("=Q", request, 32 + 56 * each + 8)[0] for each in range(count)}


def test_stored_and_restored_files_share_their_blocks(bench: Bench) -> None:
    """On a file system with reflinks; with `--basetemp` on one the test is not skipped."""
    made = write(bench.lib / "made", BYTES)
    with opened(str(made), os.O_RDONLY) as old, (bench.lib / "clone").open("wb") as new:
        if not Disk().clone(old, new.fileno()):
            pytest.skip("this file system has no reflinks")
    assert isinstance(bench.hit(WHAT), Restored)
    [blob] = (bench.entry() / "outputs").iterdir()
    assert blocks(blob) == blocks(bench.lib / "out.bin") != set()
    assert (bench.lib / "out.bin").stat().st_ino != blob.stat().st_ino
