"""The ports: what the engine needs of a store, a process back end and an observer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol, TypeAlias

from haz_trio.model.names import TaskId
from haz_trio.model.patterns import Anchored
from haz_trio.plan.messages import Event, Stream
from haz_trio.plan.outcome import ExitStatus, Sent
from haz_trio.values import field, frozen

if TYPE_CHECKING:
    import trio

# -- processes --------------------------------------------------------------------------------


@frozen
class Command:
    """What a process runs: its words, its directory on the host, its whole environment.

    ``task`` is for journals alone, and empty where it belongs to none.
    """

    argv: tuple[str, ...]
    cwd: str
    env: Mapping[str, str]
    task: str = ""


class Stop:
    """The two scopes that end a process early (EXEC-014).

    Cancelling ``ask`` sends SIGTERM to the process group, which then has ``grace`` seconds.
    Cancelling ``tell`` ends those seconds at once.
    ``halted`` says that the run wants the end, maybe a moment before ``ask`` is cancelled; the
    deadline of ``ask`` may have come before.
    ``rest`` is around what follows the process, and ends with those seconds.
    """

    def __init__(
        self,
        ask: trio.CancelScope,
        tell: trio.CancelScope,
        grace: float,
        halted: bool = False,
        *,
        rest: trio.CancelScope | None = None,
    ) -> None:
        self.ask: trio.CancelScope = ask
        self.tell: trio.CancelScope = tell
        self.grace: float = grace
        self.halted: bool = halted
        self.rest: trio.CancelScope | None = rest

    def limit(self, deadline: float) -> None:
        """End the grace at a time of trio's clock, if it does not end before."""
        for scope in (self.tell, self.rest):
            if scope is not None:
                scope.deadline = min(scope.deadline, deadline)

    def hurry(self) -> None:
        """End the grace at once."""
        for scope in (self.tell, self.rest):
            if scope is not None:
                scope.cancel()


@frozen
class Ending:
    """How a process ended.

    ``halted`` says that ``Stop.ask`` ended it, whatever its status.
    ``leftovers`` name who had to be ended after it and who held its pipes, for people.
    ``survivors`` name those that left for a session of their own and live on, if that was asked.
    ``sent`` are the signals that it got, in order.
    """

    status: ExitStatus
    halted: bool
    leftovers: tuple[str, ...] = ()
    survivors: tuple[str, ...] = ()
    sent: tuple[Sent, ...] = field(default=(), eq=False)


Emit: TypeAlias = Callable[[Stream, bytes], Awaitable[None]]


class Journal(Protocol):
    """Is told what runs, for who comes after this process has been killed; never raises.

    ``path`` is the file on the host that says so, if there is one by now, else empty.
    """

    @property
    def path(self) -> str: ...

    def began(self, task: str, pid: int, ticks: int) -> None:
        """A command leads the group ``pid``; ``ticks`` since boot is a moment before its start."""

    def ended(self, pid: int) -> None:
        """Nothing of that command runs any more."""


class RunCommand(Protocol):
    """Run a command to its end and hand every byte of its streams to ``emit``.

    When it returns or raises, no process of the command's group is left.
    Raises ``SpawnError`` when the program cannot be started.
    """

    async def __call__(self, command: Command, emit: Emit, *, stop: Stop) -> Ending: ...


# -- the store --------------------------------------------------------------------------------


@frozen
class Subject:
    """What a store must know of the task whose result it holds."""

    task: TaskId
    root: str  # the project's root, workspace-absolute
    outputs: tuple[Anchored, ...]


@frozen
class Found:
    """An entry that can be used, verified as far as a look can; opaque to all but its store."""

    key: str
    handle: object


@frozen
class Evidence:
    """What makes a hit of an entry: while none of it changes, another look finds the same.

    ``contents`` are the outputs with their digests, ``others`` further paths whose stat data
    matter; all are workspace-absolute.
    """

    contents: tuple[tuple[str, bytes], ...]
    others: tuple[str, ...]


