"""Tests of haz_trio.output.console: real pipes, a real loop, readers of all kinds."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator

import pytest
import trio
import trio.testing

from haz_trio.abc import Observer
from haz_trio.output.console import WELCOME, Console, open_console
from haz_trio.output.palette import Screen
from haz_trio.output.renderers import BufferedRenderer, LiveRenderer
from haz_trio.output.streams import Streams
from haz_trio.output.writes import Target
from haz_trio.plan.messages import TaskSettled
from tests.output.support import FRESH, OUT, A, B, said

CHUNK = (b"x" * 1023 + b"\n") * 64
DONE = "[p:a] ✓ done in 0ms\n".encode()


class Pipes:
    """A pipe for each standard stream; what is read comes at the test's pace."""

    def __init__(self) -> None:
        self.readers: dict[Target, int] = {}
        self.writers: dict[Target, int] = {}
        for target in Target:
            self.readers[target], self.writers[target] = os.pipe()

    @property
    def streams(self) -> Streams:
        return Streams(self.writers)

    async def read_to_end(self, target: Target) -> bytes:
        """Close the writing end and read what is there; other readers must have stopped."""
        os.close(self.writers.pop(target))
        data = bytearray()
        while chunk := await trio.to_thread.run_sync(os.read, self.readers[target], 65536):
            data += chunk
        return bytes(data)

    def close(self) -> None:
        for descriptor in [*self.readers.values(), *self.writers.values()]:
            os.close(descriptor)


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    both = Pipes()
    yield both
    both.close()


async def take(reader: int, size: int) -> bytes:
    """Exactly so many bytes of a pipe."""
    data = bytearray()
    while len(data) < size:
        data += await trio.to_thread.run_sync(os.read, reader, min(65536, size - len(data)))
    return bytes(data)


def test_what_is_noticed_is_written_in_order(pipes: Pipes) -> None:
    """Lines arrive on their streams when the console closes, each stream in order."""

    async def main() -> None:
        async with open_console(LiveRenderer(Screen()), streams=pipes.streams) as console:
            observer: Observer = console
            for number in range(1000):
                observer.notice(said(A, OUT, b"line %d\n" % number), 0.0)
            observer.notice(TaskSettled(A, FRESH), 0.0)
            await observer.wait_ready()
        assert console.pending == 0
        assert not console.failed
        lines = b"".join(b"[p:a] line %d\n" % number for number in range(1000))
        assert await pipes.read_to_end(Target.STDOUT) == lines
        assert await pipes.read_to_end(Target.STDERR) == DONE

    trio.run(main)


def test_lines_are_written_while_the_body_runs(pipes: Pipes) -> None:
    """Nobody has to wait for the end of a run to see its output."""

    async def main() -> None:
        async with open_console(LiveRenderer(Screen()), streams=pipes.streams) as console:
            console.notice(said(A, OUT, b"early\n"), 0.0)
            with trio.fail_after(5):
                assert await take(pipes.readers[Target.STDOUT], 12) == b"[p:a] early\n"

    trio.run(main)


