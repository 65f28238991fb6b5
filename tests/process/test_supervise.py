"""Commands that end by themselves: status, leftovers, and what survives (decisions.md 7)."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import trio

from haz_trio.abc import Ending
from haz_trio.model.workspace import Containment
from haz_trio.plan.messages import Stream
from haz_trio.plan.outcome import Exited, Signalled
from haz_trio.process.pumps import DRAIN_LIMIT
from haz_trio.process.supervise import run_command
from tests.process.support import (
    PYTHON,
    Session,
    bearers,
    command,
    end,
    new_stop,
    new_token,
    python,
    run,
    shell,
)

# Starts what follows in a session of its own, and goes on when it is there.
DETACH = """
detach() {
    rm -f $MARK; setsid sh -c "echo > $MARK; $1" & while [ ! -e $MARK ]; do :; done; sleep 0.1
}
"""


def detaching(tmp_path: Path, script: str, env: dict[str, str]) -> Ending:
    return run(shell(DETACH + script, MARK=str(tmp_path / "mark"), **env)).ending


@pytest.mark.parametrize("code", [0, 1, 2, 127, 255])
def test_an_exit_status_is_the_commands_own(code: int) -> None:
    """The status passes as it is, with nothing left and nothing halted."""
    assert run(shell(f"exit {code}")).ending == Ending(Exited(code), halted=False)


@pytest.mark.parametrize("number", [1, 2, 6, 9, 11, 15])
def test_a_signal_is_told_apart_from_a_status(number: int) -> None:
    """A command that a signal ended is Signalled, whoever sent it (A12)."""
    assert run(shell(f"kill -{number} $$")).ending == Ending(Signalled(number), halted=False)


def test_streams_are_kept_apart() -> None:
    """What is written to standard output and standard error arrives as such."""
    result = run(shell("echo out; echo err >&2"))
    assert (result.out, result.err) == (b"out\n", b"err\n")


def test_a_command_leads_a_group_only_of_its_own() -> None:
    """The end of one command leaves another one alone."""

    async def main() -> Ending:
        session = Session(new_stop())
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(run_one)
            return await run_command(shell("sleep 0.2; exit 4"), session.emit, stop=session.stop)

    async def run_one() -> None:
        session = Session(new_stop())
        await run_command(shell("sleep 60 & exit 0"), session.emit, stop=session.stop)

    assert trio.run(main) == Ending(Exited(4), halted=False)


@pytest.mark.parametrize(
    ("script", "out"),
    [
        ("exec >&- 2>&-; sleep 0.05", b""),
        ("exec >&-; sleep 0.05; echo lost >&2", b""),
        ("exec 2>&-; sleep 0.05; echo late", b"late\n"),
        ("printf last", b"last"),
        ("exec >/dev/null 2>&1; sleep 0.05", b""),
        ("true", b""),
    ],
)
def test_pipes_that_close_early_do_not_end_a_command(script: str, out: bytes) -> None:
    """A command lasts until its process has ended, whatever it does to its streams (B12)."""
    result = run(shell(f"{script}; exit 3"))
    assert (result.ending, result.out) == (Ending(Exited(3), halted=False), out)
    if "sleep" in script:
        assert result.seconds >= 0.05


def test_a_silent_command_is_halted_and_aborted() -> None:
    """A command that says nothing hears of a stop, and is killed by an abort, like any other."""
    env = new_token()

    async def ask(session: Session) -> None:
        while not bearers(env):
            await trio.lowlevel.checkpoint()
        session.stop.ask.cancel()

    assert run(command("sleep", "60", **env), meanwhile=ask).ending.halted

    async def abort() -> None:
        with trio.move_on_after(0.05):
            await run_command(command("sleep", "60", **env), Session().emit, stop=new_stop())

    trio.run(abort)
    assert bearers(env) == []


def test_who_outlives_the_command_in_its_group_is_ended_and_named() -> None:
    """The result comes at once, the leftover is gone, the command keeps its status (B01)."""
    env = new_token()
    result = run(shell("sleep 60 & sleep 61 >/dev/null 2>&1 & sleep 0.1; echo hi; exit 0", **env))
    assert result.out == b"hi\n"
    assert result.ending.status == Exited(0)
    assert [text.split(" (pid ")[0] for text in result.ending.leftovers] == ["sleep", "sleep"]
    assert bearers(env) == []
    assert result.seconds < 1


def test_a_job_in_a_group_of_its_own_is_ended_and_named() -> None:
    """Who merely split off into another group of the session has not left on purpose."""
    env = new_token()
    result = run(command("bash", "-c", "set -m; sleep 60 >/dev/null 2>&1 & exit 0", **env))
    assert len(result.ending.leftovers) == 1
    assert bearers(env) == []


def test_what_a_leftover_wrote_until_its_end_is_kept() -> None:
    """Nothing of the command's own output is cut because a leftover goes on writing (B02)."""
    script = "(while :; do echo tick; done) & head -c 1000000 /dev/zero; wait_never=1; exit 0"
    result = run(shell(script))
    assert result.out.count(b"\0") == 1_000_000
    assert result.ending.leftovers


