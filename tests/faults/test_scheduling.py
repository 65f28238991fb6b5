"""Cancellation at every step, waiting without working, and observers that break (A and J)."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from haz_trio.abc import Observer
from haz_trio.engine.engine import Engine
from haz_trio.engine.loop import Announcer, Loop
from haz_trio.engine.opening import open_engine
from haz_trio.plan.machine import Limits, Plan, PlannedTask
from haz_trio.plan.messages import (
    Event,
    RunFinished,
    RunNote,
    RunStarted,
    TaskBegun,
    TaskOutput,
    TaskSettled,
    TaskStarted,
)
from haz_trio.plan.outcome import Cancelled, Completed, RunReport
from tests.cli.support import Home
from tests.engine.support import Recorder, Script, ScriptedWorker, jobs, task_id
from tests.engine.workspaces import Place, id_of, sh
from tests.faults.support import assert_quiet, halted
from tests.faults.sweep import litter


def planned(name: str, *hard: str, lock: str | None = None) -> PlannedTask:
    return PlannedTask(task_id(name), tuple(map(task_id, hard)), (), frozenset(), lock, False)


SHAPES: dict[str, tuple[list[PlannedTask], dict[str, Script]]] = {
    "chain": ([planned("a"), planned("b", "a"), planned("c", "b")], {}),
    "diamond": ([planned("a"), planned("b", "a"), planned("c", "a"), planned("d", "b", "c")], {}),
    "fan in": ([planned("a"), planned("b"), planned("c"), planned("d", "a", "b", "c")], {}),
    "mutex": ([planned("a", lock="m"), planned("b", lock="m"), planned("c", "b", lock="m")], {}),
    "hits": ([planned("a"), planned("b", "a"), planned("c", "a")], {"a": Script(hit=True)}),
    "failing": ([planned("a"), planned("b", "a"), planned("c")], {"a": Script(code=1)}),
}


@attrs.define(eq=False)
class AtStep(trio.abc.Instrument):
    """Does something at the n-th step of any task of trio."""

    number: int
    scope: trio.CancelScope
    steps: int = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.steps += 1
        if self.steps == self.number:
            self.scope.cancel()


def cancelled_at(
    tasks: list[PlannedTask], scripts: Mapping[str, Script], number: int, *, asks: bool
) -> bool:
    """Cancel, or ask to stop, at a step; whether the run had not ended before. Checks the rest."""
    chosen = {task.id.task: scripts.get(task.id.task, Script(look=0.1)) for task in tasks}
    worker, recorder = ScriptedWorker(chosen), Recorder()
    scope = trio.CancelScope()
    instrument = AtStep(number, scope)

    async def main() -> None:
        loop = Loop(worker, Announcer([recorder]), grace=1)

        async def stopper() -> None:
            with scope:
                await trio.sleep_forever()
            loop.stop()

        async with trio.open_nursery() as nursery:
            plan = Plan(tasks, Limits(2, {}))
            if asks:
                nursery.start_soon(stopper)
                await loop.run(plan, jobs(*chosen))
                nursery.cancel_scope.cancel()
            else:
                with scope:
                    await loop.run(plan, jobs(*chosen))

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0), instruments=[instrument])
    started = [e.task for e in recorder.of(TaskStarted) if isinstance(e, TaskStarted)]
    settled = [e.task for e in recorder.of(TaskSettled) if isinstance(e, TaskSettled)]
    assert worker.running == set()
    assert len(set(started)) == len(started)
    assert len(set(settled)) == len(settled)
    finished = len(recorder.of(RunFinished)) == 1
    if asks or finished:
        assert finished
        assert {task.id for task in tasks} == set(settled)
    return instrument.steps >= number


@pytest.mark.row("A10")
@pytest.mark.parametrize("asks", [False, True], ids=["cancelled", "asked"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_cancellation_at_every_step(shape: str, asks: bool) -> None:
    """At each step of trio in turn: nothing goes on, and each task has ended once at most."""
    tasks, scripts = SHAPES[shape]
    number = 1
    while cancelled_at(tasks, scripts, number, asks=asks):
        number += 1
        assert number < 5000
    assert number > 20


@pytest.mark.row("A10")
@pytest.mark.deep
def test_a_cancellation_at_every_step_of_random_graphs() -> None:
    """The same for two hundred graphs that nobody has chosen."""
    draw = random.Random(7)
    for _ in range(200):
        names = "abcdefg"[: draw.randint(2, 7)]
        tasks = [
            planned(
                name,
                *(before for before in names[:n] if draw.random() < 0.4),
                lock=draw.choice(("m", "n", None, None)),
            )
            for n, name in enumerate(names)
        ]
        scripts = {
            name: Script(hit=draw.random() < 0.3, code=int(draw.random() < 0.2), look=0.1)
            for name in names
        }
        number = 1
        while cancelled_at(tasks, scripts, number, asks=draw.random() < 0.5):
            number += 1


@pytest.mark.row("J04")
def test_who_waits_for_a_mutex_does_no_work() -> None:
    """It is looked at once, and once more when the mutex is free; others have the slots."""
    tasks = [planned("h", lock="m"), planned("w", lock="m"), *map(planned, "xyz")]
    scripts = {**dict.fromkeys("wxyz", Script()), "h": Script(run=10)}
    worker = ScriptedWorker(scripts)

    async def main() -> None:
        await Loop(worker, Announcer([]), grace=1).run(Plan(tasks, Limits(2, {})), jobs(*scripts))

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert worker.looks.count("w") == 2
    assert worker.spans["z"][1] - worker.spans["h"][0] == pytest.approx(3)
    assert worker.spans["w"][0] - worker.spans["h"][0] == pytest.approx(10)


@pytest.mark.row("J04")
def test_a_held_mutex_costs_no_processor_time(tmp_path: Path) -> None:
    """While a task holds a mutex that others want, haz sleeps."""
    held = "[ -e ../go ] || { echo up; while [ ! -e ../go ]; do sleep 0.05; done; }"
    home = Home.make(tmp_path, {name: sh(f": {name}; {held}", mutex="m") for name in "abcd"})

    def worked(pid: int) -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    with halted(home, None, "run", "--workspace", "-j", "4") as running:
        running.wait_for(b"up\n")
        time.sleep(0.3)
        before = worked(running.child.pid)
        time.sleep(1)
        assert worked(running.child.pid) - before < 0.05
        (tmp_path / "go").touch()
        assert running.end() == 0


@pytest.mark.row("J07")
@pytest.mark.parametrize("rounds", [6, pytest.param(300, marks=pytest.mark.deep)])
def test_a_restore_beside_a_holder_of_the_mutex(tmp_path: Path, rounds: int) -> None:
    """A hit is restored while somebody else works with the same mutex: no file is ever torn."""
    code = (
        "import sys\nseen = set()\nprint('up', flush=True)\n"
        "import os\n"
        "while not os.path.exists('../go'):\n"
        "    try: seen.add(open('big', 'rb').read())\n"
        "    except FileNotFoundError: pass\n"
        "print(sorted(len(each) for each in seen))"
    )
    home = Home.make(tmp_path, {})
    home.place.write("p/read.py", code)
    mutex = {"name": "m", "mode": "exclusive"}
    tasks = {
        "reader": sh("exec python3 read.py", mutex=mutex),
        "big": sh("head -c 2000000 /dev/zero > big", outputs=["big"], mutex=mutex),
    }
    home.place.make(tmp_path, tasks)
    big = home.place.p / "big"
    assert home.haz("run", "p:big").code == 0
    with halted(home, None, "run", "p:reader") as running:
        running.wait_for(b"up\n")
        for number in range(rounds):
            big.unlink()  # a reader keeps what it has opened
            if number % 2:
                home.place.write("p/spoiled", "spoiled").rename(big)
            assert home.haz("run", "p:big", HAZ_MEMO="0").said("1 cached")
        (tmp_path / "go").touch()
        assert running.end() == 0
    lengths = running.heard.rpartition(b"[p:reader] [")[2].partition(b"]")[0]
    assert set(lengths.split(b", ")) <= {b"0", b"7", b"2000000"}


@attrs.define
class Breaking:
    """An observer that raises at events of one class, or when it is asked to wait."""

    kind: type | None
    calls: int = 0

    def notice(self, event: Event, at: float) -> None:
        if self.kind is not None and isinstance(event, self.kind):
            self.calls += 1
            raise LookupError("the observer is broken")

    async def wait_ready(self) -> None:
        await trio.lowlevel.checkpoint()
        if self.kind is None:
            self.calls += 1
            raise LookupError("the observer is broken")


CHAIN = {"a": sh("sleep 60 & echo hi"), "b": sh("echo b", deps=["~:a"])}


@pytest.mark.row("J11")
@pytest.mark.parametrize(
    "kind", [RunStarted, TaskStarted, TaskOutput, TaskSettled, RunFinished, None]
)
def test_an_observer_that_raises(tmp_path: Path, kind: type | None) -> None:
    """The run is as it would have been, the others hear all of it, and its error comes once."""
    place = Place.make(tmp_path, CHAIN)
    breaking, recorder, reports = Breaking(kind), Recorder(), list[RunReport]()

    async def main() -> None:
        workspace, graph = place.load()
        observers: list[Observer] = [breaking, recorder]
        async with open_engine(workspace, graph, host=place.host, observers=observers) as engine:
            reports.append(await engine.run())
            reports.append(await engine.run())

    with pytest.raises(ExceptionGroup) as caught:
        trio.run(main)
    (error,) = caught.value.exceptions
    assert isinstance(error, LookupError)
    assert breaking.calls == 1
    outcomes = [[type(outcome) for _, outcome in report] for report in reports]
    assert outcomes == [[Completed, Completed]] * 2
    told = [event for _, event in recorder.events if not isinstance(event, RunNote)]
    ends = [type(event) for event in told if isinstance(event, RunStarted | RunFinished)]
    assert ends == [RunStarted, RunFinished] * 2
    assert len([event for event in told if isinstance(event, TaskSettled)]) == 4
    notes = [event.text for _, event in recorder.events if isinstance(event, RunNote)]
    said = [text for text in notes if "observer Breaking is told nothing more" in text]
    assert len(said) == (kind is not RunFinished)  # nothing comes behind the end of a run
    assert place.processes() == []
    assert litter(tmp_path) == []


@pytest.mark.row("J11")
def test_an_error_of_an_observer_is_not_lost_with_another_one(tmp_path: Path) -> None:
    """What ends the block goes on as it is, with a note."""
    place = Place.make(tmp_path, {"a": sh("true")})

    async def main() -> None:
        workspace, graph = place.load()
        breaking = Breaking(TaskStarted)
        async with open_engine(workspace, graph, host=place.host, observers=[breaking]) as engine:
            await engine.run()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        trio.run(main)
    assert caught.value.__notes__ == [
        "an observer had raised LookupError('the observer is broken')"
    ]


@attrs.define
class Calling:
    """An observer that calls back into the engine at the start of a command, and is slow."""

    call: Callable[[Engine], object]
    engine: Engine | None = None

    def notice(self, event: Event, at: float) -> None:
        if isinstance(event, TaskBegun) and self.engine is not None:
            self.call(self.engine)

    async def wait_ready(self) -> None:
        await trio.sleep(0.05)


@pytest.mark.row("J11")
@pytest.mark.parametrize(
    ("call", "outcome"),
    [
        (lambda engine: engine.stop(), Cancelled),
        (lambda engine: engine.cancel(id_of("a")), Cancelled),
        (lambda engine: engine.statistics(), Completed),
        (lambda engine: engine.tell(RunNote("hi")), Completed),
        (lambda engine: engine.events().__enter__(), Completed),
    ],
    ids=["stop", "cancel", "statistics", "tell", "events"],
)
def test_an_observer_that_calls_back(
    tmp_path: Path, call: Callable[[Engine], object], outcome: type
) -> None:
    """From within an event the engine does what it does at any other time."""
    tasks = {"a": sh("echo hi; sleep 0.3"), "b": sh("echo b", deps=["~:a"])}
    place = Place.make(tmp_path, tasks)
    calling = Calling(call)

    async def main() -> list[type]:
        workspace, graph = place.load()
        observers: list[Observer] = [calling]
        with trio.fail_after(20):
            async with open_engine(workspace, graph, host=place.host, observers=observers) as own:
                calling.engine = own
                return [type(outcome) for _, outcome in await own.run()]

    assert trio.run(main) == [outcome, outcome]
    assert place.processes() == []


@pytest.mark.row("J12")
@pytest.mark.parametrize("rounds", [40, pytest.param(1000, marks=pytest.mark.deep)])
def test_equal_runs_tell_equal_stories(rounds: int) -> None:
    """However trio shuffles what is ready, steps of different lengths give one order of events."""
    names = "abcdefgh"
    tasks = [planned(name, *names[max(0, n - 3) : n : 2]) for n, name in enumerate(names)]
    scripts = {
        name: Script(look=0.01 * n, run=1 + 0.1 * n, code=int(name == "f"))
        for n, name in enumerate(names)
    }
    stories = set()
    for _ in range(rounds):
        recorder = Recorder()

        async def main(recorder: Recorder = recorder) -> None:
            loop = Loop(ScriptedWorker(scripts), Announcer([recorder]), grace=1)
            await loop.run(Plan(tasks, Limits(3, {})), jobs(*names))

        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
        stories.add(repr([event for _, event in recorder.events]))
    assert len(stories) == 1


@pytest.mark.row("J14")
def test_a_mutex_is_free_when_its_holder_cannot_start(tmp_path: Path) -> None:
    """The program of one task is missing: the other one gets the mutex, with one slot as well."""
    tasks = {
        "a": {"command": ["no-such-program"], "mutex": "m"},
        "b": sh("echo ran", mutex="m"),
    }
    home = Home.make(tmp_path, tasks)
    done = home.haz("run", "--workspace", "-j", "1")
    assert (done.code, done.out) == (1, b"[p:b] ran\n")
    assert_quiet(done.err)
