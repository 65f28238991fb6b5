"""Functions as tasks of real workspaces: called, cached, cancelled, refused."""

from __future__ import annotations

import json
import re
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import FrameType

import pytest
import trio
import trio.testing

from haz_trio import (
    ArgumentError,
    Cancelled,
    Completed,
    Containment,
    Errored,
    Event,
    Exited,
    Failed,
    InFlight,
    Policy,
    Settings,
    Stream,
    Task,
    TaskBegun,
    TaskContext,
    TaskId,
    TaskMissed,
    TaskNote,
    TimedOut,
    Workspace,
    build_graph,
    explain,
    make_project,
    make_task,
    make_workspace,
    open_engine,
)
from haz_trio.abc import Command, Ending, Stop
from haz_trio.engine.engine import Engine
from haz_trio.engine.explain import Keyed
from haz_trio.functions.calling import call as call_function
from haz_trio.functions.calling import check_function
from haz_trio.functions.presses import was_pressed
from haz_trio.plan.outcome import RunReport
from haz_trio.process.supervise import run_command
from tests.cli.support import Home
from tests.engine.support import Recorder
from tests.engine.workspaces import CACHE, FRESH, Place, Ran, until
from tests.process.support import PATH, bearers, new_token


def space(root: Path, *tasks: Task, **settings: object) -> Workspace:
    root.joinpath("p").mkdir(exist_ok=True)
    found = Settings(**settings)  # type: ignore[arg-type]  # each test gives what it needs
    return make_workspace(root, [make_project("p", "/p", tasks)], settings=found)


def run(
    workspace: Workspace,
    *,
    host: dict[str, str] | None = None,
    meanwhile: Callable[[Engine, Recorder], Awaitable[None]] | None = None,
    policy: Policy = Policy(),  # noqa: B008  # a frozen value
) -> Ran:
    async def main() -> Ran:
        recorder = Recorder()
        reports: list[RunReport] = []
        with trio.fail_after(20):
            async with (
                open_engine(
                    workspace,
                    observers=[recorder],
                    host=host or {"PATH": PATH},
                    policy=policy,
                ) as engine,
                trio.open_nursery() as nursery,
            ):

                async def go() -> None:
                    reports.append(await engine.run())
                    nursery.cancel_scope.cancel()

                nursery.start_soon(go)
                if meanwhile is not None:
                    nursery.start_soon(meanwhile, engine, recorder)
        return Ran(reports[0], recorder)

    return trio.run(main)


def reasons(ran: Ran) -> list[str]:
    return [e.reason for e in ran.recorder.of(TaskMissed) if isinstance(e, TaskMissed)]


def copies(limit: int, name: str = "copy") -> Task:
    """A task whose function encloses a number."""

    async def copy(task: TaskContext) -> None:
        text = await trio.Path(task.cwd, "in").read_text()
        await trio.Path(task.cwd, name).write_text(text[:limit])
        await task.print("copied", limit)
        await task.print("to", name, stream=Stream.STDERR)
        await task.print("as", task.env["WHO"])

    return make_task(
        name, function=copy, inputs=["in"], outputs=[name], override={"WHO": "me"}, mutex="m"
    )


def test_an_unchanged_function_is_a_hit_with_its_output(tmp_path: Path) -> None:
    """Inputs, outputs, environment, streams: all as for a command, and a hit replays them."""
    place = Place(tmp_path)
    place.write("p/in", "content")
    first = run(space(tmp_path, copies(3)))
    (tmp_path / "p/copy").unlink()
    second = run(space(tmp_path, copies(3)))
    assert (first.sources(), second.sources()) == ({"copy": FRESH}, {"copy": CACHE})
    assert (tmp_path / "p/copy").read_text() == "con"
    for ran in (first, second):
        assert ran.said("copy") == b"copied 3\nas me\n"
        assert ran.said("copy", Stream.STDERR) == b"to copy\n"


