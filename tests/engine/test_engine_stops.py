"""Stops and cancellations of real runs: nothing is left, whenever they come."""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import trio
import trio.testing

from haz_trio.engine.engine import Engine
from haz_trio.engine.opening import open_engine
from haz_trio.model.names import TaskId
from haz_trio.plan.messages import Event, RunFinished, TaskOutput, TaskSettled
from haz_trio.plan.outcome import Cancelled, InFlight, RunReport, UpstreamCancelled
from tests.engine.support import Recorder
from tests.engine.workspaces import (
    CACHE,
    FRESH,
    Place,
    go,
    open_files,
    sh,
    statistics_of,
    until,
)


def test_a_stop_while_a_large_input_is_read(tmp_path: Path) -> None:
    """A look ends between two pieces of a file, not at its end (E85)."""
    place = Place.make(tmp_path, {"big": sh("true", inputs=["huge"]), "c": sh("true")})
    with (tmp_path / "p/huge").open("wb") as file:
        file.truncate(1 << 36)

    async def stop(engine: Engine, recorder: Recorder) -> None:
        await until(lambda: statistics_of(engine).looking)
        engine.stop()

    ran = go(place, "big", meanwhile=stop)
    assert ran.outcome("big") == Cancelled(InFlight())
    assert ran.report.stopped
    assert place.litter() == []


def test_a_stop_while_a_command_runs(tmp_path: Path) -> None:
    """SIGTERM, the last words, cancelled; a long output leaves no temporary file."""
    script = (
        "trap 'echo bye; exit 0' TERM; seq 1 300000; echo up >&2; while :; do sleep 0.02; done"
    )
    place = Place.make(tmp_path, {"loud": sh(script), "next": sh("true", deps=["~:loud"])})

    async def stop(engine: Engine, recorder: Recorder) -> None:
        await until(lambda: len(recorder.events) > 2 and b"up\n" in heard(recorder))
        engine.stop()

    ran = go(place, meanwhile=stop)
    assert ran.outcome("loud") == Cancelled(InFlight())
    assert ran.said("loud").endswith(b"bye\n")
    assert isinstance(ran.outcome("next"), Cancelled)
    assert place.processes() == []
    assert place.litter() == []


def test_a_cancelled_caller_asks_first(tmp_path: Path) -> None:
    """SIGTERM and the last words as at a stop, and then the cancellation goes on (A11)."""
    script = "trap 'echo bye; sleep 0.1; exit 0' TERM; echo up; while :; do sleep 0.02; done"
    place = Place.make(tmp_path, {"slow": sh(script), "next": sh("true", deps=["~:slow"])})
    recorder = Recorder()
    reports: list[object] = []

    async def main() -> bool:
        workspace, graph = place.load()
        with trio.fail_after(4), trio.CancelScope() as scope:
            async with (
                open_engine(workspace, graph, host=place.host, observers=[recorder]) as engine,
                trio.open_nursery() as nursery,
            ):

                async def cancel() -> None:
                    await until(lambda: said(recorder) == b"up\n")
                    scope.cancel()

                nursery.start_soon(cancel)
                reports.append(await engine.run())
        return scope.cancelled_caught

    assert trio.run(main)
    assert reports == []
    assert b"bye\n" in said(recorder)
    settled = [event for event in recorder.of(TaskSettled) if isinstance(event, TaskSettled)]
    assert [event.task.task for event in settled] == ["slow", "next"]
    assert settled[0].outcome == Cancelled(InFlight())
    assert place.processes() == []


@pytest.mark.parametrize("grace", [None, 0.0])
def test_a_stop_while_inputs_are_read_again(tmp_path: Path, grace: float | None) -> None:
    """An input that grew by 64 GiB meanwhile is read as long as a command has its grace."""
    task = sh("truncate -s 64G huge; echo x > o", inputs=["huge"], outputs=["o"])
    place = Place.make(tmp_path, {"a": task}, execution={"cancel_grace": 0.2})
    place.write("p/huge", "small")

    async def stop(engine: Engine, recorder: Recorder) -> None:
        await until(lambda: (tmp_path / "p/o").exists() and not place.processes())
        with trio.fail_after(3):
            engine.stop(grace=grace)
            await until(lambda: bool(recorder.of(RunFinished)))

    ran = go(place, meanwhile=stop)
    assert ran.outcome("a") == Cancelled(InFlight())
    assert place.litter() == []


