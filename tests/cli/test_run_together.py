"""Several `haz` in one workspace: one works, the others wait for it (cache.md C15, P1 to P3)."""

from __future__ import annotations

import contextlib
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from haz_trio.cache.census import census
from haz_trio.cache.clearing import clear
from haz_trio.cache.collect import CleanOptions, plan_clean
from haz_trio.cache.files import Disk
from haz_trio.cache.known import read_known
from haz_trio.cache.ledger_file import load
from haz_trio.cache.root import CacheRoot
from haz_trio.cache.sweep import carry_out
from haz_trio.model.workspace import HashName
from tests.beside import beside
from tests.cli.support import Done, Home, Running
from tests.engine.workspaces import sh

ALL = ("run", "--all")

# Says that it runs, and writes its output in two halves with time for others in between.
SLOW = "echo {name}-$(cat in) >> log; cat in > {name}; sleep 0.05; cat in >> {name}"


def slow(name: str, **fields: object) -> dict[str, object]:
    return sh(SLOW.format(name=name), inputs=["in"], outputs=[name], **fields)


def together(home: Home, *lines: tuple[str, ...]) -> list[Done]:
    """Run command lines at the same time, to their ends."""
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(home.started(*words)) for words in lines]
        return [each.end() for each in running]


def log(home: Home) -> Counter[str]:
    """How often each command has run."""
    return Counter((home.place.p / "log").read_text().splitlines())


def wait_for_line(running: Running, words: str) -> str:
    """The first line of standard error with these words."""
    assert running.child.stderr is not None
    for line in running.child.stderr:
        if words in line.decode():
            return line.decode()
    raise AssertionError(f"{words!r} was never said")


@pytest.mark.parametrize(
    ("processes", "rounds"), [(4, 5), pytest.param(16, 200, marks=pytest.mark.deep)]
)
def test_each_command_runs_once(tmp_path: Path, processes: int, rounds: int) -> None:
    """Many processes, all tasks, several rounds: no failure, no torn output (P1)."""
    tasks = {name: slow(name) for name in "abc"}
    home = Home.make(tmp_path / "ws", tasks)
    for number in range(rounds):
        home.place.write("p/in", f"{number}\n")
        for done in together(home, *[ALL] * processes):
            assert done.code == 0, done.err.decode()
        for name in tasks:
            assert (home.place.p / name).read_text() == f"{number}\n" * 2
    assert log(home) == {f"{name}-{number}": 1 for name in tasks for number in range(rounds)}
    assert home.place.litter() == []


def test_missing_outputs_are_restored_by_many_at_once(tmp_path: Path) -> None:
    """Nobody runs what is in the cache, and nobody finds another's restore half done."""
    home = Home.make(tmp_path / "ws", {name: slow(name) for name in "abc"})
    home.place.write("p/in", "1\n")
    assert home.haz(*ALL).code == 0
    for _ in range(4):
        for name in "abc":
            (home.place.p / name).unlink()
        for done in together(home, *[ALL] * 4):
            assert done.code == 0, done.err.decode()
            assert done.said("3 completed (3 cached)")
        for name in "abc":
            assert (home.place.p / name).read_text() == "1\n1\n"
    assert log(home) == {f"{name}-1": 1 for name in "abc"}


def test_a_failure_is_nobody_elses(tmp_path: Path) -> None:
    """Each process runs what failed elsewhere itself, one after the other."""
    script = "mkdir lock || exit 7; sleep 0.05; rmdir lock; exit 3"
    home = Home.make(tmp_path / "ws", {"t": sh(script)})
    for done in together(home, *[ALL] * 4):
        assert done.code == 1
        assert done.said("exit 3"), done.err.decode()
        assert not done.said("exit 7")