def test_a_changed_closure_is_a_miss_that_names_it(tmp_path: Path) -> None:
    """The reason says which variable of which function, and going back is a hit."""
    Place(tmp_path).write("p/in", "content")
    run(space(tmp_path, copies(3)))
    ran = run(space(tmp_path, copies(4)))
    assert ran.sources() == {"copy": FRESH}
    assert reasons(ran) == ["closure variable limit of copy changed"]
    assert run(space(tmp_path, copies(3))).sources() == {"copy": CACHE}
    Place(tmp_path).write("p/in", "other")
    assert reasons(run(space(tmp_path, copies(3)))) == ['input "/p/in" changed']


def test_functions_and_commands_are_one_graph(tmp_path: Path) -> None:
    """A function behind a command, and a command behind the function."""
    host = {"PATH": PATH}
    gen = make_task("in", shell="echo content > in", outputs=["in"])
    between = make_task(
        "copy",
        function=copies(9).action.given,  # type: ignore[union-attr]  # it is a function
        inputs=["in"],
        outputs=["copy"],
        deps=["~:in"],
        override={"WHO": "me"},
    )
    last = make_task(
        "last", shell="cat copy", inputs=["copy"], deps=["~:copy"], from_host=["PATH"]
    )
    for source in (FRESH, CACHE):
        ran = run(space(tmp_path, gen, between, last), host=host)
        assert ran.sources() == {"in": source, "copy": source, "last": source}
        assert ran.said("last") == b"content\n"


def test_a_function_that_awaits_a_socket_is_cancelled(tmp_path: Path) -> None:
    """Its ``finally`` ran, its last words are heard, it is cancelled, and nothing is stored."""

    async def stop(engine: Engine, recorder: Recorder) -> None:
        await until(lambda: any(getattr(e, "data", b"") == b"up\n" for _, e in recorder.events))
        engine.stop()

    module = tmp_path / "p/listening.py"
    module.parent.mkdir()
    module.write_text(LISTENING)
    workspace = space(tmp_path, make_task("listen", function="listening.py:listen"))
    for _ in range(2):
        ran = run(workspace, meanwhile=stop)
        assert ran.outcome("listen") == Cancelled(InFlight())
        assert ran.said("listen") == b"up\nbye\n"
        assert (tmp_path / "p/ended").read_text() == "finally"
        (tmp_path / "p/ended").unlink()


LISTENING = """
import pathlib
import trio

async def listen(task):
    with trio.socket.socket() as server:
        await server.bind(("127.0.0.1", 0))
        server.listen()
        await task.print("up")
        try:
            await server.accept()
        finally:
            pathlib.Path(task.cwd, "ended").write_text("finally")
            await task.print("bye")
"""


def holds_an_object() -> Callable[[TaskContext], object]:
    held = [object()]

    async def hold(task: TaskContext) -> None:
        await task.print(held)

    return hold


def test_an_abort_of_the_caller_runs_finally(tmp_path: Path) -> None:
    """Also a cancelled scope around the run waits for the end of the function."""
    module = tmp_path / "p/listening.py"
    module.parent.mkdir()
    module.write_text(LISTENING)
    workspace = space(tmp_path, make_task("listen", function="listening.py:listen"))

    async def main() -> None:
        with trio.move_on_after(0.3) as scope:
            async with open_engine(workspace, host={}) as engine:
                await engine.run()
        assert scope.cancelled_caught

    trio.run(main)
    assert (tmp_path / "p/ended").read_text() == "finally"


def test_a_failure_shows_its_traceback(tmp_path: Path) -> None:
    """An exception is exit 1, its traceback begins at the function, and nothing is stored."""

    async def bad(task: TaskContext) -> None:
        await task.print("before")
        raise ValueError("no good")

    async def leaves(task: TaskContext) -> None:
        sys.exit(3)

    async def returns(task: TaskContext) -> int:
        return 7

    tasks = [make_task(f.__name__, function=f) for f in (bad, leaves, returns)]
    for _ in range(2):
        ran = run(space(tmp_path, *tasks))
        assert {ran.outcome(t.name) for t in tasks} == {Failed(Exited(1))}
        said = ran.said("bad", Stream.STDERR).decode()
        assert ran.said("bad") == b"before\n"
        assert said.startswith("Traceback")
        assert said.endswith("ValueError: no good\n")
        assert "calling.py" not in said
        assert b"SystemExit: 3" in ran.said("leaves", Stream.STDERR)
        assert b"returned 7" in ran.said("returns", Stream.STDERR)


