"""A small world for the shortcuts: twin workspaces, a coarse clock, and commands carried out here.

Everything that happens in one step of the world bears the same time, rounded down to a coarse
tick: the kernel's stamps are read as those of the step in which they were made.
One twin is run with every shortcut, the other with none of them and no state of earlier runs.
"""

from __future__ import annotations

import bisect
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import trio

from haz_trio.abc import Command, Emit, Ending, Stop
from haz_trio.cache.known import PLACE as KNOWN
from haz_trio.config.load import load_with_sources
from haz_trio.config.snapshot import PLACE as SNAPSHOT
from haz_trio.config.snapshot import Origin, find_snapshot
from haz_trio.engine.direct import Rest, drive
from haz_trio.engine.engine import open_engine_with
from haz_trio.engine.jobs import Jobs
from haz_trio.engine.kit import Kit, make_kit
from haz_trio.errors import HazError
from haz_trio.graph.build import build_graph
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import Workspace
from haz_trio.plan.machine import Plan
from haz_trio.plan.messages import Event, Stream, TaskOutput
from haz_trio.plan.outcome import Completed, Exited, RunReport
from haz_trio.plan.policy import Policy
from haz_trio.trust import FIELDS, SENSES, Senses

if TYPE_CHECKING:
    from haz_trio.trust import Row

MILLISECOND = 1_000_000
SECOND = 1_000 * MILLISECOND
SLOTS = 10  # as many as there are tasks, so that none waits for another one's look
START = 1_700_000_000 * SECOND


