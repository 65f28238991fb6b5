"""Signals to haz beside those of each phase (section A)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cli.support import Home
from tests.engine.workspaces import sh
from tests.faults.support import Moment, assert_heals, assert_quiet, gone_soon, halted

LANES = 10  # starts at a time; most of each is waiting
FIRST_IMPORT = Moment("import", ("haz_trio.cli.main'",))
WAITING = "echo up; while [ ! -e ../go ]; do sleep 0.02; done"


def rounds(few: int, many: int) -> list[object]:
    """A small number for every commit, a large one for machines that have time."""
    return [few, pytest.param(many, marks=pytest.mark.deep)]


@pytest.mark.row("A02")
@pytest.mark.parametrize("count", rounds(500, 5000))
def test_an_interrupt_at_any_instant_of_the_start(tmp_path: Path, count: int) -> None:
    """Ctrl-C in our first half second ends haz by the signal or with 130, without a word.

    What an interpreter says that has not come to our first line is not ours to change.
    """
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    with ThreadPoolExecutor(LANES) as pool:
        lanes = [
            pool.submit(interrupt_starts, tmp_path / str(lane), f"{seed}.{lane}", count // LANES)
            for lane in range(LANES)
        ]
    for lane in lanes:
        lane.result()


@pytest.mark.row("A02")
def test_an_interrupt_before_the_first_import(tmp_path: Path) -> None:
    """A run that looks whether it has only to say again what it said ends without a word, too."""
    home = Home.make(tmp_path, {"t": sh("true")})
    with halted(home, Moment("import", ("haz_trio.memo'",)), "run", "p:t") as running:
        os.kill(running.child.pid, signal.SIGINT)
        assert running.end() == -signal.SIGINT
        assert_quiet(running.heard)


# While nothing is imported, all are hits, and the loop has ended.
ALONE = {
    "start": Moment("import", ("haz_trio.memo'",)),
    "restore": Moment("os.rename", ("00000000", "out.txt")),
    "late": Moment("os.rename", ("summary.json",)),
}


@pytest.mark.row("A01", "L15")
@pytest.mark.parametrize("phase", ALONE)
def test_the_first_process_of_a_container_ends_by_a_signal(tmp_path: Path, phase: str) -> None:
    """The kernel drops what such a process leaves to the default action; haz leaves nothing."""
    spaces = ["unshare", "-Urpf", "--mount-proc", "--kill-child"]
    if subprocess.run([*spaces, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no PID namespace can be made here")
    home = Home.make(tmp_path, {"t": sh("echo x > out.txt", outputs=["out.txt"])})
    words = ["run", "--summary", "summary.json", "p:t"]
    if phase == "late":
        words.append("--force")
    if phase == "restore":
        assert home.haz(*words).code == 0
        (tmp_path / "p/out.txt").unlink()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        with halted(home, ALONE[phase], *words, around=spaces) as running:
            outer = running.child.pid
            (first,) = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
            os.kill(int(first), number)
            running.go_on()
            assert running.end() == 128 + number
            assert gone_soon(home)
        assert_quiet(running.heard)
    assert_heals(home, "p:t")


def interrupt_starts(root: Path, seed: str, count: int) -> None:
    """So many starts in one workspace, each interrupted at an instant that the seed draws."""
    home = Home.make(root, {"t": sh("sleep 0.2")})
    moments = random.Random(seed)
    for _ in range(count):
        with halted(home, FIRST_IMPORT, "run", "-f", "p:t") as running:
            running.go_on()
            time.sleep(moments.uniform(0, 0.5))
            os.kill(running.child.pid, signal.SIGINT)
            code = running.end()
            assert gone_soon(home)
        assert code in (0, 130, -signal.SIGINT), running.heard
        assert_quiet(running.heard)


@pytest.mark.row("A05")
@pytest.mark.parametrize("depth", range(4))
@pytest.mark.parametrize("forward", ["none", "delayed"])
@pytest.mark.parametrize("leaves", ["now", "after"])
def test_wrappers_around_a_worker(tmp_path: Path, depth: int, forward: str, leaves: str) -> None:
    """However many wrappers, and whatever they do: the worker's last words are waited for."""
    worker = "trap 'sleep 0.3; echo saved; exit' TERM; echo up; while :; do sleep 0.02; done"
    code = """
import os, signal, subprocess, sys, time
depth, forward, leaves, worker = int(sys.argv[1]), *sys.argv[2:]
if depth == 0:
    os.execvp("sh", ["sh", "-c", worker])
child = subprocess.Popen([sys.executable, *sys.orig_argv[1:-4], str(depth - 1), *sys.argv[2:]])
def term(*_):
    if forward == "delayed":
        time.sleep(0.1)
        child.send_signal(signal.SIGTERM)
    if leaves == "now":
        os._exit(1)
signal.signal(signal.SIGTERM, term)
child.wait()
"""
    (tmp_path / "wrapper.py").write_text(code)
    command = [sys.executable, "-S", "../wrapper.py", str(depth), forward, leaves, worker]
    task = {"command": command, "env": {"from_host": ["PATH", "HAZ_TEST_TOKEN"]}}
    home = Home.make(tmp_path, {"t": task}, execution={"cancel_grace": 20})
    with halted(home, None, "run", "p:t") as running:
        running.wait_for(b"up\n")
        os.kill(running.child.pid, signal.SIGINT)
        code_of_haz = running.end()
        left = home.place.processes()
    assert b"saved" in running.heard
    assert (code_of_haz, left) == (130, [])


