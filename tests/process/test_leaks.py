"""Whatever is run and whenever it is cancelled, no process, zombie or descriptor is left."""

from __future__ import annotations

import enum
import random

import attrs
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.abc import Command
from haz_trio.errors import SpawnError
from haz_trio.model.workspace import Containment
from haz_trio.process.supervise import run_command
from tests.process.support import (
    PATH,
    Session,
    bearers,
    children,
    descriptors,
    new_stop,
    new_token,
)

SCRIPTS = (
    ("true",),
    ("false",),
    ("haz-nowhere",),
    ("sh", "-c", "echo a; exit 3"),
    ("sh", "-c", "echo a; kill -9 $$"),
    ("sh", "-c", "sleep 60 & echo a"),
    ("sh", "-c", "sleep 60 & sleep 60 & wait"),
    ("sh", "-c", "trap '' TERM; sleep 60 & sleep 60"),
    ("sh", "-c", "exec >&- 2>&-; sleep 0.05"),
    ("sh", "-c", "kill -STOP $$"),
    ("sh", "-c", "while :; do sleep 0.001; done"),
    ("head", "-c", "300000", "/dev/zero"),
    ("yes",),
)
# These never end by themselves, so each of them gets a moment at which it is ended.
MOMENTS = st.floats(0, 0.06)


class Way(enum.Enum):
    ASK = "ask"
    TELL = "tell"
    ABORT = "abort"


@attrs.frozen
class Case:
    argv: tuple[str, ...]
    way: Way
    moment: float
    containment: Containment
    slow: bool


CASES = st.builds(
    Case,
    st.sampled_from(SCRIPTS),
    st.sampled_from(Way),
    MOMENTS,
    st.sampled_from(Containment),
    st.booleans(),
)


async def live(case: Case, env: dict[str, str]) -> None:
    """Run one command and end it in its way at its moment."""
    session = Session(new_stop(0.05))

    async def emit(stream: object, data: bytes) -> None:
        if case.slow:
            await trio.sleep(0.01)

    async def end(scope: trio.CancelScope) -> None:
        await trio.sleep(case.moment)
        match case.way:
            case Way.ASK:
                session.stop.ask.cancel()
            case Way.TELL:
                session.stop.ask.cancel()
                session.stop.tell.cancel()
            case Way.ABORT:
                scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(end, nursery.cancel_scope)
        try:
            await run_command(
                Command(case.argv, "/", {"PATH": PATH, **env}),
                emit,
                stop=session.stop,
                containment=case.containment,
            )
        except SpawnError:
            assert case.argv == ("haz-nowhere",)
        nursery.cancel_scope.cancel()


@settings(max_examples=25, deadline=None)
@given(st.lists(CASES, min_size=1, max_size=12))
def test_nothing_is_left(cases: list[Case]) -> None:
    """After any mixture of commands and cancellations the process is as it was before."""
    env = new_token()

    async def main() -> None:
        await trio.to_thread.run_sync(int)  # what the loop opens for its first thread stays open
        before = descriptors(), children()
        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                for case in cases:
                    nursery.start_soon(live, case, env)
        assert bearers(env) == []
        assert (descriptors(), children()) == before

    trio.run(main)


def test_an_abort_at_any_moment_of_a_life() -> None:
    """From before the start until after the end, in steps finer than any of its phases."""
    env = new_token()
    what = Command(("sh", "-c", "sleep 60 & echo a"), "/", {"PATH": PATH, **env})
    moments = random.Random(7)

    async def main() -> None:
        before = descriptors(), children()
        for _ in range(30):
            session = Session(new_stop(0.05))
            with trio.move_on_after(moments.uniform(0, 0.07)):
                await run_command(what, session.emit, stop=session.stop)
            assert bearers(env) == []
            assert (descriptors(), children()) == before

    trio.run(main)
