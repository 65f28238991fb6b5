"""Processes that hang on, hide, or cannot be ended (section B)."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import trio

from haz_trio.abc import Ending
from haz_trio.errors import SpawnError
from haz_trio.model.workspace import Containment
from haz_trio.process.guard import DUSTING
from haz_trio.process.spawn import spawn
from haz_trio.process.supervise import run_command
from tests.cli.support import Home
from tests.engine.workspaces import sh
from tests.faults.support import assert_quiet, gone_soon
from tests.process.support import (
    Session,
    bearers,
    children,
    command,
    descriptors,
    new_stop,
    new_token,
    python_program,
    run,
    shell,
    state,
)


@pytest.mark.row("B01")
def test_a_grandchild_that_keeps_the_pipe(tmp_path: Path) -> None:
    """The run is over in a moment, nobody is left, a line names it, nothing is stored."""
    home = Home.make(tmp_path, {"t": sh("sleep 60 & sleep 0.1; echo hi")})
    began = time.monotonic()
    done = home.haz("run", "p:t")
    assert (done.code, done.out) == (0, b"[p:t] hi\n")
    assert time.monotonic() - began < 2.5
    assert done.said("[p:t]", "outlived by sleep")
    assert home.place.processes() == []
    assert not home.haz("run", "p:t").said("cached")


@pytest.mark.row("B02")
def test_the_last_bytes_while_a_grandchild_still_writes(tmp_path: Path) -> None:
    """A megabyte that the leader wrote last is whole, whoever writes beside it."""
    writer = "(while :; do echo tick; sleep 0.05; done) & head -c 1000000 /dev/zero | tr '\\0' x"
    home = Home.make(tmp_path, {"t": sh(writer)})
    done = home.haz("run", "p:t", "--output-mode", "buffered")
    assert done.code == 0
    assert done.out.count(b"x") == 1_000_000


@pytest.mark.row("B03")
@pytest.mark.parametrize("count", [30, pytest.param(1000, marks=pytest.mark.deep)])
def test_a_full_pipe_at_the_moment_of_the_end(count: int) -> None:
    """60 KB that nobody had a chance to read before the end are all there, each time."""
    for _ in range(count):
        assert len(run(command("head", "-c", "60000", "/dev/zero")).out) == 60_000


@pytest.mark.row("B05")
@pytest.mark.parametrize("containment", ["group", "strict"])
def test_a_daemon_and_the_result_of_its_task(tmp_path: Path, containment: str) -> None:
    """It lives on after a success and is named at -v; a failure or strictness ends it."""
    daemon = "echo up; (setsid sh -c 'exec sleep 60 >/dev/null 2>&1' &); sleep 0.2; [ -e ../go ]"
    home = Home.make(tmp_path, {"t": sh(daemon)}, execution={"containment": containment})
    assert home.haz("run", "p:t").code == 1
    assert home.place.processes() == []
    (tmp_path / "go").touch()
    done = home.haz("-v", "run", "p:t")
    left = home.place.processes()
    subprocess.run(["kill", *map(str, left)], check=bool(left))
    assert done.code == 0
    if containment == "strict":
        assert left == []
        assert done.said("[p:t]", "outlived by")
    else:
        assert len(left) == 1
        assert done.said("[p:t]", f"goes on in a session of its own: sleep (pid {left[0]})")


@pytest.mark.row("B04")
@pytest.mark.parametrize("others", [0, 1])
def test_who_holds_the_pipes_of_a_killed_task_is_named_and_ends(
    tmp_path: Path, others: int
) -> None:
    """Adoption tells whose it is when nothing else runs; else the pipes do."""
    tasks = {"b": sh("setsid sleep 60 & sleep 0.1; kill -9 $$")}
    if others:
        tasks["a"] = sh("sleep 0.5")
    home = Home.make(tmp_path, tasks)
    done = home.haz("run", "--workspace", "-j", "2")
    left = home.place.processes()
    subprocess.run(["kill", *map(str, left)], check=bool(left))
    assert (done.code, left) == (1, [])
    assert done.said("[p:b]", "outlived by sleep")


@pytest.mark.row("B04")
def test_who_comes_from_a_holder_of_a_pipe_is_named_as_well(tmp_path: Path) -> None:
    """It holds none itself, and another task that runs could have brought it forth."""
    leave = "setsid sh -c 'sleep 60 >/dev/null 2>&1 & exec sleep 61' & sleep 0.3; kill -9 $$"
    home = Home.make(tmp_path, {"a": sh("sleep 1"), "b": sh(leave, deps=["~:c"]), "c": sh("true")})
    done = home.haz("run", "--workspace", "-j", "2")
    left = home.place.processes()
    subprocess.run(["kill", *map(str, left)], check=bool(left))
    assert (done.code, left) == (1, [])
    (line,) = done.said("[p:b]", "outlived by")
    assert line.count("(pid ") == 2


@pytest.mark.row("B06")
@pytest.mark.parametrize("containment", list(Containment))
def test_forks_that_race_with_their_end(containment: Containment) -> None:
    """A command that forks as fast as it can is ended with all that it forked."""
    env = new_token()
    script = "echo up; while :; do sleep 60 & done"

    async def act(session: Session) -> None:
        await session.wait_for(b"up\n")
        await trio.sleep(0.1)
        session.stop.ask.cancel()

    result = run(
        shell(f"trap '' TERM; ulimit -u 20000; {script}", **env),
        meanwhile=act,
        grace=0.1,
        containment=containment,
    )
    assert result.ending.halted
    assert bearers(env) == []
    assert result.seconds < 9


@pytest.mark.row("B07")
@pytest.mark.deep
def test_numbers_that_go_round(tmp_path: Path) -> None:
    """With few numbers, thousands of commands never signal a bystander that has one of them."""
    code = """