def test_whatever_a_function_raises_is_its_failure(tmp_path: Path) -> None:
    """Also what would end a program, bare or in a group; the run goes on."""

    async def presses(task: TaskContext) -> None:
        raise KeyboardInterrupt

    async def closes(task: TaskContext) -> None:
        raise GeneratorExit

    async def groups(task: TaskContext) -> None:
        raise BaseExceptionGroup("g", [KeyboardInterrupt(), ValueError("no good")])

    async def exits() -> None:
        sys.exit(0)

    async def nests(task: TaskContext) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(exits)
            await trio.sleep_forever()

    async def nests_presses(task: TaskContext) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(presses, task)
            await trio.sleep_forever()

    functions = (presses, closes, groups, nests, nests_presses)
    tasks = [make_task(f.__name__, function=f) for f in functions]
    ran = run(space(tmp_path, *tasks))
    assert {ran.outcome(t.name) for t in tasks} == {Failed(Exited(1))}
    assert b"SystemExit: 0" in ran.said("nests", Stream.STDERR)
    assert b"ValueError: no good" in ran.said("groups", Stream.STDERR)


def test_a_real_ctrl_c_is_no_failure_of_a_function(tmp_path: Path) -> None:
    """It may meet a child of the function, and ends the program as Trio has it."""

    async def works() -> None:
        signal.raise_signal(signal.SIGINT)

    async def nests(task: TaskContext) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(works)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(BaseExceptionGroup) as caught:
            run(space(tmp_path, make_task("nests", function=nests)))
    finally:
        signal.signal(signal.SIGINT, before)
    assert caught.value.subgroup(KeyboardInterrupt) is not None


def in_thread(problem: BaseException) -> list[bool]:
    heard: list[bool] = []
    thread = threading.Thread(target=lambda: heard.append(was_pressed(problem)))
    thread.start()
    thread.join()
    return heard


def test_a_press_is_what_the_handler_of_the_signal_has_raised() -> None:
    """Python's own leaves no trace: what may be one counts; where it is ignored none does."""

    def handler(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, handler)
        with pytest.raises(KeyboardInterrupt) as pressed:
            signal.raise_signal(signal.SIGINT)
        assert was_pressed(pressed.value)
        assert not was_pressed(KeyboardInterrupt())
        assert not was_pressed(ValueError())
        signal.signal(signal.SIGINT, signal.default_int_handler)
        assert was_pressed(KeyboardInterrupt())
        assert in_thread(KeyboardInterrupt()) == [False]  # signals are the main thread's
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        assert not was_pressed(KeyboardInterrupt())
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_time_limit_ends_a_function(tmp_path: Path) -> None:
    """``task_timeout`` is for functions as well, and retries call them again."""

    async def slow(task: TaskContext) -> None:
        await task.print("up")
        await trio.sleep_forever()

    workspace = space(tmp_path, make_task("slow", function=slow))
    ran = run(workspace, policy=Policy(task_timeout=0.1, retries=1))
    assert ran.outcome("slow") == Failed(TimedOut(0.1))
    assert ran.said("slow") == b"up\nup\n"


def leave(task: TaskContext, name: str) -> None:
    Path(task.cwd, name).touch()


