"""Starting programs: what a child gets, what is retried, and what is never lost."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from pathlib import Path

import pytest
import trio

from haz_trio.abc import Ending, Stop
from haz_trio.errors import SpawnError
from haz_trio.model.workspace import Containment
from haz_trio.plan.outcome import Exited, Signalled
from haz_trio.process.child import UNKNOWN_STATUS, Child
from haz_trio.process.guard import open_guard
from haz_trio.process.spawn import spawn
from haz_trio.process.supervise import run_command
from tests.process.support import (
    Session,
    bearers,
    children,
    command,
    descriptors,
    new_stop,
    new_token,
    python,
    python_program,
    run,
    shell,
)


def no_pidfd(pid: int) -> int:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def test_a_child_has_three_descriptors() -> None:
    """/dev/null, and two blocking pipes; not even what this process made inheritable (L09)."""
    inheritable = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(inheritable, True)
    try:
        code = """
import os
for number in os.listdir("/proc/self/fd"):
    try: link = os.readlink("/proc/self/fd/" + number)
    except FileNotFoundError: continue
    print(number, link.split(":")[0], os.get_blocking(int(number)))
"""
        lines = run(python(code)).out.split(b"\n")
    finally:
        os.close(inheritable)
    assert lines == [b"0 /dev/null True", b"1 pipe True", b"2 pipe True", b""]


def test_standard_input_is_at_its_end() -> None:
    """A command that reads gets the end at once (L01)."""
    assert run(command("cat")).ending.status == Exited(0)


def test_a_child_leads_its_own_session_without_a_terminal() -> None:
    """Group and session are its pid, and /dev/tty cannot be opened, so nothing stops it (L02)."""
    code = """
import os
print(os.getpid() == os.getpgid(0) == os.getsid(0))
try: os.open("/dev/tty", os.O_RDWR)
except OSError as error: print(error.errno)
"""
    assert run(python(code)).out == b"True\n%d\n" % errno.ENXIO


def test_words_are_not_expanded() -> None:
    """Words reach the program as they are."""
    words = ["*", "a b", "$HOME", "", "ä", "-"]
    assert run(command("printf", "%s|", *words)).out == "|".join([*words, ""]).encode()


def test_a_busy_file_is_tried_again(tmp_path: Path) -> None:
    """A script that is open for writing for a moment is started; B10."""
    path = tmp_path / "tool"
    path.write_text("#!/bin/sh\necho ran\n")
    path.chmod(0o755)
    writing = os.open(path, os.O_WRONLY)

    async def release(session: Session) -> None:
        # Two attempts have failed by then, and three more are to come.
        await trio.sleep(0.04)
        os.close(writing)

    assert run(command(str(path)), meanwhile=release).out == b"ran\n"


def test_a_file_that_stays_busy_is_named(tmp_path: Path) -> None:
    """After five more attempts the reason is told."""
    path = tmp_path / "tool"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    with path.open("ab"), pytest.raises(SpawnError, match="open for writing"):
        run(command(str(path)))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who has a limit")
@pytest.mark.parametrize("limit", [1, 2])
def test_no_room_for_a_process(limit: int) -> None:
    """A limit of processes is told with its way out; with 1 not even a thread can be started."""
    code = f"""
import os, resource, trio
from haz_trio.process.spawn import spawn
from haz_trio.errors import SpawnError
from tests.process.support import command
os.setgid(54321)
os.setuid(54321)
resource.setrlimit(resource.RLIMIT_NPROC, ({limit}, {limit}))
try:
    trio.run(spawn, command("true"))
except SpawnError as error:
    print(error)
"""
    assert "the system refuses another process" in python_program(code)


def test_no_descriptors_left() -> None:
    """However many descriptors there are: a result or a clear refusal, and none is lost."""
    code = """
import os, resource, trio
from haz_trio.errors import SpawnError
from tests.process.support import descriptors, new_stop, shell
from haz_trio.process.supervise import run_command
async def emit(stream, data): pass
async def main():
    go = lambda: run_command(shell("echo hi"), emit, stop=new_stop())
    await go()
    before = descriptors()
    used = 1 + max(int(entry.split()[0]) for entry in before)
    outcomes = []
    for spare in range(12):
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + spare, 4096))
        try:
            outcomes.append(str((await go()).status))
        except SpawnError as error:
            assert "ulimit -n" in str(error), error
            outcomes.append("refused")
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 4096))
        assert descriptors() == before
    print(sorted(set(outcomes)), outcomes[-1])
