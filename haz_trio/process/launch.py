"""Two ways to make a process that executes a program, in a session of its own.

``Popen`` holds the interpreter's lock until the new process has executed the program, and every
thread of ours stands still meanwhile: a third of a millisecond for each command.
Where the C library can do all that a start needs (glibc from 2.34 on), its ``posix_spawn`` is
called instead, which holds up the calling thread only.
"""

from __future__ import annotations

import ctypes
import functools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import TypeAlias

from haz_trio.values import frozen

# Of <spawn.h>; sizes with room to spare, since they differ between machines.
_SET_SIGNAL_DEFAULTS, _SET_SESSION = 0x04, 0x80
_FILE_ACTIONS_SIZE, _ATTRIBUTES_SIZE, _SIGNAL_SET_BITS = 256, 1024, 1024
_STDIN, _STDOUT, _STDERR = range(3)
_WORD_BITS = 8 * ctypes.sizeof(ctypes.c_ulong)
# What Python ignores in this process, and two signals of glibc's own, which it ignores in
# processes that it spawns unless they are asked for.
_DEFAULTED = (signal.SIGPIPE, signal.SIGXFSZ, 32, 33)
_NEEDED = (
    "posix_spawn_file_actions_addchdir_np",
    "posix_spawn_file_actions_addclosefrom_np",
    "posix_spawn_file_actions_adddup2",
    "posix_spawn_file_actions_addopen",
    "posix_spawn_file_actions_destroy",
    "posix_spawn_file_actions_init",
    "posix_spawnattr_init",
    "posix_spawnattr_setflags",
    "posix_spawnattr_setsigdefault",
)


@frozen
class Program:
    """What to execute, where, with what; everything as the system's bytes.

    ``environment`` are whole entries, ``NAME=value``.
    Standard input is ``/dev/null``; ``stdout`` and ``stderr`` are descriptors of ours, and the
    child gets no others.
    """

    path: bytes
    argv: Sequence[bytes]
    cwd: bytes
    environment: Sequence[bytes]
    stdout: int
    stderr: int


Launch: TypeAlias = Callable[[Program], int]


def launch(program: Program) -> int:
    """Start a program; returns its pid when it has been executed, and leaves reaping to others.

    The child leads its own session; what Python ignores of signals has its default action.
    Raises ``OSError`` when the system refuses, be it the directory, the file or the process, and
    ``ValueError`` for a text with a NUL.
    """
    return _launch_of_this_system()(program)


@functools.cache
def _launch_of_this_system() -> Launch:
    return spawning() or launch_by_popen


def launch_by_popen(program: Program) -> int:
    """The same by the standard library, wherever there is Python."""
    popen = subprocess.Popen(
        program.argv,
        executable=program.path,
        cwd=program.cwd,
        env=dict(entry.split(b"=", 1) for entry in program.environment),
        stdin=subprocess.DEVNULL,
        stdout=program.stdout,
        stderr=program.stderr,
        close_fds=True,
        restore_signals=True,
        start_new_session=True,
    )
    # It must not warn about, nor wait for, a child that it believes to be running.
    popen.returncode = 0
    return popen.pid


def spawning() -> Launch | None:
    """The same by the C library's ``posix_spawn``; None where that cannot do all of it."""
    try:
        os.confstr("CS_GNU_LIBC_VERSION")
        # Functions that are over at once keep the interpreter's lock; the one that waits, not.
        brief, waiting = ctypes.PyDLL(None), ctypes.CDLL(None)
    except (ValueError, OSError):
        return None
    if not (sys.platform == "linux" and all(hasattr(brief, name) for name in _NEEDED)):
        return None
    attributes = ctypes.create_string_buffer(_ATTRIBUTES_SIZE)
    defaulted = (ctypes.c_ulong * (_SIGNAL_SET_BITS // _WORD_BITS))()
    for number in _DEFAULTED:
        word, bit = divmod(number - 1, _WORD_BITS)
        defaulted[word] |= 1 << bit
    brief.posix_spawnattr_init(attributes)
    brief.posix_spawnattr_setsigdefault(attributes, defaulted)
    brief.posix_spawnattr_setflags(attributes, ctypes.c_short(_SET_SIGNAL_DEFAULTS | _SET_SESSION))
    open_file = brief.posix_spawn_file_actions_addopen
    start, duplicate = waiting.posix_spawn, brief.posix_spawn_file_actions_adddup2
    initialise, destroy = (
        brief.posix_spawn_file_actions_init,
        brief.posix_spawn_file_actions_destroy,
    )
    close_others = brief.posix_spawn_file_actions_addclosefrom_np
    change_directory = brief.posix_spawn_file_actions_addchdir_np

    def launch_by_spawn(program: Program) -> int:
        if min(program.stdout, program.stderr) <= _STDERR:
            return launch_by_popen(program)  # which moves them out of the way first
        argv, environment = program.argv, program.environment
        if b"\0" in b"".join((program.path, program.cwd, *argv, *environment)):
            raise ValueError("embedded null byte")
        sys.audit("subprocess.Popen", program.path, argv, program.cwd, environment)
        pid = ctypes.c_int()
        actions = ctypes.create_string_buffer(_FILE_ACTIONS_SIZE)
        initialise(actions)
        try:
            _check(open_file(actions, _STDIN, b"/dev/null", os.O_RDWR, 0))
            _check(duplicate(actions, program.stdout, _STDOUT))
            _check(duplicate(actions, program.stderr, _STDERR))
            _check(close_others(actions, _STDERR + 1))
            _check(change_directory(actions, program.cwd))
            error = start(
                ctypes.byref(pid),
                program.path,
                actions,
                attributes,
                _strings(argv),
                _strings(environment),
            )
        finally:
            destroy(actions)
        _check(error)
        return pid.value

    return launch_by_spawn


def _strings(texts: Sequence[bytes]) -> ctypes.Array[ctypes.c_char_p]:
    """Texts as C wants them, after the last one a null pointer."""
    return (ctypes.c_char_p * (len(texts) + 1))(*texts)


def _check(error: int) -> None:
    if error:
        raise OSError(error, os.strerror(error))
