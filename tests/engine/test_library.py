"""The library from outside: arguments, workspaces in code, events as a stream, hosts."""

from __future__ import annotations

import queue
from collections.abc import Callable
from pathlib import Path

import outcome
import pytest
import trio
import trio.testing

import haz_trio
from haz_trio import (
    ArgumentError,
    Completed,
    Containment,
    HazError,
    Mutex,
    MutexMode,
    MutexScope,
    Policy,
    RunFinished,
    RunReport,
    RunStarted,
    Settings,
    TaskGraph,
    TaskId,
    TaskOutput,
    Told,
    Workspace,
    add_tasks,
    build_graph,
    load_workspace,
    make_project,
    make_task,
    make_workspace,
    open_engine,
    query_tasks,
    resolve,
)
from tests.engine.workspaces import CACHE, FRESH, PATH, Place, sh, until

HOST = {"PATH": PATH}


def two_tasks(root: Path) -> Workspace:
    """A workspace in code: ``make`` copies what ``gen`` prints."""
    gen = make_task("gen", shell="echo x > gen.txt; echo made", outputs=["gen.txt"])
    make = make_task(
        "make",
        command=["cp", "gen.txt", "copy.txt"],
        inputs=["gen.txt"],
        outputs=["copy.txt"],
        deps=["~:gen"],
        mutex="~:disk",
        from_host=["PATH"],
    )
    root.joinpath("p").mkdir(exist_ok=True)
    return make_workspace(root, [make_project("p", "/p", [make, gen], tags=["t"])])


def run(workspace: Workspace, *targets: TaskId) -> RunReport:
    async def main() -> RunReport:
        with trio.fail_after(20):
            async with open_engine(workspace, host=HOST) as engine:
                return await engine.run(targets or None)

    return trio.run(main)


def sources(report: RunReport) -> dict[str, object]:
    return {
        id.task: outcome.source if isinstance(outcome, Completed) else outcome
        for id, outcome in report
    }


def test_a_workspace_in_code_runs_and_is_cached(tmp_path: Path) -> None:
    """No file of configuration is needed, and the cache is where it always is."""
    workspace = two_tasks(tmp_path)
    assert sources(run(workspace)) == {"gen": FRESH, "make": FRESH}
    assert (tmp_path / "p/copy.txt").read_text() == "x\n"
    assert sources(run(workspace, TaskId("p", "make"))) == {"gen": CACHE, "make": CACHE}


def test_a_workspace_in_code_equals_one_from_files(tmp_path: Path) -> None:
    """The same declarations are the same values, so that keys and plans are the same."""
    body: dict[str, object] = {
        "command": ["cp", "gen.txt", "copy.txt"],
        "inputs": ["gen.txt"],
        "outputs": ["copy.txt"],
        "deps": ["~:gen"],
        "mutex": "~:disk",
        "env": {"from_host": ["PATH"]},
    }
    gen: dict[str, object] = {"shell": "echo x > gen.txt; echo made", "outputs": ["gen.txt"]}
    place = Place.make(tmp_path, {"make": body, "gen": gen})
    read, written = load_workspace(place.root).projects["p"], two_tasks(tmp_path).projects["p"]
    assert dict(read.tasks) == dict(written.tasks)
    assert list(read.tasks) == list(written.tasks)
    assert read.root == written.root


def test_tasks_are_added_to_a_workspace_from_files(tmp_path: Path) -> None:
    """A loaded workspace stays as it is; the other one has one task more."""
    place = Place.make(tmp_path, {"a": sh("echo a")})
    loaded = load_workspace(place.root)
    more = add_tasks(loaded, "p", [make_task("b", shell="echo b", deps=["~:a"])])
    assert list(build_graph(loaded).ids) == [TaskId("p", "a")]
    assert sources(run(more, TaskId("p", "b"))) == {"a": FRESH, "b": FRESH}


def test_tasks_are_named_by_references_and_expressions(tmp_path: Path) -> None:
    """``resolve`` takes texts, ``query_tasks`` what ``--expr`` takes."""
    workspace = two_tasks(tmp_path)
    graph = build_graph(workspace)
    assert resolve(graph, ["[t]:gen"]) == {TaskId("p", "gen")}
    assert resolve(graph, ["~:make"], workspace.projects["p"]) == {TaskId("p", "make")}
    assert query_tasks(graph, "depends-on(task:p:gen)") == (TaskId("p", "make"),)
    with pytest.raises(haz_trio.SelectionError, match="unknown project"):
        resolve(graph, ["q:gen"])
    with pytest.raises(haz_trio.QueryError):
        query_tasks(graph, "tag:(")


