"""Real commands for a way to run processes: what is heard, how they end, and what is left."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import attrs
import trio

from haz_trio.abc import Command, Ending, RunCommand, Stop
from haz_trio.errors import SpawnError
from haz_trio.plan.messages import Stream
from haz_trio.plan.outcome import Exited, ExitStatus, Signalled
from haz_trio.testing.trial import DifferenceError

_MARK = "HAZ_KIT_MARK"
_PATH = "/usr/local/bin:/usr/bin:/bin"
_GRACE = 0.3  # seconds
_SLACK = 5.0  # seconds that a loaded machine may take on top of what a rule allows
_LONG = 600  # seconds that a command would take if nobody ended it
_BIG = 3_000_000  # bytes, far more than a pipe holds


async def check_run_command(run_command: RunCommand) -> None:
    """Try every case below; raises ``DifferenceError``, which names the rules that are broken."""
    for case in CASES:
        await run_case(run_command, case)
    await check_absent_program(run_command)


@attrs.define(eq=False)
class Heard:
    """What came of a command: its streams, and words that a case waits for."""

    stop: Stop
    streams: dict[Stream, bytearray] = attrs.field(
        factory=lambda: {stream: bytearray() for stream in Stream}
    )
    _news: trio.Event = attrs.field(factory=trio.Event)

    async def emit(self, stream: Stream, data: bytes) -> None:
        self.streams[stream] += data
        self._news.set()
        self._news = trio.Event()

    async def until(self, word: bytes) -> None:
        """Return when standard output has a word."""
        while word not in self.streams[Stream.STDOUT]:
            await self._news.wait()


Meanwhile = Callable[[Heard], Awaitable[None]]


async def _nothing(heard: Heard) -> None:
    """Let the command come to its end."""


async def _ask(heard: Heard) -> None:
    """Ask the command to end as soon as it says that it is ready."""
    await heard.until(b"ready")
    heard.stop.ask.cancel()


async def _tell(heard: Heard) -> None:
    """Ask, and then do not wait for the grace."""
    await _ask(heard)
    await trio.sleep(0.05)
    heard.stop.tell.cancel()


@attrs.frozen
class Case:
    """A script, what is done meanwhile, and what must come of it.

    ``statuses`` are the ends that may be, any for none; ``longest`` is in seconds.
    """

    rules: str
    about: str
    script: str
    statuses: tuple[ExitStatus, ...] = (Exited(0),)
    stdout: bytes | None = b""
    stderr: bytes | None = b""
    meanwhile: Meanwhile = _nothing
    grace: float = _GRACE
    longest: float = 0.0
    halted: bool = False
    leftovers: bool = False


_BY_TERM = (Signalled(15), Exited(143))
CASES: tuple[Case, ...] = (
    Case("EXEC-009", "a command succeeds", "true"),
    Case("EXEC-009", "a status is told", "exit 7", (Exited(7),)),
    Case("EXEC-009", "the highest status is told", "exit 255", (Exited(255),)),
    Case("EXEC-009", "a signal from outside is told", "kill -9 $$", (Signalled(9),)),
    Case("EXEC-016", "both streams are heard", "echo a; echo b >&2", stdout=b"a\n", stderr=b"b\n"),
    Case("EXEC-016", "bytes are bytes", "printf '\\000\\377\\n'", stdout=b"\0\xff\n"),
    Case(
        "EXEC-016",
        "all of a large output is heard",
        f"head -c {_BIG} /dev/zero",
        stdout=bytes(_BIG),
    ),
    Case(
        "EXEC-009",
        "who closes its streams has not ended",
        "exec >&- 2>&-; sleep 0.3; exit 3",
        (Exited(3),),
    ),
    Case(
        "CACHE-008",
        "the environment is what was given",
        "echo $A ${HOME-none}",
        stdout=b"b none\n",
    ),
    Case("EXEC-009", "the directory is what was given", "pwd", stdout=b"@\n"),
    Case("EXEC-009", "standard input is empty", "cat"),
    Case(
        "EXEC-014",
        "a command that is asked to end gets SIGTERM",
        "trap 'sleep 0.3; echo bye; exit 9' TERM; echo ready; while :; do sleep 0.02; done",
        (Exited(9),),
        stdout=b"ready\nbye\n",
        stderr=None,
        meanwhile=_ask,
        grace=30.0,
        halted=True,
    ),
    Case(
        "EXEC-014",
        "a command that does not heed it gets SIGKILL after the grace",
        f"trap '' TERM; echo ready; sleep {_LONG}; sleep {_LONG}",
        (Signalled(9),),
        stdout=b"ready\n",
        meanwhile=_ask,
        longest=_GRACE,
        halted=True,
    ),
    Case(
        "EXEC-014",
        "who is told to end does not get the grace",
        f"trap '' TERM; echo ready; sleep {_LONG}; sleep {_LONG}",
        (Signalled(9),),
        stdout=b"ready\n",
        meanwhile=_tell,
        grace=60.0,
        halted=True,
    ),
    Case(
        "EXEC-014",
        "the whole group is asked",
        f"sh -c 'sleep {_LONG}; :' & echo ready; wait",
        _BY_TERM,
        stdout=b"ready\n",
        stderr=None,
        meanwhile=_ask,
        halted=True,
    ),
    Case(
        "EXEC-014",
        "a stopped command is continued, so that it ends",
        "echo ready; kill -STOP $$",
        _BY_TERM,
        stdout=b"ready\n",
        meanwhile=_ask,
        grace=30.0,
        halted=True,
    ),
    Case(
        "EXEC-014",
        "who outlives a command in its group is ended and named",
        f"sleep {_LONG} & echo done",
        stdout=b"done\n",
        longest=2.5,
        leftovers=True,
    ),
    Case(
        "EXEC-014",
        "who holds the streams does not hold up the end",
        f"sleep {_LONG} >&2 & echo done",
        stdout=b"done\n",
        longest=2.5,
        leftovers=True,
    ),
)


async def run_case(run_command: RunCommand, case: Case) -> None:
    """Try one case; raises ``DifferenceError``."""
    mark = uuid.uuid4().hex
    with tempfile.TemporaryDirectory(prefix="haz-kit-") as folder:
        cwd = _canonical(folder)
        env = {"PATH": _PATH, "A": "b", _MARK: mark}
        command = Command(("/bin/sh", "-c", case.script), cwd, env)
        stop = Stop(trio.CancelScope(), trio.CancelScope(), case.grace)
        heard = Heard(stop)
        before = _descriptors()
        started = trio.current_time()
        with trio.move_on_after(case.longest + _SLACK) as limit:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(case.meanwhile, heard)
                ending = await run_command(command, heard.emit, stop=stop)
                nursery.cancel_scope.cancel()
        if limit.cancelled_caught:
            took = f"{trio.current_time() - started:.1f} s"
            raise DifferenceError(case.rules, case.about, took, f"an end in {case.longest} s")
        _compare(case, ending, heard, cwd)
        left = _alive(mark)
        _same("EXEC-014", case.about, f"processes that are left: {left}", bool(left), False)
        more = _descriptors() - before
        _same("EXEC-014", case.about, f"descriptors that are left: {more}", bool(more), False)


async def check_absent_program(run_command: RunCommand) -> None:
    """A program that is not there is a ``SpawnError``; raises ``DifferenceError``."""
    command = Command(("/nowhere/program",), "/", {"PATH": _PATH})
    stop = Stop(trio.CancelScope(), trio.CancelScope(), _GRACE)
    try:
        ending = await run_command(command, Heard(stop).emit, stop=stop)
    except SpawnError:
        return
    raise DifferenceError("EXEC-009", "a program that is not there", ending, "SpawnError")


def _compare(case: Case, ending: Ending, heard: Heard, cwd: str) -> None:
    if case.statuses:
        good = ending.status in case.statuses
        _same(case.rules, case.about, f"{ending.status} in {case.statuses}", good, True)
    for stream, expected in ((Stream.STDOUT, case.stdout), (Stream.STDERR, case.stderr)):
        if expected is not None:
            found = bytes(heard.streams[stream])
            wanted = expected.replace(b"@", os.fsencode(cwd))
            shown = found if len(found) < 200 else f"{len(found)} bytes"
            _same(case.rules, case.about, f"{stream.value} is {shown!r}", found == wanted, True)
    _same(case.rules, case.about, "it was halted", ending.halted, case.halted)
    if case.leftovers:
        named = bool(ending.leftovers)
        _same(case.rules, case.about, "leftovers are named", named, True)


def _same(rules: str, about: str, what: str, found: object, expected: object) -> None:
    if found != expected:
        raise DifferenceError(rules, f"{about}: {what}", found, expected)


def _descriptors() -> set[str]:
    """What this process has open, but for what asking opens."""
    folder = "/proc/self/fd"
    return {name for name in os.listdir(folder) if os.path.lexists(f"{folder}/{name}")}


def _canonical(folder: str) -> str:
    return os.path.realpath(folder)


def _alive(mark: str) -> list[str]:
    """Processes that bear a mark in their environment, but for zombies."""
    return list(_bearers(f"{_MARK}={mark}".encode()))


def _bearers(mark: bytes) -> Iterator[str]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                yield (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