def said(recorder: Recorder) -> bytes:
    return b"".join(e.data for e in recorder.of(TaskOutput) if isinstance(e, TaskOutput))


def heard(recorder: Recorder) -> bytes:
    return b"".join(getattr(event, "data", b"")[-8:] for _, event in recorder.events[-3:])


def test_a_stop_while_a_result_is_kept(tmp_path: Path) -> None:
    """What has succeeded is stored and done; what is ready is cancelled (E144)."""
    tasks = {
        "a": sh("head -c 60000000 /dev/zero > big", outputs=["big"]),
        "b": sh("true", deps=["~:a"]),
    }
    place = Place.make(tmp_path, tasks)

    async def stop(engine: Engine, recorder: Recorder) -> None:
        await until(lambda: statistics_of(engine).keeping)
        engine.stop()

    ran = go(place, meanwhile=stop)
    assert ran.sources() == {"a": FRESH, "b": "Cancelled"}
    assert go(place).sources() == {"a": CACHE, "b": FRESH}
    assert place.litter() == []


def test_a_second_stop_kills_at_once(tmp_path: Path) -> None:
    """``stop(grace=0)`` ends a grace of a minute."""
    script = "trap '' TERM; echo up; while :; do sleep 0.02; done"
    place = Place.make(tmp_path, {"deaf": sh(script)}, execution={"cancel_grace": 60})

    async def stop(engine: Engine, recorder: Recorder) -> None:
        await until(lambda: b"up\n" in heard(recorder))
        engine.stop()
        await trio.testing.wait_all_tasks_blocked()
        engine.stop(grace=0)

    ran = go(place, meanwhile=stop)
    assert ran.outcome("deaf") == Cancelled(InFlight())
    assert place.processes() == []


@pytest.mark.parametrize("how", ["at its end", "by an error", "by a cancellation"])
def test_a_block_left_while_a_run_goes_on_stops_it(tmp_path: Path, how: str) -> None:
    """As ``stop`` does: last words, a report, nobody left; whatever is raised goes on."""
    script = "trap 'echo bye; sleep 0.1; exit 0' TERM; echo up; while :; do sleep 0.02; done"
    place = Place.make(tmp_path, {"slow": sh(script), "next": sh("true", deps=["~:slow"])})
    recorder = Recorder()
    reports: list[RunReport] = []

    async def body(engine: Engine) -> None:
        await until(lambda: said(recorder) == b"up\n")
        if how == "by an error":
            raise ValueError("no good")

    async def main() -> None:
        workspace, graph = place.load()

        async def run(engine: Engine) -> None:
            reports.append(await engine.run())

        with trio.fail_after(4):
            async with trio.open_nursery() as nursery:
                with trio.CancelScope() as scope, suppress(ValueError):
                    async with open_engine(
                        workspace, graph, host=place.host, observers=[recorder]
                    ) as engine:
                        nursery.start_soon(run, engine)
                        await body(engine)
                        if how == "by a cancellation":
                            scope.cancel()
                            await trio.sleep_forever()
                assert isinstance(recorder.events[-1][1], RunFinished)
                assert place.processes() == []

    trio.run(main)
    assert b"bye\n" in said(recorder)
    outcomes = {id.task: outcome for id, outcome in reports[0]}
    assert outcomes["slow"] == Cancelled(InFlight())
    assert outcomes["next"] == Cancelled(UpstreamCancelled(TaskId("p", "slow")))
    assert reports[0].stopped
    assert place.litter() == []


def test_a_run_whose_engine_and_caller_end_together_leaves_nothing(tmp_path: Path) -> None:
    """The nursery around the block is cancelled, and with it the body and the run's caller."""
    place = Place.make(tmp_path, {"slow": sh("echo up; exec sleep 60")})
    recorder = Recorder()

    async def main() -> None:
        workspace, graph = place.load()
        with trio.fail_after(4):
            async with (
                trio.open_nursery() as nursery,
                open_engine(workspace, graph, host=place.host, observers=[recorder]) as engine,
            ):
                nursery.start_soon(engine.run)
                await until(lambda: said(recorder) == b"up\n")
                nursery.cancel_scope.cancel()

    trio.run(main)
    assert [type(event) for event in recorder.of(RunFinished)] == [RunFinished]
    assert place.processes() == []
    assert place.litter() == []


