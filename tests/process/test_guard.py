"""Adoption: whose a process is that lost its parent, and who of them may live on."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
import trio

from haz_trio.abc import Ending
from haz_trio.model.workspace import Containment
from haz_trio.process import proc
from haz_trio.process.guard import Guard, open_guard
from haz_trio.process.supervise import run_command
from tests.process.support import (
    Session,
    bearers,
    children,
    end,
    new_stop,
    new_token,
    shell,
    state,
    wait_until,
)

# A daemon: two forks, a session of its own, all descriptors closed; it is there when this ends.
DAEMON = (
    'rm -f $MARK; (setsid sh -c "echo > $MARK; exec sleep 60 >/dev/null 2>&1" &); '
    "while [ ! -e $MARK ]; do :; done; sleep 0.1"
)
# Stopped, or a parent that waits in vfork(2) for a child that is.
_RESTS = {"T", "D"}


@pytest.fixture
def guard() -> Iterator[Guard]:
    guard = open_guard(print, containment=Containment.GROUP, adopts=True, names_survivors=True)
    assert guard.adopts
    yield guard
    guard.close()


async def run_one(guard: Guard, script: str, env: dict[str, str]) -> Ending:
    session = Session(new_stop())
    return await run_command(shell(script, **env), session.emit, stop=session.stop, guard=guard)


def test_a_daemon_of_a_success_lives_on_and_is_named(guard: Guard, tmp_path: Path) -> None:
    """Who left on purpose is no leftover; whoever asks learns its name, once (decisions.md 7)."""
    env = {**new_token(), "MARK": str(tmp_path / "mark")}

    async def main() -> tuple[Ending, Ending]:
        first = await run_one(guard, f"{DAEMON}; exit 0", env)
        return first, await run_one(guard, "exit 0", env)

    first, second = trio.run(main)
    survivors = bearers(env)
    end(survivors)
    assert first.leftovers == ()
    assert first.survivors == (f"sleep (pid {survivors[0]})",)
    assert second.survivors == ()


def test_a_daemon_of_a_failure_is_ended(guard: Guard, tmp_path: Path) -> None:
    """A command that fails takes its daemons along, though no parent leads to them (B04, B05)."""
    env = {**new_token(), "MARK": str(tmp_path / "mark")}
    ending = trio.run(run_one, guard, f"{DAEMON}; exit 1", env)
    assert bearers(env) == []
    assert ending.survivors == ()


def test_a_failure_spares_the_daemon_of_a_success(guard: Guard, tmp_path: Path) -> None:
    """Who may have been left by a command that succeeded is nobody's to end."""
    env = {**new_token(), "MARK": str(tmp_path / "mark")}
    go = tmp_path / "go"

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(
                run_one, guard, f"while [ ! -e {go} ]; do sleep 0.01; done; exit 1", env
            )
            await run_one(guard, f"{DAEMON}; exit 0", env)
            go.touch()

    trio.run(main)
    survivors = bearers(env)
    end(survivors)
    assert len(survivors) == 1


def test_a_doubtful_daemon_is_ended_with_the_last_who_may_have_left_it(
    guard: Guard, tmp_path: Path
) -> None:
    """While another command runs that may need it, it lives."""
    env = {**new_token(), "MARK": str(tmp_path / "mark")}
    go = tmp_path / "go"
    left: list[int] = []

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(
                run_one, guard, f"while [ ! -e {go} ]; do sleep 0.01; done; exit 1", env
            )
            # It has to be the older one, or it cannot have left the daemon.
            while not guard.is_busy:
                await trio.lowlevel.checkpoint()
            await run_one(guard, f"{DAEMON}; exit 1", env)
            left.extend(bearers(env))
            go.touch()

    trio.run(main)
    assert len(left) >= 2  # the daemon, and the command that still ran
    assert bearers(env) == []


async def halt_together(guard: Guard, scripts: list[str], env: dict[str, str], mark: str) -> None:
    """Stop all of these commands at once, when so many marks are there; each has 0.3 s to end."""
    stops = [new_stop(grace=0.3) for _ in scripts]

    async def one(number: int) -> None:
        what = shell(scripts[number], **env, MARK=f"{mark}{number}")
        await run_command(what, Session().emit, stop=stops[number], guard=guard)

    async with trio.open_nursery() as nursery:
        for number in range(len(scripts)):
            nursery.start_soon(one, number)
        with trio.fail_after(5):
            for number in range(len(scripts)):
                while not os.path.exists(f"{mark}{number}"):  # noqa: ASYNC110, ASYNC240
                    await trio.sleep(0.01)
        await trio.sleep(0.05)
        for stop in stops:
            stop.ask.cancel()