WRONG_TASKS: list[tuple[Callable[[], object], str]] = [
    (lambda: make_task("a b", command=["x"]), r'name is "a b"'),
    (lambda: make_task("a"), "one of command, shell and function"),
    (lambda: make_task("a", command=["x"], shell="x"), "one of command, shell and function"),
    (lambda: make_task("a", command=[]), "names no program"),
    (lambda: make_task("a", command="make all"), 'command is "make all"'),
    (lambda: make_task("a", command=["x", 3]), r"command\[1\] is 3"),  # type: ignore[list-item]
    (lambda: make_task("a", shell="x", shell_type="a/b"), 'shell_type is "a/b"'),
    (lambda: make_task("a", shell="x", inputs="src"), 'inputs is "src"'),
    (lambda: make_task("a", shell="x", inputs=["ok", "a//b"]), r'inputs\[1\] is "a//b"'),
    (lambda: make_task("a", shell="x", outputs=["o", "o"]), "occurs twice"),
    (lambda: make_task("a", shell="x", outputs=["/.haz/x"]), "belongs to haz"),
    (lambda: make_task("a", shell="x", deps=["b"]), r'deps\[0\] is "b"'),
    (lambda: make_task("a", shell="x", mutex="~:~:m"), "mutex is"),
    (lambda: make_task("a", shell="x", from_host=["A=B"]), r"from_host\[0\]"),
    (lambda: make_task("a", shell="x", override={"1": "x"}), "a name in override"),
    (lambda: make_task("a", shell="x", override={"A": 1}), r"override\['A'\] is 1"),  # type: ignore[dict-item]
    (lambda: make_project("p", "lib"), 'root is "lib"'),
    (lambda: make_project("p", "/lib/../x"), "root is"),
    (lambda: make_project("p", "/", [make_task("a", shell="x")] * 2), "the name is taken"),
    (lambda: make_workspace("/nowhere/at/all", []), 'root is "/nowhere/at/all"'),
    (lambda: make_workspace("/", [make_project("p", "/a"), make_project("p", "/b")]), "DISC-010"),
    (lambda: make_workspace("/", [make_project("p", "/a"), make_project("q", "/a")]), "p has"),
    (lambda: make_workspace("/", [make_project("p", "/"), make_project("q", "/a")]), "DISC-004"),
    (lambda: make_workspace("/", [], settings=Settings(concurrency=0)), "settings.concurrency"),
    (lambda: make_workspace("/", [], settings=Settings(cancel_grace=-1)), "cancel_grace is -1"),
    (lambda: add_tasks(make_workspace("/", []), "q", []), 'project is "q"'),
    (lambda: resolve(build_graph(make_workspace("/", [])), "p:a"), "p:a"),
]


@pytest.mark.parametrize(("call", "said"), WRONG_TASKS, ids=[said for _, said in WRONG_TASKS])
def test_a_wrong_declaration_is_refused(call: Callable[[], object], said: str) -> None:
    """One error names the argument and its value, and is both a HazError and a ValueError."""
    with pytest.raises(ArgumentError, match=said) as caught:
        call()
    assert isinstance(caught.value, HazError)
    assert isinstance(caught.value, ValueError)


def test_a_mutex_may_be_shared(tmp_path: Path) -> None:
    """What a name cannot say, a ``Mutex`` can."""
    shared = Mutex("m", MutexScope.WORKSPACE, MutexMode.SHARED)
    assert make_task("a", shell="x", mutex=shared).mutex == shared
    assert make_task("a", shell="x", mutex="~:m").mutex == Mutex("m", MutexScope.PROJECT)


WRONG_ENGINES: list[tuple[dict[str, object], str]] = [
    ({"graph": {}}, "graph is {}"),
    ({"store": object()}, "store is <object"),
    ({"run_command": "sh"}, "run_command is 'sh'"),
    ({"observers": [print]}, r"observers\[0\]"),
    ({"observers": 3}, "observers is 3"),
    ({"host": {"A": 1}}, r"host\['A'\] is 1"),
    ({"host": {"A=B": "1"}}, "a name in host is 'A=B'"),
    ({"policy": Policy(slots=0)}, "policy.slots is 0"),
    ({"policy": Policy(retries=-1)}, "policy.retries is -1"),
    ({"policy": Policy(task_timeout=0)}, "policy.task_timeout is 0"),
    ({"policy": "fast"}, "policy is 'fast'"),
    ({"containment": "strict"}, "containment is 'strict'"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG_ENGINES, ids=[s for _, s in WRONG_ENGINES])
def test_a_wrong_engine_is_refused_at_the_call(
    tmp_path: Path, arguments: dict[str, object], said: str
) -> None:
    """The call itself raises, not the entry of the block, and nothing is opened."""
    with pytest.raises(ArgumentError, match=said):
        open_engine(two_tasks(tmp_path), **arguments)  # type: ignore[arg-type]
    assert not (tmp_path / ".haz").exists()


def test_a_wrong_workspace_is_refused(tmp_path: Path) -> None:
    """A workspace that is none, one whose root is gone, and a graph of another one."""
    with pytest.raises(ArgumentError, match="workspace is '/x'"):
        open_engine("/x")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"workspace\.root is '/nowhere/at/all'"):
        open_engine(Workspace("/nowhere/at/all"))
    other: TaskGraph = build_graph(make_workspace(tmp_path, [make_project("q", "/q", [TASK])]))
    with pytest.raises(ArgumentError, match="graph has the task q:a"):
        open_engine(two_tasks(tmp_path), other)


