"""Which file a program's name stands for, and why a program cannot be started (EXEC-009).

The search uses the environment of the child, never that of this process (execution.md 5.3).
"""

from __future__ import annotations

import errno
import functools
import os
import stat

from haz_trio.abc import Command
from haz_trio.errors import SpawnError
from haz_trio.process.environment import ENCODING, ERRORS
from haz_trio.values import frozen

DEFAULT_PATH = "/bin:/usr/bin"
_ENTRIES_SHOWN = 8
_HEAD = 256  # what Linux reads of a script's first line


@frozen
class _Problem:
    """Why a file is no program, and what to do about it."""

    what: str
    way_out: str


_MISSING = _Problem("does not exist", "check the spelling, or let a dependency make it")


def find_program(command: Command) -> bytes:
    """The file to execute: as written if it contains ``/``, else from the child's PATH.

    A relative result is relative to ``command.cwd``, where the child executes it.
    Raises ``SpawnError`` when there is no such program.
    """
    program, cwd = command.argv[0], command.cwd
    if "\0" in program:
        raise SpawnError(nul_in(program, "its argument", program))
    _check_directory(program, cwd)
    if "/" in program:
        path = encode(program)
        problem = _problem(cwd, path)
        if problem is not None:
            raise SpawnError(_cannot_run(program, cwd, path, problem))
        return path
    listed = command.env.get("PATH")
    # An empty entry is the current directory; without `/` the name would be searched once more.
    entries = [entry or "." for entry in (DEFAULT_PATH if listed is None else listed).split(":")]
    unusable = ""
    for entry in entries:
        path = os.path.join(encode(entry), encode(program))
        problem = _problem(cwd, path)
        if problem is None and program:
            return path
        if problem not in (None, _MISSING) and not unusable:
            unusable = _cannot_run(program, cwd, path, problem)
    raise SpawnError(unusable or _not_found(program, entries, has_path=listed is not None))


def glance(command: Command) -> bytes | None:
    """What ``find_program`` finds, with as few questions as that takes; None means: ask it."""
    program = encode(command.argv[0])
    if b"/" in program:
        return program  # executing it says what is wrong with it
    for path in _candidates(program, command.env.get("PATH")):
        full = path if path.startswith(b"/") else os.path.join(os.fsencode(command.cwd), path)
        # A missing file is the common case, and costs one call and no exception here.
        if os.access(full, os.X_OK) and os.path.isfile(full):
            return path
    return None


@functools.lru_cache(maxsize=256)
def _candidates(program: bytes, listed: str | None) -> tuple[bytes, ...]:
    """Where a bare name may be found; an empty entry of a PATH is the current directory."""
    entries = (DEFAULT_PATH if listed is None else listed).split(":")
    return tuple(os.path.join(encode(entry or "."), program) for entry in entries if program)


def explain(error: OSError, command: Command, path: bytes) -> str:
    """A sentence for the error with which starting ``path`` failed, and the way out."""
    match error.errno:
        case errno.ENOENT:
            reason = _no_interpreter(command.cwd, path)
        case errno.ENOEXEC:
            reason = _wrong_format(command.cwd, path)
        case errno.E2BIG:
            reason = (
                "its arguments and environment are longer than the system allows "
                f"({_size(command):,} bytes); pass long lists in a file"
            )
        case errno.EACCES | errno.EPERM:
            reason = (
                f"permission to execute {decode(path)} was denied; check the rights of its "
                "interpreter, and whether its file system is mounted with noexec"
            )
        case errno.ETXTBSY:
            reason = (
                f"{decode(path)} is still open for writing in some process; "
                "let the task that writes it end first"
            )
        case errno.EMFILE | errno.ENFILE:
            reason = (
                "too many files are open; raise the limit (`ulimit -n`), "
                "or let fewer tasks run at a time"
            )
        case errno.EAGAIN | errno.ENOMEM:
            reason = (
                f"the system refuses another process ({_reason(error)}); raise the limit "
                "(`ulimit -u`, memory), or let fewer tasks run at a time"
            )
        case _:
            reason = f"{decode(path)}: {_reason(error)}"
    return cannot_start(command.argv[0], reason)


def cannot_start(program: str, reason: str) -> str:
    return f"program `{program}` cannot be started: {reason}"


