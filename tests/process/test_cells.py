"""Control groups, where the kernel has any for us."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
import trio

from haz_trio.model.workspace import Containment
from haz_trio.process import proc
from haz_trio.process.cells import Cell, next_cell, open_cell
from haz_trio.process.enclosure import Enclosure
from haz_trio.process.guard import open_guard
from haz_trio.process.supervise import run_command
from tests.process.support import Session, bearers, new_stop, new_token, shell


@pytest.fixture
def cell() -> Iterator[Cell]:
    cell = open_cell()
    if cell is None:
        pytest.skip("no control group can be made here")
    yield cell
    cell.end()


def test_who_is_born_in_a_cell_stays_in_it(cell: Cell) -> None:
    """Whatever a process does to leave, one write ends it with all its kind (B06)."""
    env = new_token()
    script = "read go; (setsid sleep 60 &); while :; do setsid sleep 60 & sleep 0.01; done"
    with subprocess.Popen(
        ["sh", "-c", script], stdin=subprocess.PIPE, env={**os.environ, **env}
    ) as child:
        cell.admit(child.pid)
        assert child.stdin is not None
        child.stdin.write(b"go\n")
        child.stdin.flush()
        while len(cell.members()) < 8:
            assert child.poll() is None
        cell.end()
    assert bearers(env) == []
    assert not Path(cell.path).exists()


def test_a_cell_ends_with_those_in_it(cell: Cell) -> None:
    """An end reaches cells in cells; what is gone already is no trouble."""
    inner = cell.make("a")
    child = subprocess.Popen(["sleep", "60"])
    inner.admit(child.pid)
    assert inner.members() == [child.pid]
    assert not inner.remove()
    cell.end()
    child.wait()
    assert not Path(cell.path).exists()
    cell.end()
    assert inner.members() == []


def test_cells_of_cells_belong_to_their_cell(cell: Cell) -> None:
    """A command may be a haz whose commands have cells, and who dies before they do."""
    inmost = cell.make("a").make("b")
    children = [subprocess.Popen(["sleep", "60"]) for _ in range(2)]
    cell.admit(children[0].pid)
    inmost.admit(children[1].pid)
    assert sorted(cell.members()) == [child.pid for child in children]
    cell.end()
    assert [child.wait() for child in children] == [-signal.SIGKILL] * 2
    assert not Path(cell.path).exists()


def test_a_strict_run_ends_a_daemon_by_its_cell(cell: Cell) -> None:
    """A daemon that nothing else leads to ends with its command, and is named."""
    env = new_token()

    async def main() -> tuple[str, ...]:
        guard = open_guard(print, containment=Containment.STRICT)
        session = Session(new_stop())
        script = "sleep 0.2; (setsid sleep 60 >/dev/null 2>&1 &); sleep 0.02; exit 0"
        ending = await run_command(
            shell(script, **env),
            session.emit,
            stop=session.stop,
            containment=Containment.STRICT,
            guard=guard,
        )
        guard.close()
        return ending.leftovers

    leftovers = trio.run(main)
    assert bearers(env) == []
    assert len(leftovers) == 1


def test_what_killed_runs_left_is_swept(cell: Cell) -> None:
    """Empty cells of who is gone; others stay, and those with somebody in them."""
    with subprocess.Popen(["true"]) as gone:
        pass
    child = subprocess.Popen(["sleep", "60"])
    old, used = (cell.make(f"haz-{gone.pid}-{number:08x}") for number in range(2))
    stay = {used, cell.make(f"haz-{os.getpid()}-{2:08x}"), cell.make(f"haz-{gone.pid}-other")}
    old.make("1")
    used.admit(child.pid)
    cell.make("haz-1-new").sweep()
    assert not Path(old.path).exists()
    assert all(Path(each.path).exists() for each in stay)
    child.kill()
    child.wait()


@pytest.fixture
def enclosure() -> Iterator[Enclosure]:
    cell = next_cell()
    if cell is None:
        pytest.skip("no control group can be made here")
    enclosure = Enclosure(cell, enters=True)
    if not enclosure.enter():
        pytest.skip("no control group can be made here")
    yield enclosure
    enclosure.close()
    assert not Path(cell.path).exists()


def test_a_program_is_inside_while_it_starts_commands(enclosure: Enclosure) -> None:
    """It leaves when it foresees its end, and goes in again for another run."""
    own = os.getpid()
    assert own in enclosure.cell.members()
    for _ in range(2):
        enclosure.leave()
    assert enclosure.enter()
    assert own in enclosure.cell.members()
    child = subprocess.Popen(["sleep", "60"])
    assert child.pid in enclosure.cell.members()
    enclosure.leave()
    enclosure.close()
    assert child.wait() == -signal.SIGKILL
    assert not Path(enclosure.cell.path).exists()


def test_another_run_waits_for_the_leaving_of_the_last_one(
    enclosure: Enclosure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its commands would be started outside."""
    leave = Enclosure._leave

    def hesitate(enclosure: Enclosure) -> None:
        time.sleep(0.05)
        leave(enclosure)

    monkeypatch.setattr(Enclosure, "_leave", hesitate)
    enclosure.leave()
    assert enclosure.enter()
    time.sleep(0.1)
    assert os.getpid() in enclosure.cell.members()


def test_a_run_sweeps_before_its_first_command(cell: Cell) -> None:
    """And not before its second: who has been killed meanwhile is the next run's to find."""
    with subprocess.Popen(["true"]) as gone:
        pass
    name = f"haz-{gone.pid}-{0:08x}"
    old = cell.make(name)
    enclosure = Enclosure(Cell(f"{cell.path}/haz-{os.getpid()}-{1:08x}"))
    assert enclosure.enter()
    assert not Path(old.path).exists()
    old = cell.make(name)
    assert enclosure.enter()
    assert Path(old.path).exists()
    enclosure.close()


def test_without_a_thread_a_program_leaves_its_cell_itself(
    enclosure: Enclosure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes a little longer."""

    def refuse(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Thread, "start", refuse)
    enclosure.leave()
    assert os.getpid() not in enclosure.cell.members()


def test_a_storm_of_forks_may_stay_outside(
    enclosure: Enclosure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the control group does not know everybody, and parents have to lead to them."""
    cell = enclosure.make(1)
    with subprocess.Popen(["sleep", "60"]) as child, subprocess.Popen(["sleep", "60"]) as other:
        assert enclosure.admit(cell, child.pid)
        assert cell.members() == [child.pid]
        found = proc.look(other.pid)
        monkeypatch.setattr(proc, "descendants", lambda _: [found])
        monkeypatch.setattr(Cell, "members", lambda _: [])
        assert not enclosure.admit(cell, child.pid)
        monkeypatch.undo()
        assert cell.members() == [child.pid, other.pid]
        cell.kill()


def test_a_place_that_cannot_be_written_has_no_cells(tmp_path: Path) -> None:
    """What is no control group is refused without an error of ours."""
    with pytest.raises(OSError, match="No such file"):
        Cell(str(tmp_path / "nowhere")).make("a")
    assert Cell(str(tmp_path / "nowhere")).members() == []
    Cell(str(tmp_path / "nowhere")).kill()
