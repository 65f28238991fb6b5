"""Starting a program in a session of its own (execution.md 5.3), without ever losing the child.

``Popen`` blocks until the program has been executed, so it runs in a worker thread.
That thread is never abandoned: a cancellation is noticed when the child is in our hands.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Callable

import attrs
import trio

from haz_trio.abc import Command
from haz_trio.errors import SpawnError
from haz_trio.process.child import Child
from haz_trio.process.lookup import cannot_start, encode, explain, find_program

# Hashing and storing have limiters of their own: blocked file operations never stop spawning.
_THREADS = 8
_limiter: trio.lowlevel.RunVar[trio.CapacityLimiter] = trio.lowlevel.RunVar("haz_trio spawn")

# Seconds before another attempt.
# A script that was just written is busy while a process forked meanwhile has not executed yet.
_BUSY = (0.01, 0.02, 0.04, 0.08, 0.16)
_CROWDED = (0.05, 0.1, 0.2)
_DELAYS = {errno.ETXTBSY: _BUSY, errno.EAGAIN: _CROWDED, errno.ENOMEM: _CROWDED}

OpenPidfd = Callable[[int], int]


async def spawn(command: Command, *, open_pidfd: OpenPidfd = os.pidfd_open) -> Child:
    """Start a command; raises ``SpawnError`` with program, reason and way out.

    The child has ``/dev/null`` as standard input, pipes as standard output and error, no other
    descriptor, its own session, and exactly ``command.env``.
    There is no checkpoint between its start and the return.
    """
    _check(command)
    attempt = 0
    while True:
        try:
            return await trio.to_thread.run_sync(
                _start, command, open_pidfd, limiter=_spawn_limiter()
            )
        except _StartFailedError as caught:
            failure = caught
        except RuntimeError as error:
            if "start new thread" not in str(error):
                raise
            refusal = OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            failure = _StartFailedError(refusal, encode(command.argv[0]))
        delays = _DELAYS.get(failure.error.errno or 0, ())
        if attempt >= len(delays):
            raise SpawnError(explain(failure.error, command, failure.path)) from failure.error
        await trio.sleep(delays[attempt])
        attempt += 1


def _spawn_limiter() -> trio.CapacityLimiter:
    try:
        return _limiter.get()
    except LookupError:
        limiter = trio.CapacityLimiter(_THREADS)
        _limiter.set(limiter)
        return limiter


@attrs.define
class _StartFailedError(Exception):
    """The system refused; ``path`` is what was to be executed."""

    error: OSError
    path: bytes


def _check(command: Command) -> None:
    """What the system cannot express, and the one setting under which no status can be had."""
    if not command.argv:
        raise SpawnError("the command is empty: it names no program")
    program = command.argv[0]
    texts = [("its argument", word) for word in command.argv]
    texts += [("the name of a variable", name) for name in command.env]
    texts += [(f"the variable {name}", value) for name, value in command.env.items()]
    texts.append(("its directory", command.cwd))
    for what, text in texts:
        if "\0" in text:
            raise SpawnError(
                cannot_start(
                    program.replace("\0", "\\0"),
                    f"{what} {text!r} contains a NUL character, which ends a text for the system; "
                    "remove it",
                )
            )
        try:
            encode(text)
        except UnicodeEncodeError:
            reason = f"{what} {text!r} is no text that can be encoded; correct its escapes"
            raise SpawnError(cannot_start(ascii(program), reason)) from None
    for name in command.env:
        if not name or "=" in name:
            reason = f"{name!r} is no name of a variable; names are made of letters, digits and _"
            raise SpawnError(cannot_start(program, reason))
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        raise SpawnError(
            cannot_start(
                program,
                "this process ignores SIGCHLD, so the system discards exit statuses; "
                "set SIGCHLD to its default action first",
            )
        )


def _start(command: Command, open_pidfd: OpenPidfd) -> Child:
    """In a worker thread: look the program up and execute it."""
    path = find_program(command)
    opened: list[int] = []
    try:
        for _ in range(2):
            opened += os.pipe()  # not inheritable (PEP 446)
        out_read, out_write, err_read, err_write = opened
        # Only our ends: the child's belong to other open file descriptions and stay blocking.
        os.set_blocking(out_read, False)
        os.set_blocking(err_read, False)
        popen = subprocess.Popen(
            [encode(word) for word in command.argv],
            executable=path,
            cwd=os.fsencode(command.cwd),
            env={encode(name): encode(value) for name, value in command.env.items()},
            stdin=subprocess.DEVNULL,
            stdout=out_write,
            stderr=err_write,
            close_fds=True,
            restore_signals=True,
            start_new_session=True,
        )
    except OSError as error:
        for descriptor in opened:
            os.close(descriptor)
        raise _StartFailedError(error, path) from None
    os.close(out_write)
    os.close(err_write)
    try:
        pidfd = open_pidfd(popen.pid)
    except OSError:  # an old kernel, or no descriptor left: a thread waits instead
        pidfd = None
    return Child(popen.pid, pidfd, out_read, err_read, popen)
