"""The real engine with the real store and real processes, in small workspaces."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio
import trio.testing

from haz_trio.abc import Command, Emit, Ending, Stop, Store
from haz_trio.engine.engine import Engine, open_engine
from haz_trio.model.names import TaskId
from haz_trio.plan.messages import Stream, TaskStarted
from haz_trio.plan.outcome import (
    Cancelled,
    Completed,
    Errored,
    Exited,
    Failed,
    InFlight,
    InRuntimeCycle,
    OutputOverlap,
    RunCancelled,
    RuntimeCycle,
    Skipped,
    Source,
    UpstreamErrored,
)
from tests.engine.memory_store import MemoryStore
from tests.engine.support import Recorder
from tests.engine.workspaces import (
    Place,
    ScriptedCommand,
    ending,
    go,
    open_files,
    sh,
    until,
)

FRESH, CACHE = Source.FRESH, Source.CACHE
Meanwhile = Callable[[Engine, Recorder], Awaitable[None]]


def id_of(name: str) -> TaskId:
    return TaskId("p", name)


# -- hits and misses --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["disk", "memory"])
def test_a_second_run_is_a_hit(tmp_path: Path, kind: str) -> None:
    """Whatever the store: same record, same files, same bytes, and the command does not run."""
    script = "printf 'o1\\n\\0o2'; echo e1 >&2; echo x >> ../count; cat in.txt > out.txt"
    place = Place.make(tmp_path, {"build": sh(script, inputs=["in.txt"], outputs=["out.txt"])})
    place.write("p/in.txt", "content")
    store: Store | None = MemoryStore(tmp_path) if kind == "memory" else None
    first = go(place, store=store)
    (tmp_path / "p/out.txt").write_text("spoiled")
    second = go(place, store=store)
    assert first.sources() == {"build": FRESH}
    assert second.sources() == {"build": CACHE}
    one, two = first.outcome("build"), second.outcome("build")
    assert isinstance(one, Completed)
    assert isinstance(two, Completed)
    assert one.record == two.record
    assert (tmp_path / "p/out.txt").read_text() == "content"
    assert (tmp_path / "count").read_text() == "x\n"
    for stream, data in ((Stream.STDOUT, b"o1\n\0o2"), (Stream.STDERR, b"e1\n")):
        assert first.said("build", stream) == second.said("build", stream) == data


def test_an_edited_input_runs_again_and_back_is_a_hit(tmp_path: Path) -> None:
    """Each content has an entry of its own."""
    place = Place.make(tmp_path, {"build": sh("cat in.txt", inputs=["in.txt"])})
    seen = []
    for text in ("one", "two", "one", "two"):
        place.write("p/in.txt", text)
        ran = go(place)
        assert ran.said("build") == text.encode()
        seen.append(ran.sources()["build"])
    assert seen == [FRESH, FRESH, CACHE, CACHE]


def test_a_long_replay_is_whole(tmp_path: Path) -> None:
    """Streams that were spooled to disk come back byte for byte, stdout before stderr."""
    script = "seq 1 300000; seq 300001 500000 >&2"
    place = Place.make(tmp_path, {"long": sh(script)})
    first, second = go(place), go(place)
    assert second.sources() == {"long": CACHE}
    for stream, low, high in ((Stream.STDOUT, 1, 300000), (Stream.STDERR, 300001, 500000)):
        expected = b"".join(b"%d\n" % n for n in range(low, high + 1))
        assert first.said("long", stream) == expected
        assert second.said("long", stream) == expected
    assert place.litter() == []


def test_a_dependent_runs_again_when_a_stream_changes(tmp_path: Path) -> None:
    """A predecessor's streams are in the key of its dependents, its unread files are not."""
    tasks = {
        "a": sh("cat in.txt", inputs=["in.txt"]),
        "b": sh("echo b", deps=["~:a"]),
    }
    place = Place.make(tmp_path, tasks)
    place.write("p/in.txt", "1")
    assert go(place, "b").sources() == {"a": FRESH, "b": FRESH}
    assert go(place, "b").sources() == {"a": CACHE, "b": CACHE}
    place.write("p/in.txt", "2")
    assert go(place, "b").sources() == {"a": FRESH, "b": FRESH}


