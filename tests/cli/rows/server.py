"""A process that has read haz once and forks for each command line.

Each command line gets a process of its own, with its directory, environment and streams, and no
terminal; what it does not get is the start of an interpreter, which would be most of the time.

One request a line on standard input, one answer a line on standard output, both JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import signal
import sys
import tempfile

import attrs

import haz_trio.cli
from haz_trio.__main__ import main

LIMIT = 25  # seconds after which a command line has hung


@attrs.frozen
class Request:
    """A command line and where it is typed."""

    words: list[str]
    directory: str
    env: dict[str, str]


@attrs.frozen
class Answer:
    """How it ended; a negative code is a signal."""

    code: int
    out: str
    err: str


def serve() -> None:
    """Answer until nobody asks any more."""
    for module in pkgutil.iter_modules(haz_trio.cli.__path__, "haz_trio.cli."):
        importlib.import_module(module.name)
    for line in sys.stdin:
        answer = _answer(Request(**json.loads(line)))
        print(json.dumps(attrs.asdict(answer)), flush=True)


def _answer(request: Request) -> Answer:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            _become(request, out.fileno(), err.fileno())
        _, status = os.waitpid(child, 0)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "backslashreplace"))
        return Answer(os.waitstatus_to_exitcode(status), *texts)


def _become(request: Request, out: int, err: int) -> None:
    """Run the command line; does not return, whatever happens."""
    try:
        os.setsid()  # without a terminal of its own
        signal.alarm(LIMIT)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.chdir(request.directory)
        os.environ.clear()
        os.environ.update(request.env)
        sys.argv = ["haz", *request.words]
        main()
    finally:
        os._exit(70)


if __name__ == "__main__":
    serve()
