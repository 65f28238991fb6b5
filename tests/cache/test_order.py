"""The order of two streams: noted, stored, believed only if it fits."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haz_trio.cache import order as order_module
from haz_trio.cache.files import Damage
from haz_trio.cache.order import Turns, decode, encode, read_order
from haz_trio.engine.found import Piece, Replay, in_order
from haz_trio.plan.messages import Stream

SAID = st.lists(st.tuples(st.sampled_from(Stream), st.binary(min_size=1, max_size=200)))


def joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Pieces with neighbours of one stream put together, and empty ones left out."""
    found: list[Piece] = []
    for stream, data in pieces:
        if found and found[-1][0] is stream:
            found[-1] = (stream, found[-1][1] + data)
        elif data:
            found.append((stream, data))
    return found


def chunks_of(said: Sequence[Piece], size: int) -> dict[Stream, list[bytes]]:
    """Each stream, cut into chunks of a size."""
    wholes = {each: b"".join(data for stream, data in said if stream is each) for each in Stream}
    return {s: [w[at : at + size] for at in range(0, len(w), size)] for s, w in wholes.items()}


@given(SAID, st.integers(1, 50))
def test_what_was_said_comes_again_in_its_order(said: list[Piece], size: int) -> None:
    """However it was cut then and is cut now."""
    turns = Turns()
    for stream, data in said:
        turns.note(stream, len(data))
    order = decode(turns.encoded())
    chunks = chunks_of(said, size)
    replay = Replay.of(in_order(order, lambda stream: iter(chunks[stream])))
    assert replay.rest is None
    assert joined(replay.ahead) == joined(said)


@given(st.lists(st.integers(0, 1 << 62)))
def test_lengths_survive(lengths: list[int]) -> None:
    """Small and large."""
    assert list(decode(encode(lengths))) == lengths


def test_one_stream_after_the_other_needs_no_file() -> None:
    """Nothing is written for most tasks."""
    for said in ([], [Stream.STDOUT], [Stream.STDERR], [Stream.STDOUT, Stream.STDERR]):
        turns = Turns()
        for stream in said:
            turns.note(stream, 7)
        assert turns.encoded() == b""
    turns = Turns()
    for stream in (Stream.STDERR, Stream.STDOUT):
        turns.note(stream, 300)
    assert decode(turns.encoded()) == (0, 300, 300)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the bound one stream comes after the other, and no byte is missing."""
    monkeypatch.setattr(order_module, "MOST", 10)
    turns = Turns()
    for _ in range(1000):
        for stream in Stream:
            turns.note(stream, 1)
    order = decode(turns.encoded())
    assert (sum(order[::2]), sum(order[1::2])) == (1000, 1000)
    assert len(order) == 12


@pytest.mark.parametrize(
    "data",
    [b"", b"\x01", b"\x03\x02", b"\x03\x02\x02", b"\x83", b"\x83\x00\x02", b"\xff" * 12, b"x" * 9],
)
def test_an_order_that_does_not_fit_is_damage(tmp_path: Path, data: bytes) -> None:
    """Whatever its bytes: it is the order of streams of 4 and 2 bytes, or damage."""
    (tmp_path / "order").write_bytes(data)
    at = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(Damage):
            read_order(4, 2, at=at)
        (tmp_path / "order").write_bytes(encode((1, 2, 3)))
        assert read_order(4, 2, at=at) == (1, 2, 3)
        (tmp_path / "order").unlink()
        assert read_order(4, 2, at=at) == ()
        (tmp_path / "order").symlink_to("elsewhere")
        with pytest.raises((Damage, OSError)):
            read_order(4, 2, at=at)
    finally:
        os.close(at)


def test_a_long_replay_is_read_in_pieces() -> None:
    """No more than half a megabyte is in memory before it is shown."""
    taken = 0

    def chunks(stream: Stream) -> Iterator[bytes]:
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield bytes(1 << 16)

    replay = Replay.of(in_order((), chunks))
    assert replay.rest is not None
    assert taken == 8
    assert replay.wholes is None
    assert sum(len(data) for _, data in (*replay.ahead, *replay.rest)) == 200 << 16
