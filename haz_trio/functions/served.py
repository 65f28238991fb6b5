"""The process of a synchronous function: found again, compared, called."""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Mapping
from typing import TypedDict

from haz_trio.errors import TaskError
from haz_trio.functions.digest import parts_of
from haz_trio.functions.loading import function_in, load_function


class Spec(TypedDict):
    """Which function to call: in a module by name, or else in a file; and what it is made of."""

    path: list[str]
    module: str
    file: str
    name: str
    parts: Mapping[str, str]


def serve(spec: Spec) -> None:
    """Call the function; ends the process with status 1 when it is another one, or fails."""
    try:
        if spec["module"]:
            module = importlib.import_module(spec["module"])
            function = function_in(module, spec["name"], spec["file"])
        else:
            function = load_function(spec["file"], spec["name"], heard=True)
        found = {name: digest.hex() for name, digest in parts_of(function)}
    except TaskError as problem:
        sys.exit(str(problem))
    wanted = spec["parts"]
    other = sorted(n for n in {*found, *wanted} if found.get(n) != wanted.get(n))
    if other:
        sys.exit(
            f"{spec['name']} is not the same function in a process of its own: "
            f"{', '.join(other)} differs; nothing was called"
        )
    # Lines are seen when they are written, and are not lost by a SIGTERM.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    returned = function()
    if returned is not None:
        sys.exit(wrong_result(spec["name"], returned).rstrip("\n"))


def wrong_result(name: str, returned: object) -> str:
    """What is said of a function that returns something."""
    shown = repr(returned)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return f"{name} returned {shown}; a task has to return None, and leaves its results in files\n"
