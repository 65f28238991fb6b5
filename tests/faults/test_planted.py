"""Each oracle sees the bug that it is for: green with haz as it is, red with the bug planted.

The bugs are those of reliability.md, section 2.
"""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.support import LIMIT, Home
from tests.engine.workspaces import sh
from tests.faults import trace
from tests.faults.support import halted, program, run_with
from tests.faults.test_power_loss import half_published, lost_entries, recorded
from tests.process.support import python_program


def damage_is_never_restored(root: Path, bug: str) -> bool:
    """O-CACHE: a blob with other bytes of the same number is no hit."""
    home = Home.make(root, {"t": sh("echo right > o", outputs=["o"])})
    assert run_with(bug, home, "p:t").code == 0
    out = home.place.p / "o"
    out.unlink()
    for blob in (root / ".haz/cache").glob("[0-9a-f][0-9a-f]/*/outputs/*"):
        blob.write_bytes(b"wrong\n")
    assert run_with(bug, home, "p:t").code == 0
    return out.read_bytes() == b"right\n"


def what_is_published_is_whole(root: Path, bug: str) -> bool:
    """O-CACHE after a kill at any call: an entry under its key has all that it says."""
    if trace.PROGRAM is None:
        pytest.skip("there is no strace")
    return half_published(recorded(root / "ws", program(bug), "stores"), root / "place") == []


def a_durable_entry_stays(root: Path, bug: str) -> bool:
    """O-CACHE after a loss of power: what was acknowledged is there, if that was asked for."""
    if trace.PROGRAM is None:
        pytest.skip("there is no strace")
    run = recorded(root / "ws", program(bug), "stores", HAZ_CACHE_DURABLE="1")
    return lost_entries(run, root / "place", 20) == set()


def no_number_is_signalled_after_its_reaping(root: Path, bug: str) -> bool:
    """B07: nobody sends a signal to a group whose leader's status has been taken."""
    if trace.PROGRAM is None:
        pytest.skip("there is no strace")
    home = Home.make(root, {f"t{n}": sh(f"sleep 60 & echo {n}") for n in range(3)})
    log = root / "calls"
    calls = ["-f", "-e", "trace=kill,waitid,wait4", "-o", str(log)]
    subprocess.run(
        [trace.PROGRAM, *calls, "--", *program(bug), "run", "--workspace"],
        cwd=home.root,
        env=home.env,
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )
    reaped: set[str] = set()
    signalled = 0
    for line in log.read_text().splitlines():
        if "waitid(" in line and "WNOWAIT" not in line:
            reaped.update(re.findall(r"si_pid=(\d+)", line))
        if found := re.search(r"kill\(-(\d+), SIG", line):
            signalled += 1
            if found[1] in reaped:
                return False
    assert signalled >= 3, "nothing was observed"
    return True


def who_holds_a_pipe_holds_up_nobody(root: Path, bug: str) -> bool:
    """O-TIME: a process that left with the pipe delays the end by a moment only."""
    home = Home.make(root, {"t": sh("setsid sleep 8 & echo hi")})
    done = run_with(bug, home, "p:t")
    assert done.code == 0
    return done.seconds < 7  # a busy machine starts haz in some seconds


def the_last_bytes_are_heard(root: Path, bug: str) -> bool:
    """O-BYTES: all that is in the pipes when a command ends is captured.

    haz waits for more, and stands still until the command has ended: it finds the bytes and the
    end at the same moment, and sees to them in an order that is drawn for each task: which is
    why there are so many.
    """
    alive = "test -e /proc/$$ && ! grep -q State:.Z /proc/$$/status"
    wait = f"while {alive}; do sleep 0.02; done"
    wake = f'setsid sh -c "{wait}; kill -CONT $PPID" > /dev/null 2>&1 &'
    zeros = "head -c 30000 /dev/zero; head -c 30000 /dev/zero >&2"
    script = f"echo; echo >&2; sleep 0.05; {wake} kill -STOP $PPID; {zeros}; :"
    home = Home.make(root, {f"t{n}": sh(f"{script} {n}") for n in range(16)})
    done = run_with(bug, home, "--workspace", "--output-mode", "buffered", "-j1")
    return (done.out + done.err).count(b"\0") == 16 * 60_000