TASK = make_task("a", shell="true")


def test_wrong_targets_start_nothing(tmp_path: Path) -> None:
    """What is no task is refused before the cache is touched, and the engine can go on."""

    async def main() -> None:
        async with open_engine(two_tasks(tmp_path), host=HOST) as engine:
            for wrong, said in (
                ("p:gen", "targets is 'p:gen'"),
                (TaskId("p", "gen"), "several TaskIds"),
                (["p:gen"], r"targets\[0\] is 'p:gen' of type str"),
                ([TaskId("p", "gen"), TaskId("p", "no")], r"targets\[1\] is p:no"),
                (7, "targets is 7"),
            ):
                with pytest.raises(ArgumentError, match=said):
                    await engine.run(wrong)  # type: ignore[arg-type]
            with pytest.raises(ArgumentError, match="grace is 3"):
                engine.stop(grace=3)
            with pytest.raises(ArgumentError, match="most is 0"), engine.events(most=0):
                pass
            assert not (tmp_path / ".haz").exists()
            assert (await engine.run()).succeeded

    trio.run(main)


def test_one_run_at_a_time_and_none_behind_the_block(tmp_path: Path) -> None:
    """As trio says it: busy while another run goes on, closed behind the block."""
    workspace = make_workspace(tmp_path, [make_project("p", "/p", [make_task("s", shell=SLEEP)])])
    tmp_path.joinpath("p").mkdir()

    async def main() -> None:
        async with open_engine(workspace, host=HOST) as engine, trio.open_nursery() as nursery:
            nursery.start_soon(engine.run)
            await until(lambda: (found := engine.statistics()) and found.running)
            with pytest.raises(trio.BusyResourceError):
                await engine.run()
            engine.stop()
        with pytest.raises(trio.ClosedResourceError):
            await engine.run()
        with pytest.raises(trio.ClosedResourceError), engine.events():
            pass

    trio.run(main)


SLEEP = "while :; do sleep 0.02; done"


def test_events_are_a_stream(tmp_path: Path) -> None:
    """From the start of a run to its report, in order, and then the stream ends."""
    heard: list[Told] = []

    async def main() -> None:
        async with open_engine(two_tasks(tmp_path), host=HOST) as engine:
            with engine.events() as events:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(engine.run)
                    async for told in events:
                        heard.append(told)
            with engine.events() as events:  # one that nobody reads holds up nobody
                assert (await engine.run()).succeeded

    trio.run(main)
    assert isinstance(heard[0].event, RunStarted)
    assert isinstance(heard[-1].event, RunFinished)
    assert [told.at for told in heard] == sorted(told.at for told in heard)
    said = [told.event.data for told in heard if isinstance(told.event, TaskOutput)]
    assert b"".join(said) == b"made\n"


LOUD = "yes | head -c 3000000; echo x > done"


def test_who_stops_reading_stops_the_talkers_and_not_the_end(tmp_path: Path) -> None:
    """Memory stays bounded, a stop returns a report, and a close lets everybody go on."""
    tmp_path.joinpath("p").mkdir()
    loud = make_task("loud", shell=LOUD, from_host=["PATH"], outputs=["done"])
    settings = Settings(cancel_grace=0.2)
    workspace = make_workspace(tmp_path, [make_project("p", "/p", [loud])], settings=settings)

    async def main() -> None:
        async with open_engine(workspace, host=HOST) as engine:
            with trio.fail_after(10), engine.events(most=100_000) as events:
                async with trio.open_nursery() as nursery:
                    reports: list[RunReport] = []

                    async def run() -> None:
                        reports.append(await engine.run())

                    nursery.start_soon(run)
                    await until(lambda: events.pending >= 100_000)
                    await trio.sleep(0.1)
                    assert events.pending < 300_000
                    assert not (tmp_path / "p/done").exists()
                    engine.stop()
                assert reports[0].stopped
            with trio.fail_after(10), engine.events(most=100_000) as events:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(engine.run)
                    await until(lambda: events.pending >= 100_000)
                    events.close()
            assert (tmp_path / "p/done").exists()

    trio.run(main)