def test_a_function_that_swallows_a_stop_is_not_stored(tmp_path: Path) -> None:
    """EXEC-015: it is cancelled or timed out, as a command that ends with exit 0 then."""

    async def swallows(task: TaskContext) -> None:
        await task.print("up")
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            leave(task, "o")

    async def shields(task: TaskContext) -> None:
        await task.print("up")
        with trio.CancelScope(shield=True):
            await trio.sleep(0.3)
        leave(task, "o2")

    async def stop(engine: Engine, recorder: Recorder) -> None:
        await until(
            lambda: sum(getattr(e, "data", b"") == b"up\n" for _, e in recorder.events) == 2
        )
        engine.stop()

    tasks = [
        make_task("swallows", function=swallows, outputs=["o"]),
        make_task("shields", function=shields, outputs=["o2"]),
    ]
    for _ in range(2):
        ran = run(space(tmp_path, *tasks), meanwhile=stop)
        assert {ran.outcome(t.name) for t in tasks} == {Cancelled(InFlight())}
    timed = run(space(tmp_path, *tasks), policy=Policy(task_timeout=0.1))
    assert {timed.outcome(t.name) for t in tasks} == {Failed(TimedOut(0.1))}


@pytest.mark.parametrize("halted", [True, False], ids=["stop", "time limit"])
def test_a_function_that_outlives_its_grace_is_told_of(tmp_path: Path, halted: bool) -> None:
    """Nobody can kill it: people learn once why the run does not end, and who is to blame."""

    async def shields(task: TaskContext) -> None:
        await task.print("up")
        with trio.move_on_after(5, shield=True):
            while not await trio.Path(task.cwd, "go").exists():  # noqa: ASYNC110  # no event is a key
                await trio.sleep(0.01)

    async def obeys(task: TaskContext) -> None:
        await task.print("up")
        await trio.sleep_forever()

    async def stop(engine: Engine, recorder: Recorder) -> None:
        await until(
            lambda: sum(getattr(e, "data", b"") == b"up\n" for _, e in recorder.events) == 2
        )
        if halted:
            engine.stop()
        await until(lambda: bool(recorder.of(TaskNote)))
        (tmp_path / "p/go").touch()

    ran = run(
        space(
            tmp_path,
            make_task("shields", function=shields),
            make_task("obeys", function=obeys),
            cancel_grace=0.05,
        ),
        meanwhile=stop,
        policy=Policy() if halted else Policy(task_timeout=0.2, fail_fast=False),
    )
    (told,) = ran.recorder.of(TaskNote)
    assert isinstance(told, TaskNote)
    assert str(told.task) == "p:shields"
    assert "does not end, and a function cannot be killed" in told.text
    assert ran.outcome("shields") == (Cancelled(InFlight()) if halted else Failed(TimedOut(0.2)))


def test_a_stop_is_heard_that_came_while_a_function_blocked(tmp_path: Path) -> None:
    """Whoever listens to signals gets a turn before its result counts."""

    async def presses(task: TaskContext) -> None:
        signal.raise_signal(signal.SIGUSR1)

    async def listens(engine: Engine, recorder: Recorder) -> None:
        with trio.open_signal_receiver(signal.SIGUSR1) as arriving:
            async for _ in arriving:
                engine.stop()

    workspace = space(tmp_path, make_task("presses", function=presses))
    for _ in range(2):
        ran = run(workspace, meanwhile=listens)
        assert ran.outcome("presses") == Cancelled(InFlight())


class Deadline(Recorder):
    """Gives the caller of a run little time from the start of its task on."""

    def __init__(self) -> None:
        super().__init__()
        self.scope = trio.CancelScope()

    def notice(self, event: Event, at: float) -> None:
        super().notice(event, at)
        if isinstance(event, TaskBegun):
            self.scope.deadline = trio.current_time() + 0.05


def test_a_deadline_is_heard_that_came_while_a_function_blocked(tmp_path: Path) -> None:
    """It has outlasted its caller, and so its result is not stored."""

    async def outlasts(task: TaskContext) -> None:
        time.sleep(0.3)  # noqa: ASYNC251  # as those do who know no better

    workspace = space(tmp_path, make_task("outlasts", function=outlasts))

    async def main() -> None:
        watch = Deadline()
        with watch.scope:
            async with open_engine(workspace, host={}, observers=[watch]) as engine:
                await engine.run()
        assert watch.scope.cancelled_caught

    trio.run(main)
    assert run(workspace).sources() == {"outlasts": FRESH}


