"""Tests of haz_trio.output.spool."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.output.descriptors import PIECE
from haz_trio.output.spool import IN_MEMORY, Spool


def test_few_bytes_stay_in_memory() -> None:
    """Up to a mebibyte, no file is made."""
    spool = Spool()
    spool.append(b"x" * IN_MEMORY)
    assert spool.in_memory
    spool.append(b"y")
    assert not spool.in_memory
    assert len(spool) == IN_MEMORY + 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 700_000), max_size=6))
def test_bytes_come_back_in_order(sizes: list[int]) -> None:
    """Whatever the sizes, what goes in comes out, in pieces of at most 256 KiB."""
    spool = Spool()
    chunks = [bytes([number]) * size for number, size in enumerate(sizes)]
    for chunk in chunks:
        spool.append(chunk)
    pieces = list(spool.pieces())
    assert b"".join(pieces) == b"".join(chunks)
    assert all(0 < len(piece) <= PIECE for piece in pieces)
    assert spool.last == b"".join(chunks)[-1:]


@pytest.fixture
def no_file_may_grow() -> Iterator[None]:
    """Writing beyond a few kilobytes fails, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("no_file_may_grow")
def test_a_full_disk_loses_nothing() -> None:
    """What the temporary file does not take stays in memory."""
    spool = Spool()
    data = os.urandom(IN_MEMORY + 1)
    for chunk in (data, b"more"):
        spool.append(chunk)
    assert not spool.in_memory
    assert b"".join(spool.pieces()) == data + b"more"


def test_the_file_goes_with_the_spool() -> None:
    """Dropping a spool closes its file, which nobody else can name."""
    files = set(os.listdir("/proc/self/fd"))
    spool = Spool()
    spool.append(bytes(IN_MEMORY + 1))
    assert len(os.listdir("/proc/self/fd")) > len(files)
    del spool
    assert len(os.listdir("/proc/self/fd")) == len(files)


def test_the_last_byte_is_remembered() -> None:
    """An empty chunk ends nothing."""
    spool = Spool()
    assert spool.last == b""
    for chunk in (b"ab", b""):
        spool.append(chunk)
    assert spool.last == b"b"
