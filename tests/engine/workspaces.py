"""Small real workspaces for the engine: files in a folder, runs of them, what they left."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import attrs
import trio

from haz_trio.abc import Command, Emit, Ending, Observer, RunCommand, Stop, Store
from haz_trio.config.load import load_workspace
from haz_trio.engine.engine import Engine
from haz_trio.engine.opening import open_engine
from haz_trio.graph.build import build_graph
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import Workspace
from haz_trio.plan.messages import RunNote, Stream, TaskNote, TaskOutput
from haz_trio.plan.outcome import Cancelled, Completed, Exited, Outcome, RunReport, Source
from tests.engine.support import Recorder
from tests.process.support import TOKEN, bearers, new_token

PATH = "/usr/local/bin:/usr/bin:/bin"


def sh(script: str, **fields: object) -> dict[str, object]:
    """A shell task that sees PATH and the token by which its processes are found."""
    return {"shell": script, "env": {"from_host": ["PATH", TOKEN]}, **fields}


@attrs.define
class Place:
    """A workspace folder with the one project ``p``, unless a test writes more."""

    root: Path
    host: dict[str, str] = attrs.field(factory=lambda: {"PATH": PATH, **new_token()})

    @property
    def p(self) -> Path:
        return self.root / "p"

    @classmethod
    def make(cls, root: Path, tasks: Mapping[str, object], **settings: object) -> Place:
        place = cls(root)
        place.write(".haz/workspace.yml", json.dumps({"projects": ["/p"], **settings}))
        place.write("p/haz.yml", json.dumps({"name": "p", "tasks": tasks}))
        return place

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def load(self) -> tuple[Workspace, TaskGraph]:
        workspace = load_workspace(self.root)
        return workspace, build_graph(workspace)

    def litter(self) -> list[str]:
        """Temporary names that nobody may leave behind."""
        marks = (".tmp-", ".restore-", ".trash-", ".haz-restore-")
        return sorted(str(path) for path in self.root.rglob("*") if path.name.startswith(marks))

    def processes(self) -> list[int]:
        return bearers(self.host)


@attrs.frozen
class Ran:
    """A run that is over: its report and what its observers heard."""

    report: RunReport
    recorder: Recorder

    def outcome(self, name: str) -> Outcome:
        return self.report.outcomes[TaskId("p", name)]

    def sources(self) -> dict[str, Source | str]:
        """Where each task's result came from, or the class of another outcome."""
        return {
            id.task: outcome.source if isinstance(outcome, Completed) else type(outcome).__name__
            for id, outcome in self.report
        }

    def said(self, name: str, stream: Stream = Stream.STDOUT) -> bytes:
        events = self.recorder.of(TaskOutput)
        return b"".join(
            event.data
            for event in events
            if isinstance(event, TaskOutput)
            and event.task == TaskId("p", name)
            and event.stream is stream
        )

    def notes(self) -> list[str]:
        events = self.recorder.of(TaskNote, RunNote)
        return [event.text for event in events if isinstance(event, TaskNote | RunNote)]


def go(
    place: Place,
    *names: str,
    store: Store | None = None,
    run_command: RunCommand | None = None,
    meanwhile: Callable[[Engine, Recorder], Awaitable[None]] | None = None,
    observers: Sequence[Observer] = (),
) -> Ran:
    """Run tasks of ``p``, all of the workspace if none is named, in a loop of their own."""

    async def main() -> Ran:
        workspace, graph = place.load()
        recorder = Recorder()
        targets = [TaskId("p", name) for name in names] or list(graph.nodes)
        with trio.fail_after(20):
            async with (
                open_engine(
                    workspace,
                    graph,
                    store=store,
                    run_command=run_command,
                    observers=[recorder, *observers],
                    host=place.host,
                ) as engine,
                trio.open_nursery() as nursery,
            ):
                if meanwhile is not None:
                    nursery.start_soon(meanwhile, engine, recorder)
                report = await engine.run(targets)
                nursery.cancel_scope.cancel()
        return Ran(report, recorder)

    return trio.run(main)


async def until(condition: Callable[[], object]) -> None:
    """Return when a condition of the outside world holds."""
    while not condition():  # noqa: ASYNC110  # files and processes send no events
        await trio.sleep(0.005)


Act = Callable[[Command, Emit, Stop], Awaitable[Ending]]


@attrs.define
class ScriptedCommand:
    """A ``RunCommand`` that starts nothing: each command does what its last word names."""

    acts: Mapping[str, Act]
    commands: list[Command] = attrs.field(factory=list)

    async def __call__(self, command: Command, emit: Emit, *, stop: Stop) -> Ending:
        self.commands.append(command)
        return await self.acts[command.argv[-1]](command, emit, stop)


def ending(code: int = 0, *leftovers: str, halted: bool = False) -> Ending:
    return Ending(Exited(code), halted, leftovers)


def cancelled(outcome: Outcome) -> bool:
    return isinstance(outcome, Cancelled)


def open_files() -> set[str]:
    """What is open in this process but for what pytest and trio keep."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")
        except OSError:
            continue
    return {entry for entry in found if "/proc/" not in entry}


FRESH, CACHE = Source.FRESH, Source.CACHE


def id_of(name: str) -> TaskId:
    return TaskId("p", name)


@attrs.frozen
class InFlightNow:
    """The three numbers that tests wait for, all zero before the run."""

    looking: int = 0
    running: int = 0
    keeping: int = 0


def statistics_of(engine: Engine) -> InFlightNow:
    found = engine.statistics()
    if found is None:
        return InFlightNow()
    return InFlightNow(found.looking, found.running, found.keeping)