def test_a_function_that_returned_before_a_stop_keeps_its_result() -> None:
    """Although what it said last has not been taken yet (execution.md 8.1)."""
    heard: list[bytes] = []

    async def says(task: TaskContext) -> None:
        await task.print("last")

    async def main() -> Ending:
        stop = Stop(trio.CancelScope(), trio.CancelScope(), 5.0)

        async def emit(stream: Stream, data: bytes) -> None:
            await trio.testing.wait_all_tasks_blocked()
            stop.ask.cancel()
            heard.append(data)

        command, id = Command(("",), "/", {}), TaskId("p", "says")
        return await call_function(
            check_function(says),
            id,
            command,
            emit,
            stop=stop,
            run_command=run_command,
            note=pytest.fail,
        )

    assert trio.run(main) == Ending(Exited(0), halted=False)
    assert heard == [b"last\n"]


def test_programs_of_a_function_end_with_it(tmp_path: Path) -> None:
    """They get SIGTERM and the grace, their last words are heard, and a failure is raised."""
    token = new_token()

    async def waits(task: TaskContext) -> None:
        status = await task.run(["sh", "-c", "echo $0; exit 3", "x"], check=False)
        await task.print(status)
        await task.run(
            ["sh", "-c", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.02; done"]
        )

    async def fails(task: TaskContext) -> None:
        await task.run(["sh", "-c", "exit 4"])

    async def stop(engine: Engine, recorder: Recorder) -> None:
        await until(lambda: any(getattr(e, "data", b"") == b"up\n" for _, e in recorder.events))
        await until(lambda: any(b"exit 4" in getattr(e, "data", b"") for _, e in recorder.events))
        engine.stop()

    tasks = [make_task(f.__name__, function=f, from_host=["PATH", *token]) for f in (waits, fails)]
    ran = run(
        space(tmp_path, *tasks, containment=Containment.STRICT),
        host={"PATH": PATH, **token},
        meanwhile=stop,
    )
    assert ran.outcome("waits") == Cancelled(InFlight())
    assert ran.said("waits") == b"x\nexit 3\nup\nbye\n"
    assert b"CommandFailedError: sh -c exit 4: exit 4" in ran.said("fails", Stream.STDERR)
    assert bearers(token) == []


SYNCHRONOUS = """
import os, pathlib, sys, time

LIMIT = 3

def build():
    print("in", os.path.basename(os.getcwd()), sorted(os.environ))
    print("err", file=sys.stderr)
    pathlib.Path("out").write_text("x" * LIMIT)

def fails():
    raise ValueError("no good")

def hangs():
    print("up")
    try:
        time.sleep(60)
    finally:
        print("never")
"""


def test_a_synchronous_function_runs_in_a_process(tmp_path: Path) -> None:
    """Its directory, environment and streams are those of the task; it is cached, and stopped."""
    Place(tmp_path).write("p/tools.py", SYNCHRONOUS)
    token = new_token()
    build = make_task("build", function="tools.py:build", outputs=["out"], override={"A": "1"})
    fails = make_task("fails", function="/p/tools.py:fails")
    hangs = make_task("hangs", function="tools.py:hangs", from_host=list(token))

    async def stop(engine: Engine, recorder: Recorder) -> None:
        await until(lambda: any(getattr(e, "data", b"") == b"up\n" for _, e in recorder.events))
        engine.stop()

    ran = run(space(tmp_path, build, fails))
    assert ran.said("build").startswith(b"in p ['A'")
    assert ran.said("build", Stream.STDERR) == b"err\n"
    assert (tmp_path / "p/out").read_text() == "xxx"
    assert ran.outcome("fails") == Failed(Exited(1))
    assert b"ValueError: no good" in ran.said("fails", Stream.STDERR)
    assert run(space(tmp_path, build)).sources() == {"build": CACHE}
    Place(tmp_path).write("p/tools.py", "# a comment\n" + SYNCHRONOUS)
    assert run(space(tmp_path, build)).sources() == {"build": CACHE}
    Place(tmp_path).write("p/tools.py", SYNCHRONOUS.replace("LIMIT = 3", "LIMIT = 4"))
    ran = run(space(tmp_path, build))
    assert reasons(ran) == ["global LIMIT of build changed"]
    assert (tmp_path / "p/out").read_text() == "xxxx"
    halted = run(space(tmp_path, hangs), host=token, meanwhile=stop)
    assert halted.outcome("hangs") == Cancelled(InFlight())
    assert bearers(token) == []


LIMIT = 5


def at_the_top() -> None:
    print(LIMIT)


def test_a_synchronous_function_of_a_program_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the name of its module; and what the program has changed in memory is noticed."""
    task = make_task("t", function=at_the_top)
    assert run(space(tmp_path, task)).said("t") == b"5\n"
    monkeypatch.setattr(f"{__name__}.LIMIT", 6)
    ran = run(space(tmp_path, task))
    assert ran.outcome("t") == Failed(Exited(1))
    said = ran.said("t", Stream.STDERR)
    assert b"not the same function" in said
    assert b"global LIMIT of at_the_top differs" in said


def needs_more(task: TaskContext, more: int) -> None: ...


async def generates(task: TaskContext) -> object:
    yield task


def inner() -> Callable[[], None]:
    def nested() -> None: ...

    return nested


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (print, "not a function"),
        (Path, "not a function"),
        (needs_more, "has to take no arguments"),
        (generates, "is a generator"),
        (inner(), "made inside of another one"),
        (holds_an_object(), "closure variable held of hold contains a value of type object"),
    ],
)
def test_what_cannot_be_a_task_is_refused_at_the_call(
    function: Callable[..., object], said: str
) -> None:
    """With the name and the value of the argument, and the reason."""
    with pytest.raises(ArgumentError, match=said):
        make_task("t", function=function)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no function"),
        ("f = 3", "is a int"),
        ("1/0", "ZeroDivisionError"),
        ("import sys\nsys.exit(0)", "SystemExit: 0"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("def f(:", "SyntaxError"),
        ("def f(a): pass", "has to take no arguments"),
        ("import threading\nL = threading.Lock()\ndef f(): L.acquire()", "global L of f"),
    ],
)
def test_trouble_with_a_module_is_an_outcome(tmp_path: Path, text: str, said: str) -> None:
    """The task is errored with the reason, others go on, and the module may be mended."""
    workspace = space(tmp_path, make_task("t", function="m.py:f"), make_task("u", shell="true"))
    assert "cannot read the module" in str(run(workspace).outcome("t"))
    Place(tmp_path).write("p/m.py", text)
    ran = run(workspace, host={"PATH": PATH})
    outcome = ran.outcome("t")
    assert isinstance(outcome, Errored)
    assert said in outcome.reason
    assert isinstance(ran.outcome("u"), Completed)
    Place(tmp_path).write("p/m.py", "def f():\n    print(1)\n")
    assert run(workspace).said("t") == b"1\n"


def folded(said: bytes) -> str:
    """A diagnostic without its frame and its line ends."""
    return " ".join(re.sub("[│╰─▶×]", " ", said.decode()).split())


def test_haz_runs_functions_and_only_run_imports_them(tmp_path: Path) -> None:
    """``check``, ``query``, ``why`` and dry runs know the task and never execute the module."""
    body = {"function": "tools.py:f", "outputs": ["o"]}
    home = Home.make(tmp_path, {"t": body})
    home.place.write("p/tools.py", MARKING)
    for line in ("check", "query", "why p:t --diff", "run p:t --dry-run --json", "graph"):
        said = home.haz(*line.split())
        assert said.code == 0, said.err
        assert not (tmp_path / "p/imported").exists(), line
    assert b"tools.py:f" in home.haz("query", "--json").out
    why = home.haz("why", "p:t")
    assert why.code == 2
    assert "whose module only `haz run --explain p:t` executes" in folded(why.err)
    first = home.haz("run", "p:t")
    assert (first.code, first.out.count(b"hello")) == (0, 1), first.err
    assert (tmp_path / "p/imported").exists()
    for _ in range(3):
        again = home.haz("run", "p:t")
        assert again.said("1 completed (1 cached)"), again.err
    diff = ("why", "p:t", "--diff")
    code, way_out = b"action: code of tools.py:f ", b"; `haz run --explain p:t` tells\n"
    older = b"is older than the last result, but what it uses may have changed"
    assert code + b"cannot be compared: /p/tools.py " + older + way_out in home.haz(*diff).out
    home.place.write("p/tools.py", MARKING.replace("hello", "other"))
    newer = b"may have changed: /p/tools.py is newer than the last result"
    assert code + newer + way_out in home.haz(*diff).out
    (change,) = json.loads(home.haz(*diff, "--json").out)["diff"][0]["changes"]
    assert change["module"] == {"path": "/p/tools.py", "newer": True}
    (tmp_path / "p/tools.py").rename(tmp_path / "p/away.py")
    assert code + b"cannot be compared: /p/tools.py is gone" + way_out in home.haz(*diff).out
    (tmp_path / "p/away.py").rename(tmp_path / "p/tools.py")
    changed = home.haz("run", "p:t", "--explain")
    assert b"code of f changed" in changed.err + changed.out
    assert b"other" in changed.out
    refused = home.haz("run", "p:t", "--arg=x")
    assert refused.code == 2
    assert b"takes no arguments: leave out --arg and --args" in b" ".join(refused.err.split())


MARKING = """
import pathlib
pathlib.Path(__file__).with_name("imported").touch()
def f():
    print("hello")
    pathlib.Path("o").touch()
"""


def test_a_module_leaves_the_stdout_of_haz_alone(tmp_path: Path) -> None:
    """What it prints when it is imported is not there, and what it imports leaves no bytecode."""
    home = Home.make(tmp_path, {"t": {"function": "tools.py:f"}})
    home.place.write("p/near.py", "")
    home.place.write("p/tools.py", PRINTING)
    for _ in range(2):
        said = home.haz("run", "--json", "p:t")
        assert said.code == 0, said.err
        assert all(isinstance(json.loads(line), dict) for line in said.out.splitlines())
    assert not (tmp_path / "p/__pycache__").exists()


PRINTING = """
import os, sys
sys.path.insert(0, os.path.dirname(__file__))
import near
print("at the top")
def f():
    print("called")
"""


def test_a_task_knows_who_it_is(tmp_path: Path) -> None:
    """Its id, and bad arguments of what it calls are refused with their names."""

    async def asks(task: TaskContext) -> None:
        await task.print(task.id)
        for call in (
            lambda: task.write("x"),  # type: ignore[arg-type]
            lambda: task.write(b"x", stream=3),  # type: ignore[arg-type]
            lambda: task.run("ls"),
            lambda: task.run([1]),  # type: ignore[list-item]
        ):
            try:
                await call()
            except ValueError as problem:
                await task.print(problem)

    ran = run(space(tmp_path, make_task("asks", function=asks)))
    lines = ran.said("asks").decode().splitlines()
    assert lines[0] == str(TaskId("p", "asks"))
    assert [line.split()[0] for line in lines[1:]] == ["data", "stream", "argv", "argv"]


def test_the_library_may_explain_a_function(tmp_path: Path) -> None:
    """``explain`` executes modules when it is told to, and then knows the key of the run."""
    Place(tmp_path).write("p/tools.py", "def f():\n    print(1)\n")
    workspace = space(tmp_path, make_task("t", function="tools.py:f"))
    ran = run(workspace)
    graph, id = build_graph(workspace), TaskId("p", "t")
    outcome = ran.outcome("t")
    assert isinstance(outcome, Completed)
    host = {"PATH": PATH}
    known = explain(workspace, graph, id, host=host, imports=True).view
    assert isinstance(known.standing, Keyed)
    assert known.standing.key == outcome.record.key
    assert known.hit is not None
    assert explain(workspace, graph, id, host=host).view.hit is None
