"""Commands that are asked to end, told to end, or whose caller is cancelled (EXEC-014)."""

from __future__ import annotations

import time

import pytest
import trio

from haz_trio.abc import Command, Ending
from haz_trio.model.workspace import Containment
from haz_trio.plan.messages import Stream
from haz_trio.plan.outcome import Exited, Signalled
from haz_trio.process.pumps import DRAIN_LIMIT
from haz_trio.process.supervise import run_command
from tests.process.support import (
    Result,
    Session,
    bearers,
    children,
    command,
    descriptors,
    new_stop,
    new_token,
    python,
    run,
    shell,
    state,
)


async def ask(session: Session) -> None:
    """Ask when the command says that it is ready."""
    await session.wait_for(b"ready\n")
    session.stop.ask.cancel()


def asked(what: Command, *, grace: float) -> tuple[Result, float]:
    """Run a command that is asked when it is ready; with the seconds from then on."""
    at = 0.0

    async def act(session: Session) -> None:
        nonlocal at
        await ask(session)
        at = time.perf_counter()

    result = run(what, meanwhile=act, grace=grace)
    return result, time.perf_counter() - at


def test_a_command_that_obeys() -> None:
    """SIGTERM ends it at once, and nothing is killed."""
    result, seconds = asked(shell("echo ready; exec sleep 60"), grace=30)
    assert result.ending == Ending(Signalled(15), halted=True)
    assert seconds < 1


def test_last_words_are_heard() -> None:
    """What a command writes while it cleans up arrives complete and in order (A04)."""
    script = "trap 'echo one; sleep 0.1; echo two >&2; echo three; exit 0' TERM; echo ready;"
    result, _ = asked(shell(f"{script} while :; do sleep 0.01; done"), grace=30)
    assert result.out == b"ready\none\nthree\n"
    assert result.err.endswith(b"two\n")  # the shell may say that its `sleep` was terminated
    assert result.ending == Ending(Exited(0), halted=True)


def test_a_command_that_does_not_obey() -> None:
    """When the grace is over the whole group is killed (A03)."""
    env = new_token()
    result, seconds = asked(
        shell("trap '' TERM; sleep 60 & echo ready; wait; sleep 60", **env), grace=0.2
    )
    assert result.ending.status == Signalled(9)
    assert result.ending.halted
    assert 0.2 <= seconds < 0.7
    assert bearers(env) == []


def test_the_grace_is_for_the_group() -> None:
    """A wrapper that dies at once does not cost its worker the grace (A05)."""
    env = new_token()
    script = "(trap 'sleep 0.1; echo saved; exit' TERM; echo ready; while :; do sleep 0.01; done)"
    result, seconds = asked(shell(f"{script} & exec sleep 60", **env), grace=30)
    assert result.out == b"ready\nsaved\n"
    assert result.ending == Ending(Signalled(15), halted=True)
    assert 0.1 <= seconds < 5
    assert bearers(env) == []


def test_a_stubborn_worker_is_killed_though_its_wrapper_is_gone() -> None:
    """The end of the grace ends whoever is left of the group."""
    env = new_token()
    script = "(trap '' TERM; echo ready; sleep 60; sleep 60) & exec sleep 60"
    result, seconds = asked(shell(script, **env), grace=0.2)
    assert result.ending.halted
    assert 0.2 <= seconds < 0.7
    assert bearers(env) == []


def test_a_stopped_command_is_continued() -> None:
    """SIGTERM reaches a command that had stopped itself (A06)."""

    async def act(session: Session) -> None:
        await session.wait_for(b"\n")
        while state(int(session.out)) != "T":
            await trio.lowlevel.checkpoint()
        session.stop.ask.cancel()

    result = run(shell("echo $$; kill -STOP $$; sleep 60"), meanwhile=act, grace=30)
    assert result.ending == Ending(Signalled(15), halted=True)
    assert result.seconds < 2


def test_the_grace_begins_with_the_signal() -> None:
    """What passed between the wish for an end and SIGTERM is not taken from the command."""

    async def act(session: Session) -> None:
        await session.wait_for(b"ready\n")
        session.stop.limit(trio.current_time() + 0.01)
        session.stop.ask.cancel()

    result = run(shell("trap '' TERM; echo ready; sleep 60; sleep 60"), meanwhile=act, grace=0.2)
    asked, killed = result.ending.sent
    assert killed.at - asked.at >= 0.2


def test_no_grace_at_all() -> None:
    """With a grace of 0 the group is killed at once."""
    result, seconds = asked(shell("trap '' TERM; echo ready; sleep 60; sleep 60"), grace=0)
    assert result.ending.status == Signalled(9)
    assert seconds < 0.5


def test_telling_ends_the_grace() -> None:
    """A second request kills at once, however long the grace would be (A07)."""
    env = new_token()

    async def act(session: Session) -> None:
        await session.wait_for(b"ready\n")
        session.stop.ask.cancel()
        await session.wait_for(b"no\n")
        session.stop.tell.cancel()

    script = "trap 'echo no' TERM; echo ready; while :; do sleep 0.01; done"
    result = run(shell(script, **env), meanwhile=act, grace=30)
    assert result.ending.status == Signalled(9)
    assert result.ending.halted
    assert result.seconds < 2
    assert bearers(env) == []


