"""A run is ended at every step of the loop, and leaves nothing (rows A10 and A11, idea 1)."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
import trio

from haz_trio import (
    Command,
    Completed,
    Containment,
    Emit,
    Ending,
    Engine,
    Exited,
    Mutex,
    MutexMode,
    Policy,
    RunReport,
    Settings,
    Stop,
    Stream,
    Task,
    TaskContext,
    TaskId,
    Workspace,
    make_project,
    make_task,
    make_workspace,
    open_engine,
)
from haz_trio.plan.outcome import Failed, Signalled, Skipped
from tests.faults.sweep import Swept, end_at
from tests.process.support import PATH, bearers, new_token

GRACE = 0.3


async def play(command: Command, emit: Emit, *, stop: Stop) -> Ending:
    """A command that is only played: words for streams, an output, an end of its own or not."""
    kind, name = command.argv
    with stop.ask:
        await emit(Stream.STDOUT, name.encode())
        await trio.Path(command.cwd, name).write_text(name)
        await trio.lowlevel.checkpoint()
        await emit(Stream.STDERR, b"!")
        return Ending(Exited(1 if kind == "fails" else 0), halted=False)
    with stop.tell, trio.move_on_after(stop.grace):
        await trio.lowlevel.checkpoint()
    return Ending(Signalled(15), halted=True)


def task(name: str, *deps: str, kind: str = "works", mutex: Mutex | None = None) -> Task:
    return make_task(
        name,
        command=[kind, name],
        inputs=list(deps),
        outputs=[name],
        deps=[f"~:{dep}" for dep in deps],
        mutex=mutex,
    )


async def waits(task: TaskContext) -> None:
    await task.print("f")
    await trio.Path(task.cwd, "f").write_text("f")


SHAPES: dict[str, list[Task]] = {
    "chain": [task("a"), task("b", "a"), task("c", "b")],
    "diamond": [task("a"), task("b", "a"), task("c", "a"), task("d", "b", "c")],
    "fan-in": [*(task(name) for name in "abcd"), task("e", *"abcd")],
    "mutex": [task(name, mutex=Mutex("m", mode=MutexMode.EXCLUSIVE)) for name in "ab"],
    "hits": [task("a"), task("b", "a"), task("c")],
    "failing": [task("a", kind="fails"), task("b", "a"), task("c")],
    "function": [make_task("f", function=waits, outputs=["f"]), task("b", "f")],
}


@attrs.define
class Arena:
    """A workspace of one shape, fresh for each run."""

    root: Path
    shape: str
    engine: Engine | None = None
    report: RunReport | None = None

    def workspace(self) -> Workspace:
        shutil.rmtree(self.root, ignore_errors=True)
        (self.root / "p").mkdir(parents=True)
        projects = [make_project("p", "/p", SHAPES[self.shape])]
        workspace = make_workspace(self.root, projects, settings=Settings(cancel_grace=GRACE))
        if self.shape == "hits":
            trio.run(self.run, workspace, [TaskId("p", "b")])
        return workspace

    async def run(self, workspace: Workspace, targets: list[TaskId] | None = None) -> RunReport:
        async with open_engine(workspace, run_command=play, host={}) as self.engine:
            self.report = await self.engine.run(targets)
        return self.report

    def stop(self) -> None:
        """Ask the run to end, if it has begun."""
        if self.engine is not None:
            self.engine.stop()

    def check(self, workspace: Workspace) -> None:
        """Whatever happened, a further run has everything right."""
        report = trio.run(self.run, workspace)
        for id, outcome in report:
            expected = (
                (Failed, Skipped) if self.shape == "failing" and id.task != "c" else Completed
            )
            assert isinstance(outcome, expected), (id, outcome)
        assert (self.root / "p/c").exists() or self.shape in ("mutex", "function")


def sweep(arena: Arena, numbers: Iterator[int], *, asks: bool = False) -> int:
    """End a run of a fresh workspace at each of the steps; how many ended before their step."""
    count = 0
    for number in numbers:
        workspace = arena.workspace()
        arena.engine = arena.report = None

        async def live(workspace: Workspace = workspace) -> None:
            await arena.run(workspace)

        swept = end_at(
            number,
            arena.root,
            live,
            left=list,
            context={"shape": arena.shape},
            limit=GRACE + 2,
            stop=arena.stop if asks else None,
        )
        if asks:
            report = arena.report
            assert report is not None
            assert set(report.outcomes) == {TaskId("p", t.name) for t in SHAPES[arena.shape]}
        arena.check(workspace)
        if not swept.ended:
            return count
        count += 1
    return count


@pytest.mark.row("A10")
@pytest.mark.row("A11")
@pytest.mark.parametrize("shape", SHAPES)
def test_a_run_cancelled_at_a_step_leaves_nothing(tmp_path: Path, shape: str) -> None:
    """A sample of the steps of each shape: no file, thread, lock or descriptor more."""
    first = list(SHAPES).index(shape) + 1
    assert sweep(Arena(tmp_path / "w", shape), itertools.count(first, 17)) >= 2


@pytest.mark.row("A10")
@pytest.mark.parametrize("shape", SHAPES)
def test_a_run_stopped_at_a_step_reports_and_leaves_nothing(tmp_path: Path, shape: str) -> None:
    """The same for ``Engine.stop``; the report has an outcome for each task."""
    first = list(SHAPES).index(shape) + 9
    assert sweep(Arena(tmp_path / "w", shape), itertools.count(first, 17), asks=True) >= 2


@pytest.mark.deep
@pytest.mark.row("A10")
@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_run_ended_at_every_step_leaves_nothing(tmp_path: Path, shape: str, asks: bool) -> None:
    """Every step of each shape in turn, until a run is over before its step."""
    assert sweep(Arena(tmp_path / "w", shape), itertools.count(1), asks=asks) >= 30


# -- processes that do what they can to stay --------------------------------------------------

# It ignores SIGTERM and has three descendants that do so too: one in its session, one in a session
# of its own that holds the pipes, and one of that one.
STUBBORN = """
trap '' TERM HUP INT
sleep 60 &
setsid sh -c 'sleep 60 & sleep 60' &
echo up
sleep 0.2
"""


def stubborn(root: Path, token: dict[str, str]) -> Workspace:
    shutil.rmtree(root, ignore_errors=True)
    (root / "p").mkdir(parents=True)
    names = ["PATH", *token]
    tasks = [make_task(f"t{n}", shell=STUBBORN, from_host=names) for n in range(20)]
    return make_workspace(
        root, [make_project("p", "/p", tasks)], settings=Settings(cancel_grace=GRACE)
    )


def end_stubborn(root: Path, number: int) -> Swept:
    """End a run of twenty such tasks at a step, by its host's scope."""
    token = new_token()
    workspace = stubborn(root, token)

    async def live() -> None:
        async with open_engine(
            workspace,
            host={"PATH": PATH, **token},
            policy=Policy(slots=20),
            containment=Containment.STRICT,
        ) as engine:
            await engine.run()

    def left() -> list[int]:
        return bearers(token)

    return end_at(number, root, live, left=left, context={}, limit=GRACE + 2)


@pytest.mark.row("A10")
@pytest.mark.parametrize("number", [60, 160, 400])
def test_stubborn_tasks_cancelled_at_a_step_leave_nothing(tmp_path: Path, number: int) -> None:
    """Twenty tasks that fork, leave their session, ignore SIGTERM, hold pipes: none survives."""
    assert end_stubborn(tmp_path / "w", number).ended


@pytest.mark.deep
@pytest.mark.row("A10")
@pytest.mark.parametrize("first", range(1, 11))
def test_stubborn_tasks_cancelled_at_every_step_leave_nothing(tmp_path: Path, first: int) -> None:
    """The same at every step, in ten parts, until a run is over before its step."""
    worst = 0.0
    for number in itertools.count(first, 10):
        swept = end_stubborn(tmp_path / "w", number)
        worst = max(worst, swept.seconds)
        if not swept.ended:
            break
    print(f"{number - 1} steps; the longest end took {worst:.2f} s")
    assert number > 300
