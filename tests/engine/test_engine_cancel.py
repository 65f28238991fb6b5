"""One task of a real run is cancelled by the host, and nothing but it (architecture.md 4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio

from haz_trio.engine.engine import Engine
from haz_trio.engine.opening import open_engine
from haz_trio.errors import ArgumentError
from haz_trio.model.names import TaskId
from haz_trio.output.receipts import Receipts
from haz_trio.plan.messages import RunStopping, TaskOutput
from haz_trio.plan.outcome import ByCaller, Cancelled, RunReport, UpstreamCancelled
from tests.engine.support import Recorder
from tests.engine.workspaces import CACHE, FRESH, Place, go, id_of, sh, statistics_of, until
from tests.faults.sweep import State, held_locks, litter

UP = "echo up; while :; do sleep 0.02; done"
DEAF = f"trap '' TERM; {UP}"
STOPPED = Cancelled(ByCaller())


def said(recorder: Recorder, name: str) -> bytes:
    """What a task has printed so far."""
    events = recorder.of(TaskOutput)
    chunks = [e.data for e in events if isinstance(e, TaskOutput) and e.task == id_of(name)]
    return b"".join(chunks)


def when_up(
    name: str, act: Callable[[Engine], object]
) -> Callable[[Engine, Recorder], Awaitable[None]]:
    async def meanwhile(engine: Engine, recorder: Recorder) -> None:
        await until(lambda: b"up\n" in said(recorder, name))
        act(engine)

    return meanwhile


def test_one_task_ends_and_the_others_go_on(tmp_path: Path) -> None:
    """SIGTERM for it, its last words, what depends on it; the rest completes, the next run too."""
    tasks = {
        "bad": sh(f"trap 'echo bye; touch go; exit 0' TERM; {UP}", outputs=["out"]),
        "behind": sh("true", deps=["~:bad"]),
        "other": sh("while ! [ -e go ]; do sleep 0.02; done; echo ok"),
        "last": sh("true", deps=["~:other"]),
    }
    place = Place.make(tmp_path, tasks)
    ran = go(place, meanwhile=when_up("bad", lambda engine: engine.cancel(id_of("bad"))))
    assert ran.outcome("bad") == STOPPED
    assert ran.said("bad") == b"up\nbye\n"
    assert ran.outcome("behind") == Cancelled(UpstreamCancelled(id_of("bad")))
    assert (ran.sources()["other"], ran.sources()["last"]) == (FRESH, FRESH)
    assert not ran.report.stopped
    assert not ran.recorder.of(RunStopping)
    assert place.processes() == []
    assert place.litter() == []
    again = go(place, "other", "bad", meanwhile=when_up("bad", lambda engine: engine.stop()))
    assert again.sources()["other"] == CACHE


def test_a_task_that_ignores_it_is_killed_behind_its_grace(tmp_path: Path) -> None:
    """The receipt has both signals, the grace, and the host as the root of it all."""
    tasks = {"deaf": sh(DEAF), "behind": sh("true", deps=["~:deaf"])}
    place = Place.make(tmp_path, tasks, execution={"cancel_grace": 0.3})
    ran = go(place, meanwhile=when_up("deaf", lambda engine: engine.cancel(id_of("deaf"))))
    receipts = Receipts()
    for _, event in ran.recorder.events:
        receipts.notice(event)
    receipt = receipts.of(id_of("deaf"), ran.outcome("deaf"))
    assert receipt["cause"] == {"kind": "caller"}
    assert receipt["grace"] == 0.3
    sent = receipt["signals"]
    assert isinstance(sent, list)
    assert [each["name"] for each in sent] == ["SIGTERM", "SIGKILL"]
    assert 0.29 <= sent[1]["at"] - sent[0]["at"] < 2
    behind = receipts.of(id_of("behind"), ran.outcome("behind"))
    assert behind["cause"] == {
        "kind": "task",
        "task": "p:deaf",
        "state": "cancelled",
        "cause": {"kind": "caller"},
    }
    assert place.processes() == []


def test_without_grace_a_task_is_killed_at_once(tmp_path: Path) -> None:
    """Also when its grace of a minute goes on."""
    place = Place.make(tmp_path, {"deaf": sh(DEAF)}, execution={"cancel_grace": 60})

    async def twice(engine: Engine, recorder: Recorder) -> None:
        await until(lambda: b"up\n" in said(recorder, "deaf"))
        engine.cancel(id_of("deaf"))
        await trio.sleep(0.1)
        assert statistics_of(engine).running
        engine.cancel(id_of("deaf"), grace=0)

    assert go(place, meanwhile=twice).outcome("deaf") == STOPPED
    assert place.processes() == []


def test_a_large_input_is_not_read_to_its_end_for_nobody(tmp_path: Path) -> None:
    """A task that is looked at ends between two pieces of a file."""
    place = Place.make(tmp_path, {"big": sh("true", inputs=["huge"]), "c": sh("true")})
    with (tmp_path / "p/huge").open("wb") as file:
        file.truncate(1 << 36)

    async def cancel(engine: Engine, recorder: Recorder) -> None:
        await until(lambda: statistics_of(engine).looking)
        engine.cancel(id_of("big"))

    ran = go(place, meanwhile=cancel)
    assert ran.outcome("big") == STOPPED
    assert ran.sources()["c"] == FRESH
    assert place.litter() == []


def test_what_is_no_task_is_refused_at_the_call(tmp_path: Path) -> None:
    """The message has the argument and its value; the run goes on, and nothing is cancelled."""
    place = Place.make(tmp_path, {"a": sh(f"{UP.replace(':', '! [ -e go ]')}")})

    def wrong(engine: Engine) -> None:
        with pytest.raises(ArgumentError, match="task is p:no, which is no task of the graph"):
            engine.cancel(id_of("no"))
        with pytest.raises(ArgumentError, match="task is 'p:a' of type str"):
            engine.cancel("p:a")  # type: ignore[arg-type]
        with pytest.raises(ArgumentError, match="grace is 2"):
            engine.cancel(id_of("a"), grace=2)
        place.write("p/go", "")

    assert go(place, meanwhile=when_up("a", wrong)).sources() == {"a": FRESH}


def test_a_cancellation_holds_for_the_run_that_goes_on(tmp_path: Path) -> None:
    """Before it, behind it and for tasks that are not of it nothing happens, then or later."""
    place = Place.make(tmp_path, {"a": sh("echo a"), "b": sh("echo b")})

    async def main() -> list[RunReport]:
        workspace, graph = place.load()
        reports = []
        async with open_engine(workspace, graph, host=place.host) as engine:

            async def run(targets: list[TaskId], began: trio.Event) -> None:
                began.set()
                reports.append(await engine.run(targets))
                engine.cancel(id_of("a"))

            engine.cancel(id_of("a"))
            for targets in ([id_of("a")], [id_of("a"), id_of("b")]):
                async with trio.open_nursery() as nursery:
                    began = trio.Event()
                    nursery.start_soon(run, targets, began)
                    await began.wait()
                    engine.cancel(id_of("b"))
        return reports

    first, second = trio.run(main)
    assert [type(outcome).__name__ for _, outcome in first] == ["Completed"]
    assert [type(outcome).__name__ for _, outcome in second] == ["Completed", "Cancelled"]


BUSY = {
    "a": sh("seq 1 400000; head -c 20000000 /dev/zero > a.out", outputs=["a.out"]),
    "b": sh(f"(setsid sleep 60 &) ; (sleep 60 &) ; {DEAF}"),
    "c": sh("cat a.out | wc -c", deps=["~:a"], inputs=["a.out"]),
    "d": sh("true", deps=["~:b"]),
}


@pytest.mark.parametrize("after", [0.0, 0.02, 0.1, 0.3])
def test_nothing_is_left_whenever_it_comes(tmp_path: Path, after: float) -> None:
    """No process, descriptor, thread, lock or temporary file, while the others complete."""
    execution = {"containment": "strict", "cancel_grace": 0.1}
    place = Place.make(tmp_path, BUSY, execution=execution)

    async def main() -> RunReport:
        await trio.to_thread.run_sync(int)
        workspace, graph = place.load()
        before = State.now()
        with trio.fail_after(20):
            async with (
                open_engine(workspace, graph, host=place.host) as engine,
                trio.open_nursery() as nursery,
            ):

                async def cancel() -> None:
                    await trio.sleep(after)
                    engine.cancel(id_of("b"))

                nursery.start_soon(cancel)
                await trio.lowlevel.checkpoint()
                report = await engine.run()
        assert State.now() == before
        return report

    report = trio.run(main)
    assert report.outcomes[id_of("b")] == STOPPED
    assert report.outcomes[id_of("d")] == Cancelled(UpstreamCancelled(id_of("b")))
    assert report.succeeded
    assert place.processes() == []
    assert litter(tmp_path) == []
    assert not held_locks(tmp_path)