@pytest.mark.parametrize("last", ["exec sleep 60", "trap '' TERM; while :; do sleep 1; done"])
def test_the_daemons_of_commands_that_end_together(
    guard: Guard, tmp_path: Path, last: str
) -> None:
    """Each may come from any of them, and none of these has succeeded (decisions.md 7)."""
    env = new_token()
    trio.run(halt_together, guard, [f"{DAEMON}; {last}"] * 8, env, str(tmp_path / "mark"))
    assert bearers(env) == []


def test_a_daemon_has_the_grace_of_whoever_may_have_left_it(guard: Guard, tmp_path: Path) -> None:
    """It is not ended with the first of several commands that end, while another one may."""
    env, words = new_token(), tmp_path / "words"
    polite = f"trap 'sleep 0.15; echo bye > {words}; exit' TERM; echo > $MARK; "
    polite += "while :; do sleep 0.01; done"
    scripts = [
        f"(setsid sh -c \"{polite}\" >/dev/null 2>&1 &); trap '' TERM; sleep 60",
        "echo > $MARK; exec sleep 60",
    ]
    trio.run(halt_together, guard, scripts, env, str(tmp_path / "mark"))
    assert bearers(env) == []
    assert words.read_text() == "bye\n"


def test_whom_no_look_has_found_is_ended_with_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon that lost its parent after the last look; who was there before is not touched."""
    guard = open_guard(print, containment=Containment.GROUP, adopts=True)
    older = subprocess.Popen(["sleep", "60"], start_new_session=True)
    time.sleep(0.02)  # two ticks of the clock by which the system notes a start
    env = {**new_token(), "MARK": str(tmp_path / "mark")}
    monkeypatch.setattr(Guard, "orphans", lambda *_, **__: [])
    trio.run(run_one, guard, f"{DAEMON}; exit 1", env)
    left = bearers(env)
    guard.close()
    assert len(left) == 1
    assert bearers(env) == []
    assert older.poll() is None
    older.kill()
    older.wait()


def test_the_adopted_dead_are_taken_down(guard: Guard) -> None:
    """No zombie stays, and no status of a command is taken in the search for them (B13)."""
    env = new_token()
    before = children()

    async def main() -> list[Ending]:
        return [await run_one(guard, "(setsid true &); exit 3", env) for _ in range(140)]

    endings = trio.run(main)
    assert {str(ending.status) for ending in endings} == {"exit 3"}
    guard.close()
    assert set(children()) <= set(before)
    guard.watchdog = open_guard(print, containment=Containment.GROUP).watchdog


def test_who_is_forked_while_others_are_stopped_is_stopped_too(
    guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon forks between the look that found it and its SIGSTOP, and is gone (L03)."""
    env, there, go, born = new_token(), *(tmp_path / name for name in ("there", "go", "born"))
    (tmp_path / "heir").write_text(f"echo >{born}\nexec sleep 60\n")
    (tmp_path / "daemon").write_text(
        f"echo >{there}\nuntil [ -e {go} ]; do sleep 0.01; done\n"
        f"setsid sh {tmp_path}/heir >/dev/null 2>&1 &\n"
    )
    script = f"(setsid sh {tmp_path}/daemon >/dev/null 2>&1 &); sleep 60"
    look = proc.descendants

    def slow_look(roots: Collection[int]) -> list[proc.Process]:
        found = look(roots)
        go.touch()
        wait_until(born.exists, 10)
        return found

    async def main() -> int:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_one, guard, script, env)
            await trio.to_thread.run_sync(wait_until, there.exists, 10)
            with monkeypatch.context() as patch:
                patch.setattr(proc, "descendants", slow_look)
                guard.pause()
            wait_until(lambda: _RESTS.issuperset(map(state, bearers(env))), 2)
            found = len(bearers(env))
            guard.resume()
            nursery.cancel_scope.cancel()
        return found

    assert trio.run(main) >= 2
    assert bearers(env) == []


def test_others_children_of_this_process_are_left_alone(guard: Guard) -> None:
    """Who is in our own session was started by other code, and its status is not ours."""
    pid = os.posix_spawn("/bin/true", ["true"], os.environ)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert trio.run(run_one, guard, "exit 1", new_token()).leftovers == ()
    assert os.waitpid(pid, 0) == (pid, 0)