@pytest.mark.row("A14")
def test_signals_that_ask_for_nothing(tmp_path: Path) -> None:
    """A resized window or a pipe without a reader disturbs no run; others end as by default."""
    home = Home.make(tmp_path, {"t": sh(WAITING)})
    with halted(home, None, "run", "p:t") as running:
        running.wait_for(b"up\n")
        running.press([signal.SIGPIPE, signal.SIGWINCH, signal.SIGCONT, signal.SIGURG])
        (tmp_path / "go").touch()
        assert running.end() == 0
    (tmp_path / "go").unlink()
    for number in (signal.SIGUSR1, signal.SIGALRM):
        with halted(home, None, "run", "-f", "p:t") as running:
            running.wait_for(b"up\n")
            os.kill(running.child.pid, number)
            assert running.end() == -number
            assert gone_soon(home)


@pytest.mark.row("A15")
@pytest.mark.parametrize(
    ("count", "limit"), [(40, 3.0), pytest.param(300, 0.5, marks=pytest.mark.deep)]
)
def test_many_tasks_and_one_press(tmp_path: Path, count: int, limit: float) -> None:
    """The last of many well-behaved tasks is gone soon after one Ctrl-C (idle machine: 0.5 s)."""
    tasks = {f"t{n}": sh(f"echo up; exec sleep {60 + n}") for n in range(count)}
    home = Home.make(tmp_path, tasks)
    with halted(home, None, "run", "--workspace", "-j", str(count)) as running:
        for name in tasks:
            running.wait_for(f"[p:{name}] up\n".encode())
        os.kill(running.child.pid, signal.SIGINT)
        began = time.monotonic()
        while home.place.processes() not in ([], [running.child.pid]):
            assert time.monotonic() - began < 20
        took = time.monotonic() - began
        assert running.end() == 130
    assert took < limit


@pytest.mark.row("C11")
@pytest.mark.parametrize("seconds", rounds(1, 60))
def test_a_run_that_was_stopped_and_continued(tmp_path: Path, seconds: int) -> None:
    """A laptop that slept loses no signal and times nothing out."""
    home = Home.make(tmp_path, {"t": sh(WAITING)})
    with halted(home, None, "run", "p:t") as running:
        running.wait_for(b"up\n")
        os.kill(running.child.pid, signal.SIGSTOP)
        time.sleep(seconds)
        (tmp_path / "go").touch()
        os.kill(running.child.pid, signal.SIGCONT)
        assert running.end() == 0
    (tmp_path / "go").unlink()
    with halted(home, None, "run", "-f", "p:t") as running:
        running.wait_for(b"up\n")
        os.kill(running.child.pid, signal.SIGSTOP)
        os.kill(running.child.pid, signal.SIGINT)
        os.kill(running.child.pid, signal.SIGCONT)
        assert running.end() == 130


@pytest.mark.row("L05")
def test_a_parent_that_died(tmp_path: Path) -> None:
    """Whoever started haz is killed, and its pipes with it: the run is finished and kept."""
    home = Home.make(tmp_path, {"t": sh(f"{WAITING}; echo made > o", outputs=["o"])})
    script = '"$@" 2>&1 | cat & echo; exec sleep 60'
    argv = ["sh", "-c", script, "sh", sys.executable, "-m", "haz_trio", "run", "p:t"]
    with subprocess.Popen(
        argv, cwd=home.root, env=home.env, stdout=subprocess.PIPE, start_new_session=True
    ) as parent:
        assert parent.stdout is not None
        while b"up" not in (line := parent.stdout.readline()):
            assert line
        parent.kill()
        parent.stdout.close()
        parent.wait()
        (tmp_path / "go").touch()
        end = time.monotonic() + 10
        while not home.place.p.joinpath("o").exists():
            assert time.monotonic() < end
        assert gone_soon(home, 10)
    assert_heals(home, "p:t")


@pytest.mark.row("A01")
@pytest.mark.parametrize(
    ("script", "code"), [("kill -TERM $PPID; exec sleep 30", 143), ("true", -signal.SIGINT)]
)
def test_a_press_when_nobody_listens_any_more(tmp_path: Path, script: str, code: int) -> None:
    """The run is over and only its summary is to be written: the first signal has decided."""
    home = Home.make(tmp_path, {"t": sh(script)})
    writing = Moment("os.rename", ("sum.json",))
    with halted(home, writing, "run", "--summary", "sum.json", "p:t") as running:
        running.press([signal.SIGINT])
        running.go_on()
        assert running.end() == code, running.heard
    assert (tmp_path / "sum.json").exists() == (code == 143)
    assert_quiet(running.heard)
