"""The functions that a workspace names: their modules are executed here, and nowhere else.

Only runs and the library come here, never a command that merely looks (decisions.md 23).
A module is executed once in a process for each state of its file, and leaves no bytecode behind,
which globs could take for a file of the workspace.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from types import FunctionType, ModuleType
from typing import TypeAlias

from haz_trio.errors import TaskError
from haz_trio.functions.presses import was_pressed
from haz_trio.model.names import quote

PREFIX = "haz_trio_function_"
_State: TypeAlias = tuple[int, int, int, int]

_lock = threading.RLock()
_loaded: dict[str, tuple[_State, ModuleType]] = {}


def load_function(path: str, name: str, *, heard: bool = False) -> FunctionType:
    """The function with a dotted name in the module whose file has this path of the host.

    Blocks for as long as the module does; raises ``TaskError`` when there is no such function,
    or the module cannot be executed.
    What the module prints meanwhile goes to stderr, unless it is to be ``heard``.
    """
    return function_in(_module(path, heard), name, path)


def function_in(module: ModuleType, name: str, path: str) -> FunctionType:
    """The function with a dotted name in a module; raises ``TaskError``."""
    found: object = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, FunctionType):
        what = "is not there" if found is None else f"is a {type(found).__name__}"
        raise TaskError(f"no function {quote(name)} in {quote(path)}: it {what}")
    return found


def _module(path: str, heard: bool) -> ModuleType:
    with _lock:
        try:
            with open(path, "rb") as file:
                info = os.fstat(file.fileno())
                state = (info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
                known = _loaded.get(path)
                if known is not None and known[0] == state:
                    return known[1]
                source = file.read()
        except OSError as problem:
            reason = problem.strerror or problem
            raise TaskError(f"cannot read the module {quote(path)}: {reason}") from problem
        with _aside(heard):
            module = _execute(path, source)
        _loaded[path] = state, module
        return module


@contextmanager
def _aside(heard: bool) -> Iterator[None]:
    """No bytecode of what is imported; and haz's own stdout is not for modules.

    Both are settings of the whole process, so that only who has the lock may come here.
    """
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        with nullcontext() if heard else redirect_stdout(sys.stderr):
            yield
    finally:
        sys.dont_write_bytecode = before


def _execute(path: str, source: bytes) -> ModuleType:
    # A name of its own: two projects may have files of one name, and neither hides another module.
    token = hashlib.blake2b(os.fsencode(path), digest_size=8).hexdigest()
    module = ModuleType(f"{PREFIX}{token}")
    module.__file__ = path
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, path, "exec", dont_inherit=True), vars(module))  # noqa: S102  # on purpose
    # Whatever the workspace's module raises is why its functions cannot be had, also `sys.exit()`.
    except BaseException as problem:
        sys.modules.pop(module.__name__, None)
        if was_pressed(problem):
            raise
        text = f"{type(problem).__name__}: {problem}".removesuffix(": ")
        raise TaskError(f"the module {quote(path)} cannot be executed: {text}") from problem
    return module
