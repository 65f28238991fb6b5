"""Tells what the system had no room for from what is a fault of haz (rows D06, D08 and B17)."""

from __future__ import annotations

import errno
from collections.abc import Iterator

_FILES = (
    "too many files are open",
    "raise the limit (`ulimit -n`), or let fewer tasks run at a time (`--jobs`)",
)
_SYSTEM = (
    "the system has too many files open",
    "end what has them open, or let fewer tasks run at a time (`--jobs`)",
)
_MEMORY = (
    "there is not enough memory",
    "raise the limit (`ulimit -v`), free some, or let fewer tasks run at a time (`--jobs`)",
)
_THREADS = (
    "no thread can be started",
    "raise the limits (`ulimit -u` and `-v`), or let fewer tasks run at a time (`--jobs`)",
)
_OF_ERRNO = {errno.EMFILE: _FILES, errno.ENFILE: _SYSTEM, errno.ENOMEM: _MEMORY}


def shortage(problem: BaseException) -> tuple[str, str] | None:
    """What haz ran out of, and the way out; ``None`` when that is not what went wrong.

    Looks into groups, and at what an error was raised from.
    """
    return next(filter(None, map(_kind, _causes(problem))), None)


def _causes(problem: BaseException) -> Iterator[BaseException]:
    ahead = [problem]
    while ahead:
        cause = ahead.pop()
        yield cause
        if isinstance(cause, BaseExceptionGroup):
            ahead += cause.exceptions
        if cause.__cause__ is not None:
            ahead.append(cause.__cause__)


def _kind(problem: BaseException) -> tuple[str, str] | None:
    match problem:
        case MemoryError():
            return _MEMORY
        case OSError():
            return _OF_ERRNO.get(problem.errno or 0)
        case ImportError() if "failed to map segment" in str(problem):  # of a shared library
            return _MEMORY
        case RuntimeError() if "can't start new thread" in str(problem):
            return _THREADS
    return None