def test_a_slow_reader_slows_those_who_wait(pipes: Pipes) -> None:
    """``wait_ready`` blocks while too much is pending, ``notice`` never does, order is kept."""
    sent = 40

    async def talk(console: Console) -> None:
        for _ in range(sent):
            console.notice(said(A, OUT, CHUNK), 0.0)
            await console.wait_ready()

    async def main() -> None:
        got = bytearray()
        expected = len(CHUNK.replace(b"\n", b"\n[p:a] ")) * sent
        async with (
            open_console(LiveRenderer(Screen()), streams=pipes.streams) as console,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(talk, console)
            most = 0
            while len(got) < expected:
                got += await take(pipes.readers[Target.STDOUT], min(10_000, expected - len(got)))
                most = max(most, console.pending)
        assert WELCOME <= most <= WELCOME + 2 * len(CHUNK)
        assert bytes(got) == b"".join(b"[p:a] " + b"x" * 1023 + b"\n" for _ in range(64 * sent))

    trio.run(main)


def test_noticing_never_waits(pipes: Pipes) -> None:
    """The loop goes on while nobody reads: only those who ask are told to wait."""

    async def main() -> None:
        async with open_console(LiveRenderer(Screen()), streams=pipes.streams) as console:
            for _ in range(20):
                console.notice(said(A, OUT, CHUNK), 0.0)
            await trio.testing.wait_all_tasks_blocked()
            with trio.move_on_after(0.05) as waiting:
                await console.wait_ready()
            assert waiting.cancelled_caught
            await console.drain(timeout=0)
            with trio.fail_after(5):
                await console.wait_ready()

    trio.run(main)


def test_a_reader_that_stopped_does_not_prevent_the_end(pipes: Pipes) -> None:
    """A bounded drain gives up in time, although a thread still hangs in its write (Q10)."""

    async def main() -> None:
        async with open_console(LiveRenderer(Screen()), streams=pipes.streams) as console:
            console.notice(said(A, OUT, bytes(1_000_000) + b"\n"), 0.0)
            start = trio.current_time()
            await console.drain(timeout=0.1)
            console.notice(said(A, OUT, b"more\n"), 0.0)
            assert console.pending == 0
        assert 0.1 <= trio.current_time() - start < 5

    trio.run(main)


def test_a_cancelled_run_says_its_last_words(pipes: Pipes) -> None:
    """What is pending when the body is cancelled is still written, if somebody reads."""

    async def main() -> None:
        with trio.CancelScope() as scope:
            async with open_console(LiveRenderer(Screen()), streams=pipes.streams) as console:
                scope.cancel()
                console.notice(TaskSettled(A, FRESH), 0.0)
                await trio.sleep_forever()
        assert await pipes.read_to_end(Target.STDERR) == DONE

    trio.run(main)


def test_a_cancelled_run_does_not_wait_for_a_dead_reader(pipes: Pipes) -> None:
    """Last words have a second; then the run is over."""

    async def main() -> None:
        start = trio.current_time()
        with trio.CancelScope() as scope:
            async with open_console(LiveRenderer(Screen()), streams=pipes.streams) as console:
                console.notice(said(A, OUT, bytes(1_000_000) + b"\n"), 0.0)
                await trio.testing.wait_all_tasks_blocked()
                scope.cancel()
        assert scope.cancelled_caught
        assert trio.current_time() - start < 5

    trio.run(main)


def test_an_error_in_the_body_comes_through(pipes: Pipes) -> None:
    """The console hides no exception, and writes what was said before."""

    async def main() -> None:
        async with open_console(LiveRenderer(Screen()), streams=pipes.streams) as console:
            console.notice(TaskSettled(A, FRESH), 0.0)
            raise LookupError("a bug")

    with pytest.raises(ExceptionGroup) as caught:
        trio.run(main)
    assert caught.group_contains(LookupError, match="a bug")
    os.close(pipes.writers.pop(Target.STDERR))
    assert os.read(pipes.readers[Target.STDERR], 1000) == DONE


def test_a_closed_pipe_is_quiet(pipes: Pipes) -> None:
    """``haz run | head -1``: the run goes on, its summary is complete, nothing failed."""

    async def main() -> None:
        os.close(pipes.readers.pop(Target.STDOUT))
        async with open_console(LiveRenderer(Screen()), streams=pipes.streams) as console:
            for _ in range(20):
                console.notice(said(A, OUT, CHUNK), 0.0)
                await console.wait_ready()
            console.notice(TaskSettled(A, FRESH), 0.0)
        assert not console.failed
        assert await pipes.read_to_end(Target.STDERR) == DONE

    trio.run(main)


def test_a_full_disk_is_told_and_fails(pipes: Pipes) -> None:
    """``haz run > /dev/full``: one line says so, the run goes on, and the console has failed."""

    async def main() -> None:
        full = os.open("/dev/full", os.O_WRONLY)
        os.close(pipes.writers[Target.STDOUT])
        pipes.writers[Target.STDOUT] = full
        async with open_console(LiveRenderer(Screen()), streams=pipes.streams) as console:
            for _ in range(3):
                console.notice(said(A, OUT, b"lost\n"), 0.0)
                await console.drain()
            console.notice(TaskSettled(A, FRESH), 0.0)
        assert console.failed
        first, second = (await pipes.read_to_end(Target.STDERR)).splitlines(keepends=True)
        assert first.startswith(b"error: cannot write to standard output: No space left on device")
        assert second == DONE

    trio.run(main)


def test_a_stream_that_does_not_block_gets_everything(pipes: Pipes) -> None:
    """A non-blocking pipe keeps its flags and gets all bytes (reliability.md Q09)."""

    async def main() -> None:
        writer = pipes.writers[Target.STDOUT]
        os.set_blocking(writer, False)
        flags = fcntl.fcntl(writer, fcntl.F_GETFL)
        async with open_console(BufferedRenderer(Screen()), streams=pipes.streams) as console:
            for _ in range(30):
                console.notice(said(A, OUT, CHUNK), 0.0)
            console.notice(TaskSettled(A, FRESH), 0.0)
            assert await take(pipes.readers[Target.STDOUT], 30 * len(CHUNK)) == CHUNK * 30
        assert fcntl.fcntl(writer, fcntl.F_GETFL) == flags

    trio.run(main)


def test_an_output_on_disk_counts_as_a_full_queue(pipes: Pipes) -> None:
    """While a large block is written, those who wait wait; what comes later comes behind it."""

    async def main() -> None:
        async with open_console(BufferedRenderer(Screen()), streams=pipes.streams) as console:
            for _ in range(30):
                console.notice(said(A, OUT, CHUNK), 0.0)
            console.notice(TaskSettled(A, FRESH), 0.0)
            console.notice(said(B, OUT, b"second\n"), 0.0)
            console.notice(TaskSettled(B, FRESH), 0.0)
            assert console.pending >= WELCOME
            data = await take(pipes.readers[Target.STDOUT], 30 * len(CHUNK) + 7)
            assert data == CHUNK * 30 + b"second\n"
            with trio.fail_after(5):
                await console.wait_ready()

    trio.run(main)