import subprocess, trio
from haz_trio.model.workspace import Containment
from haz_trio.process.guard import open_guard
from haz_trio.process.supervise import run_command
from tests.process.support import command, new_stop
open("/proc/sys/kernel/pid_max", "w").write("400")
async def emit(stream, data): pass
bystanders = []
async def main():
    guard = open_guard(print, containment=Containment.GROUP, adopts=True)
    for number in range(20_000):
        if number % 1000 == 0:
            own = number % 2000 == 0
            bystanders.append(subprocess.Popen(["sleep", "1000"], start_new_session=own))
        await run_command(command("true"), emit, stop=new_stop(), guard=guard)
    guard.close()
trio.run(main)
print({each.poll() for each in bystanders})
for each in bystanders: each.kill()
"""
    spaces = ["unshare", "-Urpf", "--mount-proc"]
    if subprocess.run([*spaces, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no PID namespace can be made here")
    (tmp_path / "program.py").write_text(code)
    done = subprocess.run(
        [*spaces, shutil.which("python3") or "python3", tmp_path / "program.py"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(_path())},
        capture_output=True,
        text=True,
        check=False,
    )
    if "Permission denied" in done.stderr or "Read-only" in done.stderr:
        pytest.skip("the number of processes cannot be limited here")
    assert done.stdout == "{None}\n", done.stderr


def _path() -> list[str]:
    import sys  # only this test needs to know

    return [str(Path(__file__).parents[2]), *sys.path]


@pytest.mark.row("B08")
def test_looking_at_a_child_does_not_reap_it() -> None:
    """Between its end and the signal to its group a child may be printed and compared."""

    async def main() -> None:
        child = await spawn(shell("exit 3"))
        await child.wait_exited()
        assert repr(child) != ""
        assert str(child) != ""
        assert child == child  # what a log or a set would do
        assert state(child.pid) == "Z"
        child.reap()
        child.close()

    trio.run(main)


@pytest.mark.row("B09")
def test_what_cannot_be_started_takes_no_descriptor(tmp_path: Path) -> None:
    """Whatever the system says: a refusal, and neither a descriptor nor a process more."""
    for name, text, mode in (("plain", "x", 0o644), ("noise", "\1\2\3", 0o755), ("file", "", 0)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)
    (tmp_path / "loop").symlink_to("loop")
    here = str(tmp_path)
    refused = [
        command("./absent", cwd=here),  # ENOENT
        command("./plain", cwd=here),  # EACCES
        command("./noise", cwd=here),  # ENOEXEC
        command("./file/below", cwd=here),  # ENOTDIR
        command("./loop", cwd=here),  # ELOOP
        command("true", "x" * 3_000_000),  # E2BIG
        command("true", cwd=str(tmp_path / "gone")),
        command("true", cwd=str(tmp_path / "file")),
    ]

    async def main() -> None:
        session = Session(new_stop())
        await run_command(command("true"), session.emit, stop=session.stop)
        before = descriptors(), children()
        for what in refused:
            with pytest.raises(SpawnError):
                await run_command(what, session.emit, stop=session.stop)
        assert (descriptors(), children()) == before

    trio.run(main)


@pytest.mark.row("B09")
def test_words_that_are_too_long(tmp_path: Path) -> None:
    """Three megabytes of arguments are a failure with a reason, and the other task goes on."""
    tasks = {"t": {"command": ["/bin/echo", "x" * 3_000_000]}, "u": sh("echo fine")}
    home = Home.make(tmp_path, tasks)
    done = home.haz("run", "--workspace")
    assert done.code == 1
    assert done.said("[p:t]", "longer than the system allows")
    assert done.said("Tasks: 1 completed, 1 failed")


@pytest.mark.row("B10")
@pytest.mark.parametrize("count", [25, pytest.param(1250, marks=pytest.mark.deep)])
def test_scripts_that_were_just_written(tmp_path: Path, count: int) -> None:
    """Eight at a time write a program and run it: none of them is busy in the end."""

    async def one(name: str) -> None:
        for number in range(count):
            path = tmp_path / f"{name}{number}"
            path.write_text("#!/bin/sh\nexit 0\n")
            path.chmod(0o755)
            session = Session(new_stop())
            ending = await run_one(str(path), session)
            assert str(ending.status) == "exit 0"

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for name in "abcdefgh":
                nursery.start_soon(one, name)

    trio.run(main)


async def run_one(path: str, session: Session) -> Ending:
    return await run_command(command(path), session.emit, stop=session.stop)


@pytest.mark.row("B13")
def test_the_dead_of_many_tasks_are_taken_down(tmp_path: Path) -> None:
    """However they end: who comes last sees the adopted ones of the last few, and no task."""
    tasks = {f"t{n}": sh(f"(setsid true &); : {n}; exit {n % 3}") for n in range(200)}
    count = sh("ps -o stat= --ppid $PPID | grep -c Z; true", weakDeps=[f"~:{t}" for t in tasks])
    home = Home.make(tmp_path, {**tasks, "z": count})
    done = home.haz("run", "--workspace", "-j", "8")
    assert done.code == 1
    assert done.said("Tasks: 68 completed, 133 failed")
    zombies = next(line for line in done.out.splitlines() if line.startswith(b"[p:z] "))
    assert int(zombies.split()[1]) <= DUSTING  # one for each command since the last look
    assert_quiet(done.err)
    assert gone_soon(home)


@pytest.mark.row("B15")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a program of another user")
def test_a_process_of_another_user(tmp_path: Path) -> None:
    """Who may not be signalled is named, and waited for no longer than a few seconds."""
    program = shutil.which("setpriv")
    if program is None:
        pytest.skip("there is no setpriv to become another user with")
    become = tmp_path / "become"
    shutil.copy(program, become)
    become.chmod(0o4755)
    tmp_path.chmod(0o755)
    place = tmp_path
    while place != Path("/tmp") and place != place.parent:  # where pytest works
        place.chmod(place.stat().st_mode | 0o055)
        place = place.parent
    code = f"""
