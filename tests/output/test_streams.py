"""Tests of haz_trio.output.streams, on real pipes, files and devices."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.output.descriptors import ATOMIC
from haz_trio.output.streams import (
    GivenUp,
    ReaderGone,
    Streams,
    WriteFailed,
    Written,
    write_all,
)
from haz_trio.output.writes import Target, Write

OUT, ERR = Target.STDOUT, Target.STDERR
# Runs a line of Python with the package at hand, in a process whose streams are its own.
HEADER = "import os\n" + "".join(
    f"from haz_trio.output.{name} import *\n" for name in ("descriptors", "streams", "writes")
)


@attrs.define
class Pipe:
    """A pipe whose reader takes everything in a thread."""

    reader: int
    writer: int
    data: bytearray = attrs.field(factory=bytearray)
    thread: threading.Thread | None = None

    @classmethod
    def open(cls) -> Pipe:
        return cls(*os.pipe())

    def start(self) -> Pipe:
        self.thread = threading.Thread(target=self._read)
        self.thread.start()
        return self

    def _read(self) -> None:
        while chunk := os.read(self.reader, 65536):
            self.data += chunk

    def finish(self) -> bytes:
        """Close the writing end and return all that was read."""
        os.close(self.writer)
        if self.thread is not None:
            self.thread.join()
        os.close(self.reader)
        return bytes(self.data)


@pytest.fixture
def full() -> Iterator[int]:
    """A descriptor of a disk without space."""
    descriptor = os.open("/dev/full", os.O_WRONLY)
    yield descriptor
    os.close(descriptor)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(Target), st.integers(0, 9000), st.booleans()), max_size=30)
)
def test_every_byte_arrives_in_order(sizes: list[tuple[Target, int, bool]]) -> None:
    """Whatever is written where, each stream gets its own bytes, and no others."""
    pipes = {target: Pipe.open().start() for target in Target}
    writes = [
        Write(target, bytes([97 + n % 26]) * size + b"\n" * ended)
        for n, (target, size, ended) in enumerate(sizes)
    ]
    streams = Streams({target: pipe.writer for target, pipe in pipes.items()})
    streams.write(iter(writes))
    for target, pipe in pipes.items():
        assert pipe.finish() == b"".join(w.data for w in writes if w.target is target)
    assert not streams.lost


def test_lines_that_a_pipe_takes_whole_are_not_cut() -> None:
    """Two programs that share a pipe do not cut each other's lines: each write ends with one.

    A packet pipe keeps the borders of the writes visible.
    """
    reader, writer = os.pipe2(os.O_DIRECT)
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 1 << 20)
    lines = [b"x" * (number * 37 % 1500) + b"\n" for number in range(100)]
    assert write_all(OUT, b"".join(lines), descriptors={OUT: writer}) == Written()
    os.close(writer)
    packets = []
    while packet := os.read(reader, 65536):
        packets.append(packet)
    os.close(reader)
    assert b"".join(packets) == b"".join(lines)
    assert all(packet.endswith(b"\n") and len(packet) <= ATOMIC for packet in packets)


def test_a_descriptor_that_does_not_block_keeps_its_flags() -> None:
    """All bytes arrive on a non-blocking pipe, whose flags belong to somebody else (Q09)."""
    pipe = Pipe.open()
    os.set_blocking(pipe.writer, False)
    flags = fcntl.fcntl(pipe.writer, fcntl.F_GETFL)
    data = os.urandom(2_000_000)
    pipe.start()
    assert write_all(OUT, data, descriptors={OUT: pipe.writer}) == Written()
    assert fcntl.fcntl(pipe.writer, fcntl.F_GETFL) == flags
    assert pipe.finish() == data


def test_a_blocking_descriptor_stays_blocking() -> None:
    """The flags of an inherited descriptor are shared with the shell and are not touched."""
    pipe = Pipe.open().start()
    assert write_all(OUT, b"x\n" * 100_000, descriptors={OUT: pipe.writer}) == Written()
    assert os.get_blocking(pipe.writer)
    assert pipe.finish() == b"x\n" * 100_000


def test_a_reader_that_went_away() -> None:
    """A closed pipe is quiet, and the other stream goes on."""
    reader, writer = os.pipe()
    os.close(reader)
    assert write_all(OUT, b"x", descriptors={OUT: writer}) == ReaderGone()
    pipe = Pipe.open().start()
    streams = Streams({OUT: writer, ERR: pipe.writer})
    streams.write([Write(OUT, b"lost\n"), Write(ERR, b"one\n"), Write(OUT, b"lost\n")])
    streams.write([Write(ERR, b"two\n")])
    assert streams.lost == {OUT: ReaderGone()}
    assert not streams.failed
    assert pipe.finish() == b"one\ntwo\n"
    os.close(writer)


def test_a_closed_descriptor_is_a_reader_that_went_away() -> None:
    """What was closed on purpose (``>&-``) is as quiet as a closed pipe (cli.md P05)."""
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    assert write_all(OUT, b"x", descriptors={OUT: writer}) == ReaderGone()


def test_a_full_disk_is_told_once(full: int) -> None:
    """A line on standard error names the stream and the reason; the rest is dropped."""
    reason = "No space left on device"
    assert write_all(OUT, b"x", descriptors={OUT: full}) == WriteFailed(reason)
    pipe = Pipe.open().start()
    streams = Streams({OUT: full, ERR: pipe.writer})
    streams.write([Write(OUT, b"lost\n"), Write(ERR, b"one\n"), Write(OUT, b"lost\n")])
    assert streams.lost == {OUT: WriteFailed(reason)}
    assert streams.failed
    assert pipe.finish() == (
        b"error: cannot write to standard output: No space left on device; "
        b"the rest of what belongs there is lost\none\n"
    )


def test_both_streams_on_a_full_disk(full: int) -> None:
    """With nobody left to tell, the failure is still known."""
    streams = Streams({OUT: full, ERR: full})
    streams.write([Write(ERR, b"one\n"), Write(OUT, b"two\n")])
    assert set(streams.lost) == {OUT, ERR}
    assert streams.failed


def test_giving_up_stops_a_writer_that_waits() -> None:
    """A pipe that is full and that nobody reads holds up nobody who may give up."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    streams = Streams({OUT: writer})
    thread = threading.Thread(target=streams.write, args=([Write(OUT, bytes(300_000))],))
    thread.start()
    streams.give_up()
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert not streams.lost
    assert write_all(OUT, b"x", descriptors={OUT: writer}, given_up=lambda: True) == GivenUp()
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_closed_standard_stream_is_reserved(closed: int, tmp_path: os.PathLike[str]) -> None:
    """The next file that is opened never becomes a standard stream (reliability.md Q08)."""
    script = HEADER + (
        f"os.close({closed})\n"
        "reserve_standard_streams()\n"
        f"file = os.open({os.fspath(tmp_path)!r} + '/cache', os.O_WRONLY | os.O_CREAT)\n"
        "assert file > 2, file\n"
        "assert write_all(Target.STDOUT, b'out') == Written()\n"
        "assert write_all(Target.STDERR, b'err') == Written()\n"
        f"assert os.path.samestat(os.fstat({closed}), os.stat('/dev/null'))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    shown = {1: b"out", 2: b"err"}
    shown.pop(closed, None)
    assert (done.returncode, done.stdout, done.stderr) == (0, shown.get(1, b""), shown.get(2, b""))
    assert (os.stat(os.path.join(tmp_path, "cache"))).st_size == 0


def test_open_standard_streams_are_left_alone() -> None:
    """Where nothing is closed, nothing is opened."""
    script = HEADER + (
        "before = os.listdir('/proc/self/fd')\n"
        "reserve_standard_streams()\n"
        "assert os.listdir('/proc/self/fd') == before\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