def test_a_formatter_runs_twice_and_then_hits(tmp_path: Path) -> None:
    """Own outputs may change own inputs; old content is brought to its form again (E152)."""
    script = "tr a-z A-Z < in.txt > tmp && mv tmp in.txt"
    place = Place.make(tmp_path, {"fmt": sh(script, inputs=["in.txt"], outputs=["in.txt"])})
    text = place.write("p/in.txt", "hello")
    assert [go(place).sources()["fmt"] for _ in range(3)] == [FRESH, FRESH, CACHE]
    text.write_text("hello")
    assert go(place).sources() == {"fmt": CACHE}
    assert text.read_text() == "HELLO"


def test_an_input_edited_meanwhile_is_not_stored(tmp_path: Path) -> None:
    """The result of a new content is not kept under the key of the old one (E155)."""
    script = "echo up; while [ ! -e ../go ]; do sleep 0.01; done; cat in.txt"
    place = Place.make(tmp_path, {"slow": sh(script, inputs=["in.txt"])})
    place.write("p/in.txt", "old")

    async def edit(engine: Engine, recorder: Recorder) -> None:
        await until(lambda: statistics_of(engine).running)
        await until(place.processes)
        place.write("p/in.txt", "new")
        place.write("go", "")

    ran = go(place, meanwhile=edit)
    assert ran.sources() == {"slow": FRESH}
    assert any("not stored" in note and "/p/in.txt" in note for note in ran.notes())
    place.write("p/in.txt", "old")
    again = go(place)
    assert again.sources() == {"slow": FRESH}
    assert again.said("slow") == b"up\nold"


# -- trouble ----------------------------------------------------------------------------------


def test_a_missing_input_names_its_producer(tmp_path: Path) -> None:
    """The consumer of a file that another task makes is told to depend on it (E4)."""
    tasks = {
        "a-reads": sh("cat gen.txt", inputs=["gen.txt"]),
        "z-makes": sh("echo x > gen.txt", outputs=["gen.txt"]),
        "after": sh("true", deps=["~:a-reads"]),
    }
    place = Place.make(tmp_path, tasks, concurrency={"default": 1})
    ran = go(place)
    errored = ran.outcome("a-reads")
    assert isinstance(errored, Errored)
    assert "/p/gen.txt" in errored.reason
    assert "p:z-makes" in errored.reason
    assert ran.outcome("after") == Skipped(UpstreamErrored(id_of("a-reads")))
    assert isinstance(ran.outcome("z-makes"), Completed)
    assert not ran.report.succeeded


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (sh("true", outputs=["o.txt"]), ["/p/o.txt"]),
        (sh("mkdir o.txt", outputs=["o.txt"]), ["/p/o.txt", "folder"]),
        (sh("true", inputs=["o.txt"]), ["/p/o.txt"]),
        (sh("true", inputs=["/p"]), ["/p", "folder"]),
        ({"command": ["no-such-program"]}, ["no-such-program"]),
        ({"command": ["./haz.yml"]}, ["./haz.yml"]),
        ({"command": ["/"]}, ["/"]),
    ],
)
def test_trouble_is_an_outcome_with_a_reason(
    tmp_path: Path, task: dict[str, object], words: list[str]
) -> None:
    """What goes wrong around a command is Errored, names the thing, and is tried again."""
    place = Place.make(tmp_path, {"bad": task, "good": sh("true")})
    for _ in range(2):
        ran = go(place)
        outcome = ran.outcome("bad")
        assert isinstance(outcome, Errored)
        assert all(word in outcome.reason for word in words)
        assert isinstance(ran.outcome("good"), Completed)
        (tmp_path / "p/o.txt").is_dir() and (tmp_path / "p/o.txt").rmdir()
    assert place.litter() == []


def test_a_failure_is_executed_again(tmp_path: Path) -> None:
    """Nothing of a failed task is kept; its outputs stay where they are (decisions.md 12)."""
    place = Place.make(tmp_path, {"bad": sh("echo x >> o; exit 3", outputs=["o"])})
    for _ in range(2):
        assert go(place).outcome("bad") == Failed(Exited(3))
    assert (tmp_path / "p/o").read_text() == "x\nx\n"