import os, time, trio
from haz_trio.process.supervise import run_command
from tests.process.support import command, new_stop
os.setgid(54323)
os.setuid(54323)
async def emit(stream, data): pass
async def main():
    stop = new_stop(0.2)
    async def later():
        await trio.sleep(0.3)
        stop.ask.cancel()
    began = time.monotonic()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(later)
        what = command({str(become)!r}, "--reuid", "0", "--clear-groups", "sleep", "15")
        ending = await run_command(what, emit, stop=stop)
    print(ending.halted, time.monotonic() - began < 9, *ending.leftovers)
trio.run(main)
"""
    said = python_program(code).split()
    assert said[:2] == ["True", "True"]
    assert " ".join(said).count("cannot be killed") == 1


@pytest.mark.row("B16")
def test_nobody_joins_the_group_of_haz(tmp_path: Path) -> None:
    """A task cannot move into the group of who started it, so that no signal reaches that one."""
    code = "import os\ntry: os.setpgid(0, os.getpgid(os.getppid()))\nexcept OSError: print('no')"
    task = {"command": [shutil.which("python3") or "python3", "-c", code + "\nos.kill(0, 15)"]}
    home = Home.make(tmp_path, {"t": task})
    done = home.haz("run", "p:t")
    assert done.code == 1
    assert done.out == b"" or done.out == b"[p:t] no\n"
    assert done.said("[p:t]", "failed", "(signal 15)")
