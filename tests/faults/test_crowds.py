"""Several workspaces and versions with one cache, and clocks that jump (sections C and F)."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from pathlib import Path

import pytest

from tests.cli.support import Done, Home
from tests.engine.workspaces import sh
from tests.faults.support import (
    assert_heals,
    assert_quiet,
    gone_soon,
    halted,
    program,
    run_with,
)

TASKS = {
    "a": sh("cat in > a; echo said", inputs=["in"], outputs=["a"]),
    "b": sh("cat a a > b", inputs=["a"], outputs=["b"], deps=["~:a"]),
}


@pytest.mark.row("F02")
@pytest.mark.parametrize(
    ("places", "rounds"), [(2, 3), pytest.param(16, 20, marks=pytest.mark.deep)]
)
def test_workspaces_that_share_a_cache(tmp_path: Path, places: int, rounds: int) -> None:
    """Equal workspaces whose cache is one folder: all succeed, whoever stores first."""
    shared = tmp_path / "cache"
    shared.mkdir(mode=0o700)
    homes = [Home.make(tmp_path / f"ws{n}", TASKS) for n in range(places)]
    for home in homes:
        home.env.update(homes[0].env)
        (home.root / ".haz/cache").symlink_to(shared)
    for number in range(rounds):
        for home in homes:
            home.place.write("p/in", f"{number}\n")
        with contextlib.ExitStack() as stack:
            running = [stack.enter_context(home.started("run", "--workspace")) for home in homes]
            for each in running:
                done = each.end()
                assert done.code == 0, done.err
                assert_quiet(done.err)
        for home in homes:
            assert (home.place.p / "b").read_text() == f"{number}\n" * 2
    for home in homes:
        for name in ("a", "b"):
            (home.place.p / name).unlink()
        assert home.haz("run", "--workspace", HAZ_MEMO="0").said("2 completed (2 cached)")


@pytest.mark.row("F06")
def test_a_clock_that_jumps(tmp_path: Path) -> None:
    """Back and forth by years whenever it is asked: right results, no negative time, it heals."""
    home = Home.make(tmp_path, TASKS)
    for text in ("1\n", "2\n", "1\n", "2\n"):
        home.place.write("p/in", text)
        done = run_with("a clock that jumps", home, "--workspace", HAZ_MEMO="1")
        assert done.code == 0, done.err
        assert_quiet(done.err)
        assert not re.search(rb"-\d", done.err)
        assert (home.place.p / "b").read_text() == text * 2
    for age in ("1d", "9999d"):
        assert home.haz("cache", "clean", "--max-age", age, "--dry-run").code == 0
    info = home.haz("cache", "info")
    assert info.code == 0
    assert not re.search(rb"[ :]-\d", info.out)
    assert_heals(home, "--workspace")


def completed(done: Done) -> str:
    assert done.code == 0, done.err
    assert_quiet(done.err)
    return done.lines[-2]


@pytest.mark.row("F08", "C12")
def test_versions_that_take_turns(tmp_path: Path) -> None:
    """Two versions with one cache: neither believes the files of the other, both succeed."""
    home = Home.make(tmp_path, TASKS)
    home.place.write("p/in", "1\n")
    for _ in range(2):
        for version in ("no bug", "another version"):
            done = run_with(version, home, "--workspace", HAZ_MEMO="1")
            completed(done)
            assert (home.place.p / "b").read_text() == "1\n1\n"
            (home.place.p / "b").write_text("spoiled")
    assert_heals(home, "--workspace")


@pytest.mark.row("C12")
def test_a_kill_of_the_next_version(tmp_path: Path) -> None:
    """The next version is killed amid its work: it and the one before go on."""
    tasks = {**TASKS, "z": sh("[ -e ../go ] || { echo up; sleep 60; }", deps=["~:b"])}
    home = Home.make(tmp_path, tasks)
    home.place.write("p/in", "1\n")
    (tmp_path / "go").touch()
    assert home.haz("run", "--workspace").code == 0
    (tmp_path / "go").unlink()
    line = ("run", "--workspace", "-f")
    with halted(home, None, *line, program=program("another version")) as running:
        running.wait_for(b"up\n")
        os.kill(running.child.pid, signal.SIGKILL)
        running.end()
        assert gone_soon(home)
    (tmp_path / "go").touch()
    for version in ("no bug", "another version"):
        completed(run_with(version, home, "--workspace"))
        done = run_with(version, home, "--workspace")
        assert "(3 cached)" in completed(done)
        assert (home.place.p / "b").read_text() == "1\n1\n"