@frozen
class Restored:
    """The outputs are right, and the recorded streams have been verified.

    ``chunks`` gives the recorded bytes of a stream again, in pieces of bounded size.
    ``wrote`` is false when everything was in place, so that no file has changed.
    ``evidence`` is what another look would depend on, ``None`` when that cannot be told.
    ``changed`` are all paths that were written or removed, workspace-absolute, ``None`` when that
    cannot be told either.
    ``order`` is how many bytes came by turns on standard output, on standard error, on standard
    output and so on; empty when all of standard output came first, or nobody knows.
    """

    stdout: bytes  # digests, 32 bytes
    stderr: bytes
    outputs: tuple[str, ...]
    chunks: Callable[[Stream], Iterator[bytes]]
    wrote: bool = True
    evidence: Evidence | None = None
    changed: tuple[str, ...] | None = None
    order: tuple[int, ...] = ()


@frozen
class Miss:
    """Nothing usable; ``reason`` is empty when there simply is no entry."""

    reason: str = ""


@frozen
class Stored:
    """The result is in the cache."""


@frozen
class NotStored:
    """The result is not in the cache; the task succeeded all the same (CACHE-023).

    ``reason`` is for people, and empty when the same was already said in this run.
    """

    reason: str = ""


@frozen
class Collected:
    """What a command left: stream digests, files of the result, and those that it wrote."""

    stdout: bytes  # digests, 32 bytes
    stderr: bytes
    outputs: tuple[str, ...]  # workspace-absolute, sorted
    written: tuple[str, ...]  # those of them that the command created or changed


ReadableRecipe: TypeAlias = Callable[[bytes], bytes]


class Pending(Protocol):
    """The result of one run of a task, on its way into the store.

    ``write`` takes the streams while the command runs; it blocks only while ``spooling``.
    ``collect`` resolves the outputs and raises ``OutputError`` when a declared one is missing.
    ``hold`` may follow it: it takes what there is to store into memory, if that is little; when
    it says so, ``commit`` does not look at the workspace any more, and may come much later.
    Exactly one of ``commit`` and ``discard`` is called last, and leaves nothing behind.
    """

    @property
    def spooling(self) -> bool: ...

    def write(self, stream: Stream, data: bytes) -> None: ...

    def collect(self) -> Collected: ...

    def hold(self) -> bool: ...

    def commit(self, *, foreign: frozenset[str], duration: float) -> Stored | NotStored: ...

    def discard(self) -> None: ...


class Store(Protocol):
    """A cache of results. Methods may block and are called in worker threads.

    None of them raises for a fault of the cache: such a fault is a miss, or not stored.
    ``begin`` is called before the command starts, so that a later ``collect`` can tell what the
    command wrote; ``recipe`` gives the readable form of what the key is made of, with a secret
    of the store that veils the values of variables (cache.md C5).
    ``recover`` is called first, before inputs are read: it undoes what killed runs left.
    ``finish`` is called once at the end of a run and returns remarks for people.
    """

    def recover(self) -> None: ...

    def look(self, key: str, subject: Subject) -> Found | Miss: ...

    def restore(self, found: Found, subject: Subject) -> Restored | Miss: ...

    def begin(self, key: str, subject: Subject, recipe: ReadableRecipe) -> Pending: ...

    def finish(self) -> tuple[str, ...]: ...


# -- observers --------------------------------------------------------------------------------


class Observer(Protocol):
    """Is told every event with the seconds since the run began, and slows down who talks.

    It may call methods of the engine. One that raises is told nothing more; the run goes on, and
    the error is raised when the block of ``open_engine`` is left.
    """

    def notice(self, event: Event, at: float) -> None:
        """Take an event; never waits."""

    async def wait_ready(self) -> None:
        """Return when more output is welcome; called by those who emit, never by the loop."""