def test_what_has_failed_is_free_while_its_run_goes_on(tmp_path: Path) -> None:
    """Another process may try it before the first one has ended."""
    tasks = {"fails": sh("exit 3"), "goes_on": sh("echo first; exec sleep 60")}
    home = Home.make(tmp_path / "ws", tasks)
    with home.started(*ALL, "-j", "1") as holder:
        holder.wait_for(b"first")
        done = home.haz("run", "p:fails")
        assert done.code == 1
        assert done.said("exit 3")
        assert holder.child.poll() is None


def test_tries_stay_together(tmp_path: Path) -> None:
    """Another process does not come between a try and the next."""
    task = {"shell": "echo $WHO >> log; sleep 0.02; exit 3", "env": {"from_host": ["PATH", "WHO"]}}
    home = Home.make(tmp_path / "ws", {"t": task})
    with contextlib.ExitStack() as stack:
        running = []
        for who in "xyz":
            home.env["WHO"] = who
            running.append(stack.enter_context(home.started(*ALL, "--retries", "2")))
        for each in running:
            assert each.end().code == 1
    said = (home.place.p / "log").read_text().split()
    assert len(said) == 9
    assert said[0:3] == said[:1] * 3
    assert said[3:6] == said[3:4] * 3


def test_the_others_go_on_when_a_process_is_killed(tmp_path: Path) -> None:
    """Soon after a SIGKILL another process runs the task; meanwhile it says whom it waits for."""
    script = "if mkdir first; then echo first; exec sleep 60; fi; echo second > out"
    home = Home.make(tmp_path / "ws", {"t": sh(script, outputs=["out"])})
    with home.started(*ALL) as holder:
        holder.wait_for(b"first")
        with home.started(*ALL) as waiter:
            line = wait_for_line(waiter, "waits for another haz")
            assert f"(process {holder.child.pid})" in line
            holder.signal(signal.SIGKILL)
            killed = time.monotonic()
            holder.child.wait()
            done = waiter.end()
            print(f"over {(time.monotonic() - killed) * 1000:.0f} ms after the kill")
            assert done.code == 0
            assert time.monotonic() - killed < 1.0  # 250 ms, the command, and the end of the run
    assert (home.place.p / "out").read_text() == "second\n"
    state = home.root / ".haz" / "cache" / "state"
    assert [path.name for path in state.glob("run-*")] in ([], [f"run-{holder.child.pid}"])


def test_who_waits_can_be_stopped(tmp_path: Path) -> None:
    """An interrupt ends the wait, and the task counts as cancelled."""
    home = Home.make(tmp_path / "ws", {"t": sh("echo first; exec sleep 60")})
    with home.started(*ALL) as holder:
        holder.wait_for(b"first")
        with home.started(*ALL) as waiter:
            wait_for_line(waiter, "waits for another haz")
            waiter.signal(signal.SIGINT)
            assert waiter.end().code == 130


def test_an_exclusive_mutex_holds_between_processes(tmp_path: Path) -> None:
    """Whatever the tasks are called, one of its holders runs at a time."""
    script = "mkdir lock || exit 7; sleep 0.05; rmdir lock"
    tasks = {name: sh(f": {name}; {script}", mutex="db") for name in "abcd"}
    home = Home.make(tmp_path / "ws", tasks)
    for _ in range(3):
        lines = [("run", "--force", f"p:{name}") for name in tasks]
        for done in together(home, *lines):
            assert done.code == 0, done.err.decode()


