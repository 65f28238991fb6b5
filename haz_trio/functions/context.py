"""What an ``async def`` task is given: its words go to its streams, its programs end with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs
import trio

from haz_trio.abc import Command, Ending, RunCommand, Stop
from haz_trio.errors import ArgumentError, SpawnError, TaskError
from haz_trio.functions.speech import Speech
from haz_trio.model.names import TaskId
from haz_trio.plan.messages import Stream
from haz_trio.plan.outcome import Exited, ExitStatus


class CommandFailedError(TaskError):
    """A program that a function ran did not end with status 0; ``status`` says how it ended."""

    def __init__(self, argv: Sequence[str], status: ExitStatus) -> None:
        self.argv: tuple[str, ...] = tuple(argv)
        self.status: ExitStatus = status
        super().__init__(f"{' '.join(argv)}: {status}")


@attrs.define(eq=False)
class TaskContext:
    """The one argument of an ``async def`` task.

    ``env`` is all of the environment that the task declares, ``cwd`` the folder of its project:
    the process itself has others, which belong to the host.
    """

    id: TaskId
    env: Mapping[str, str]
    cwd: str
    _speech: Speech
    _run_command: RunCommand
    _nursery: trio.Nursery
    _grace: float
    _stops: list[Stop] = attrs.field(factory=list, init=False)
    _leftovers: list[str] = attrs.field(factory=list, init=False)

    @property
    def leftovers(self) -> tuple[str, ...]:
        """Who outlived the programs that were run."""
        return tuple(self._leftovers)

    async def print(
        self,
        *values: object,
        sep: str = " ",
        end: str = "\n",
        stream: Stream = Stream.STDOUT,
    ) -> None:
        """Write values to a stream of the task, as the builtin of this name does."""
        await self.write((sep.join(map(str, values)) + end).encode(), stream=stream)

    async def write(self, data: bytes, *, stream: Stream = Stream.STDOUT) -> None:
        """Write bytes to a stream of the task; what is written is not lost by a cancellation."""
        if not isinstance(data, bytes | bytearray | memoryview):
            raise ArgumentError(f"data is {data!r} of type {type(data).__name__}, not bytes")
        if not isinstance(stream, Stream):
            raise ArgumentError(f"stream is {stream!r}, which is no haz_trio.Stream")
        await self._speech.say(stream, bytes(data))

    async def run(
        self,
        argv: Iterable[str],
        *,
        check: bool = True,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> ExitStatus:
        """Run a program to its end; its output is output of the task.

        ``env`` and ``cwd`` default to those of the task.
        When the function is cancelled meanwhile, the program gets SIGTERM, the grace and SIGKILL,
        and then the cancellation goes on.
        Raises ``CommandFailedError`` for another end than status 0 unless ``check`` is false,
        ``SpawnError`` when the program cannot be started.
        """
        words = (argv,) if isinstance(argv, str) else tuple(argv)
        if isinstance(argv, str) or not all(isinstance(word, str) for word in words):
            raise ArgumentError(f"argv is {argv!r}, but must be a list of words")
        cwd, env = self.cwd if cwd is None else cwd, self.env if env is None else env
        command = Command(words, cwd, env, str(self.id))
        ending = await self._supervise(command)
        if check and ending.status != Exited(0):
            raise CommandFailedError(words, ending.status)
        return ending.status

    def hurry(self) -> None:
        """Kill the programs that still run."""
        for stop in self._stops:
            stop.tell.cancel()

    async def _supervise(self, command: Command) -> Ending:
        """The command runs beside the function, so that it ends in its own time."""
        stop = Stop(trio.CancelScope(), trio.CancelScope(), self._grace)
        over = trio.Event()
        result: list[Ending | SpawnError] = []

        async def run() -> None:
            try:
                result.append(await self._run_command(command, self._speech.say, stop=stop))
            except SpawnError as problem:
                result.append(problem)
            finally:
                over.set()

        self._stops.append(stop)
        self._nursery.start_soon(run)
        try:
            await over.wait()
        except trio.Cancelled:
            stop.ask.cancel()
            # The shield ends with the grace of the command; an abort of the run kills it at once.
            with trio.CancelScope(shield=True):
                await over.wait()
            raise
        finally:
            self._stops.remove(stop)
        ending = result[0]
        if isinstance(ending, SpawnError):
            raise ending
        self._leftovers += ending.leftovers
        return ending
