"""Where the system has no room for another process (section D, and B17)."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from haz_trio.cli.faults import report
from haz_trio.cli.scarcity import shortage
from haz_trio.cli.state import State
from tests.cli.support import Home
from tests.engine.workspaces import sh
from tests.faults.support import assert_heals, assert_quiet
from tests.faults.trace import PROGRAM
from tests.process.support import python_program

FEW = 40  # tasks at once, of which each takes three descriptors


@pytest.mark.row("D06", "B17")
@pytest.mark.parametrize(
    ("count", "files"), [(FEW, 60), pytest.param(1100, 256, marks=pytest.mark.deep)]
)
def test_too_few_descriptors_for_all_tasks_at_once(tmp_path: Path, count: int, files: int) -> None:
    """Who finds no room waits for the end of others; all succeed, and nothing wrong is stored."""
    tasks = {f"t{n}": sh(f"sleep 0.3; echo {n} > o{n}", outputs=[f"o{n}"]) for n in range(count)}
    home = Home.make(tmp_path, tasks)
    done = home.shell(f'ulimit -n {files}; exec "$@" run --workspace -j {count}')
    assert_quiet(done.err)
    assert done.code == 0, done.err
    assert done.said(f"Tasks: {count} completed")
    assert done.said("waiting for tasks to end")
    # Among a thousand, some cannot open a folder to empty it; what is left goes when it is old.
    assert_heals(home, "--workspace", tidy=count == FEW)


@pytest.mark.row("D06")
def test_no_descriptors_at_all(tmp_path: Path) -> None:
    """Where nothing ends that could make room, it is told with the way out, and not as a fault."""
    home = Home.make(tmp_path, {"t": sh("echo >> ran")})
    codes = set()
    for files in (*range(6, 12), *range(12, 40, 2)):
        done = home.shell(f'ulimit -n {files}; exec "$@" run -f p:t')
        codes.add(done.code)
        assert_quiet(done.err)
        assert done.code in (0, 1, 2)
        if done.said("program", "cannot be started"):
            assert done.code == 1
        if done.code != 0:
            assert done.said("ulimit -n"), done.err
        ran = tmp_path / "p/ran"
        assert done.code != 2 or not ran.exists()
        ran.unlink(missing_ok=True)
    assert codes == {0, 1, 2}


def _chained(cause: Exception) -> Exception:
    problem = RuntimeError("internal error")
    problem.__cause__ = cause
    return problem


@pytest.mark.row("D06", "D08")
@pytest.mark.parametrize(
    ("problem", "way_out"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "`ulimit -n`"),
        (OSError(errno.ENFILE, "Too many open files in system"), "`--jobs`"),
        (ExceptionGroup("", [ValueError(), ExceptionGroup("", [MemoryError()])]), "`ulimit -v`"),
        (_chained(OSError(errno.ENOMEM, "Cannot allocate memory")), "`ulimit -v`"),
        (RuntimeError("can't start new thread"), "`ulimit -u`"),
        (ImportError("libx.so: failed to map segment from shared object"), "`ulimit -v`"),
    ],
)
def test_what_runs_out_is_no_fault(
    problem: Exception, way_out: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever it is wrapped in: one line with the way out, and the exit code of no run."""
    assert report(problem, State(), ["run"]) == 2
    line = capfd.readouterr().err
    assert line.startswith("Error: haz cannot go on: ")
    assert (way_out in line, line.count("\n")) == (True, 1)


def test_a_fault_is_no_shortage() -> None:
    """Other errors of the same kinds are faults, or are told as what they are."""
    for problem in (RuntimeError("x"), OSError(errno.EIO, "x"), ImportError("x"), KeyError()):
        assert shortage(ExceptionGroup("", [problem])) is None


@pytest.mark.row("D07")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who has a limit")
def test_no_room_for_a_process_while_others_run() -> None:
    """With room for one process at a time, commands wait for each other instead of failing."""
    code = """
import os, resource, trio
from haz_trio.model.workspace import Containment
from haz_trio.process.guard import open_guard
from haz_trio.process.supervise import run_command
from tests.process.support import children, command, new_stop
os.setgid(54322)
os.setuid(54322)
async def emit(stream, data): pass
async def one(guard, seconds):
    what = command("sleep", seconds)
    print((await run_command(what, emit, stop=new_stop(), guard=guard)).status, flush=True)
notes = []
async def main():
    guard = open_guard(notes.append, containment=Containment.GROUP)
    await one(guard, "0")  # what threads and helpers there are have been started
    # Threads count; the others that have this user are our own children.
    used = len(os.listdir("/proc/self/task")) + len(children())
    resource.setrlimit(resource.RLIMIT_NPROC, (used + 1, used + 1))
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(one, guard, "1")
    guard.close()
trio.run(main)
print(len(notes), "waiting for tasks to end" in notes[0])
"""
    lines = python_program(code).splitlines()
    assert lines == ["exit 0"] * 4 + ["1 True"]


