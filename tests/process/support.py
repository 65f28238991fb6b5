"""Running commands in tests, and asking the system what is left of them."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path

import attrs
import trio

from haz_trio.abc import Command, Ending, Stop
from haz_trio.model.workspace import Containment
from haz_trio.plan.messages import Stream
from haz_trio.process.supervise import run_command

PATH = "/usr/local/bin:/usr/bin:/bin"
PYTHON = sys.executable
TOKEN = "HAZ_TEST_TOKEN"


def command(*argv: str, cwd: str = "/", **env: str) -> Command:
    return Command(argv, cwd, {"PATH": PATH, **env})


def shell(script: str, **env: str) -> Command:
    return command("sh", "-c", script, **env)


def python(code: str, **env: str) -> Command:
    return command(PYTHON, "-S", "-c", code, **env)


def new_stop(grace: float = 0.2) -> Stop:
    return Stop(trio.CancelScope(), trio.CancelScope(), grace)


@attrs.define(eq=False)
class Session:
    """One run of a command in the making: its stop, what arrived, and words to wait for."""

    stop: Stop = attrs.field(factory=new_stop)
    seen: dict[Stream, bytearray] = attrs.field(
        factory=lambda: {stream: bytearray() for stream in Stream}
    )
    _arrival: trio.Event = attrs.field(factory=trio.Event)

    async def emit(self, stream: Stream, data: bytes) -> None:
        self.seen[stream] += data
        self._arrival.set()
        self._arrival = trio.Event()

    @property
    def out(self) -> bytes:
        return bytes(self.seen[Stream.STDOUT])

    @property
    def err(self) -> bytes:
        return bytes(self.seen[Stream.STDERR])

    async def wait_for(self, word: bytes) -> None:
        while word not in self.out:
            await self._arrival.wait()


@attrs.frozen
class Result:
    ending: Ending
    out: bytes
    err: bytes
    seconds: float


def run(
    what: Command,
    *,
    meanwhile: Callable[[Session], Awaitable[None]] | None = None,
    grace: float = 0.2,
    containment: Containment = Containment.GROUP,
) -> Result:
    """Run a command in a loop of its own; a test that hangs fails after 10 seconds."""

    session = Session(new_stop(grace))

    async def main() -> Result:
        started = time.perf_counter()
        with trio.fail_after(10):
            ending = await run_command(
                what, session.emit, stop=session.stop, containment=containment
            )
        return Result(ending, session.out, session.err, time.perf_counter() - started)

    async def accompanied() -> Result:
        assert meanwhile is not None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(meanwhile, session)
            result = await main()
            nursery.cancel_scope.cancel()
        return result

    return trio.run(main if meanwhile is None else accompanied)


def new_token() -> dict[str, str]:
    """An environment by which ``bearers`` finds every process of a command."""
    return {TOKEN: uuid.uuid4().hex}


def state(pid: int) -> str:
    """The letter that stands for what a process is doing."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def bearers(env: Mapping[str, str]) -> list[int]:
    """The live processes whose environment holds the token."""
    needle = f"{TOKEN}={env[TOKEN]}".encode()
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            if (
                state(int(name)) not in "ZX"
                and needle in Path(f"/proc/{name}/environ").read_bytes()
            ):
                found.append(int(name))
        except OSError:
            continue
    return found


def wait_until(condition: Callable[[], object], seconds: float) -> None:
    """Return when a condition of the outside world holds; fail after so many seconds."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


def end(pids: list[int]) -> None:
    """End what a test lets survive on purpose."""
    for pid in pids:
        os.kill(pid, 9)


def descriptors() -> set[str]:
    """What is open in this process, without the descriptor that looks."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")
        except OSError:
            continue
    return {entry for entry in found if "/proc/" not in entry}


def children() -> list[int]:
    """The children of this process, zombies included."""
    found: list[int] = []
    for thread in os.listdir("/proc/self/task"):
        with suppress(FileNotFoundError):  # a thread that has ended meanwhile
            text = Path(f"/proc/self/task/{thread}/children").read_text()
            found += map(int, text.split())
    return found


def python_program(code: str, *, setup: str = "", env: Mapping[str, str] | None = None) -> str:
    """Run a program of its own, started by sh after ``setup``; returns what it printed."""
    argv = [PYTHON, "-W", "error", "-c", code]
    if setup:
        argv = ["sh", "-c", f"{setup}\nexec {shlex.join(argv)}"]
    done = subprocess.run(
        argv,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env={**os.environ, **(env or {})},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