def test_who_ends_a_moment_later_is_no_leftover() -> None:
    """The `tee` of a process substitution may finish its line."""
    for _ in range(5):  # it has 50 ms, which may be too little on a busy machine
        result = run(command("bash", "-c", "echo hi > >(read x; sleep 0.01; echo $x there)"))
        if result.out == b"hi there\n" and result.ending.leftovers == ():
            return
    assert result.ending.leftovers == ()
    assert result.out == b"hi there\n"


def test_who_left_on_purpose_survives_a_success(tmp_path: Path) -> None:
    """A session of its own without our pipes goes on, and is no leftover."""
    env = new_token()
    ending = detaching(tmp_path, "detach 'exec sleep 60 >/dev/null 2>&1'; exit 0", env)
    survivors = bearers(env)
    end(survivors)
    assert ending == Ending(Exited(0), halted=False)
    assert len(survivors) == 1


def test_who_holds_a_pipe_is_named_and_survives_a_success(tmp_path: Path) -> None:
    """The pipe is given up after a silence; its holder is named, with the stream (B04)."""
    env = new_token()
    started = time.perf_counter()
    ending = detaching(tmp_path, "detach 'exec sleep 60 2>/dev/null'; exit 0", env)
    assert time.perf_counter() - started < 1
    survivors = bearers(env)
    end(survivors)
    assert ending.status == Exited(0)
    assert ending.leftovers == (f"sleep (pid {survivors[0]}): holds stdout",)


def test_who_holds_a_pipe_is_ended_after_a_failure(tmp_path: Path) -> None:
    """A command that fails takes with it whom it can reach."""
    env = new_token()
    ending = detaching(tmp_path, "detach 'exec sleep 60'; exit 1", env)
    assert bearers(env) == []
    assert ending.status == Exited(1)
    assert "holds stdout and stderr" in ending.leftovers[0]


def test_a_stranger_that_holds_a_pipe_is_named_and_spared() -> None:
    """Even after a failure nobody is ended who cannot descend from the command."""
    env = new_token()
    code = (
        "print('up', flush=True); f = open(input(), 'w'); print('open', flush=True); "
        "input(); print('alive')"
    )
    argv = ["sh", "-c", '"$@"; exit 0', "sh", PYTHON, "-c", code]  # nobody's child but the shell's
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as stranger:
        assert stranger.stdout is not None
        stranger.stdout.readline()
        time.sleep(0.02)  # older than the command, which the system tells in hundredths of seconds

        async def take(session: Session) -> None:
            await session.wait_for(b"\n")
            assert stranger.stdin is not None
            assert stranger.stdout is not None  # as above; mypy forgets it inside of a function
            stranger.stdin.write(f"/proc/{int(session.out)}/fd/1\n")
            stranger.stdin.flush()
            stranger.stdout.readline()
            os.kill(int(session.out), signal.SIGKILL)

        ending = run(shell("echo $$; exec sleep 60", **env), meanwhile=take).ending
        assert stranger.communicate("\n")[0] == "alive\n"
    assert ending.status == Signalled(9)
    assert [text.split(": ")[1] for text in ending.leftovers] == ["holds stdout"]


def test_a_holder_that_never_stops_writing_is_given_up(tmp_path: Path) -> None:
    """Bytes for ever end after the limit, and the result stands."""
    env = new_token()

    async def emit(stream: Stream, data: bytes) -> None:
        pass

    async def main() -> tuple[Ending, float]:
        what = shell(DETACH + "detach 'exec yes 2>/dev/null'", MARK=str(tmp_path / "mark"), **env)
        started = trio.current_time()
        return await run_command(what, emit, stop=new_stop()), trio.current_time() - started

    ending, took = trio.run(main)
    end(bearers(env))
    assert ending.status == Exited(0)
    assert ending.leftovers
    assert DRAIN_LIMIT <= took < DRAIN_LIMIT + 1


def test_strict_containment_ends_who_left(tmp_path: Path) -> None:
    """Whoever could be seen while the command ran does not outlive it, and is named."""
    env = new_token()
    script = "detach 'exec sleep 60 >/dev/null 2>&1'; sleep 0.15; exit 0"
    what = shell(DETACH + script, MARK=str(tmp_path / "mark"), **env)
    result = run(what, containment=Containment.STRICT)
    assert bearers(env) == []
    assert result.ending.status == Exited(0)
    # It is named as it was when it was seen, perhaps before it became a sleep.
    assert result.ending.leftovers[0].startswith(("sleep (pid ", "setsid (pid "))


def test_a_slow_consumer_loses_nothing() -> None:
    """Draining waits for the consumer, however long it takes for a piece."""
    seen = bytearray()

    async def emit(stream: Stream, data: bytes) -> None:
        if not seen:
            await trio.sleep(DRAIN_LIMIT + 0.1)
        seen.extend(data)

    async def main() -> Ending:
        what = python("import os; [os.write(1, b'x' * 65536) for _ in range(3)]")
        return await run_command(what, emit, stop=new_stop())

    assert trio.run(main) == Ending(Exited(0), halted=False)
    assert len(seen) == 3 * 65536


def test_a_host_may_run_commands_in_a_thread() -> None:
    """Nothing here needs the main thread (L16)."""

    async def main() -> Ending:
        return await trio.to_thread.run_sync(lambda: run(shell("exit 5")).ending)

    assert trio.run(main).status == Exited(5)
