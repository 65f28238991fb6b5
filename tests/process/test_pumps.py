"""Carrying bytes: exact, in order, at the consumer's pace, given up when nothing is owed."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.plan.messages import Stream
from haz_trio.plan.outcome import Exited
from haz_trio.process.pumps import SILENCE, Pump
from haz_trio.process.supervise import run_command
from tests.process.support import PYTHON, bearers, command, new_stop, new_token, python, run, shell

WRITER = """
import json, os, sys
for number, text in json.load(open(sys.argv[1])):
    data = text.encode("latin-1")
    while data:
        data = data[os.write(number, data):]
"""
PIECES = st.binary(max_size=300) | st.builds(
    lambda data, times: data * times, st.binary(min_size=1, max_size=9), st.integers(0, 30_000)
)


@settings(max_examples=25, deadline=None)
@given(writes=st.lists(st.tuples(st.sampled_from([1, 2]), PIECES), max_size=8))
def test_streams_arrive_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[int, bytes]]
) -> None:
    """Whatever is written in whatever pieces arrives on its stream, complete and in order."""
    plan = tmp_path_factory.getbasetemp() / "writes.json"
    plan.write_text(json.dumps([(number, data.decode("latin-1")) for number, data in writes]))
    result = run(command(PYTHON, "-S", "-c", WRITER, str(plan)))
    assert result.out == b"".join(data for number, data in writes if number == 1)
    assert result.err == b"".join(data for number, data in writes if number == 2)
    assert result.ending.status == Exited(0)


def test_a_full_pipe_at_the_end_is_read() -> None:
    """What was written just before the end is never cut (B03)."""
    code = "import os; os.write(1, b'x' * 65536); os._exit(0)"
    for _ in range(20):
        assert len(run(python(code)).out) == 65536


def test_much_output_is_read_in_pieces() -> None:
    """Pieces are bounded, whatever the amount."""
    sizes: list[int] = []

    async def main() -> None:
        async def emit(stream: Stream, data: bytes) -> None:
            sizes.append(len(data))

        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        pump = Pump(Stream.STDOUT, reading, emit)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pump.run)
            for _ in range(50):
                await trio.to_thread.run_sync(os.write, writing, b"y" * 65536)
            os.close(writing)
        os.close(reading)

    trio.run(main)
    assert sum(sizes) == 50 * 65536
    assert max(sizes) <= 65536


@pytest.mark.parametrize("stream", ["1", "2"])
def test_a_stream_may_close_long_before_the_end(stream: str) -> None:
    """The end of a stream is not the end of the command (B12)."""
    result = run(shell(f"echo a; exec {stream}>&-; sleep 0.1; exit 3"))
    assert result.ending.status == Exited(3)
    assert result.ending.leftovers == ()
    assert result.seconds >= 0.1


def pumping(act: Callable[[Pump, int], object], *, slow: float = 0.0) -> tuple[bytes, float]:
    """What a pump carries while ``act`` uses its writing end, and how long it took."""
    seen = bytearray()

    async def emit(stream: Stream, data: bytes) -> None:
        await trio.sleep(0 if seen else slow)
        seen.extend(data)

    async def main() -> float:
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        pump = Pump(Stream.STDERR, reading, emit)
        started = trio.current_time()
        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(pump.run)
                await trio.testing.wait_all_tasks_blocked()
                act(pump, writing)
                await pump.done.wait()
        took = trio.current_time() - started
        for descriptor in (reading, writing):
            os.close(descriptor)
        return took

    seconds = trio.run(main)
    return bytes(seen), seconds


def test_silence_ends_the_draining_of_a_pipe_that_is_held() -> None:
    """A holder that says nothing is waited for as long as the silence may last, and no longer."""

    def act(pump: Pump, writing: int) -> None:
        os.write(writing, b"last words")
        pump.drain()
        assert pump.is_held()

    seen, seconds = pumping(act)
    assert seen == b"last words"
    assert SILENCE <= seconds < SILENCE + 0.3


def test_what_is_owed_is_read_after_the_limit() -> None:
    """A consumer that is slower than the limit loses nothing that was in the pipe at the end."""
    size = 3 * 65536

    def act(pump: Pump, writing: int) -> None:
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4 * 65536)
        os.write(writing, b"x" * size)
        pump.drain(limit=0.2)

    seen, seconds = pumping(act, slow=0.3)
    assert len(seen) == size
    assert seconds > 0.2


def test_who_holds_a_pipe() -> None:
    """A pipe is held until its last writer is gone, even if there still is something to read."""

    async def emit(stream: Stream, data: bytes) -> None:
        raise AssertionError

    reading, writing = os.pipe()
    pump = Pump(Stream.STDOUT, reading, emit)
    os.write(writing, b"unread")
    assert pump.is_held()
    os.close(writing)
    assert not pump.is_held()
    os.close(reading)


def test_what_the_consumer_raises_passes_through() -> None:
    """A broken consumer is a defect and is not hidden; the command is gone all the same."""

    async def main() -> None:
        async def emit(stream: Stream, data: bytes) -> None:
            raise ZeroDivisionError

        env = new_token()
        with pytest.raises(ExceptionGroup) as caught:
            await run_command(shell("echo hi; sleep 60", **env), emit, stop=new_stop(30))
        assert caught.group_contains(ZeroDivisionError)
        assert bearers(env) == []

    trio.run(main)
