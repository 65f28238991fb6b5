"""What is left when haz is killed and can do nothing any more (section C)."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.cli.support import Home
from tests.engine.workspaces import sh
from tests.faults.support import assert_heals, assert_quiet, gone_soon, halted

NESTED = "sh -c 'sleep 60 & sleep 61' & setsid sleep 62 & (setsid sleep 63 &); sleep 0.1; echo up"


@pytest.mark.row("C05")
@pytest.mark.parametrize("containment", ["group", "strict"])
def test_a_killed_haz_leaves_no_task(tmp_path: Path, containment: str) -> None:
    """Five tasks with children, and children in sessions of their own, are gone in a second."""
    tasks = {f"t{n}": sh(f"{NESTED}; wait; : {n}") for n in range(5)}
    home = Home.make(tmp_path, tasks, execution={"containment": containment})
    with halted(home, None, "run", "--workspace", "-j", "5") as running:
        for name in tasks:
            running.wait_for(f"[p:{name}] up".encode())
        assert len(home.place.processes()) > 20
        running.child.kill()
        running.child.wait()
        assert gone_soon(home)


@pytest.mark.row("C05")
def test_a_kill_during_the_grace_leaves_no_task(tmp_path: Path) -> None:
    """Who did not obey SIGTERM, and has minutes left, ends with a haz that is killed."""
    script = "trap '' TERM; echo up; while :; do sleep 0.02; done"
    home = Home.make(tmp_path, {"t": sh(script)}, execution={"cancel_grace": 60})
    with halted(home, None, "run", "p:t") as running:
        running.wait_for(b"up\n")
        running.press([signal.SIGINT])
        assert home.place.processes()
        os.kill(running.child.pid, signal.SIGKILL)
        assert running.end() == -signal.SIGKILL
        assert gone_soon(home)


def helper_of(pid: int) -> int:
    """The child of haz that waits in a shell with our script."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    for child in map(int, text.split()):
        if b"haz_trio.process.mourn" in Path(f"/proc/{child}/cmdline").read_bytes():
            return child
    raise AssertionError("no watchdog")


@pytest.mark.row("C06")
def test_a_killed_watchdog_ends_no_run(tmp_path: Path) -> None:
    """It is told, and the run goes on with another."""
    tasks = {
        "a": sh("echo up; while [ ! -e ../go ]; do sleep 0.02; done"),
        "b": sh("true", deps=["~:a"]),
        "c": sh("echo last; sleep 60", deps=["~:b"]),
    }
    home = Home.make(tmp_path, tasks)
    with halted(home, None, "run", "--workspace") as running:
        running.wait_for(b"up\n")
        os.kill(helper_of(running.child.pid), signal.SIGKILL)
        (tmp_path / "go").touch()
        running.wait_for(b"last\n")
        assert running.heard.count(b"the watchdog has ended") == 1
        assert_quiet(running.heard)
        running.child.kill()
        running.child.wait()
        assert gone_soon(home)


@pytest.mark.row("C04")
@pytest.mark.parametrize("count", [10, pytest.param(500, marks=pytest.mark.deep)])
def test_kills_at_random_moments(tmp_path: Path, count: int) -> None:
    """Nothing is left running, and what the cache has is right or made again."""
    script = "cat in.txt > out.txt; seq 200; [ -e ../go ] || (setsid sleep 60 >/dev/null 2>&1 &)"
    tasks = {
        f"t{n}": sh(script.replace("out", f"out{n}"), inputs=["in.txt"], outputs=[f"out{n}.txt"])
        for n in range(4)
    }
    home = Home.make(tmp_path, tasks, execution={"containment": "strict"})
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    for number in range(count):
        (home.place.p / "in.txt").write_text(f"{number // 2}\n")
        with halted(home, None, "run", "--workspace") as running:
            time.sleep(moments.uniform(0, 0.8))
            running.child.kill()
            running.child.wait()
            assert gone_soon(home)
    (tmp_path / "go").touch()
    assert_heals(home, "--workspace")
    for name in tasks:
        out = home.place.p / f"out{name[1:]}.txt"
        assert out.read_text() == f"{(count - 1) // 2}\n"


@pytest.mark.row("C05")
def test_the_next_run_names_what_was_cut_off(tmp_path: Path) -> None:
    """Once, at its beginning, also where a memo would have had the word; then it is forgotten."""
    tasks = {"a": sh("[ -e ../go ] || { echo up; sleep 60; }"), "b": sh("true")}
    home = Home.make(tmp_path, tasks)
    (tmp_path / "go").touch()
    for _ in range(3):  # makes results, then a memo, then uses it
        assert home.haz("run", "--workspace").code == 0
    (tmp_path / "go").unlink()
    with halted(home, None, "run", "--force", "--workspace") as running:
        running.wait_for(b"up\n")
        running.child.kill()
        running.child.wait()
        pid = running.child.pid
        assert gone_soon(home)
    told = home.haz("run", "--workspace")
    assert told.code == 0
    first = told.err.decode().splitlines()[0]
    assert f"the run of process {pid}, begun " in first
    assert " was cut off while it ran p:a" in first
    assert "still running" not in first
    again = home.haz("run", "--workspace")
    assert not again.said("cut off"), again.err
    assert os.listdir(tmp_path / ".haz/cache/state/runs") == []


@pytest.mark.row("C05")
def test_the_watchdog_leaves_word(tmp_path: Path) -> None:
    """What it has ended it says in the journal; the event stream tells it as a note."""
    home = Home.make(tmp_path, {"a": sh("[ -e ../go ] || { echo up; sleep 60; }")})
    with halted(home, None, "run", "p:a") as running:
        running.wait_for(b"up\n")
        [journal] = (tmp_path / ".haz/cache/state/runs").iterdir()
        running.child.kill()
        running.child.wait()
        end = time.monotonic() + 5
        while b"watchdog" not in journal.read_bytes():
            assert time.monotonic() < end
            time.sleep(0.01)
    (tmp_path / "go").touch()
    done = home.haz("run", "--json", "p:a")
    events = [json.loads(line) for line in done.out.splitlines()]
    assert [event["type"] for event in events[:2]] == ["run_start", "diagnostic"]
    assert events[1]["message"].endswith("while it ran p:a; the watchdog has ended that")


@pytest.mark.row("C05")
def test_a_run_without_a_cache_names_it_at_its_end(tmp_path: Path) -> None:
    """Where the loop does all of the work, too."""
    home = Home.make(tmp_path, {"a": sh("[ -e ../go ] || { echo up; sleep 60; }")})
    with halted(home, None, "run", "p:a") as running:
        running.wait_for(b"up\n")
        running.child.kill()
        running.child.wait()
    (tmp_path / "go").touch()
    done = home.haz("run", "--no-cache", "p:a")
    assert done.err.count(b"was cut off while it ran p:a") == 1
    assert not home.haz("run", "p:a").said("cut off")
