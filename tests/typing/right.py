"""What a host program writes: mypy and pyright have to see these very types, and no error.

Nothing here is executed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import assert_never, assert_type

import trio

import haz_trio
from haz_trio import (
    Cancelled,
    Command,
    Completed,
    Emit,
    Ending,
    Engine,
    Errored,
    Event,
    EventStream,
    Exited,
    Failed,
    Outcome,
    Policy,
    Record,
    RunReport,
    Signalled,
    Skipped,
    Source,
    Stop,
    Stream,
    TaskContext,
    TaskGraph,
    TaskId,
    TaskOutput,
    TimedOut,
    Told,
    Workspace,
)


async def runs() -> None:
    workspace = haz_trio.load_workspace(".")
    assert_type(workspace, Workspace)
    graph = haz_trio.build_graph(workspace)
    assert_type(graph, TaskGraph)
    assert_type(haz_trio.resolve(graph, ["~:a"]), frozenset[TaskId])
    assert_type(haz_trio.query_tasks(graph, "tag:c"), tuple[TaskId, ...])
    async with haz_trio.open_engine(workspace, graph, policy=Policy(slots=2)) as engine:
        assert_type(engine, Engine)
        report = await engine.run(graph.ids)
        assert_type(report, RunReport)
        assert_type(report.outcomes, Mapping[TaskId, Outcome])
        assert_type(haz_trio.exit_code_for(report), int)
        engine.stop(grace=0)
        with engine.events() as events:
            assert_type(events, EventStream)
            async for told in events:
                assert_type(told, Told)
                assert_type(told.event, Event)
                if isinstance(told.event, TaskOutput):
                    assert_type(told.event.data, bytes)
        statistics = engine.statistics()
        if statistics is not None:
            assert_type(statistics.running, int)


def every_outcome(outcome: Outcome) -> str:
    """The union is closed."""
    match outcome:
        case Completed(source, record):
            assert_type(source, Source)
            assert_type(record, Record)
            return record.key
        case Failed(status):
            match status:
                case Exited(code):
                    return str(code)
                case Signalled(signal):
                    return str(signal)
                case TimedOut(seconds):
                    return str(seconds)
                case _:
                    assert_never(status)
        case Errored(reason):
            return reason
        case Skipped() | Cancelled():
            return ""
        case _:
            assert_never(outcome)


class Listener:
    """An observer needs no base class."""

    def notice(self, event: Event, at: float) -> None: ...

    async def wait_ready(self) -> None: ...


async def back_end(command: Command, emit: Emit, *, stop: Stop) -> Ending:
    """A way to run commands is a function."""
    assert_type(stop.ask, trio.CancelScope)
    await emit(Stream.STDOUT, " ".join(command.argv).encode())
    return Ending(Exited(0), halted=False)


async def seed(task: TaskContext) -> None:
    await task.print("a", 1, stream=Stream.STDERR)
    status = await task.run(["true"], check=False)
    assert_type(status, Exited | Signalled | TimedOut)


def built() -> Workspace:
    task = haz_trio.make_task("seed", function=seed, outputs=["out"])
    assert_type(task, haz_trio.Task)
    project = haz_trio.make_project("p", "/p", [task], tags=["t"])
    workspace = haz_trio.make_workspace("/tmp", [project])
    haz_trio.open_engine(workspace, observers=[Listener()], run_command=back_end)
    return haz_trio.add_tasks(workspace, "p", [haz_trio.make_task("a", shell="true")])


async def hosted(send: Callable[[str], Awaitable[None]]) -> None:
    async with haz_trio.open_engine(built()) as engine, trio.open_nursery() as nursery:
        nursery.start_soon(engine.run, [TaskId("p", "seed")])
