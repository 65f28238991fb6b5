"""Starting a program in a session of its own (execution.md 5.3), without ever losing the child.

Starting blocks the calling thread until the program has been executed.
It happens on the loop all the same, which spares two changes of threads for each command.
Looking a program up may wait for a disk: the first search for it is made in a worker thread, and
later ones meet directories that the system knows by then.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

import attrs
import trio

from haz_trio.abc import Command
from haz_trio.errors import SpawnError
from haz_trio.process.child import Child
from haz_trio.process.guard import Guard, Ward
from haz_trio.process.launch import Program, launch
from haz_trio.process.lookup import cannot_start, encode, explain, find_program, glance, nul_in
from haz_trio.values import field, frozen

# Seconds before another attempt.
# A script that was just written is busy while a process forked meanwhile has not executed yet.
_BUSY = (0.01, 0.02, 0.04, 0.08, 0.16)
_CROWDED = (0.05, 0.1, 0.2)
_SCARCE = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
_DELAYS = {errno.ETXTBSY: _BUSY, **dict.fromkeys(_SCARCE, _CROWDED)}

OpenPidfd: TypeAlias = Callable[[int], int]


def _never() -> bool:
    return False


@frozen
class _Searches:
    """The searches of one run of trio, and whose turn it is to start what was found.

    Hashing and storing have limiters of their own: blocked file operations never stop spawning.
    ``found`` are programs, each with the PATH that it was found in.
    """

    limiter: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(8))
    turns: trio.Lock = field(factory=trio.Lock)  # to start a program
    found: set[tuple[str, str | None]] = field(factory=set)


_searches: trio.lowlevel.RunVar[_Searches] = trio.lowlevel.RunVar("haz_trio searches")


async def spawn(
    command: Command,
    *,
    open_pidfd: OpenPidfd = os.pidfd_open,
    guard: Guard | None = None,
    is_over: Callable[[], bool] = _never,
) -> Child:
    """Start a command; raises ``SpawnError`` with program, reason and way out.

    While the system has no room, other commands of ``guard`` are waited for, until ``is_over``;
    with a guard nothing is started after that.

    The child has ``/dev/null`` as standard input, pipes as standard output and error, no other
    descriptor, its own session, and exactly ``command.env``.
    There is no checkpoint between its start and the return.
    """
    await trio.lowlevel.checkpoint_if_cancelled()  # who calls it waits for the child next
    _check_words(command)
    attempt = 0
    while True:
        try:
            path = await _search(command)
            # One after the other: what else has happened, a signal above all, is seen to between
            # two starts, and not after those of all who may start at this moment.
            async with _searches_of_run().turns:
                if guard is not None and is_over():
                    raise SpawnError(cannot_start(command.argv[0], "the run is being stopped"))
                return _start(command, path, open_pidfd, guard)
        except _StartFailedError as caught:
            failure = caught
        except ValueError:
            _check_texts(command)
            raise
        delays = _DELAYS.get(failure.error.errno or 0, ())
        if is_over() or (attempt >= len(delays) and not _may_wait(failure.error, guard)):
            raise SpawnError(await _reason(failure, command)) from failure.error
        await trio.sleep(delays[min(attempt, len(delays) - 1)])
        attempt += 1


def _may_wait(error: OSError, guard: Guard | None) -> bool:
    """Whether the end of another command can make room (D06, D07)."""
    if guard is None or not guard.is_busy or error.errno not in _SCARCE:
        return False
    guard.tell_once(f"no room for another process ({error.strerror}): waiting for tasks to end")
    return True


async def _search(command: Command) -> bytes:
    """The file to execute; a search that fails is made once more, for its reasons."""
    program = (command.argv[0], command.env.get("PATH"))
    searches = _searches_of_run()
    if program in searches.found and (path := glance(command)) is not None:
        return path
    path = await _find(command, searches)
    searches.found.add(program)
    return path


async def _find(command: Command, searches: _Searches) -> bytes:
    try:
        return await trio.to_thread.run_sync(find_program, command, limiter=searches.limiter)
    except RuntimeError as error:
        if "start new thread" not in str(error):
            raise
        refusal = OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        raise _StartFailedError(refusal, encode(command.argv[0])) from None


async def _reason(failure: _StartFailedError, command: Command) -> str:
    """Why the start failed; raises ``SpawnError`` itself where the search knows more."""
    # Where not even a thread can be started, the first failure says that as well.
    with suppress(_StartFailedError):
        await _find(command, _searches_of_run())
    return explain(failure.error, command, failure.path)


def _searches_of_run() -> _Searches:
    try:
        return _searches.get()
    except LookupError:
        searches = _Searches()
        _searches.set(searches)
        return searches


@attrs.define
class _StartFailedError(Exception):
    """The system refused; ``path`` is what was to be executed."""

    error: OSError
    path: bytes


def _check_words(command: Command) -> None:
    """What every start has to ask: the rest is asked when a start has failed."""
    if not command.argv:
        raise SpawnError("the command is empty: it names no program")
    if any(not name or "=" in name for name in command.env):
        _check_texts(command)
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        raise SpawnError(
            cannot_start(
                command.argv[0],
                "this process ignores SIGCHLD, so the system discards exit statuses; "
                "set SIGCHLD to its default action first",
            )
        )


def _check_texts(command: Command) -> None:
    """Raise ``SpawnError`` for what the system cannot express."""
    program = command.argv[0]
    texts = [("its argument", word) for word in command.argv]
    texts += [("the name of a variable", name) for name in command.env]
    texts += [(f"the variable {name}", value) for name, value in command.env.items()]
    texts.append(("its directory", command.cwd))
    for what, text in texts:
        if "\0" in text:
            raise SpawnError(nul_in(program, what, text))
        try:
            encode(text)
        except UnicodeEncodeError:
            reason = f"{what} {text!r} is no text that can be encoded; correct its escapes"
            raise SpawnError(cannot_start(ascii(program), reason)) from None
    for name in command.env:
        if not name or "=" in name:
            reason = f"{name!r} is no name of a variable; names are made of letters, digits and _"
            raise SpawnError(cannot_start(program, reason))


def _start(
    command: Command, path: bytes, open_pidfd: OpenPidfd, guard: Guard | None = None
) -> Child:
    """Execute a program; raises ``_StartFailedError``, and ``ValueError`` for impossible texts."""
    argv = [encode(word) for word in command.argv]
    environment = [encode(f"{name}={value}") for name, value in command.env.items()]
    opened: list[int] = []
    ward: Ward | None = None
    try:
        for _ in range(2):
            opened += os.pipe()  # not inheritable (PEP 446)
        out_read, out_write, err_read, err_write = opened
        # Only our ends: the child's belong to other open file descriptions and stay blocking.
        os.set_blocking(out_read, False)
        os.set_blocking(err_read, False)
        if guard is not None:
            ward = guard.expect(out_read, err_read, task=command.task)
        directory = os.fsencode(command.cwd)
        pid = launch(Program(path, argv, directory, environment, out_write, err_write))
    except BaseException as error:
        for descriptor in opened:
            os.close(descriptor)
        if ward is not None:
            ward.leave()
        if isinstance(error, OSError):
            raise _StartFailedError(error, path) from None
        raise
    os.close(out_write)
    os.close(err_write)
    try:
        pidfd = open_pidfd(pid)
    except OSError:  # an old kernel, or no descriptor left: a thread waits instead
        pidfd = None
    child = Child(pid, pidfd, out_read, err_read)
    if ward is not None:
        child.ward = ward
        ward.enter(pid)
    return child