@pytest.mark.parametrize("words", [("--no-cache",), ("--no-cache=write",)])
def test_who_stores_nothing_holds_its_mutex_too(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Also the first haz of a workspace, where no file of locks was before."""
    script = "mkdir lock || exit 7; echo up; while [ ! -e ../go ]; do sleep 0.02; done; rmdir lock"
    tasks = {name: sh(f": {name}; {script}", mutex="db") for name in "ab"}
    home = Home.make(tmp_path, tasks)
    with home.started("run", "p:a", *words) as holder:
        holder.wait_for(b"up")
        with home.started("run", "p:b") as waiter:
            assert "that holds its mutex" in wait_for_line(waiter, "waits for another haz")
            home.place.write("go", "")
            assert holder.end().code == 0
            done = waiter.end()
    assert done.code == 0, done.err


def test_shared_holders_of_a_mutex_run_together(tmp_path: Path) -> None:
    """Two tasks of two processes that can only end if both run at the same time."""
    shared = {"name": "db", "mode": "shared"}
    tasks = {
        "a": sh("mkfifo f 2>/dev/null; echo x > f", mutex=shared),
        "b": sh("mkfifo f 2>/dev/null; read x < f", mutex=shared),
    }
    home = Home.make(tmp_path / "ws", tasks)
    for done in together(home, ("run", "p:a"), ("run", "p:b")):
        assert done.code == 0, done.err.decode()


def test_a_task_that_waits_for_its_mutex_keeps_nobody_from_it(tmp_path: Path) -> None:
    """Two processes that run the holders of a mutex in opposite orders come to an end."""
    tasks = {name: slow(name, mutex="db") for name in "abcdef"}
    home = Home.make(tmp_path / "ws", tasks)
    home.place.write("p/in", "1\n")
    lines = [
        ("run", "-j", "3", *[f"p:{name}" for name in names]) for names in ("abcdef", "fedcba")
    ]
    for done in together(home, *lines, *lines):
        assert done.code == 0, done.err.decode()
    assert log(home) == {f"{name}-1": 1 for name in tasks}


def test_what_several_runs_note_is_all_kept(tmp_path: Path) -> None:
    """Runs that end at the same time lose no row of each other's ledger, and no proof."""
    names = [f"t{number}" for number in range(8)]
    home = Home.make(tmp_path / "ws", {name: slow(name) for name in names})
    home.place.write("p/in", "1\n")
    assert home.haz("run", "p:t0").code == 0  # the secret is there, by which variables are known
    for done in together(home, *[("run", f"p:{name}") for name in names]):
        assert done.code == 0, done.err.decode()
    root = CacheRoot(str(home.root), Disk())
    assert sorted(load(root)) == [f"p:{name}" for name in names]
    root.close()
    known = read_known(str(home.root), b"blake3")
    assert known is not None
    assert sorted(known.tasks) == [f"p:{name}".encode() for name in names]


def _run_while(home: Home, collect: Callable[[], tuple[object, ...]]) -> set[str]:
    """Run often, also at once, while somebody collects: nobody fails; the notes of the runs."""
    notes = set[str]()
    complaints: list[object] = []
    with beside(lambda: complaints.extend(collect()), pause=0.05):
        for number in range(6):
            home.place.write("p/in", f"{number // 2}\n")
            for done in together(home, ALL, ALL):
                assert done.code == 0, done.err.decode()
                notes.update(done.said("note:"))
            for name in "abc":
                assert (home.place.p / name).read_text() == f"{number // 2}\n" * 2
    assert complaints == []
    return notes


def test_a_clean_during_runs_is_not_noticed(tmp_path: Path) -> None:
    """All entries go 20 times a second, with all orphans (P2)."""
    home = Home.make(tmp_path / "ws", {name: slow(name) for name in "abc"})

    def clean() -> tuple[object, ...]:
        root = str(home.root)
        plan = plan_clean(
            census(root, HashName.BLAKE3), CleanOptions(soft=True, max_size=0), now=1 << 33
        )
        return carry_out(root, plan).problems

    # Who has heard it from another run says why it is heard again, when the entry went in between.
    notes = _run_while(home, clean)
    assert {note for note in notes if "another haz ran it so far" not in note} == set()


def test_a_clear_during_runs_makes_nobody_fail(tmp_path: Path) -> None:
    """The cache goes 20 times a second; at worst a result is not stored, and that is said (P2)."""
    home = Home.make(tmp_path / "ws", {name: slow(name) for name in "abc"})
    for note in _run_while(home, lambda: clear(str(home.root)).problems):
        assert "not stored" in note
