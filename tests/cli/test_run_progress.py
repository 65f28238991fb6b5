"""The status line of `haz run`: on a terminal while tasks run, and nowhere else."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from haz_trio.cli.run_progress import recorded_durations
from haz_trio.model.names import TaskId
from tests.cli.pseudo_terminal import on_terminal
from tests.cli.support import HAZ, Home
from tests.engine.workspaces import sh
from tests.output.screen import Emulator

SLOW = "echo first; echo apart >&2; sleep 0.5; echo last"
_DURATION = re.compile(rb"\b\d+m?s(?: \d+ms)?")


def home_of(root: Path) -> Home:
    return Home.make(root, {"a": sh(SLOW), "b": sh("echo b", deps=["~:a"]), "c": sh("exit 3")})


def on_screen(
    home: Home, *words: str, env: dict[str, str], keys: bytes = b""
) -> tuple[int, bytes]:
    """Run on a terminal; the exit code and all bytes that it got."""
    with on_terminal([*HAZ, "run", *words], home.root, {**home.env, **env}) as terminal:
        if keys:
            terminal.wait_for("0/", count=1)
            terminal.press(keys)
        code = terminal.finish()
        return code, terminal.raw


def final(data: bytes) -> list[str]:
    """The last screen, its lines sorted: tasks that run at a time end in any order."""
    masked = _DURATION.sub(b"TIME", data)
    return sorted(Emulator(24, 80).feed(masked).shown)


def test_the_last_screen_is_that_of_a_dumb_terminal(tmp_path: Path) -> None:
    """The line was there while tasks ran, and nothing of it is left."""
    home = home_of(tmp_path)
    code, data = on_screen(
        home, "--workspace", "-f", "--output-mode", "live", env={"TERM": "xterm"}
    )
    dumb, without = on_screen(
        home, "--workspace", "-f", "--output-mode", "live", env={"TERM": "dumb"}
    )
    assert code == dumb == 1
    assert re.search(rb"\d/3, 1 failed \| p:a 0s", data)
    assert b"\x1b" not in without
    plain = re.sub(rb"\x1b\[[0-9;]*m", b"", data)
    assert final(plain) == final(without)


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"TERM": "xterm", "CI": "1"}, {}])
def test_no_line_where_nobody_looks(tmp_path: Path, env: dict[str, str]) -> None:
    """Neither on a dumb terminal nor in continuous integration."""
    _, data = on_screen(home_of(tmp_path), "p:a", env=env)
    assert b"0/1" not in data
    assert b"\x1b[J" not in data


def test_a_pipe_gets_the_same_bytes(tmp_path: Path) -> None:
    """Standard output in a file is the tasks' echo, whatever is painted on standard error."""
    home = home_of(tmp_path)
    plain = home.haz("run", "p:a", "-f", TERM="xterm")
    assert plain.out == b"[p:a] first\n[p:a] last\n"
    assert b"\x1b" not in plain.err
    words = ["sh", "-c", '"$@" > out', "sh", *HAZ, "run", "p:a", "-f"]
    with on_terminal(words, home.root, {**home.env, "TERM": "xterm"}) as terminal:
        assert terminal.finish() == 0
    assert b"p:a 0s" in terminal.raw
    assert (home.root / "out").read_bytes() == plain.out
    with on_terminal(
        ["sh", "-c", '"$@" 2> err', "sh", *HAZ, "run", "p:a", "-f"],
        home.root,
        {**home.env, "TERM": "xterm"},
    ) as terminal:
        assert terminal.finish() == 0
    assert _DURATION.sub(b"TIME", (home.root / "err").read_bytes()) == _DURATION.sub(
        b"TIME", plain.err
    )


def test_stopping_erases_it(tmp_path: Path) -> None:
    """Ctrl-C while a task runs: the last screen has the epilogue and no line."""
    home = Home.make(tmp_path, {"a": sh("echo up; sleep 20")})
    code, data = on_screen(home, "p:a", keys=b"\x03", env={"TERM": "xterm"})
    assert code == 130
    plain = re.sub(rb"\x1b\[[0-9;]*m", b"", data)
    shown = "\n".join(Emulator(24, 80).feed(plain).shown)
    assert "0/1" not in shown
    assert "Tasks: 0 completed, 1 cancelled" in shown


def test_ctrl_z_clears_the_screen_and_the_line_comes_back(tmp_path: Path) -> None:
    """The process really stops, without its line; brought back, it paints again and ends."""
    home = Home.make(tmp_path, {"a": sh("echo up; while [ ! -e ../go ]; do sleep 0.02; done")})
    # A shell with job control, as a person has: in an orphaned group nothing is stopped.
    script = f"{' '.join(HAZ)} run p:a; echo STOPPED; touch go; fg > /dev/null; echo BACK"
    words = ["bash", "-mc", script]
    with on_terminal(words, home.root, {**home.env, "TERM": "xterm"}) as terminal:
        terminal.wait_for("0/1 | p:a", count=1)
        terminal.press(b"\x1a")
        terminal.wait_for("STOPPED")
        upto = terminal.raw[: terminal.raw.index(b"STOPPED")]
        terminal.wait_for("BACK")
        terminal.finish()
    plain = re.sub(rb"\x1b\[[0-9;]*m", b"", upto)
    assert "0/1" not in "\n".join(Emulator(24, 80).feed(plain).shown)
    assert b"1 completed" in re.sub(rb"\x1b\[[0-9;]*m", b"", terminal.raw)


def test_durations_come_from_the_cache(tmp_path: Path) -> None:
    """What a task took when its last result was stored; nothing for those that have none."""
    home = home_of(tmp_path)
    workspace, _ = home.place.load()
    tasks = [TaskId("p", name) for name in "abc"]
    assert recorded_durations(workspace, tasks) == {}
    assert home.haz("run", "p:b").code == 0
    found = recorded_durations(workspace, tasks)
    assert set(found) == {TaskId("p", "a"), TaskId("p", "b")}
    assert 0.4 < found[TaskId("p", "a")] < 10
    subprocess.run(["rm", "-rf", home.root / ".haz/cache"], check=True)
    assert recorded_durations(workspace, tasks) == {}
