"""Who waits for another process shows what its command prints (peers.md, idea 7)."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from haz_trio.engine.feeds import LAG, address
from tests.cli.support import Home, Running
from tests.cli.test_run_together import log, together
from tests.engine.workspaces import sh

# Says something, and goes on when it is allowed to.
GATED = "echo run >> log; echo early; echo wrong >&2; while [ ! -e {gate} ]; do sleep 0.02; done"
TASK = f"{GATED.format(gate='../go')}; echo late; echo made > o"
RUN = ("run", "p:t")


def lines_of(out: bytes) -> list[bytes]:
    return [line for line in out.splitlines() if line.startswith(b"[p:t]") and b"note" not in line]


@contextlib.contextmanager
def led(home: Home) -> Iterator[Running]:
    """A run whose command is running."""
    with home.started(*RUN) as leader:
        leader.wait_for(b"early")
        yield leader


def test_a_follower_hears_it_live_and_once(tmp_path: Path) -> None:
    """What was said before it came, what is said then; nothing twice; nothing is run twice."""
    home = Home.make(tmp_path, {"t": sh(TASK, outputs=["o"])})
    with led(home) as leader, home.started(*RUN) as follower:
        follower.wait_for(b"early")
        (tmp_path / "go").touch()
        first, second = leader.end(), follower.end()
    assert (first.code, second.code) == (0, 0), second.err
    assert first.out == second.out
    assert b"".join(lines_of(first.err)[:1]) == b"".join(lines_of(second.err)[:1])
    assert second.said("1 completed (1 cached)"), second.err
    assert log(home) == {"run": 1}


def test_eight_processes_and_one_command(tmp_path: Path) -> None:
    """One command runs, and eight logs are complete and the same."""
    home = Home.make(tmp_path, {"t": sh("seq 300; sleep 0.3; seq 301 600", outputs=[])})
    done = together(home, *[RUN] * 8)
    assert {each.code for each in done} == {0}
    assert {each.out for each in done} == {
        b"".join(b"[p:t] %d\n" % number for number in range(1, 601))
    }


def test_a_leader_that_dies(tmp_path: Path) -> None:
    """Another takes over within moments, and says so; what it says itself is complete."""
    home = Home.make(tmp_path, {"t": sh(TASK, outputs=["o"])})
    with led(home) as leader, home.started(*RUN) as follower:
        follower.wait_for(b"early")
        leader.signal(signal.SIGKILL)
        (tmp_path / "go").touch()
        done = follower.end()
    assert done.code == 0, done.err
    assert done.seconds < 5
    assert done.said("another haz (process", "did not complete it"), done.err
    assert done.out.count(b"early") == 2
    assert done.out.count(b"late") == 1
    assert log(home) == {"run": 2}


def test_a_leader_whose_result_is_not_stored(tmp_path: Path) -> None:
    """Who has heard all of it runs the task again, and says why it is heard twice."""
    home = Home.make(tmp_path, {"t": sh(f"{TASK}; sleep 60 &", outputs=["o"])})
    with led(home) as leader, home.started(*RUN) as follower:
        follower.wait_for(b"early")
        (tmp_path / "go").touch()
        first, second = leader.end(), follower.end()
    assert (first.code, second.code) == (0, 0), second.err
    assert second.said("[p:t]", "another haz ran it so far, but its result is not stored")
    assert second.out == 2 * first.out
    assert log(home) == {"run": 2}


@pytest.mark.parametrize("words", [("-f",), ("--no-cache=read",), ("--no-cache",)])
def test_a_follower_that_looks_nothing_up(tmp_path: Path, words: tuple[str, ...]) -> None:
    """It runs the task again and says why; the result that it has heard is stored."""
    home = Home.make(tmp_path, {"t": sh(TASK, outputs=["o"])})
    with led(home) as leader, home.started(*RUN, *words) as follower:
        follower.wait_for(b"early")
        (tmp_path / "go").touch()
        first, second = leader.end(), follower.end()
    assert (first.code, second.code) == (0, 0), second.err
    assert second.said("[p:t]", "another haz ran it so far, but its result is not used here")
    assert not second.said("not stored")
    assert second.out == 2 * first.out
    assert home.haz(*RUN).said("1 completed (1 cached)")
    assert log(home) == {"run": 2}


def test_a_follower_that_is_told_to_stop(tmp_path: Path) -> None:
    """It stops at once, and the leader does not notice."""
    home = Home.make(tmp_path, {"t": sh(TASK, outputs=["o"])})
    with led(home) as leader, home.started(*RUN) as follower:
        follower.wait_for(b"early")
        follower.signal(signal.SIGINT)
        stopped = follower.end()
        (tmp_path / "go").touch()
        assert leader.end().code == 0
    assert stopped.code == 130
    assert stopped.seconds < 2


def test_a_follower_that_reads_nothing_slows_nobody(tmp_path: Path) -> None:
    """Whoever falls behind is left behind; the command and its run go on."""
    size = 3 * LAG
    script = f"{GATED.format(gate='../go')}; head -c {size} /dev/zero | tr '\\0' x; echo made > o"
    home = Home.make(tmp_path, {"t": sh(script, outputs=["o"])})
    with home.started("run", "--json", "p:t") as leader:
        leader.wait_for(b"early")
        with socket.socket(socket.AF_UNIX) as silent:
            silent.connect(address(str(tmp_path), leader.child.pid))
            silent.send(b"p:t\n")
            assert silent.recv(1)
            (tmp_path / "go").touch()
            done = leader.end()
        assert done.code == 0


def test_a_stranger_learns_nothing_and_harms_nothing(tmp_path: Path) -> None:
    """Words that are no task, none at all, or half a line: the run goes on."""
    home = Home.make(tmp_path, {"t": sh(TASK, outputs=["o"])})
    with home.started(*RUN) as leader, contextlib.ExitStack() as stack:
        leader.wait_for(b"early")
        for word in (b"p:other\n", b"\xff\xfe\n", b"x" * 5000, b"p:t"):
            caller = stack.enter_context(socket.socket(socket.AF_UNIX))
            caller.connect(address(str(tmp_path), leader.child.pid))
            caller.send(word)
            if word.endswith(b"\n"):
                assert caller.recv(10) == b""
        (tmp_path / "go").touch()
        assert leader.end().code == 0


def test_events_of_a_followed_task(tmp_path: Path) -> None:
    """For programs as well: begun once, each word once, then a hit."""
    home = Home.make(tmp_path, {"t": sh(TASK, outputs=["o"])})
    with led(home) as leader, home.started("run", "--json", "p:t") as follower:
        follower.wait_for(b"early")
        (tmp_path / "go").touch()
        assert leader.end().code == 0
        events = [json.loads(line) for line in follower.end().out.splitlines()]
    mine = [event for event in events if event.get("task") == "p:t"]
    assert [event["type"] for event in mine].count("task_start") == 1
    assert (mine[-1]["type"], mine[-1]["source"]) == ("task_end", "cache")
    said = [e["text"] for e in mine if e["type"] == "task_output" and e["stream"] == "stdout"]
    assert "".join(said) == "early\nlate\n"


def test_a_block_is_what_one_command_printed(tmp_path: Path) -> None:
    """What a haz that dies showed so far is no part of it (execution.md 7.3), and was no try."""
    script = f"{GATED.format(gate='../go')}; echo late"
    home = Home.make(tmp_path, {"t": sh(script, outputs=[])})
    with led(home) as leader, home.started(*RUN, "--json") as listener:
        listener.wait_for(b"early")
        with home.started(*RUN, "--output-mode=buffered") as follower:
            assert follower.child.stderr is not None
            assert b"waits for another haz" in follower.child.stderr.readline()
            leader.signal(signal.SIGTERM)
            leader.end()
            (tmp_path / "go").touch()
            assert follower.end().out == b"early\nlate\n"
            events = [json.loads(line) for line in listener.end().out.splitlines()]
    ends = [event for event in events if event["type"] == "task_end"]
    assert [(end["state"], "tries" in end) for end in ends] == [("completed", False)]
