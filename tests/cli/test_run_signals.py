"""Signals to ``haz run``: one asks, two tell, three leave, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from haz_trio.cli.signals import StopSignals
from tests.cli.support import Home, Running
from tests.engine.workspaces import sh

TRIES = 10
PAUSE = 0.08  # seconds; two signals within 50 ms count as one press (decisions.md 8)
POLITE = "echo up; while :; do sleep 0.02; done"
DEAF = "trap '' TERM; " + POLITE


def press(running: Running, number: int = signal.SIGINT, times: int = 1) -> None:
    """Send a signal again and again, each far enough from the one before to be another press."""
    for _ in range(times):
        running.signal(number)
        time.sleep(PAUSE)


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT], ids=lambda n: n.name
)
def test_a_signal_ends_the_run_and_is_its_exit_code(
    tmp_path: Path, number: signal.Signals
) -> None:
    """128 + N, the epilogue is printed, no process is left, the next run executes again."""
    tasks = {
        "t": sh(POLITE, weakDeps=["~:v"]),
        "u": sh("true", deps=["~:t"]),
        "v": sh("exit 3"),
    }
    home = Home.make(tmp_path, tasks)
    with home.started("run", "--workspace") as running:
        running.wait_for(b"up\n")
        running.signal(number)
        done = running.end()
    assert done.code == 128 + number
    assert done.seconds < 5
    assert done.said("[p:t]", "cancelled in")
    assert done.said("[p:u]", "cancelled (upstream p:t cancelled)")
    assert done.said("Tasks: 0 completed", "2 cancelled")
    assert not done.said("Traceback")
    assert home.place.processes() == []
    assert home.place.litter() == []


def test_an_ignored_hangup_stays_ignored(tmp_path: Path) -> None:
    """Under nohup neither we nor the task ends with the terminal."""
    home = Home.make(tmp_path, {"t": sh("echo up; while [ ! -e ../go ]; do sleep 0.02; done")})
    with home.started("run", "p:t", before="trap '' HUP") as running:
        running.wait_for(b"up\n")
        press(running, signal.SIGHUP, times=3)
        (tmp_path / "go").touch()
        done = running.end()
    assert done.code == 0
    assert done.said("[p:t]", "done")


def test_an_ignored_interrupt_stays_ignored(tmp_path: Path) -> None:
    """A job that a shell started with ``&`` is not ended by Ctrl-C, but by SIGTERM it is."""
    home = Home.make(tmp_path, {"t": sh(POLITE)})
    with home.started("run", "p:t", before="trap '' INT QUIT") as running:
        running.wait_for(b"up\n")
        press(running, signal.SIGINT)
        press(running, signal.SIGQUIT)
        running.signal(signal.SIGTERM)
        done = running.end()
    assert done.code == 128 + signal.SIGTERM


def test_all_of_them_ignored_stay_ignored(tmp_path: Path) -> None:
    """There may be no signal to listen to (reliability.md L07)."""
    home = Home.make(tmp_path, {"t": sh("echo up; while [ ! -e ../go ]; do sleep 0.02; done")})
    with home.started("run", "p:t", before="trap '' HUP INT QUIT TERM") as running:
        running.wait_for(b"up\n")
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
            running.signal(number)
        (tmp_path / "go").touch()
        done = running.end()
    assert done.code == 0
    assert done.said("[p:t]", "done")


def test_a_task_inherits_no_ignored_signal(tmp_path: Path) -> None:
    """Whatever we were told to ignore, and Python's own SIGPIPE, is default in a task."""
    script = "grep -E 'Sig(Blk|Ign)' /proc/self/status"
    home = Home.make(tmp_path, {"t": sh(script)})
    with home.started("run", "p:t", before="trap '' INT TERM USR1 PIPE") as running:
        done = running.end()
    assert done.code == 0
    lines = done.out.decode().splitlines()
    assert [int(line.split()[-1], 16) for line in lines] == [0, 0]


