"""Both ways to start a program give it the same world, and say the same when they cannot."""

from __future__ import annotations

import errno
import json
import os
import platform
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from haz_trio.process.launch import Launch, Program, launch_by_popen, spawning
from tests.process.support import children, descriptors, python_program

WAYS = [way for way in (launch_by_popen, spawning()) if way is not None]
LOOK = """
import json, os, sys
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
json.dump({
    "words": sys.orig_argv,
    "environment": {os.fsdecode(k): os.fsdecode(v) for k, v in os.environb.items()},
    "directory": os.getcwd(),
    "leads": os.getpid() == os.getpgid(0) == os.getsid(0),
    "ignored": status["SigIgn"], "blocked": status["SigBlk"], "threads": status["Threads"],
    "descriptors": sorted(
        n for n in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + n)
    ),
}, open(sys.argv[1], "w"))
"""


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def launch(request: pytest.FixtureRequest) -> Launch:
    way: Launch = request.param
    return way


@pytest.fixture
def nothing() -> Iterator[int]:
    descriptor = os.open(os.devnull, os.O_RDWR)
    yield descriptor
    os.close(descriptor)


def program(
    path: str, *argv: str, cwd: str = "/", environment: tuple[str, ...] = (), stream: int
) -> Program:
    words = [os.fsencode(word) for word in (path, *argv)]
    entries = [os.fsencode(entry) for entry in environment]
    return Program(words[0], words, os.fsencode(cwd), entries, stream, stream)


def end_of(pid: int) -> int:
    found = os.waitid(os.P_PID, pid, os.WEXITED)
    assert found is not None
    assert found.si_code == os.CLD_EXITED
    return found.si_status


def test_glibc_is_called_where_it_is_new_enough() -> None:
    """Else a program would stand still for every start, and nobody would notice."""
    library, version = platform.libc_ver()
    if library == "glibc" and tuple(map(int, version.split("."))) >= (2, 34):
        assert len(WAYS) == 2


def test_both_ways_make_the_same_process(tmp_path: Path, nothing: int) -> None:
    """Words, environment, directory, session, signals and descriptors are what was asked for."""
    seen = []
    inheritable = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(inheritable, True)
    environment = ("LC_ALL=C.UTF-8", "EMPTY=", "A=b=c", "BYTES=\udcff")
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    try:
        for way in WAYS:
            words = ["-S", "-c", LOOK, str(tmp_path / "seen"), "ä b", "", "\udcfe"]
            pid = way(
                program(
                    sys.executable,
                    *words,
                    cwd=str(tmp_path),
                    environment=environment,
                    stream=nothing,
                )
            )
            assert end_of(pid) == 0
            seen.append(json.loads((tmp_path / "seen").read_text()))
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR2])
        os.close(inheritable)
    for each in seen:
        assert each == seen[0]
        assert each["words"] == [sys.executable, *words]
        assert each["environment"] == dict(entry.split("=", 1) for entry in environment)
        assert each["directory"] == str(tmp_path)
        assert each["leads"]
        assert each["descriptors"] == ["0", "1", "2"]
        # Python ignores two signals at its own start.
        python_ignores = 1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)
        assert int(each["ignored"], 16) == python_ignores
        assert int(each["blocked"], 16) == 1 << (signal.SIGUSR2 - 1)


def test_pythons_ignored_signals_have_their_default_action(launch: Launch, nothing: int) -> None:
    """A child that writes into a closed pipe is ended by SIGPIPE, not told of an error."""
    child = program("/bin/sh", "-c", "kill -PIPE $$; exit 3", stream=nothing)
    found = os.waitid(os.P_PID, launch(child), os.WEXITED)
    assert found is not None
    assert (found.si_code, found.si_status) == (os.CLD_KILLED, signal.SIGPIPE)


@pytest.mark.parametrize(
    ("wrong", "number"),
    [
        ({"path": "/no/such/program"}, errno.ENOENT),
        ({"path": "/"}, errno.EACCES),
        ({"path": "/etc/passwd"}, errno.EACCES),
        ({"cwd": "/no/such/directory"}, errno.ENOENT),
        ({"cwd": "/etc/passwd"}, errno.ENOTDIR),
        ({"argument": "x" * 3_000_000}, errno.E2BIG),
    ],
    ids=str,
)
def test_a_refusal_has_the_number_of_the_system(
    launch: Launch, nothing: int, wrong: dict[str, str], number: int
) -> None:
    """It names the cause, and leaves neither a process nor a descriptor behind (B09)."""
    before = descriptors(), children()
    wrong = {"path": "/bin/true", "argument": "", "cwd": "/", **wrong}
    with pytest.raises(OSError, match=os.strerror(number)) as refusal:
        launch(program(wrong["path"], wrong["argument"], cwd=wrong["cwd"], stream=nothing))
    assert refusal.value.errno == number
    assert (descriptors(), children()) == before


def test_a_file_that_is_no_program_is_not_given_to_a_shell(
    launch: Launch, nothing: int, tmp_path: Path
) -> None:
    """As execve has it: a script has to say who reads it."""
    script = tmp_path / "script"
    script.write_text("exit 0\n")
    script.chmod(0o755)
    with pytest.raises(OSError, match=os.strerror(errno.ENOEXEC)) as refusal:
        launch(program(str(script), stream=nothing))
    assert refusal.value.errno == errno.ENOEXEC


@pytest.mark.parametrize("place", ["path", "argument", "cwd", "entry"])
def test_a_text_with_a_nul_starts_nothing(launch: Launch, nothing: int, place: str) -> None:
    """C would take it for the end of the text, and run something else."""
    texts = {"path": "/bin/true", "argument": "a", "cwd": "/", "entry": "A=b"}
    texts[place] += "\0x"
    with pytest.raises(ValueError, match="null"):
        launch(
            program(
                texts["path"],
                texts["argument"],
                cwd=texts["cwd"],
                environment=(texts["entry"],),
                stream=nothing,
            )
        )


@pytest.mark.parametrize("way", range(len(WAYS)))
def test_streams_may_be_anywhere(way: int) -> None:
    """Also where the child's first three descriptors belong, in any order."""
    code = f"""
import os
from tests.process.test_launch import WAYS, program, end_of
from haz_trio.process.launch import Program
reading, writing = os.pipe()
said = os.dup(1)
os.dup2(writing, 0)
os.dup2(reading, 1)
script = b"read word || echo out; echo err >&2"
pid = WAYS[{way}](Program(b"/bin/sh", [b"sh", b"-c", script], b"/", [], 2, 0))
assert end_of(pid) == 0
os.write(said, os.read(reading, 100))
"""
    assert python_program(f"import os; os.dup2(1, 2)\n{code}") == "out\nerr\n"