trio.run(main)
"""
    assert python_program(code) == "['exit 0', 'refused'] exit 0\n"


def test_a_cancellation_during_the_start_loses_no_child() -> None:
    """Whenever the cancellation comes, either there is a child in our hands or none at all."""
    env = new_token()

    async def main() -> None:
        before = descriptors(), children()
        cancelled = 0
        for attempt in range(60):
            with trio.move_on_after(attempt * 0.00005) as scope:
                child = await spawn(command("sleep", "60", **env))
                assert child.peek() is None
                child.signal_group(signal.SIGKILL)
                with trio.CancelScope(shield=True):
                    await child.wait_exited()
                assert child.reap() == Signalled(signal.SIGKILL)
                child.close()
            cancelled += scope.cancelled_caught
        assert cancelled
        assert bearers(env) == []
        assert (descriptors(), children()) == before

    trio.run(main)


@pytest.mark.parametrize(("script", "status"), [("exit 7", Exited(7)), ("kill $$", Signalled(15))])
def test_without_a_pidfd_a_thread_waits(script: str, status: Exited | Signalled) -> None:
    """The end is noticed, and the child stays a zombie until it is reaped."""

    async def main() -> None:
        child = await spawn(shell(script), open_pidfd=no_pidfd)
        assert child.pidfd is None
        await child.wait_exited()
        assert child.pid in children()
        assert child.peek() == status
        assert child.reap() == status
        assert child.pid not in children()
        child.close()

    trio.run(main)


def test_waiting_without_a_pidfd_can_be_cancelled() -> None:
    """The thread is left behind, and the child is still ours."""

    async def main() -> None:
        child = await spawn(command("sleep", "60"), open_pidfd=no_pidfd)
        with trio.move_on_after(0.02) as scope:
            await child.wait_exited()
        assert scope.cancelled_caught
        assert child.peek() is None
        child.signal_group(signal.SIGKILL)
        await child.wait_exited()
        assert child.reap() == Signalled(signal.SIGKILL)
        child.close()

    trio.run(main)


def test_a_reaped_number_is_never_signalled() -> None:
    """A pid that may belong to somebody else by now is left alone (B07)."""
    bystander = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        reaped = Child(bystander.pid, None, -1, -1, status=Exited(0))
        reaped.signal_group(signal.SIGKILL)
        with pytest.raises(subprocess.TimeoutExpired):
            bystander.wait(0.02)
    finally:
        bystander.returncode = None
        bystander.kill()
        bystander.wait()


def test_a_status_that_somebody_else_took_is_no_success() -> None:
    """Where other code reaps our children, the command counts as failed (B14)."""

    async def steal(session: Session) -> None:
        await session.wait_for(b"\n")
        os.kill(int(session.out), signal.SIGKILL)
        # Blocks the loop on purpose, so that nobody else can be first.
        os.waitpid(int(session.out), 0)  # noqa: ASYNC222  # as said above

    result = run(shell("echo $$; exec sleep 60"), meanwhile=steal)
    assert result.ending.status == UNKNOWN_STATUS
    assert result.ending.status != Exited(0)


def test_starts_of_one_moment_take_turns() -> None:
    """A stop is seen between two of them: the rest is not started (EXEC-013)."""
    guard = open_guard(print, containment=Containment.GROUP)
    stops = [new_stop() for _ in range(50)]
    endings: list[Ending] = []

    async def one(stop: Stop) -> None:
        what = command("sleep", "60")
        endings.append(await run_command(what, Session().emit, stop=stop, guard=guard))

    async def press() -> None:
        while not guard.is_busy:  # at the first opportunity
            await trio.lowlevel.checkpoint()
        for stop in stops:
            stop.ask.cancel()

    async def main() -> None:
        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                for stop in stops:
                    nursery.start_soon(one, stop)
                nursery.start_soon(press)

    trio.run(main)
    guard.close()
    assert {str(ending.status) for ending in endings} == {"signal 15"}
    assert all(ending.halted for ending in endings)
    assert 1 <= sum(ending.sent != () for ending in endings) < 10