def test_two_presses_kill(tmp_path: Path) -> None:
    """The second signal does not wait for a minute of grace; the first one is the exit code."""
    home = Home.make(tmp_path, {"t": sh(DEAF)}, execution={"cancel_grace": 60})
    with home.started("run", "p:t") as running:
        running.wait_for(b"up\n")
        press(running, signal.SIGTERM)
        press(running, signal.SIGINT)
        done = running.end()
    assert done.code == 128 + signal.SIGTERM
    assert done.seconds < 5
    assert done.said("[p:t]", "cancelled in")
    assert home.place.processes() == []


def test_one_press_that_arrives_twice_does_not_kill(tmp_path: Path) -> None:
    """A terminal and a parent may both deliver one Ctrl-C; the grace is kept (decisions.md 8)."""
    script = "trap 'sleep 0.3; touch ../clean; exit' TERM; " + POLITE
    home = Home.make(tmp_path, {"t": sh(script)}, execution={"cancel_grace": 20})
    with home.started("run", "p:t") as running:
        running.wait_for(b"up\n")
        running.signal(signal.SIGINT)
        running.signal(signal.SIGINT)
        running.signal(signal.SIGTERM)
        done = running.end()
    assert done.code in (130, 143)  # which of two simultaneous signals is first is not said
    assert (tmp_path / "clean").exists()


def test_a_stalled_reader_does_not_hold_up_a_stop(tmp_path: Path) -> None:
    """Somebody who has stopped reading costs a stopped run seconds and not for ever."""
    grace = 1.0
    home = Home.make(tmp_path, {"t": sh("yes")}, execution={"cancel_grace": grace})
    with home.started("run", "p:t") as running:
        running.wait_for(b"y\n")
        time.sleep(0.3)  # until every pipe is full; nobody could say when that is
        begun = time.perf_counter()
        running.signal(signal.SIGINT)
        assert running.end_unread() == 130
        assert time.perf_counter() - begun < grace + 3
    assert home.place.processes() == []


def test_a_stalled_reader_can_be_left_when_the_tasks_are_done(tmp_path: Path) -> None:
    """The run is over and waits for its reader: one press ends that."""
    home = Home.make(tmp_path, {"t": sh("seq 1 200000; touch ../end")})
    with home.started("run", "p:t", "--output-mode", "buffered") as running:
        end = time.monotonic() + 20
        while not (tmp_path / "end").exists():
            assert time.monotonic() < end
            time.sleep(0.01)
        time.sleep(0.5)  # the task has settled and its block is stuck in the pipe
        begun = time.perf_counter()
        running.signal(signal.SIGINT)
        assert running.end_unread() == 130
        assert time.perf_counter() - begun < 3


def test_three_presses_leave(tmp_path: Path) -> None:
    """The third signal ends the process itself, whatever it was waiting for."""
    home = Home.make(tmp_path, {"t": sh("yes")}, execution={"cancel_grace": 60})
    with home.started("run", "p:t") as running:
        running.wait_for(b"y\n")
        time.sleep(0.3)  # until every pipe is full
        begun = time.perf_counter()
        press(running, times=3)
        assert running.end_unread() == 130
        assert time.perf_counter() - begun < 1.5


BLOCKING = """
import os, time

async def block(task):
    print("up", flush=True)
    while not os.path.exists(task.cwd + "/go"):
        time.sleep(0.01)
"""
WAIT = """while not os.path.exists(task.cwd + "/on"):
        await __import__("trio").sleep(0.01)
    print("blocked", flush=True)"""


def test_a_press_while_a_function_blocks_the_loop_is_heard(tmp_path: Path) -> None:
    """Nobody can end the function; when it has returned it is cancelled, and not stored."""
    home = Home.make(tmp_path, {"t": {"function": "m.py:block"}})
    home.place.write("p/m.py", BLOCKING)
    for _ in range(2):
        with home.started("run", "p:t") as running:
            running.wait_for(b"up\n")
            running.signal(signal.SIGINT)
            home.place.write("p/go", "")
            done = running.end()
        (tmp_path / "p/go").unlink()
        assert done.code == 130
        assert done.said("[p:t]", "cancelled in")