def test_leftovers_end_are_named_and_prevent_storing(tmp_path: Path) -> None:
    """A background job of a successful task is killed, and the result is not kept."""
    place = Place.make(tmp_path, {"leaky": sh("sleep 60 & echo ok")})
    for _ in range(2):
        ran = go(place)
        assert ran.sources() == {"leaky": FRESH}
        assert ran.said("leaky") == b"ok\n"
        assert any("sleep" in note for note in ran.notes())
        assert place.processes() == []


# -- what only a run shows --------------------------------------------------------------------


def test_two_writers_of_one_file_end_the_run(tmp_path: Path) -> None:
    """The overlap is reported, nothing more is admitted, and the second is not stored (E40)."""
    tasks = {
        "a": sh("mkdir -p out; echo a > out/r.txt", outputs=["out/*.txt"]),
        "b": sh("mkdir -p out; echo bb > out/r.txt", outputs=["out/*.txt"]),
        "c": sh("true"),
        "d": sh("echo d", deps=["~:c"]),
    }
    place = Place.make(tmp_path, tasks, concurrency={"default": 1})
    ran = go(place)
    assert ran.report.violations == (OutputOverlap(id_of("a"), id_of("b"), "/p/out/r.txt"),)
    assert ran.sources() == {"a": FRESH, "b": FRESH, "c": "Cancelled", "d": "Cancelled"}
    assert not ran.report.succeeded
    assert ran.outcome("c") == Cancelled(RunCancelled())
    again = go(place, "b")
    assert again.sources() == {"b": FRESH}
    assert again.report.succeeded
    assert place.litter() == []


def test_one_glob_and_different_files_are_no_overlap(tmp_path: Path) -> None:
    """Two tasks may declare the same pattern when they write different files (E42b)."""
    tasks = {
        name: sh(f"mkdir -p out; echo {name} > out/{name}.txt", outputs=["out/*.txt"])
        for name in ("a", "b", "c")
    }
    place = Place.make(tmp_path, tasks, concurrency={"default": 1})
    for source in (FRESH, CACHE, CACHE):
        ran = go(place)
        assert ran.report.violations == ()
        assert set(ran.sources().values()) == {source}
    for name in tasks:
        (tmp_path / f"p/out/{name}.txt").write_text("spoiled")
    assert set(go(place).sources().values()) == {CACHE}
    for name in tasks:
        assert (tmp_path / f"p/out/{name}.txt").read_text() == f"{name}\n"


def test_what_runs_beside_an_overlap_finishes(tmp_path: Path) -> None:
    """No process is signalled; what would have followed is cancelled (E42)."""
    tasks = {
        "a": sh("echo a > r", outputs=["r*"]),
        "b": sh("while [ ! -e ../up ]; do sleep 0.01; done; echo bb > r", outputs=["r*"]),
        "c": sh("touch ../up; sleep 0.4; echo c"),
        "d": sh("true", deps=["~:c"]),
    }
    place = Place.make(tmp_path, tasks, concurrency={"default": 3})
    ran = go(place)
    assert len(ran.report.violations) == 1
    assert ran.said("c") == b"c\n"
    assert ran.sources()["c"] is FRESH
    assert ran.outcome("d") == Cancelled(RunCancelled())


CIRCLE = {
    "gen": sh("cp a.src b.gen", inputs=["*.src"], outputs=["*.gen"]),
    "src": sh("cp b.gen c.src", inputs=["*.gen"], outputs=["*.src"]),
}


def test_a_circle_of_files_ends_the_run(tmp_path: Path) -> None:
    """Two tasks that read each other's files are a cycle, whoever is ready is cancelled (E44)."""
    place = Place.make(tmp_path, {**CIRCLE, "z": sh("echo z")}, concurrency={"default": 1})
    place.write("p/a.src", "a")
    place.write("p/b.gen", "b")
    ran = go(place)
    [cycle] = ran.report.violations
    assert isinstance(cycle, RuntimeCycle)
    assert set(cycle.nodes) == {id_of("gen"), id_of("src")}
    assert ran.outcome("z") == Cancelled(RunCancelled())
    assert not ran.report.succeeded