@attrs.define
class Clock:
    """Time that passes when told, and the stamps that a file system would have given."""

    folder: Path
    tick: int = 10 * MILLISECOND
    digits: int = 1
    """What stamps end with: other than 0 where the file system shows its sub-milliseconds."""

    now: int = START
    _reals: list[int] = attrs.field(factory=lambda: [0])
    _fakes: list[int] = attrs.field(factory=lambda: [START - 1000 * SECOND])

    def __attrs_post_init__(self) -> None:
        self.advance(0)

    @property
    def senses(self) -> Senses:
        return Senses(lambda: self.now, self.row_of)

    def advance(self, duration: int) -> None:
        """Begin a new step, so many nanoseconds after the last one or, below 0, before it."""
        self.now += duration
        probe, before = self.folder / "probe", time.time_ns()
        while True:  # until the kernel's own ticks, a few milliseconds long, tell steps apart
            probe.write_bytes(b"")
            stamp = probe.stat().st_ctime_ns
            if stamp > before:
                break
        self._reals.append(stamp)
        self._fakes.append(self.now // self.tick * self.tick + self.digits)

    def row_of(self, info: os.stat_result) -> Row:
        dev, ino, size, mtime, ctime, mode = FIELDS(info)
        return (dev, ino, size, self._seen(mtime), self._seen(ctime), mode)

    def _seen(self, stamp: int) -> int:
        if stamp < self._reals[1]:
            return stamp  # set by hand, or older than the world
        return self._fakes[bisect.bisect_right(self._reals, stamp) - 1]


@attrs.frozen
class Result:
    """What a run comes to: for each task its outcome, key and output; or an error."""

    tasks: Mapping[str, tuple[str, str, bytes]]
    error: str = ""


@attrs.define
class Twin:
    """One of the two workspaces."""

    root: Path
    senses: Senses
    shortcuts: bool
    host: dict[str, str]

    proven: int = 0
    """How many looks were answered by proofs alone."""

    snapshots: int = 0
    """How many runs did not read the configuration."""

    def run(self, names: tuple[str, ...]) -> Result:
        """Run the tasks of these names, or all, and what they depend on."""
        if not self.shortcuts:
            for place in (KNOWN, SNAPSHOT):
                with suppress(FileNotFoundError):
                    (self.root / place).unlink()
        try:
            kit = self.kit()
        except HazError as problem:
            return Result({}, str(problem).replace(str(self.root), "ROOT"))
        graph = kit.graph
        chosen = [id for id in graph.ids if not names or id.task in names]
        said: dict[TaskId, bytes] = {}
        report = _carry_out(kit, graph.closure(chosen), said)
        if self.shortcuts:
            self.proven += _count_proven(kit)
        return Result(
            {str(id): (*_summary(report, id), said.get(id, b"")) for id, _ in report},
        )

    def kit(self) -> Kit:
        """What a run needs that begins now; raises ``HazError``."""
        workspace, graph, origin = self._load()
        return make_kit(
            workspace,
            graph,
            host=self.host,
            origin=origin,
            policy=Policy(slots=SLOTS),
            proofs=self.shortcuts,
            senses=self.senses if self.shortcuts else SENSES,
        )

    def _load(self) -> tuple[Workspace, TaskGraph, Origin]:
        here = os.path.realpath(self.root)
        if self.shortcuts:
            seen = self.senses.clock()
            snapshot = find_snapshot(here, senses=self.senses)
            if snapshot is not None:
                self.snapshots += 1
                return snapshot.workspace, snapshot.graph, Origin(snapshot, None, seen)
        else:
            seen = time.time_ns()
        workspace, sources = load_with_sources(here, senses=self.senses)
        return workspace, build_graph(workspace), Origin(None, sources, seen)

    def tree(self) -> dict[str, tuple[int, bytes]]:
        """All that is in the workspace but for the cache: modes, bytes, and what links say."""
        return dict(sorted(self._tree(self.root)))

    def _tree(self, folder: Path) -> Iterator[tuple[str, tuple[int, bytes]]]:
        for item in os.scandir(folder):
            mode, data = item.stat(follow_symlinks=False).st_mode, b""
            path = Path(item.path)
            if item.is_symlink():
                data = os.fsencode(path.readlink())
            elif item.is_file():
                data = path.read_bytes()
            elif item.is_dir():
                if path == self.root / ".haz/cache":
                    continue
                yield from self._tree(path)
            yield str(path.relative_to(self.root)), (mode, data)


def _summary(report: RunReport, id: TaskId) -> tuple[str, str]:
    outcome = report.outcomes[id]
    if isinstance(outcome, Completed):
        return outcome.source.value, outcome.record.key
    return type(outcome).__name__, ""


def _count_proven(kit: Kit) -> int:
    return kit.recall.recalled


def _carry_out(kit: Kit, tasks: tuple[TaskId, ...], said: dict[TaskId, bytes]) -> RunReport:
    def tell(event: Event) -> None:
        if isinstance(event, TaskOutput):
            said[event.task] = said.get(event.task, b"") + event.data

    return drive_whole(kit, tasks, tell)


def drive_whole(
    kit: Kit, tasks: tuple[TaskId, ...], tell: Callable[[Event], None], *, directly: bool = True
) -> RunReport:
    """Carry a plan out as ``haz run`` does; or in the loop alone, not ``directly``."""

    class Listener:
        def notice(self, event: Event, at: float) -> None:
            tell(event)

        async def wait_ready(self) -> None:
            await trio.lowlevel.checkpoint()

    if directly:
        kit.look_ahead(1)
    rest, plan, jobs = None, *kit.plan(tasks)
    if directly:
        rest = start(kit, plan, jobs, tell)
        kit.recall.look_alone()
        if plan.finished:
            kit.finish()
            kit.save()
            return plan.report()

    async def go_on() -> RunReport:
        with trio.fail_after(30):
            async with open_engine_with(
                kit, run_command=carry_out, observers=[Listener()]
            ) as engine:
                if rest is None:
                    return await engine.run_only(tasks)
                return await engine.take_over(plan, jobs, rest)

    return trio.run(go_on)


def start(
    kit: Kit,
    plan: Plan,
    jobs: Jobs,
    tell: Callable[[Event], None],
    clock: Callable[[], float] = time.monotonic,
) -> Rest:
    """Carry a plan as far as it goes without a loop."""
    kit.begin()
    return drive(plan, jobs, kit.recall.recall, kit.looker, tell, clock=clock)


async def carry_out(command: Command, emit: Emit, *, stop: Stop) -> Ending:
    """``cat OUT IN...``: what all files below IN hold, by their names, into OUT; or fail."""
    await trio.lowlevel.checkpoint()
    said = _concatenate(command)
    if said is None:
        await emit(Stream.STDERR, b"failed\n")
        return Ending(Exited(1), False, ())
    await emit(Stream.STDOUT, said)
    return Ending(Exited(0), False, ())


def _concatenate(command: Command) -> bytes | None:
    _, out, *places = command.argv
    lines = [f"{name}={value}" for name, value in sorted(command.env.items())]
    for place in places:
        for path in sorted(_files(Path(command.cwd, place))):
            text = path.read_text(errors="replace")
            if "fail" in text:
                return None
            lines.append(f"{path.relative_to(command.cwd)} {text}")
    target = Path(command.cwd, out)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink():
            target.unlink()
        target.write_text("\n".join(lines))
    except OSError:
        return None
    return f"{len(lines)} {lines[-1] if lines else ''}\n".encode()


def _files(place: Path) -> Iterator[Path]:
    if place.is_dir():
        for item in place.iterdir():
            yield from _files(item)
    elif place.is_file():
        yield place


# -- the workspace ----------------------------------------------------------------------------


def cat(out: str, *places: str, **fields: object) -> dict[str, object]:
    return {"command": ["cat", out, *places], "outputs": [out], **fields}


def project(name: str, variant: str = "") -> dict[str, object]:
    """Two layers, a glob, a literal, a shared folder and an environment."""
    tasks = {
        "gen": cat("out/gen.txt", "src", inputs=["src/**"], env={"from_host": ["MODE"]}),
        "lit": cat("out/lit.txt", "src/a", inputs=["src/a"]),
        "all": cat("bin/all", "../../shared", inputs=["/shared/**"]),
        "use": cat("bin/use", "out", inputs=["out/*.txt"], deps=["~:gen", "~:lit"]),
        "tree": cat("tree/deep/x", "src", inputs=["src/**"], outputs=["tree/**"]),
    }
    if variant:
        tasks["gen"]["command"] = ["cat", "out/gen.txt", "src", variant]
        tasks["tree"]["inputs"] = ["src/*"]
    return {"name": name, "tags": ["t"], "tasks": tasks}


def populate(root: Path, project: Callable[[str], object] = project) -> None:
    """Two projects, what they read, and what both read."""
    texts = {
        ".haz/workspace.yml": json.dumps({"projects": ["/libs/*"]}),
        "shared/s": "shared",
        **{f"libs/{name}/haz.yml": json.dumps(project(name)) for name in ("one", "two")},
        **{f"libs/{name}/src/{file}": file * 4 for name in ("one", "two") for file in "abc"},
        "libs/one/src/deep/d": "dddd",
    }
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def proven_twin(folder: Path) -> Twin:
    """A workspace in which everything is proven."""
    clock = Clock(folder)
    twin = Twin(folder / "w", clock.senses, True, {"MODE": "1"})
    populate(twin.root)
    for _ in range(3):
        twin.run(())
        clock.advance(10 * SECOND)
    return twin