def test_who_left_the_session_is_ended_too() -> None:
    """Who can be reached through its parents is asked as well, and killed as well."""
    env = new_token()
    asking = "import os, signal, time; os.setsid(); "
    obedient = f"{asking} print('ready', flush=True); time.sleep(60)"
    stubborn = f"{asking} signal.signal(15, signal.SIG_IGN); {obedient[len(asking) :]}"
    for code, grace in ((obedient, 30.0), (stubborn, 0.2)):
        child = python(code).argv
        result, seconds = asked(
            python(f"import subprocess; subprocess.run({list(child)!r})", **env), grace=grace
        )
        assert result.ending.halted
        assert seconds < 1
        assert bearers(env) == []


def test_a_request_before_the_start() -> None:
    """A command whose stop came first ends as if it had been asked right after the start."""
    env = new_token()

    async def main() -> Ending:
        session = Session(new_stop(30))
        session.stop.ask.cancel()
        return await run_command(command("sleep", "60", **env), session.emit, stop=session.stop)

    assert trio.run(main) == Ending(Signalled(15), halted=True)


def test_a_command_that_ended_first_keeps_its_result() -> None:
    """A request that finds nobody to ask changes nothing, and shortens the wait for a consumer."""
    env = new_token()
    taken = trio.Event()
    stop = new_stop(30)

    async def emit(stream: Stream, data: bytes) -> None:
        taken.set()
        await trio.sleep_forever()

    async def act() -> None:
        await taken.wait()
        while bearers(env):
            await trio.lowlevel.checkpoint()
        stop.ask.cancel()

    async def main() -> Ending:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(act)
            with trio.fail_after(DRAIN_LIMIT + 1):
                return await run_command(shell("echo hi; exit 3", **env), emit, stop=stop)

    assert trio.run(main) == Ending(Exited(3), halted=False)


def test_a_blocked_consumer_does_not_block_a_request() -> None:
    """The command is ended as usual; what the consumer does not take in its time is dropped."""
    env = new_token()
    stop = new_stop(30)

    async def emit(stream: Stream, data: bytes) -> None:
        stop.ask.cancel()
        await trio.sleep_forever()

    async def main() -> Ending:
        with trio.fail_after(DRAIN_LIMIT + 1):
            return await run_command(command("yes", **env), emit, stop=stop)

    assert trio.run(main) == Ending(Signalled(15), halted=True)
    assert bearers(env) == []


@pytest.mark.parametrize("containment", list(Containment))
def test_an_abort_kills_at_once(containment: Containment) -> None:
    """A cancelled caller waits for no grace and for no consumer; nothing is left (A11)."""
    env = new_token()
    stop = new_stop(30)

    async def emit(stream: Stream, data: bytes) -> None:
        scope.cancel()
        await trio.sleep_forever()

    script = "trap '' TERM; sleep 60 & setsid sleep 60 & sleep 0.05; echo up; sleep 60"

    async def main() -> float:
        before = descriptors(), children()
        with scope:
            await run_command(shell(script, **env), emit, stop=stop, containment=containment)
        assert scope.cancelled_caught
        assert bearers(env) == []
        assert (descriptors(), children()) == before
        return trio.current_time()

    scope = trio.CancelScope()
    started = time.perf_counter()
    trio.run(main)
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("script", ["%s &", "%s >/dev/null 2>&1 &", "(%s &);"])
def test_who_is_forked_while_strays_are_ended(script: str) -> None:
    """A stray is killed with those whom no look has found: they lose their parent by it (B09)."""
    env = new_token()
    stray = """setsid sh -c "trap '' TERM; while :; do sleep 61 & sleep 0.001; done" """
    begun = f"trap '' TERM; {script % stray} sleep 0.05; echo ready; sleep 60; sleep 60"
    for _ in range(5):
        result, _ = asked(shell(begun, **env), grace=0.02)
        assert result.ending.halted
        assert bearers(env) == []


def test_an_abort_during_the_grace() -> None:
    """Asking first does not protect from telling."""
    env = new_token()

    async def main() -> None:
        session = Session(new_stop(30))
        scope = trio.CancelScope()

        async def act() -> None:
            await session.wait_for(b"ready\n")
            session.stop.ask.cancel()
            await session.wait_for(b"no\n")
            scope.cancel()

        script = "trap 'echo no' TERM; echo ready; while :; do sleep 0.01; done"
        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(act)
                with scope:
                    await run_command(shell(script, **env), session.emit, stop=session.stop)
                assert scope.cancelled_caught
        assert bearers(env) == []

    trio.run(main)


def test_many_commands_are_asked_together() -> None:
    """Each gets the same grace at the same time, not one after the other."""

    async def main() -> float:
        stops = [new_stop(0.3) for _ in range(30)]
        sessions = [Session(stop) for stop in stops]
        script = "trap '' TERM; echo ready; sleep 60; sleep 60"
        async with trio.open_nursery() as nursery:
            for session in sessions:
                nursery.start_soon(run_one, session, script)
            for session in sessions:
                await session.wait_for(b"ready\n")
            started = trio.current_time()
            for stop in stops:
                stop.ask.cancel()
        return trio.current_time() - started

    async def run_one(session: Session, script: str) -> None:
        ending = await run_command(shell(script), session.emit, stop=session.stop)
        assert ending.halted

    assert 0.3 <= trio.run(main) < 1.5