def test_a_circle_halts_what_runs(tmp_path: Path) -> None:
    """A process in flight is asked to end (E45)."""
    tasks = {**CIRCLE, "z": sh("touch ../up; sleep 60")}
    tasks["src"] = sh(
        "while [ ! -e ../up ]; do sleep 0.01; done; cp b.gen c.src",
        inputs=["*.gen"],
        outputs=["*.src"],
    )
    place = Place.make(tmp_path, tasks, concurrency={"default": 3})
    place.write("p/a.src", "a")
    place.write("p/b.gen", "b")
    ran = go(place)
    assert ran.outcome("z") == Cancelled(InFlight())
    assert place.processes() == []


def test_half_a_circle_is_none(tmp_path: Path) -> None:
    """With one of the two selected there is no cycle (E46), nor is a formatter one (E47)."""
    place = Place.make(tmp_path, dict(CIRCLE))
    place.write("p/a.src", "a")
    assert go(place, "gen").report.succeeded
    assert go(place, "gen").sources() == {"gen": CACHE}


def test_two_formatters_of_one_file_are_a_violation(tmp_path: Path) -> None:
    """Each one reads what the other writes (E48)."""
    tasks = {
        name: sh(f"echo {name} >> x.c", inputs=["*.c"], outputs=["*.c"]) for name in ("f", "g")
    }
    place = Place.make(tmp_path, tasks, concurrency={"default": 1})
    place.write("p/x.c", "x\n")
    ran = go(place)
    assert not ran.report.succeeded
    assert ran.report.violations


def test_a_ready_member_of_a_circle_is_skipped(tmp_path: Path) -> None:
    """Not merely cancelled: it can never run (E48b)."""
    tasks = {
        "a": sh("echo x > x.gen", outputs=["*.gen"], weakDeps=["~:b"]),
        "b": sh("true", inputs=["*.gen"]),
    }
    place = Place.make(tmp_path, tasks, concurrency={"default": 1})
    ran = go(place)
    # We order weak dependencies (execution.md 4.6): b has ended before a starts.
    assert ran.sources()["b"] is FRESH
    assert [type(v) for v in ran.report.violations] == [RuntimeCycle]
    assert ran.outcome("b") != Skipped(InRuntimeCycle())


# -- stops and cancellations ------------------------------------------------------------------


def statistics_of(engine: Engine) -> Statistics:
    found = engine.statistics()
    return Statistics(
        0 if found is None else found.looking,
        0 if found is None else found.running,
        0 if found is None else found.keeping,
    )


class Statistics:
    """The three numbers that tests wait for, all zero before the run."""

    def __init__(self, looking: int, running: int, keeping: int) -> None:
        self.looking = looking
        self.running = running
        self.keeping = keeping


def test_a_stop_while_a_large_input_is_read(tmp_path: Path) -> None:
    """A look ends between two pieces of a file, not at its end (E85)."""
    place = Place.make(tmp_path, {"big": sh("true", inputs=["huge"]), "c": sh("true")})
    with (tmp_path / "p/huge").open("wb") as file:
        file.truncate(1 << 36)
    took = []

    async def stop(engine: Engine, recorder: Recorder) -> None:
        await until(lambda: statistics_of(engine).looking)
        engine.stop()
        took.append(trio.current_time())

    ran = go(place, "big", meanwhile=stop)
    assert ran.outcome("big") == Cancelled(InFlight())
    assert ran.report.stopped
    assert place.litter() == []


def test_a_stop_while_a_command_runs(tmp_path: Path) -> None:
    """SIGTERM, the last words, cancelled; a long output leaves no temporary file."""
    script = "trap 'echo bye; exit 0' TERM; seq 1 300000; echo up >&2; while :; do sleep 0.02; done"
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


# -- engines ----------------------------------------------------------------------------------


def test_engines_follow_each_other(tmp_path: Path) -> None:
    """Several loops and engines in one process share nothing but the cache."""
    place = Place.make(tmp_path, {"a": sh("echo a"), "b": sh("echo b", deps=["~:a"])})
    gc.collect()
    before = open_files()
    assert go(place).sources() == {"a": FRESH, "b": FRESH}
    for _ in range(5):
        assert go(place).sources() == {"a": CACHE, "b": CACHE}
    gc.collect()
    assert open_files() == before


