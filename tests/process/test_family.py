"""Finding and ending the processes that a child brought forth, and nobody else."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from haz_trio.process import proc
from haz_trio.process.family import Family, wait_gone
from haz_trio.process.spawn import spawn
from haz_trio.values import evolve
from tests.process.support import PYTHON, bearers, end, new_token, shell, state

NESTED = "sleep 60 & (sleep 60 & exec setsid sleep 60) & echo up; wait"


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_a_process_is_looked_at() -> None:
    """Pid, parent, session and name are those of the process; nobody has pid 0."""
    own = proc.look(os.getpid())
    assert own is not None
    assert (own.parent, own.session) == (os.getppid(), os.getsid(0))
    assert proc.look(0) is None


def test_names_are_harmless() -> None:
    """A process that calls itself something with escape sequences or brackets is named safely."""
    code = "open('/proc/self/comm', 'wb').write(b'a) Z\\x1b[2Jb\\xff'); print(flush=True); input()"
    with subprocess.Popen(
        [PYTHON, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        process = proc.look(child.pid)
        child.communicate(b"\n")
    assert str(process).startswith("a) Z?[2Jb")
    assert str(process).isprintable()


def test_zombies_are_not_alive() -> None:
    """A process that has ended and was not reaped counts only where the dead are asked for."""
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert proc.look(child.pid) is None
    assert proc.look(child.pid, dead=True) is not None
    child.wait()
    assert proc.look(child.pid, dead=True) is None


def test_a_process_whose_main_thread_has_ended_is_alive() -> None:
    """The system shows it like a zombie, and still it runs."""
    code = """
import ctypes, threading, time
threading.Thread(target=lambda: (print(flush=True), time.sleep(60))).start()
ctypes.CDLL(None).pthread_exit(None)
"""
    child = subprocess.Popen([PYTHON, "-c", code], stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        child.stdout.readline()
        while state(child.pid) != "Z":
            assert child.poll() is None
        assert proc.look(child.pid) is not None
    finally:
        child.kill()
        child.communicate()


def test_a_signal_meets_exactly_one_process(bystander: subprocess.Popen[bytes]) -> None:
    """A pid that meanwhile names another process is not signalled."""
    process = proc.look(bystander.pid)
    assert process is not None
    proc.send(evolve(process, started=process.started - 1), signal.SIGKILL)
    proc.send(evolve(process, pid=2**22), signal.SIGKILL)
    with pytest.raises(subprocess.TimeoutExpired):
        bystander.wait(0.02)
    proc.send(process, signal.SIGKILL)
    assert bystander.wait(5) == -signal.SIGKILL


def test_writers_of_a_pipe() -> None:
    """Who can write is found; who can only read is not, and neither is this process."""
    reading, writing = os.pipe()
    inode = os.fstat(reading).st_ino
    reader = subprocess.Popen(["sleep", "60"], stdin=reading)
    writer = subprocess.Popen(["sleep", "60"], stderr=writing)
    try:
        assert [process.pid for process in proc.writers(inode)] == [writer.pid]
    finally:
        for child in (reader, writer):
            child.kill()
            child.wait()
        os.close(reading)
        os.close(writing)


def test_the_circles_of_a_family() -> None:
    """Group, session and sessions of their own are told apart, and all of them can be ended."""
    env = new_token()

    async def main() -> None:
        child = await spawn(shell(NESTED, **env))
        await trio.lowlevel.wait_readable(child.stdout)
        family = Family(child)
        with trio.fail_after(5):
            while len(bearers(env)) < 4 or len(family.session()) > 3:
                await trio.lowlevel.checkpoint()
        # The stray's parent became the stray's program: it is in a session of its own by now.
        assert len(family.session()) == 3
        assert {process.pid for process in family.session()} < set(bearers(env))
        family.meet()
        assert {process.pid for process in family.everybody()} == set(bearers(env))
        assert await family.kill() == []
        assert bearers(env) == []
        assert family.everybody() == []
        await wait_gone(family.everybody)
        child.reap()
        child.close()

    trio.run(main)


@pytest.mark.parametrize(
    ("script", "alone"),
    [
        ("echo", True),
        ("(true); (true); echo", True),
        ("sleep 60 >/dev/null & echo", False),
        ("exec 2>&-; (sleep 60 & sleep 60 &) >/dev/null; echo", False),
        ("setsid sleep 60 >/dev/null & sleep 0.05; echo", True),
    ],
)
def test_a_child_that_is_alone_is_told_apart(script: str, alone: bool) -> None:
    """Nobody but the child is in the session: that is said quickly, and never wrongly."""
    env = new_token()

    async def main() -> None:
        child = await spawn(shell(script, **env))
        family = Family(child)
        await child.wait_exited()
        # What is slow to start must not make the numbers go round in this test.
        child.started = time.monotonic()
        assert family.is_alone() is alone
        assert bool(family.session()) is not alone
        child.started -= 3600
        assert not family.is_alone()
        assert bool(family.session()) is not alone
        await family.kill(strays=False)
        child.reap()
        child.close()

    trio.run(main)
    end(bearers(env))


def test_numbers_that_went_round_say_nothing() -> None:
    """A leader whose number is larger than the newest one, or far below it, may have company."""
    newest = int(Path("/proc/sys/kernel/ns_last_pid").read_text())
    assert not proc.is_alone(2**22)
    # Right after the numbers have begun anew, none is far below the newest one.
    assert newest < 2000 or not proc.is_alone(newest - 1500)


def test_nobody_belongs_to_a_number_that_was_given_back(
    bystander: subprocess.Popen[bytes],
) -> None:
    """After the reaping the session's number is not looked up any more (B07)."""

    async def main() -> None:
        child = await spawn(shell("exit 0"))
        await child.wait_exited()
        child.reap()
        number, child.pid = child.pid, bystander.pid
        assert Family(child).session() == []
        assert await Family(child).kill() == []
        child.pid = number
        child.close()

    trio.run(main)
    assert bystander.poll() is None