def test_a_replay_that_nobody_reads_ends_with_the_grace(tmp_path: Path) -> None:
    """Also what comes from the cache does not hold up a stop."""
    tmp_path.joinpath("p").mkdir()
    loud = make_task("loud", shell="yes | head -c 3000000", from_host=["PATH"])
    settings = Settings(cancel_grace=0.2)
    workspace = make_workspace(tmp_path, [make_project("p", "/p", [loud])], settings=settings)

    async def main() -> None:
        async with open_engine(workspace, host=HOST) as engine:
            assert sources(await engine.run()) == {"loud": FRESH}
            with trio.fail_after(5), engine.events(most=1) as events:
                async with trio.open_nursery() as nursery:

                    async def run() -> None:
                        assert sources(await engine.run()) == {"loud": CACHE}

                    nursery.start_soon(run)
                    await until(lambda: events.pending)
                    engine.stop()

    trio.run(main)


def test_a_cancelled_run_ends_its_stream(tmp_path: Path) -> None:
    """A reader outside of the cancelled scope gets what there was, and then the end."""
    tmp_path.joinpath("p").mkdir()
    task = make_task("s", shell=f"echo up; {SLEEP}", from_host=["PATH"])
    workspace = make_workspace(tmp_path, [make_project("p", "/p", [task])])

    async def main() -> None:
        heard: list[bytes] = []
        async with open_engine(workspace, host=HOST) as engine:
            with engine.events() as events:
                async with trio.open_nursery() as nursery:
                    scope = trio.CancelScope()

                    async def read() -> None:
                        async for told in events:
                            if isinstance(told.event, TaskOutput):
                                heard.append(told.event.data)
                                scope.cancel()

                    nursery.start_soon(read)
                    with trio.fail_after(10), scope:
                        await engine.run()
        assert heard == [b"up\n"]

    trio.run(main)


def test_several_engines_work_side_by_side(tmp_path: Path) -> None:
    """Two workspaces, and two engines of one of them, which share the work."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    spaces = [
        two_tasks(tmp_path / "one"),
        two_tasks(tmp_path / "one"),
        two_tasks(tmp_path / "two"),
    ]
    reports: list[RunReport] = []

    async def one(workspace: Workspace) -> None:
        async with open_engine(workspace, host=HOST) as engine:
            reports.append(await engine.run())

    async def main() -> None:
        with trio.fail_after(20):
            async with trio.open_nursery() as nursery:
                for workspace in spaces:
                    nursery.start_soon(one, workspace)

    trio.run(main)
    assert all(report.succeeded for report in reports)
    ran = [source for report in reports for source in sources(report).values()]
    assert ran.count(FRESH) == 4


def test_deadlines_of_the_host_hold(tmp_path: Path) -> None:
    """``move_on_after`` aborts, ``fail_after`` raises, and the engine goes on after either."""
    tmp_path.joinpath("p").mkdir()
    tasks = [make_task("s", shell=SLEEP, from_host=["PATH"]), make_task("t", shell="echo t")]
    workspace = make_workspace(tmp_path, [make_project("p", "/p", tasks)])

    async def main() -> None:
        async with open_engine(workspace, host=HOST, containment=Containment.STRICT) as engine:
            with trio.move_on_after(0.1) as scope:
                await engine.run()
            assert scope.cancelled_caught
            with pytest.raises(trio.TooSlowError), trio.fail_after(0.1):
                await engine.run()
            report = await engine.run([TaskId("p", "t")])
            assert report.succeeded

    trio.run(main)


def test_it_works_as_a_guest_of_another_loop(tmp_path: Path) -> None:
    """Under ``start_guest_run`` the host's loop goes on while tasks run."""
    workspace = two_tasks(tmp_path)
    jobs: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
    ended: list[outcome.Outcome[RunReport]] = []

    async def main() -> RunReport:
        async with open_engine(workspace, host=HOST) as engine:
            return await engine.run()

    trio.lowlevel.start_guest_run(
        main, run_sync_soon_threadsafe=jobs.put, done_callback=ended.append
    )
    turns = 0
    while not ended:
        jobs.get(timeout=10)()
        turns += 1
    assert sources(ended[0].unwrap()) == {"gen": FRESH, "make": FRESH}
    assert turns > 5