def a_stopped_task_is_continued(root: Path, bug: str) -> bool:
    """A06: who stands still hears SIGTERM, and says its last words within the grace."""
    script = "trap 'echo bye; exit' TERM; echo up; kill -STOP $$; while :; do sleep 0.02; done"
    home = Home.make(root, {"t": sh(script)}, execution={"cancel_grace": 4})
    with halted(home, None, "run", "p:t", program=program(bug)) as running:
        running.wait_for(b"up\n")
        end = time.monotonic() + LIMIT
        while not any(is_stopped(pid) for pid in home.place.processes()):
            assert time.monotonic() < end
        running.press([signal.SIGINT])
        assert running.end() == 130
    return b"bye" in running.heard


def is_stopped(pid: int) -> bool:
    return "State:\tT" in Path(f"/proc/{pid}/status").read_text()


def nothing_is_written_through_a_link(root: Path, bug: str) -> bool:
    """O-CANARY: a file outside is what it was after a restore through a link to its folder."""
    script = "[ -e ../go ] || { mkdir -p d; echo made > d/o; }"  # the task itself does no harm
    home = Home.make(root / "ws", {"t": sh(script, outputs=["d/o"])})
    assert run_with(bug, home, "p:t").code == 0
    canary = root / "outside/o"
    canary.parent.mkdir()
    canary.write_text("precious\n")
    (home.place.p / "d/o").unlink()
    (home.place.p / "d").rmdir()
    (home.place.p / "d").symlink_to(canary.parent)
    (home.root / "go").touch()
    run_with(bug, home, "p:t")
    return canary.read_text() == "precious\n"


def each_status_is_that_of_its_command(root: Path, bug: str) -> bool:
    """O-MODEL: however many commands end at once, each has its own status."""
    tasks = {f"t{n}": sh(f"exit {n % 4}; : {n}") for n in range(60)}
    home = Home.make(root, tasks)
    done = run_with(bug, home, "--workspace", "-j", "8")
    counts = [len(done.said(f"(exit {code})")) for code in (1, 2, 3)]
    return counts == [15, 15, 15] and bool(done.said("15 completed, 45 failed"))


def stuck_files_stop_no_command(root: Path, bug: str) -> bool:
    """Decision 10: forty threads that hang in file operations leave room for the next start."""
    code = f"""
import threading, trio
from haz_trio.process.supervise import run_command
from tests.faults.planted import BUGS
from tests.process.support import command, new_stop
BUGS[{bug!r}]()
async def emit(stream, data): pass
async def main():
    stuck = threading.Event()
    async with trio.open_nursery() as nursery:
        for _ in range(40):
            nursery.start_soon(trio.to_thread.run_sync, stuck.wait)
        await trio.testing.wait_all_tasks_blocked()
        with trio.move_on_after(6) as scope:
            print((await run_command(command("true"), emit, stop=new_stop())).status)
        stuck.set()
import trio.testing
trio.run(main)
"""
    return python_program(code, env={"PYTHONPATH": str(Path(__file__).parents[2])}) == "exit 0\n"


ORACLES: dict[str, Callable[[Path, str], bool]] = {
    "skip fsync": a_durable_entry_stays,
    "skip the hash check": damage_is_never_restored,
    "publish before blobs": what_is_published_is_whole,
    "reap before kill": no_number_is_signalled_after_its_reaping,
    "wait for the end of the pipe": who_holds_a_pipe_holds_up_nobody,
    "dropped drain": the_last_bytes_are_heard,
    "no sigcont": a_stopped_task_is_continued,
    "follow a symlink": nothing_is_written_through_a_link,
    "wait for any child": each_status_is_that_of_its_command,
    "shared limiter": stuck_files_stop_no_command,
}


@pytest.mark.parametrize("bug", ORACLES)
def test_the_oracle_sees_the_bug(tmp_path: Path, bug: str) -> None:
    """It passes haz as it is, and not haz with the bug."""
    for planted, expected in (("no bug", True), (bug, False)):
        place = tmp_path / planted.replace(" ", "-")
        place.mkdir()
        assert ORACLES[bug](place, planted) is expected, planted