@pytest.mark.row("D08")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who has a limit")
def test_no_thread_at_all(tmp_path: Path) -> None:
    """A run comes to its report all the same: each task says why, and what is there is a hit."""
    (tmp_path / "p").mkdir()
    for place in (tmp_path, tmp_path / "p"):
        place.chmod(0o777)
    above = tmp_path.parent
    while above != Path("/tmp") and above != above.parent:  # where pytest works
        above.chmod(above.stat().st_mode | 0o055)
        above = above.parent
    code = f"""
import os, resource, trio
from haz_trio import make_project, make_task, make_workspace, open_engine
def make(*tasks):
    return make_workspace({str(tmp_path)!r}, [make_project("p", "/p", tasks)])
a = make_task("a", shell="echo a > o; echo heard", outputs=["o"])
b = make_task("b", command=["/bin/true"])
async def go(workspace):
    async with open_engine(workspace, host={{"PATH": "/usr/bin:/bin"}}) as engine:
        return [(task.task, outcome) for task, outcome in await engine.run()]
trio.run(go, make(b))  # whatever is imported late is there
os.system("rm -rf {tmp_path}/.haz")
os.setgid(54324)
os.setuid(54324)
print(*(type(outcome).__name__ for _, outcome in trio.run(go, make(a))))
os.unlink({str(tmp_path / "p/o")!r})
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
for name, outcome in trio.run(go, make(a, b)):
    print(name, type(outcome).__name__, getattr(outcome, "reason", ""))
print(os.path.exists({str(tmp_path / "p/o")!r}))
"""
    first, hit, other, restored = python_program(code).splitlines()
    assert (first, hit.strip(), restored) == ("Completed", "a Completed", "True")
    assert other.startswith("b Errored ")
    assert "`ulimit -u`" in other


@contextlib.contextmanager
def memory_group(limit: int) -> Iterator[Path]:
    """A control group of either version whose members may have ``limit`` bytes together."""
    lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    places = {kinds: path for _, kinds, path in lines}
    top, name = Path("/sys/fs/cgroup"), "memory.max"
    own = places.get("", "/")
    if "memory" in places:
        top, name, own = top / "memory", "memory.limit_in_bytes", places["memory"]
    group = top / own.lstrip("/") / f"haz-test-{os.getpid()}"
    try:
        group.mkdir()
        (group / name).write_text(str(limit))
        for swap in ("memory.memsw.limit_in_bytes", "memory.swap.max"):
            if (group / swap).exists():
                (group / swap).write_text(str(limit if "limit" in swap else 0))
    except OSError as problem:
        if group.exists():
            group.rmdir()
        pytest.skip(f"no control group for memory: {problem}")
    try:
        yield group
    finally:
        for _ in range(100):
            with contextlib.suppress(OSError):
                group.rmdir()
                break
            time.sleep(0.05)


@pytest.mark.row("D13")
def test_a_memory_limit_ends_the_task_and_not_haz(tmp_path: Path) -> None:
    """The command that takes too much is the victim: failed by a signal, not stored, told."""
    eats = "exec python3 -c 'x = b\"x\" * (1 << 30)'"
    tasks = {"eats": sh(eats), "fine": sh("sleep 0.5; echo fine > out", outputs=["out"])}
    home = Home.make(tmp_path, tasks)
    with memory_group(200 << 20) as group:
        done = home.shell(f'echo $$ > {group}/cgroup.procs; exec "$@" run --workspace -j2')
    assert_quiet(done.err)
    assert done.code == 1
    assert done.said("p:eats", "failed", "signal 9")
    assert done.said("Tasks: 1 completed, 1 failed")
    assert home.haz("cache", "verify").code == 0


READING = "read,pread64,preadv,copy_file_range,sendfile,ioctl"


@pytest.mark.row("D03")
@pytest.mark.skipif(PROGRAM is None, reason="there is no strace to make calls fail with")
@pytest.mark.parametrize("error", ["EIO", "ESTALE"])
@pytest.mark.parametrize("what", ["manifest.json", "stdout", "blobs"])
def test_what_cannot_be_read_from_the_cache_is_a_miss(
    tmp_path: Path, what: str, error: str
) -> None:
    """The task runs again and has its result; when the disk is well again, so is the cache."""
    home = Home.make(tmp_path, {"t": sh("echo heard; seq 1 3000 > o", outputs=["o"])})
    assert home.haz("run", "p:t").code == 0
    cache = tmp_path / ".haz/cache"
    found = [path for path in cache.rglob("*") if what in path.parts and path.is_file()]
    found += [path for path in cache.rglob(what) if path.is_file()]
    assert found
    (tmp_path / "p/o").unlink()
    (cache / "state/known").unlink()
    places = " ".join(f"-P {path}" for path in found)
    tracing = f"strace -f -qq -o /dev/null {places} -e inject={READING}:error={error}"
    done = home.shell(f'exec {tracing} "$@" run p:t', PATH=os.environ["PATH"])
    assert done.code == 0, done.err
    assert_quiet(done.err)
    assert done.said("[p:t]", "done")
    assert done.out.count(b"heard") == 1
    assert (tmp_path / "p/o").read_text().endswith("\n3000\n")
    assert_heals(home, "p:t")