class Forgetful(Recorder):
    """Has enough when the first task ends."""

    def notice(self, event: Event, at: float) -> None:
        super().notice(event, at)
        if isinstance(event, TaskSettled):
            raise RuntimeError("has enough")


def test_what_an_observer_raises_behind_the_block_is_noted(tmp_path: Path) -> None:
    """The end of a run that the block has stopped belongs to it."""
    place = Place.make(tmp_path, {"slow": sh("echo up; exec sleep 60")})
    watch = Forgetful()

    async def main() -> None:
        workspace, graph = place.load()
        async with trio.open_nursery() as nursery:
            try:
                async with open_engine(
                    workspace, graph, host=place.host, observers=[watch]
                ) as engine:
                    nursery.start_soon(engine.run)
                    await until(lambda: said(watch) == b"up\n")
                    raise ValueError("no good")
            except ValueError as problem:
                notes.extend(problem.__notes__)

    notes: list[str] = []
    trio.run(main)
    assert notes == ["an observer had raised RuntimeError('has enough')"]


def cancelled_at(place: Place, when: Callable[[Engine], object]) -> None:
    """Cancel the scope around a run at a moment, and leave the engine."""

    async def main() -> None:
        workspace, graph = place.load()
        with trio.fail_after(15):
            async with open_engine(workspace, graph, host=place.host) as engine:
                with trio.CancelScope() as scope:
                    async with trio.open_nursery() as nursery:

                        async def cancel() -> None:
                            await until(lambda: when(engine))
                            scope.cancel()

                        nursery.start_soon(cancel)
                        await engine.run(graph.nodes)
                        nursery.cancel_scope.cancel()

    trio.run(main)


BUSY = {
    "a": sh("seq 1 400000; head -c 20000000 /dev/zero > a.out", outputs=["a.out"]),
    "b": sh("seq 1 400000 >&2; (setsid sleep 60 &) ; sleep 0.1; echo b > b.out", outputs=["b.*"]),
    "c": sh("cat a.out | wc -c", deps=["~:a"], inputs=["a.out"]),
    "d": sh("trap '' TERM; seq 1 200000; sleep 0.2; sleep 0.2"),
}


@pytest.mark.parametrize("state", ["looking", "running", "keeping"])
def test_a_cancelled_caller_leaves_nothing(tmp_path: Path, state: str) -> None:
    """Cancelled in each state of a task: no process, no temporary file, no open file."""
    place = Place.make(tmp_path, BUSY, execution={"containment": "strict"})
    gc.collect()
    before = open_files()
    cancelled_at(place, lambda engine: getattr(statistics_of(engine), state))
    assert place.processes() == []
    assert place.litter() == []
    gc.collect()
    assert open_files() == before


@pytest.mark.parametrize("after", [0.0, 0.01, 0.03, 0.06, 0.1, 0.15, 0.22, 0.3, 0.4])
def test_a_caller_cancelled_at_any_moment_leaves_nothing(tmp_path: Path, after: float) -> None:
    """No process and no temporary file, and the next run gets everything right."""
    place = Place.make(tmp_path, BUSY, execution={"containment": "strict"})

    async def main() -> None:
        workspace, graph = place.load()
        with trio.move_on_after(after):
            async with open_engine(workspace, graph, host=place.host) as engine:
                await engine.run(graph.nodes)

    trio.run(main)
    assert place.processes() == []
    assert place.litter() == []


def test_a_caller_cancelled_while_inputs_are_read_again(tmp_path: Path) -> None:
    """An input that grew by 64 GiB meanwhile is not read to its end for nobody."""
    task = sh("truncate -s 64G huge; echo x > o", inputs=["huge"], outputs=["o"])
    place = Place.make(tmp_path, {"a": task})
    place.write("p/huge", "small")
    cancelled_at(place, lambda _: (tmp_path / "p/o").exists() and not place.processes())
    assert place.litter() == []
