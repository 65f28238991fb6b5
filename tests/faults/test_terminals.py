"""Terminals that vanish, and surroundings that pass things on (section L)."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.support import HAZ, Home, hear_until
from tests.engine.workspaces import sh
from tests.faults.memory import LIMIT, peak_of
from tests.faults.support import assert_heals, assert_quiet, gone_soon, halted

WAITING = "echo up; while [ ! -e ../go ]; do sleep 0.02; done"


def processor_time(pid: int) -> float:
    """The seconds that a process has worked."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.row("L05")
@pytest.mark.parametrize("deaf", [False, True], ids=["hangup", "nohup"])
def test_a_terminal_that_is_closed(tmp_path: Path, deaf: bool) -> None:
    """The hangup ends the run like SIGTERM, quickly and without a busy loop.

    Under nohup the run goes on and only its words are lost.
    """
    home = Home.make(tmp_path, {"t": sh(f"{WAITING}; echo made > o", outputs=["o"])})
    pid, keyboard = pty.fork()
    if pid == 0:
        os.chdir(home.root)
        if deaf:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.execve(sys.executable, [*HAZ, "run", "p:t"], home.env)
    heard = b""
    while b"up" not in heard:
        assert select.select([keyboard], [], [], 20)[0]
        heard += os.read(keyboard, 65536)
    os.close(keyboard)
    began = time.monotonic()
    if deaf:
        worked = processor_time(pid)
        assert not select.select([], [], [], 0.5)[0]
        assert processor_time(pid) - worked < 0.2
        (tmp_path / "go").touch()
    _, status, used = os.wait4(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    assert gone_soon(home)
    assert time.monotonic() - began < 6
    if deaf:
        assert code == 1  # it could not say what it had to say
        assert (home.place.p / "o").exists()
    else:
        assert code == 128 + signal.SIGHUP
    assert used.ru_utime + used.ru_stime < 3
    (tmp_path / "go").touch()
    assert_heals(home, "p:t")


@contextlib.contextmanager
def job_of_a_shell(home: Home, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Haz as a job that a shell could continue, and its pid; the shell ends as haz does."""
    script = (
        "import os, subprocess, sys\n"
        "job = subprocess.Popen(sys.argv[1:], process_group=0)\n"
        "os.write(1, b'%d\\n' % job.pid)\n"
        "sys.exit(job.wait())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, *HAZ, *words],
        cwd=home.root,
        env=home.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as shell:
        try:
            yield shell, int(hear_until(b"\n", shell).split()[0])
        finally:
            for pid in home.place.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def states(home: Home) -> dict[int, str]:
    """What each process of a run is doing, in the letters of proc(5)."""
    found = {}
    for pid in home.place.processes():
        with contextlib.suppress(OSError):
            found[pid] = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return found


def wait_for_states(home: Home, suits: Callable[[dict[int, str]], bool]) -> None:
    end = time.monotonic() + 10
    while not suits(found := states(home)):
        assert time.monotonic() < end, found
        time.sleep(0.01)


TICKS = "echo up; n=0; while [ $n -lt 20 ]; do n=$((n + 1)); sleep 0.02; done; echo made > o"


@pytest.mark.row("L03")
@pytest.mark.parametrize("containment", ["group", "strict"])
def test_a_run_that_is_suspended(tmp_path: Path, containment: str) -> None:
    """Ctrl-Z stops haz and all that runs; continued it goes on as if no time had passed.

    Not even a daemon that a task has started goes on meanwhile.
    """
    daemon = f"(setsid sh -c 'sleep 30' &) ; {TICKS}"
    tasks = {"a": sh(daemon, outputs=["o"]), "b": sh("sleep 0.4")}
    home = Home.make(tmp_path, tasks, execution={"containment": containment})
    with job_of_a_shell(home, "run", "--workspace", "-j2", "--task-timeout", "2s") as (shell, haz):
        hear_until(b"up", shell)
        os.kill(haz, signal.SIGTSTP)
        waiting = 2  # the shell, and the watchdog
        wait_for_states(home, lambda f: f[haz] == "T" and list(f.values()).count("S") <= waiting)
        assert list(states(home).values()).count("T") >= 4
        time.sleep(2.2)
        assert not (tmp_path / "p/o").exists()
        os.kill(haz, signal.SIGCONT)
        assert shell.wait(20) == 0, shell.communicate()
    assert (tmp_path / "p/o").exists()


@pytest.mark.row("L03")
def test_a_suspended_run_that_is_told_to_stop(tmp_path: Path) -> None:
    """The grace begins when haz is continued: a task has its time for last words."""
    script = "trap 'sleep 0.3; echo saved > o; exit' TERM; echo up; while :; do sleep 0.02; done"
    home = Home.make(tmp_path, {"t": sh(script)}, execution={"cancel_grace": 2})
    with job_of_a_shell(home, "run", "p:t") as (shell, haz):
        hear_until(b"up", shell)
        os.kill(haz, signal.SIGTSTP)
        wait_for_states(home, lambda found: found[haz] == "T")
        os.kill(haz, signal.SIGINT)
        time.sleep(0.2)
        os.kill(haz, signal.SIGCONT)
        assert shell.wait(20) == 130
    assert (tmp_path / "p/o").exists()


@pytest.mark.row("L03")
def test_without_a_shell_nothing_is_stopped(tmp_path: Path) -> None:
    """Where nobody could continue haz the system ignores SIGTSTP, and so does haz."""
    home = Home.make(tmp_path, {"t": sh(f"{WAITING}; echo made > o")})
    with halted(home, None, "run", "p:t") as running:
        running.wait_for(b"up")
        os.kill(running.child.pid, signal.SIGTSTP)
        (tmp_path / "go").touch()
        assert running.end() == 0


@pytest.mark.row("L14")
def test_limits_are_passed_on(tmp_path: Path) -> None:
    """A task has the limits, niceness and inclination to be killed that haz was given."""
    script = "ulimit -n; ulimit -c; nice; cat /proc/self/oom_score_adj"
    home = Home.make(tmp_path, {"t": sh(script)})
    before = f"ulimit -n 333; ulimit -c 0; {script}"
    expected = subprocess.run(
        ["nice", "-n", "3", "sh", "-c", before], capture_output=True, check=True
    ).stdout.split()
    done = home.shell('ulimit -n 333; ulimit -c 0; exec nice -n 3 "$@" run p:t')
    assert done.code == 0
    assert [line.split()[-1] for line in done.out.splitlines()] == expected


@pytest.mark.row("L15")
def test_a_container_without_an_init(tmp_path: Path) -> None:
    """As the first process of a PID namespace haz works, and no zombie stays."""
    spaces = ["unshare", "-Urpf", "--mount-proc"]
    if subprocess.run([*spaces, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no PID namespace can be made here")
    tasks = {
        "a": sh("(setsid sh -c 'sleep 0.1' >/dev/null 2>&1 &); exit 0"),
        "b": sh("sleep 0.4; grep -l '^State:.Z' /proc/[0-9]*/status; exit 0", deps=["~:a"]),
    }
    home = Home.make(tmp_path, tasks)
    done = subprocess.run(
        [*spaces, *HAZ, "run", "--workspace"],
        cwd=home.root,
        env=home.env,
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert_quiet(done.stderr)
    assert b"Tasks: 2 completed" in done.stderr


@pytest.mark.row("L12")
def test_a_directory_that_was_removed(tmp_path: Path) -> None:
    """In a directory that is gone haz says so in a line, and exits with 2."""
    home = Home.make(tmp_path, {"t": sh("true")})
    done = home.shell('mkdir ../gone; cd ../gone; rmdir ../gone; exec "$@" run p:t')
    assert done.code == 2
    assert done.said("cannot read current working directory")
    assert_quiet(done.err)


@pytest.mark.row("D10", "D09")
@pytest.mark.parametrize("size", [1 << 28, pytest.param(1 << 31, marks=pytest.mark.deep)])
def test_gigabytes_without_a_newline(tmp_path: Path, size: int) -> None:
    """Memory stays where it was, and the bytes come at a good pace."""
    home = Home.make(tmp_path, {"t": sh(f"head -c {size} /dev/zero | tr '\\0' x")})
    began = time.monotonic()
    argv = [*HAZ, "run", "--no-cache", "p:t"]
    with (
        subprocess.Popen(argv, cwd=home.root, env=home.env, stdout=subprocess.PIPE) as child,
        subprocess.Popen(["wc", "-c"], stdin=child.stdout, stdout=subprocess.PIPE) as counter,
    ):
        most = peak_of(child)
        counted, _ = counter.communicate()
    assert time.monotonic() - began < 120
    assert int(counted) > size
    assert most < LIMIT
