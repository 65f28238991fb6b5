"""One task's steps with a store in memory and commands that start nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from haz_trio.abc import Command, Emit, Ending, Stop
from haz_trio.cache.backups import Backups
from haz_trio.cache.inputs import InputReader
from haz_trio.engine.jobs import Job, job_for
from haz_trio.engine.keys import Keys
from haz_trio.engine.looker import Looker
from haz_trio.engine.threads import Threads
from haz_trio.engine.worker import Worker
from haz_trio.errors import SpawnError
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import HashName
from haz_trio.plan.messages import (
    Broke,
    Ended,
    Event,
    Halted,
    Hit,
    Kept,
    Missed,
    Ran,
    Stream,
    TaskNote,
    TaskOutput,
    Upstream,
)
from haz_trio.plan.outcome import Exited, Signalled
from haz_trio.testing.memory_store import MemoryStore, digest
from tests.engine.workspaces import Act, Place, ScriptedCommand, ending

BUILD = TaskId("p", "build")


@attrs.define
class Listener:
    """Writes down what the worker tells."""

    events: list[Event] = attrs.field(factory=list)

    def tell(self, event: Event) -> None:
        self.events.append(event)

    async def wait_ready(self) -> None:
        await trio.lowlevel.checkpoint()

    def output(self) -> list[tuple[Stream, bytes]]:
        """The pieces that were shown, neighbours of one stream joined."""
        joined: list[tuple[Stream, bytes]] = []
        for event in self.events:
            if isinstance(event, TaskOutput):
                if joined and joined[-1][0] is event.stream:
                    joined[-1] = (event.stream, joined[-1][1] + event.data)
                else:
                    joined.append((event.stream, event.data))
        return joined

    def notes(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, TaskNote)]


@attrs.define
class Bench:
    """One task ``p:build``, a worker for it, and all that the worker talks to."""

    place: Place
    job: Job
    store: MemoryStore
    command: ScriptedCommand
    listener: Listener
    worker: Worker

    @classmethod
    def make(
        cls,
        root: Path,
        act: Act,
        *,
        chunk: int = 1 << 18,
        producers: tuple[TaskId, ...] = (),
        backups: Backups | None = None,
        threads: Threads | None = None,
        task_timeout: float = math.inf,
        **fields: object,
    ) -> Bench:
        place = Place.make(root, {"build": {"command": ["tool", "build"], **fields}})
        workspace, graph = place.load()
        store = MemoryStore(root, chunk)
        command, listener = ScriptedCommand({"build": act}), Listener()
        reader = InputReader(workspace.root, HashName.BLAKE3)
        keys = Keys(reader, HashName.BLAKE3, place.host, lambda _: producers)
        worker = Worker(
            store,
            keys,
            Looker(store, keys),
            command,
            listener,
            threads or Threads(),
            task_timeout=task_timeout,
            backups=backups,
        )
        job = job_for(graph.nodes[BUILD], workspace, place.host)
        return cls(place, job, store, command, listener, worker)

    async def look(
        self, stop: Stop | None = None, upstream: tuple[Upstream, ...] = ()
    ) -> Hit | Missed | Broke | Halted:
        return await self.worker.look(self.job, upstream, stop=stop or new_stop())

    async def run(self, stop: Stop | None = None) -> Ran | Ended | Broke | Halted:
        return await self.worker.run(self.job, stop=stop or new_stop())

    async def look_and_run(self) -> Ran | Ended | Broke | Halted:
        assert isinstance(await self.look(), Missed)
        return await self.run()


def new_stop() -> Stop:
    return Stop(trio.CancelScope(), trio.CancelScope(), 1.0)


def write(command: Command, name: str, text: str) -> None:
    """A file in the directory of a command."""
    path = Path(command.cwd, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def does(
    *,
    files: Mapping[str, str] | None = None,
    says: tuple[tuple[Stream, bytes], ...] = (),
    code: int = 0,
    leftovers: tuple[str, ...] = (),
) -> Act:
    """A command that writes files below its directory, says things and ends."""

    async def act(command: Command, emit: Emit, stop: Stop) -> Ending:
        for name, text in (files or {}).items():
            write(command, name, text)
        for stream, data in says:
            await emit(stream, data)
        return ending(code, *leftovers)

    return act


MIXED = (
    (Stream.STDERR, b"e1\n"),
    (Stream.STDOUT, b"o1\n\xff\0"),
    (Stream.STDERR, b"e2"),
    (Stream.STDOUT, b"o2"),
)


async def miss_run_keep(bench: Bench) -> Ran:
    missed = await bench.look()
    assert isinstance(missed, Missed)
    ran = await bench.run()
    assert isinstance(ran, Ran)
    assert ran.record.key == missed.key
    assert await bench.worker.keep(bench.job, frozenset()) == Kept(BUILD)
    return ran


def test_what_was_kept_is_hit(tmp_path: Path) -> None:
    """A hit has the record of the run that was kept, and puts its files back."""
    bench = Bench.make(tmp_path, does(files={"o.txt": "made"}, says=MIXED), outputs=["o.txt"])

    async def main() -> None:
        ran = await miss_run_keep(bench)
        assert ran.record.outputs == ran.written == ("/p/o.txt",)
        assert ran.record.stdout == digest(b"o1\n\xff\0o2")
        (tmp_path / "p/o.txt").unlink()
        assert await bench.look() == Hit(BUILD, ran.record)
        assert (tmp_path / "p/o.txt").read_text() == "made"

    trio.run(main)
    assert bench.store.open == 0
    assert len(bench.command.commands) == 1


def test_a_replay_is_all_of_stdout_then_all_of_stderr(tmp_path: Path) -> None:
    """The bytes of each stream are those of the run; stdout comes first (execution.md 5.1)."""
    bench = Bench.make(tmp_path, does(says=MIXED))

    async def main() -> None:
        await miss_run_keep(bench)
        assert tuple(bench.listener.output()) == MIXED
        bench.listener.events.clear()
        assert isinstance(await bench.look(), Hit)

    trio.run(main)
    assert bench.listener.output() == [
        (Stream.STDOUT, b"o1\n\xff\0o2"),
        (Stream.STDERR, b"e1\ne2"),
    ]


@pytest.mark.parametrize("chunk", [1, 1000, 1 << 18, 1 << 20])
@pytest.mark.parametrize("size", [0, 1, 999, 1000, 2001, (1 << 18) - 1, 1 << 18, (1 << 19) + 7])
def test_a_replay_is_whole_whatever_its_pieces(tmp_path: Path, chunk: int, size: int) -> None:
    """No byte of a recorded stream is lost, also where a store gives it in small pieces."""
    size = min(size, 50 * chunk)
    data = bytes(n % 251 for n in range(1000)) * (size // 1000 + 1)
    says = ((Stream.STDOUT, data[:size]), (Stream.STDERR, b"end"))
    bench = Bench.make(tmp_path, does(says=says), chunk=chunk)

    async def main() -> None:
        await miss_run_keep(bench)
        bench.listener.events.clear()
        assert isinstance(await bench.look(), Hit)

    trio.run(main)
    assert bench.listener.output() == [(stream, said) for stream, said in says if said]


def test_the_command_is_what_was_declared(tmp_path: Path) -> None:
    """Words, directory and environment reach the process back end as declared, and no more."""
    bench = Bench.make(tmp_path, does(), env={"from_host": ["NOPE"], "override": {"A": "1"}})
    trio.run(bench.look_and_run)
    command = bench.command.commands[0]
    assert command == Command(("tool", "build"), str(tmp_path / "p"), {"A": "1"}, "p:build")


def test_a_failure_is_not_collected(tmp_path: Path) -> None:
    """Another status than 0 ends the step; nothing is pending any more."""
    bench = Bench.make(tmp_path, does(code=3), outputs=["o.txt"])
    assert trio.run(bench.look_and_run) == Ended(BUILD, Exited(3))
    assert bench.store.open == 0
    assert "commit" not in bench.store.calls


def test_a_death_by_signal_is_a_failure(tmp_path: Path) -> None:
    """A process that somebody else killed has failed, it was not cancelled."""

    async def act(command: Command, emit: Emit, stop: Stop) -> Ending:
        return Ending(Signalled(9), halted=False)

    bench = Bench.make(tmp_path, act)
    assert trio.run(bench.look_and_run) == Ended(BUILD, Signalled(9))


def test_a_missing_output_breaks(tmp_path: Path) -> None:
    """Success without a declared output is an error that names it."""
    bench = Bench.make(tmp_path, does(), outputs=["o.txt"])
    fact = trio.run(bench.look_and_run)
    assert isinstance(fact, Broke)
    assert "/p/o.txt" in fact.reason
    assert bench.store.open == 0


def test_a_program_that_cannot_be_started_breaks(tmp_path: Path) -> None:
    """The reason of the process back end is the reason of the fact."""

    async def act(command: Command, emit: Emit, stop: Stop) -> Ending:
        raise SpawnError("program `tool` cannot be started: no such file")

    bench = Bench.make(tmp_path, act)
    fact = trio.run(bench.look_and_run)
    assert fact == Broke(BUILD, "program `tool` cannot be started: no such file")
    assert bench.store.open == 0


def test_a_missing_input_breaks_and_names_who_makes_it(tmp_path: Path) -> None:
    """The look says which input is missing, who makes it, and what to write into `deps`."""
    bench = Bench.make(tmp_path, does(), inputs=["gen.c"], producers=(BUILD, TaskId("q", "gen")))

    async def main() -> Broke:
        fact = await bench.look()
        assert isinstance(fact, Broke)
        return fact

    reason = trio.run(main).reason
    assert "/p/gen.c" in reason
    assert "q:gen" in reason
    assert "deps" in reason
    assert "p:build" not in reason
    assert bench.store.calls == []


def test_the_key_depends_on_what_came_before(tmp_path: Path) -> None:
    """Other streams of a predecessor are another key (CACHE-007)."""
    bench = Bench.make(tmp_path, does())

    async def main() -> set[str]:
        keys = set()
        for byte in (b"a", b"b"):
            upstream = (Upstream(TaskId("p", "first"), digest(byte), digest(b"")),)
            fact = await bench.look(upstream=upstream)
            assert isinstance(fact, Missed)
            keys.add(fact.key)
        return keys

    assert len(trio.run(main)) == 2


def test_an_input_edited_meanwhile_is_not_stored(tmp_path: Path) -> None:
    """The task is kept as a success, its result is not, and a note names the file (5.7)."""

    async def act(command: Command, emit: Emit, stop: Stop) -> Ending:
        write(command, "in.txt", "other")
        return ending()

    bench = Bench.make(tmp_path, act, inputs=["in.txt"])
    bench.place.write("p/in.txt", "first")
    trio.run(miss_run_keep, bench)
    assert bench.store.entries == {}
    assert bench.store.open == 0
    [note] = bench.listener.notes()
    assert "/p/in.txt" in note
    assert "not stored" in note


def test_own_outputs_may_change_own_inputs(tmp_path: Path) -> None:
    """A formatter is stored although it rewrote what it reads."""
    bench = Bench.make(
        tmp_path, does(files={"in.txt": "formatted"}), inputs=["*.txt"], outputs=["*.txt"]
    )
    bench.place.write("p/in.txt", "first")
    trio.run(miss_run_keep, bench)
    assert len(bench.store.entries) == 1
    assert bench.listener.notes() == []


def test_leftovers_are_named_and_not_stored(tmp_path: Path) -> None:
    """Who outlived the command may still write: success, a note, no entry (decisions.md 7)."""
    bench = Bench.make(tmp_path, does(leftovers=("sleep (12)",)))
    trio.run(miss_run_keep, bench)
    assert bench.store.entries == {}
    assert bench.store.open == 0
    assert any("sleep (12)" in note for note in bench.listener.notes())
    assert any("not stored" in note for note in bench.listener.notes())


def test_why_nothing_was_stored_is_said(tmp_path: Path) -> None:
    """What the store answers becomes a note; an empty reason was said before."""
    bench = Bench.make(tmp_path, does())
    bench.store.reason = "the cache is full"
    trio.run(miss_run_keep, bench)
    assert bench.listener.notes() == ["not stored: the cache is full"]


def test_a_drop_discards(tmp_path: Path) -> None:
    """An overlapping result is forgotten without being stored (EXEC-020)."""
    bench = Bench.make(tmp_path, does(files={"o": "x"}), outputs=["o"])

    async def main() -> None:
        assert isinstance(await bench.look_and_run(), Ran)
        assert bench.store.open == 1
        await bench.worker.drop(BUILD)

    trio.run(main)
    assert bench.store.open == 0
    assert bench.store.entries == {}


def test_a_stop_before_the_look_reads_nothing(tmp_path: Path) -> None:
    """A look that was asked to end before it began is halted, and the store is not asked."""
    bench = Bench.make(tmp_path, does())

    async def main() -> object:
        stop = new_stop()
        stop.ask.cancel()
        return await bench.look(stop)

    assert trio.run(main) == Halted(BUILD)
    assert bench.store.calls == []


def test_a_stop_before_the_command_starts_nothing(tmp_path: Path) -> None:
    """Between a miss and its command a stop is heeded (execution.md 8.2)."""
    bench = Bench.make(tmp_path, does())

    async def main() -> object:
        await bench.look()
        stop = new_stop()
        stop.ask.cancel()
        return await bench.run(stop)

    assert trio.run(main) == Halted(BUILD)
    assert bench.command.commands == []
    assert bench.store.open == 0


def test_a_command_that_was_halted_is_cancelled_whatever_its_status(tmp_path: Path) -> None:
    """Exit code 0 after SIGTERM is a cancellation, never stored (EXEC-015)."""

    async def act(command: Command, emit: Emit, stop: Stop) -> Ending:
        with stop.ask:
            await trio.sleep_forever()
        return ending(halted=True)

    bench = Bench.make(tmp_path, act)

    async def main() -> object:
        await bench.look()
        stop = new_stop()
        async with trio.open_nursery() as nursery:

            async def asker() -> None:
                await trio.testing.wait_all_tasks_blocked(0.01)
                stop.ask.cancel()

            nursery.start_soon(asker)
            return await bench.run(stop)

    assert trio.run(main) == Halted(BUILD)
    assert bench.store.open == 0
    assert bench.store.entries == {}


@pytest.mark.parametrize("step", ["run", "keep", "drop"])
def test_a_cancelled_caller_leaves_nothing_pending(tmp_path: Path, step: str) -> None:
    """Cancelled before, in or behind any step, the worker's ``close`` ends every result."""
    bench = Bench.make(tmp_path, does(files={"o": "x"}), outputs=["o"])

    async def main() -> None:
        await bench.look()
        if step != "run":
            await bench.run()
        with trio.CancelScope() as scope:
            scope.cancel()
            match step:
                case "run":
                    await bench.run()
                case "keep":
                    await bench.worker.keep(bench.job, frozenset())
                case _:
                    await bench.worker.drop(BUILD)
        assert scope.cancelled_caught
        bench.worker.close()

    trio.run(main)
    assert bench.store.open == 0


def test_a_bug_in_a_port_is_not_hidden(tmp_path: Path) -> None:
    """An exception that nobody expects propagates, and the result is discarded first."""

    async def act(command: Command, emit: Emit, stop: Stop) -> Ending:
        raise ZeroDivisionError

    bench = Bench.make(tmp_path, act)
    with pytest.raises(ZeroDivisionError):
        trio.run(bench.look_and_run)
    assert bench.store.open == 0