def test_one_engine_runs_again(tmp_path: Path) -> None:
    """An engine carries out one run after another, and sees what changed between them."""
    place = Place.make(tmp_path, {"a": sh("cat in", inputs=["in"]), "b": sh("echo b")})
    place.write("p/in", "1")

    async def main() -> list[object]:
        workspace, graph = place.load()
        seen: list[object] = []
        async with open_engine(workspace, graph, host=place.host) as engine:
            assert engine.statistics() is None
            for text in ("1", "1", "2"):
                place.write("p/in", text)
                report = await engine.run([id_of("a")])
                outcome = report.outcomes[id_of("a")]
                assert isinstance(outcome, Completed)
                seen.append(outcome.source)
                found = engine.statistics()
                assert found is not None
                assert (found.settled, found.waiting, found.ready, found.running) == (1, 0, 0, 0)
        return seen

    assert trio.run(main) == [FRESH, CACHE, FRESH]


def test_an_engine_runs_again_after_a_cancelled_run(tmp_path: Path) -> None:
    """Facts of a run that was cut short do not reach the next one."""
    tasks = {"a": sh("seq 1 400000; echo x > o", outputs=["o"]), "b": sh("echo b")}
    place = Place.make(tmp_path, tasks)

    async def main() -> None:
        workspace, graph = place.load()
        async with open_engine(workspace, graph, host=place.host) as engine:
            for after in (0.0, 0.005, 0.01, 0.02, 0.03, 0.05):
                with trio.move_on_after(after):
                    await engine.run(graph.nodes)
            report = await engine.run(graph.nodes)
            assert report.succeeded
            assert place.litter() == []

    trio.run(main)
    assert place.litter() == []


def test_a_stop_of_one_run_is_not_a_stop_of_the_next(tmp_path: Path) -> None:
    """A stop that comes when the run is over has nothing left to stop."""
    place = Place.make(tmp_path, {"a": sh("echo a")})

    async def main() -> None:
        workspace, graph = place.load()
        async with open_engine(workspace, graph, host=place.host) as engine:
            assert (await engine.run(graph.nodes)).succeeded
            engine.stop()
            engine.stop(grace=0)
            report = await engine.run(graph.nodes)
            assert report.stopped  # said between two runs, it holds for the one to come
            again = await engine.run(graph.nodes)
            assert not again.stopped

    trio.run(main)


def test_statistics_follow_the_run(tmp_path: Path) -> None:
    """While one of three runs on one slot, one runs and the others are ready or wait."""
    seen = []

    async def act(command: Command, emit: Emit, stop: Stop) -> Ending:
        await emit(Stream.STDOUT, b"x")
        return ending()

    tasks: dict[str, object] = {
        "a": {"command": ["t", "go"], "env": {"override": {"A": "1"}}},
        "b": {"command": ["t", "go"], "env": {"override": {"A": "2"}}},
        "c": {"command": ["t", "go"], "deps": ["~:a", "~:b"]},
    }
    place = Place.make(tmp_path, tasks, concurrency={"default": 1})
    command = ScriptedCommand({"go": act})

    async def main() -> None:
        workspace, graph = place.load()
        async with open_engine(
            workspace, graph, run_command=command, host=place.host, observers=[Watcher()]
        ) as engine:
            engines.append(engine)
            await engine.run(graph.nodes)
            seen.append(engine.statistics())

    class Watcher(Recorder):
        def notice(self, event: object, at: float) -> None:
            if isinstance(event, TaskStarted) and engines:
                seen.append(engines[0].statistics())

    engines: list[Engine] = []
    trio.run(main)
    states = [(s.waiting, s.ready, s.looking, s.settled) for s in seen if s is not None]
    assert all(sum((s.waiting, s.ready, s.parked, s.looking, s.running, s.keeping, s.settled)) == 3
               for s in seen if s is not None)
    assert states == [(1, 1, 1, 0), (1, 0, 1, 1), (0, 0, 1, 2), (0, 0, 0, 3)]


def test_equal_tasks_share_nothing_and_equal_keys_run_once(tmp_path: Path) -> None:
    """Equal commands of two tasks of one project have one key: one runs, one hits (E88)."""
    place = Place.make(tmp_path, {"a": sh("echo same; echo x >> ../n"), "b": sh("echo same; echo x >> ../n")})
    ran = go(place)
    assert sorted(map(str, ran.sources().values())) == sorted([str(FRESH), str(CACHE)])
    assert (tmp_path / "n").read_text() == "x\n"
