"""What a hit shows is what was shown: the bytes of both streams, in their order."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from haz_trio.abc import Command, Emit, Ending, Stop
from haz_trio.plan.messages import Stream, TaskOutput
from tests.cache.test_order import joined
from tests.cli.support import Home
from tests.engine.workspaces import CACHE, FRESH, Place, Ran, ScriptedCommand, ending, go


def said(ran: Ran) -> list[tuple[Stream, bytes]]:
    events = ran.recorder.of(TaskOutput)
    return joined([(e.stream, e.data) for e in events if isinstance(e, TaskOutput)])


@pytest.mark.parametrize("size", [1, 50, 70_000])
def test_a_hit_shows_both_streams_in_their_order(tmp_path: Path, size: int) -> None:
    """By a look and by a proof, for little and for much, with every kind of byte."""
    chance = random.Random(size)

    async def act(command: Command, emit: Emit, stop: Stop) -> Ending:
        for _ in range(60):
            stream = chance.choice(list(Stream))
            await emit(stream, chance.randbytes(chance.randint(1, size)) + b"\0\xff\n")
        return ending()

    place = Place.make(tmp_path, {"t": {"command": ["t", "go"]}})
    command = ScriptedCommand({"go": act})
    first = go(place, run_command=command)
    assert first.sources() == {"t": FRESH}
    assert len(said(first)) > 10
    for _ in range(3):
        again = go(place, run_command=command)
        assert again.sources() == {"t": CACHE}
        assert said(again) == said(first)


def test_a_damaged_order_is_a_miss(tmp_path: Path) -> None:
    """It is noticed like any other damage, and the task runs again."""

    async def act(command: Command, emit: Emit, stop: Stop) -> Ending:
        for stream in (Stream.STDERR, Stream.STDOUT, Stream.STDERR):
            await emit(stream, b"x")
        return ending()

    place = Place.make(tmp_path, {"t": {"command": ["t", "go"]}})
    command = ScriptedCommand({"go": act})
    assert go(place, run_command=command).sources() == {"t": FRESH}
    (file,) = (tmp_path / ".haz/cache").glob("??/*/order")
    file.write_bytes(b"\x01\x01\x01")
    assert go(place, run_command=command).sources() == {"t": FRESH}
    assert go(place, run_command=command).sources() == {"t": CACHE}


def test_haz_says_again_what_it_said(tmp_path: Path) -> None:
    """Both streams in one file: the same bytes from the run, a look, a proof and a memo."""
    script = "for n in 1 2 3; do echo out $n; sleep 0.05; echo err $n >&2; sleep 0.05; done"
    home = Home.make(tmp_path, {"t": {"shell": script, "env": {"from_host": ["PATH"]}}})
    heard = set()
    for _ in range(4):
        done = home.shell('"$@" run p:t 2>&1')
        assert done.code == 0
        words = (line.split() for line in done.out.splitlines())
        heard.add(tuple(each[-2] for each in words if each and each[-1] in (b"1", b"2", b"3")))
    assert heard == {(b"out", b"err") * 3}
