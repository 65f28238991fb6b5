"""What happens to commands when the process that runs them is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import trio

from haz_trio.model.workspace import Containment
from haz_trio.process.cells import open_cell
from haz_trio.process.guard import Guard, open_guard
from haz_trio.process.mourn import Record, read_book
from haz_trio.process.supervise import run_command
from haz_trio.process.watchdog import RECORD, Watchdog
from tests.process.support import (
    TOKEN,
    Session,
    bearers,
    children,
    descriptors,
    end,
    new_stop,
    new_token,
    python_program,
    shell,
)

# Runs one command under guard, for a test that kills it.
HOST = """
import sys, trio
from haz_trio.model.workspace import Containment
from haz_trio.process.guard import open_guard
from haz_trio.process.supervise import run_command
from tests.process.support import Session, new_stop, shell
async def emit(stream, data):
    print(data.decode(), end="", flush=True)
async def main():
    guard = open_guard(print, containment=Containment[sys.argv[2]])
    what = shell(sys.argv[1], HAZ_TEST_TOKEN=sys.argv[3])
    containment = Containment[sys.argv[2]]
    sys.executable = sys.argv[4]
    await run_command(what, emit, stop=new_stop(), containment=containment, guard=guard)
trio.run(main)
"""
LIMIT = 5.0  # seconds; some tens of milliseconds are usual


def survivors_of_a_kill(
    script: str, containment: Containment, env: Mapping[str, str], python: str = sys.executable
) -> list[int]:
    """Kill a host whose command has said ``up``; who is left in the end.

    ``python`` is what its watchdog takes for its interpreter.
    """
    argv = [sys.executable, "-c", HOST, script, containment.name, env[TOKEN], python]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == b"up\n"
        assert bearers(env)
        host.kill()
    limit = time.monotonic() + LIMIT
    while (left := bearers(env)) and time.monotonic() < limit:
        pass
    end(left)
    return left


def test_a_killed_host_takes_its_commands_along() -> None:
    """Group, other groups of the session, own sessions, holders of pipes: all are ended."""
    script = (
        "sleep 60 & bash -c 'set -m; sleep 61 & wait' & (setsid sleep 62 &); "
        "setsid sleep 63 >/dev/null 2>&1 & sleep 0.1; echo up; wait"
    )
    for containment in Containment:
        assert survivors_of_a_kill(script, containment, new_token()) == []


def test_a_killed_host_leaves_nobody_whom_its_strays_fork() -> None:
    """Those as well whom a stray forks between the look at it and its end."""
    storm = "setsid sh -c 'while :; do sleep 61 & sleep 0.001; done' >/dev/null 2>&1 & "
    script = storm + "sleep 0.1; echo up; wait"
    for _ in range(4):
        assert survivors_of_a_kill(script, Containment.GROUP, new_token()) == []


def test_a_watchdog_that_cannot_start_python_ends_what_the_shell_can() -> None:
    """Groups everywhere; where there are control groups, those who have left them as well."""
    gone, left = "sleep 60 & echo up; wait", "setsid sleep 61 >/dev/null 2>&1 & sleep 0.1; "
    for containment in Containment:
        assert survivors_of_a_kill(gone, containment, new_token(), "/no/python") == []
    cell = open_cell()
    if cell is not None:
        cell.remove()
        assert (
            survivors_of_a_kill(left + gone, Containment.STRICT, new_token(), "/no/python") == []
        )


def test_a_book_has_room_for_any_number_of_commands() -> None:
    """It grows past a page, and its records are used again."""
    book = Watchdog(print)
    numbers = [book.expect(5, 0) for _ in range(200)]
    for number in numbers:
        book.enter(number, 1000 + number)
    inode = os.fstat(0).st_ino
    assert read_book(book.book)[199] == Record(1199, 5, (inode,))
    for number in numbers:
        book.leave(number)
    assert read_book(book.book) == []
    assert book.expect(7, 0) in numbers
    assert os.fstat(book.book).st_size == 200 * RECORD
    book.close()


def test_a_stranger_with_the_number_of_a_command_is_spared() -> None:
    """Who began after the mourner is not who was written down (B07)."""
    code = """
import subprocess, time
from haz_trio.process.mourn import Record, mourn
time.sleep(0.05)  # a few ticks of the clock by which processes are told apart
stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
mourn([Record(stranger.pid, 0, ()), Record(0, 0, ()), Record(1, 0, ())])
print(stranger.poll())
stranger.kill()
stranger.wait()
"""
    assert python_program(code) == "None\n"


def kill(helper: int) -> None:
    """Ask, which it does not obey since it has to outlive a polite shutdown; then kill."""
    os.kill(helper, signal.SIGTERM)
    os.kill(helper, signal.SIGKILL)
    os.waitid(os.P_PID, helper, os.WEXITED | os.WNOWAIT)


def test_a_killed_watchdog_is_told_of_and_replaced() -> None:
    """The run goes on; the next command has another watchdog (C06)."""
    notes: list[str] = []
    env = new_token()

    async def run_one(guard: Guard) -> None:
        session = Session(new_stop())
        await run_command(shell("exit 0", **env), session.emit, stop=session.stop, guard=guard)

    async def main() -> None:
        before = descriptors(), children()
        guard = open_guard(notes.append, containment=Containment.GROUP)
        await run_one(guard)
        first = guard.watchdog.pid
        assert first is not None
        kill(first)
        await run_one(guard)
        await run_one(guard)
        assert guard.watchdog.pid not in (None, first)
        guard.close()
        assert (descriptors(), children()) == before

    trio.run(main)
    assert notes == ["the watchdog has ended: if haz is killed, what it runs may go on"]


def test_a_watchdog_is_started_only_for_a_command() -> None:
    """A guard that guards nothing costs no process."""
    before = children()
    guard = open_guard(print, containment=Containment.GROUP)
    assert guard.watchdog.pid is None
    guard.close()
    assert children() == before


def test_a_folder_named_like_us_is_not_imported(tmp_path: Path) -> None:
    """The mourner does not take its modules from the directory that haz was called in."""
    (tmp_path / "haz_trio").mkdir()
    (tmp_path / "haz_trio/__init__.py").write_text("raise SystemExit('hostile')")
    env = new_token()
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        host = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-c",
                HOST,
                "echo up; sleep 60",
                "GROUP",
                env[TOKEN],
                sys.executable,
            ],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(here)},
        )
    finally:
        os.chdir(here)
    with host:
        assert host.stdout is not None
        host.stdout.readline()
        host.kill()
    limit = time.monotonic() + LIMIT
    while bearers(env):
        assert time.monotonic() < limit
