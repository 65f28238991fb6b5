"""The real engine with the real store and real processes, in small workspaces."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
import trio
import trio.testing

from haz_trio.abc import Command, Emit, Ending, Stop, Store
from haz_trio.engine.engine import Engine
from haz_trio.engine.opening import open_engine
from haz_trio.plan.messages import Stream, TaskStarted
from haz_trio.plan.outcome import (
    Completed,
    Errored,
    Exited,
    Failed,
    Skipped,
    UpstreamErrored,
)
from haz_trio.testing.memory_store import MemoryStore
from tests.engine.support import Recorder
from tests.engine.workspaces import (
    CACHE,
    FRESH,
    Place,
    ScriptedCommand,
    ending,
    go,
    id_of,
    open_files,
    sh,
    statistics_of,
    until,
)


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
        if (tmp_path / "p/o.txt").is_dir():
            (tmp_path / "p/o.txt").rmdir()
    assert place.litter() == []


def test_a_failure_is_executed_again(tmp_path: Path) -> None:
    """Nothing of a failed task is kept; its outputs stay where they are (decisions.md 12)."""
    place = Place.make(tmp_path, {"bad": sh("echo x >> o; exit 3", outputs=["o"])})
    for _ in range(2):
        assert go(place).outcome("bad") == Failed(Exited(3))
    assert (tmp_path / "p/o").read_text() == "x\nx\n"


def test_leftovers_end_are_named_and_prevent_storing(tmp_path: Path) -> None:
    """A background job of a successful task is killed, and the result is not kept."""
    place = Place.make(tmp_path, {"leaky": sh("sleep 60 & sleep 0.1; echo ok")})
    for _ in range(2):
        ran = go(place)
        assert ran.sources() == {"leaky": FRESH}
        assert ran.said("leaky") == b"ok\n"
        assert any("sleep" in note for note in ran.notes())
        assert place.processes() == []


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
    assert all(
        sum((s.waiting, s.ready, s.parked, s.looking, s.running, s.keeping, s.settled)) == 3
        for s in seen
        if s is not None
    )
    assert states == [(1, 1, 1, 0), (1, 0, 1, 1), (0, 0, 1, 2), (0, 0, 0, 3)]


def test_equal_tasks_share_nothing_and_equal_keys_run_once(tmp_path: Path) -> None:
    """Equal commands of two tasks of one project have one key: one runs, one hits (E88)."""
    place = Place.make(
        tmp_path, {"a": sh("echo same; echo x >> ../n"), "b": sh("echo same; echo x >> ../n")}
    )
    ran = go(place)
    assert sorted(map(str, ran.sources().values())) == sorted([str(FRESH), str(CACHE)])
    assert (tmp_path / "n").read_text() == "x\n"