def test_three_presses_leave_although_a_function_blocks_the_loop(tmp_path: Path) -> None:
    """Nobody can listen then; the signal itself is heard (decisions.md 8)."""
    home = Home.make(tmp_path, {"t": {"function": "m.py:block"}})
    home.place.write("p/m.py", BLOCKING)
    with home.started("run", "p:t") as running:
        running.wait_for(b"up\n")
        begun = time.perf_counter()
        press(running, signal.SIGTERM)
        press(running, times=2)
        done = running.end()
        assert time.perf_counter() - begun < 3
    assert done.code == 128 + signal.SIGTERM


def test_two_presses_while_the_loop_is_blocked_are_two(tmp_path: Path) -> None:
    """The second tells, although both are read at once: the grace of another task is over."""
    tasks = {"t": {"function": "m.py:block"}, "u": sh(f"touch ../p/on; {DEAF}")}
    home = Home.make(tmp_path, tasks, execution={"cancel_grace": 60})
    home.place.write("p/m.py", BLOCKING.replace('print("up", flush=True)', WAIT))
    with home.started("run", "--workspace") as running:
        running.wait_for(b"blocked\n")
        press(running, times=2)
        home.place.write("p/go", "")
        done = running.end()
    assert done.code == 130
    assert done.seconds < 10
    assert home.place.processes() == []


def test_the_last_words_of_a_task_are_printed(tmp_path: Path) -> None:
    """Output in answer to SIGTERM arrives, an unterminated line included."""
    script = "trap 'echo bye; printf end; exit 0' TERM; " + POLITE
    home = Home.make(tmp_path, {"t": sh(script)})
    with home.started("run", "p:t") as running:
        running.wait_for(b"up\n")
        running.signal(signal.SIGTERM)
        done = running.end()
    assert done.out == b"[p:t] up\n[p:t] bye\n[p:t] end\n"


def catches_interrupts(pid: int) -> bool:
    """Whether a process has a handler for SIGINT of its own at the moment."""
    status = Path(f"/proc/{pid}/status").read_text()
    if status.startswith("Name:\tsh\n"):
        return False  # the shell before its exec, which catches them for a moment
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (signal.SIGINT - 1) & 1)


def test_a_signal_before_the_run_is_quiet(tmp_path: Path) -> None:
    """From our first instruction on, Ctrl-C ends the start-up like any program: by the signal."""
    home = Home.make(tmp_path, {"t": sh("true")})
    for _ in range(TRIES):  # on a busy machine we may look, or ask, too late
        with home.started("run", "p:t") as running:
            for wanted in (True, False):  # Python's handler, which we take away at once
                while running.child.poll() is None:
                    if catches_interrupts(running.child.pid) is wanted:
                        break
            running.signal(signal.SIGINT)
            done = running.end()
        if done.code == -signal.SIGINT:
            break
        assert done.code in (0, 128 + signal.SIGINT), done.err
    assert done.code == -signal.SIGINT
    assert done.err == b""


def test_a_handler_is_told_in_few_words() -> None:
    """``signal.signal`` asks for that, at the moment at which people wait for their prompt."""
    signals = StopSignals()
    signals.tell = partial(print, "a run " * 1000)
    assert len(repr(signals.take_late)) < 200


def test_a_killed_run_is_recovered_from(tmp_path: Path) -> None:
    """After SIGKILL the next run works, and removes what was left in the cache."""
    script = "seq 1 400000; echo x > o; touch ../up; while [ ! -e ../go ]; do sleep 0.02; done"
    home = Home.make(tmp_path, {"t": sh(script, outputs=["o"])})
    with home.started("run", "p:t") as running:
        running.wait_for(b"400000\n")
        os.kill(running.child.pid, signal.SIGKILL)
        running.child.wait()
    (tmp_path / "go").touch()
    done = home.haz("run", "p:t", "--output-mode", "buffered")
    assert done.code == 0
    assert done.out.endswith(b"400000\n")
    assert home.haz("run", "p:t").said("cached")
