"""``haz run`` on disks that are full, read-only or in the way: a cache fault fails no task."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.support import Home
from tests.engine.workspaces import sh

BIG = "head -c 2000000 /dev/zero | tr '\\0' x | fold -w 80; head -c 3000000 /dev/zero > o"


def mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"mount is not permitted: {done.stderr.decode().strip()}")


@contextmanager
def small_disk(place: Path, size: str = "1m") -> Iterator[None]:
    """A file system of 1 MiB at ``place``."""
    place.mkdir(parents=True, exist_ok=True)
    mount("-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(place))
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@contextmanager
def frozen(place: Path) -> Iterator[None]:
    """``place`` as a mount that cannot be written."""
    mount("--bind", str(place), str(place))
    try:
        mount("-o", "remount,bind,ro", str(place))
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("mode", ["live", "buffered"])
def test_a_full_cache_is_one_line(tmp_path: Path, mode: str) -> None:
    """Success, all output, one line; a small task before it was stored, a later one still runs."""
    tasks = {
        "a-small": sh("echo small > s", outputs=["s"]),
        "b-big": sh(BIG, outputs=["o"], deps=["~:a-small"]),
        "c-big": sh("echo c;" + BIG.replace("> o", "> o2"), outputs=["o2"], deps=["~:b-big"]),
    }
    home = Home.make(tmp_path, tasks)
    with small_disk(tmp_path / ".haz/cache"):
        done = home.haz("run", "--workspace", "--output-mode", mode)
        assert done.code == 0, done.err
        assert done.out.count(b"x" * 80) == 50000
        assert done.said("Tasks: 3 completed")
        complaints = done.said("No space left")
        assert len(complaints) == 1
        assert ".haz/cache" in complaints[0]
        again = home.haz("run", "--workspace", "--output-mode", mode)
        assert again.code == 0
        assert again.said("[p:a-small]", "cached")
        assert again.said("[p:b-big]", "done")
        assert home.place.litter() == []


@pytest.mark.parametrize("fits", [True, False])
def test_a_restore_that_has_no_room_is_undone_and_the_task_runs(
    tmp_path: Path, fits: bool
) -> None:
    """Nothing of it is left when the command starts, whose end is then that of the task (D02)."""
    script = (
        "ls -A out; cat ../small >/dev/null 2>&1 && n=10 || n=800000; "
        "for i in 1 2 3; do head -c $n /dev/zero > out/$i || exit 7; done"
    )
    home = Home.make(tmp_path, {"t": sh(script, outputs=["out/*"])})
    (tmp_path / "p/out").mkdir()
    assert home.haz("run", "p:t").code == 0
    (tmp_path / "small").touch()
    if not fits:
        (tmp_path / "small").unlink()
    with small_disk(tmp_path / "p/out"):
        done = home.haz("run", "p:t", "--explain")
        assert done.out == b"", "no output of the restore stands there"
        assert done.said("[p:t] miss:", "No space left"), done.err
        assert home.place.litter() == []
        sizes = [path.stat().st_size for path in sorted((tmp_path / "p/out").iterdir())]
    assert not done.said("Traceback")
    if fits:
        assert done.code == 0, done.err
        assert done.said("[p:t]", "done")
        assert sizes == [10, 10, 10]
    else:
        assert done.code == 1
        assert done.said("[p:t]", "failed", "exit 7")
    assert home.haz("cache", "verify").code == 0


def test_a_full_workspace_is_the_commands_failure(tmp_path: Path) -> None:
    """The command that cannot write fails by itself; we add no traceback."""
    with small_disk(tmp_path / "w"):
        home = Home.make(tmp_path / "w", {"t": sh("head -c 3000000 /dev/zero > o")})
        done = home.haz("run", "p:t")
        assert done.code == 1
        assert done.said("[p:t]", "failed", "exit 1")
        assert not done.said("Traceback")


def test_a_read_only_cache_still_hits(tmp_path: Path) -> None:
    """What is stored is used, what is new is not stored, and one line says why."""
    tasks = {
        "old": sh("echo old > o", outputs=["o"]),
        "new": sh("cat in > n; echo ran", inputs=["in"], outputs=["n"]),
        "new2": sh("cat in; echo two", inputs=["in"]),
    }
    home = Home.make(tmp_path, tasks)
    home.place.write("p/in", "1")
    assert home.haz("run", "--workspace").code == 0
    home.place.write("p/in", "2")
    (tmp_path / "p/o").unlink()
    with frozen(tmp_path / ".haz/cache"):
        done = home.haz("run", "--workspace")
        assert done.code == 0, done.err
        assert done.said("[p:old]", "cached")
        assert done.said("[p:new]", "done")
        assert (tmp_path / "p/o").read_text() == "old\n"
        assert len(done.said("Read-only")) == 1


def test_a_read_only_workspace_is_an_ordinary_failure(tmp_path: Path) -> None:
    """No cache, and no output: the task decides, and one line tells of the cache."""
    tasks = {"quiet": sh("echo fine"), "writes": sh("echo x > o", outputs=["o"])}
    home = Home.make(tmp_path, tasks)
    with frozen(tmp_path):
        fine = home.haz("run", "p:quiet")
        assert fine.code == 0, fine.err
        assert fine.out == b"[p:quiet] fine\n"
        assert len(fine.said("Read-only")) == 1
        failed = home.haz("run", "p:writes")
        assert failed.code == 1
        assert not failed.said("Traceback")


@pytest.mark.parametrize(
    ("script", "stays"),
    [
        ("rm -rf ../.haz/cache", False),
        ("rm -rf ../.haz/cache; echo file > ../.haz/cache", True),
        ("rm -rf ../.haz/cache; ln -s nowhere ../.haz/cache", True),
    ],
)
def test_a_cache_that_goes_away_while_a_command_runs(
    tmp_path: Path, script: str, stays: bool
) -> None:
    """All tasks succeed; one line says that nothing is stored any more (D05).

    So may one for a result that was on its way when the cache went; or its store made the cache
    again before the script could put something else there.
    """
    tasks = {
        "a": sh("echo a > a", outputs=["a"]),
        "b": sh(f"{script}; echo b > b", outputs=["b"], deps=["~:a"]),
        "c": sh("echo c > c", outputs=["c"], deps=["~:b"]),
    }
    home = Home.make(tmp_path, tasks)
    done = home.haz("run", "--workspace")
    assert done.code == 0, done.err
    assert done.said("Tasks: 3 completed")
    assert not done.said("Traceback")
    notes = {*done.said("not stored"), *done.said("note")}
    assert len(notes) <= 1 + stays
    assert done.said(".haz/cache") or not stays or (tmp_path / ".haz" / "cache").is_dir()
    assert home.place.litter() == []
    again = home.haz("run", "--workspace")
    assert again.code == 0
    assert [(tmp_path / "p" / name).read_text() for name in "abc"] == ["a\n", "b\n", "c\n"]


def test_a_file_in_the_place_of_the_cache(tmp_path: Path) -> None:
    """Success and one line that names it (E16b)."""
    home = Home.make(tmp_path, {"t": sh("echo x > o", outputs=["o"])})
    home.place.write(".haz/cache", "not a folder")
    done = home.haz("run", "p:t")
    assert done.code == 0
    assert len(done.said(".haz/cache")) == 1
    assert (tmp_path / "p/o").read_text() == "x\n"


def test_a_full_folder_for_temporary_files(tmp_path: Path) -> None:
    """Buffered output that has no room in ``TMPDIR`` stays in memory and arrives."""
    home = Home.make(tmp_path, {"t": sh("seq 1 400000")})
    with small_disk(tmp_path / "tmp", "64k"):
        done = home.haz(
            "run", "p:t", "--output-mode", "buffered", TMPDIR=os.fspath(tmp_path / "tmp")
        )
    assert done.code == 0
    assert done.out.endswith(b"\n400000\n")


def test_a_large_output_in_a_folder_that_cannot_be_listed(tmp_path: Path) -> None:
    """A folder without rights in the way of a glob is an error with its name, not a traceback."""
    if os.geteuid() == 0:
        pytest.skip("root may list every folder")
    home = Home.make(tmp_path, {"t": sh("true", inputs=["src/**"])})
    (tmp_path / "p/src/closed").mkdir(parents=True)
    (tmp_path / "p/src/closed").chmod(0)
    done = home.haz("run", "p:t")
    (tmp_path / "p/src/closed").chmod(0o700)
    assert done.code == 1
    assert done.said("[p:t]", "errored", "closed")


def test_a_strict_cache_fails_the_run_that_could_not_store(tmp_path: Path) -> None:
    """HAZ_CACHE_STRICT=1 turns a result that is not stored into exit code 1 (decisions.md 14)."""
    home = Home.make(tmp_path, {"t": sh("echo x > o", outputs=["o"])})
    (home.root / ".haz" / "cache").write_text("a file where the folder should be")
    assert home.haz("run", "p:t").code == 0
    strict = home.haz("run", "p:t", HAZ_CACHE_STRICT="1")
    assert strict.code == 1
    assert strict.said("not stored")