def nul_in(program: str, what: str, text: str) -> str:
    """The sentence for a text of a command that ends early for the system."""
    return cannot_start(
        program.replace("\0", "\\0"),
        f"{what} {text!r} contains a NUL character, which ends a text for the system; remove it",
    )


def encode(text: str) -> bytes:
    """Text of a command as the system's bytes; lone surrogates are the bytes they stand for."""
    return text.encode(ENCODING, ERRORS)


def decode(data: bytes) -> str:
    """Bytes of the system as text that can be printed."""
    return data.decode(ENCODING, "replace")


def _check_directory(program: str, cwd: str) -> None:
    try:
        if not stat.S_ISDIR(os.stat(cwd).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(cwd, os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except FileNotFoundError:
        reason = f"its directory {cwd} does not exist; create it, or correct the project's root"
    except OSError as error:
        reason = f"its directory {cwd} cannot be used ({_reason(error)}); correct its kind or mode"
    else:
        return
    raise SpawnError(cannot_start(program, reason))


def _problem(cwd: str, path: bytes) -> _Problem | None:
    """What keeps a file from being executed, as far as a look can tell."""
    full = os.path.join(os.fsencode(cwd), path)
    try:
        mode = os.stat(full).st_mode
    except (FileNotFoundError, NotADirectoryError):
        if os.path.islink(full):
            target = decode(os.readlink(full))
            return _Problem(
                f"is a symlink to {target}, which does not exist", "correct the symlink"
            )
        return _MISSING
    except OSError as error:
        return _Problem(
            f"cannot be looked at ({_reason(error)})", "correct the path or its rights"
        )
    if stat.S_ISDIR(mode):
        return _Problem("is a directory", "name the program inside it")
    if not stat.S_ISREG(mode):
        return _Problem("is not a regular file", "name a program")
    if not os.access(full, os.X_OK):
        return _Problem(
            "is not executable", "run `chmod +x` on it, or make it an argument of its interpreter"
        )
    return None


def _cannot_run(program: str, cwd: str, path: bytes, problem: _Problem) -> str:
    full = decode(os.path.normpath(os.path.join(os.fsencode(cwd), path)))
    return cannot_start(program, f"{full} {problem.what}; {problem.way_out}")


def _not_found(program: str, entries: list[str], *, has_path: bool) -> str:
    if not has_path:
        return cannot_start(
            program,
            "it is neither in /bin nor in /usr/bin, and the task has no PATH; "
            "add PATH to env.from_host",
        )
    tried = ", ".join(entries[:_ENTRIES_SHOWN])
    if len(entries) > _ENTRIES_SHOWN:
        tried += f" and {len(entries) - _ENTRIES_SHOWN} more"
    return cannot_start(
        program, f"it is in no directory of the task's PATH ({tried}); install it or correct PATH"
    )


def _no_interpreter(cwd: str, path: bytes) -> str:
    """For a file that exists and still gives ENOENT."""
    head = _head(cwd, path)
    if head.startswith(b"#!"):
        interpreter = decode(head[2:].split(b"\n")[0].strip(b" \t").split(b" ")[0])
        hint = " (its first line ends with a carriage return)" if "\r" in interpreter else ""
        return (
            f"{decode(path)} names the interpreter {interpreter.strip()}{hint}, which does not "
            "exist; install it or correct the first line"
        )
    if head.startswith(b"\x7fELF"):
        return f"the program loader that {decode(path)} needs is not installed on this system"
    return f"{decode(path)} has gone; {_MISSING.way_out}"


def _wrong_format(cwd: str, path: bytes) -> str:
    head = _head(cwd, path)
    if head.startswith(b"\x7fELF"):
        return f"{decode(path)} was built for another kind of machine; build it for this one"
    if not head:
        return f"{decode(path)} is empty; check how it was made"
    return (
        f"{decode(path)} is a script whose first line names no interpreter; "
        "start it with a line such as `#!/bin/sh`"
    )


def _head(cwd: str, path: bytes) -> bytes:
    try:
        with open(os.path.join(os.fsencode(cwd), path), "rb") as file:
            return file.read(_HEAD)
    except OSError:
        return b""


def _size(command: Command) -> int:
    words = sum(len(encode(word)) + 1 for word in command.argv)
    return words + sum(len(encode(k)) + len(encode(v)) + 2 for k, v in command.env.items())


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)
