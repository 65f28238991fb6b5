"""The far side of warm starts: forks, for every call, a process in which a Python program begins.

Run by the program's own interpreter as ``python zygote.py DESCRIPTOR SCRIPT …``, whatever that has
installed. It imports what the program has been seen to import, runs nothing of it, and waits at
the socket DESCRIPTOR; a child of it does what a new interpreter would do with SCRIPT. Knows
nothing of haz, and imports nothing of the kit (``warm`` is the near side).
"""

from __future__ import annotations

import builtins
import gc
import importlib
import importlib.machinery
import json
import mmap
import os
import runpy
import socket
import sys
import types
from collections.abc import Iterator
from typing import ClassVar, Protocol

# What interpreter, C library and loader read when a process starts.
_STARTUP = ("PYTHON", "LC_", "LANG", "LD_", "TZ", "MALLOC_", "GLIBC_")
_ROOM = 1 << 17  # bytes: for a request, and for the names of modules that a child reports
_LESSONS = 8  # calls of one command that are watched for what they import; later each tenth


class Reseeded(Protocol):
    """A module's generator of random numbers: children must not share its numbers."""

    def seed(self) -> None: ...


class _Watched(os._Environ[str]):
    """The environment while modules are imported: remembers which variables they ask for."""

    asked: ClassVar[set[str]] = set()

    def __getitem__(self, key: str) -> str:
        self.asked.add(key)
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[str]:
        self.asked.add("")
        return super().__iter__()


class Zygote:
    """Forks children; ``serve`` returns in each of them, and in the zygote itself never."""

    def __init__(self, control: socket.socket, script: str, words: list[str]) -> None:
        self.control = control
        self.script = script
        self.words = words
        self.known: set[str] = set()  # modules that were asked for, whether they exist or not
        self.calls: dict[str, int] = {}
        self.generators: list[Reseeded] = []
        self.page: mmap.mmap = mmap.mmap(-1, _ROOM)
        with open(script, "rb") as source:
            self.code: types.CodeType = compile(source.read(), script, "exec", dont_inherit=True)

    def serve(self) -> dict[str, object]:
        """The globals of ``__main__`` of a child, which now has to execute the script."""
        gc.disable()
        while True:
            data, streams, _, _ = socket.recv_fds(self.control, _ROOM, 3)
            if not data:
                os._exit(0)
            request = json.loads(data)
            if "modules" in request:
                self.learn(request["modules"], request["prelude"])
                continue
            obstacle = self.obstacle(request["env"])
            if obstacle is not None:
                self.say({"cold": obstacle})
            elif self.call(request, streams):
                return self.begin(request)
            for stream in streams:
                os.close(stream)

    def say(self, answer: dict[str, object]) -> None:
        self.control.sendall(json.dumps(answer).encode())

    def obstacle(self, env: dict[str, str]) -> str | None:
        """Why a child would not be like a fresh process: a variable that one reads at its start
        has another value here, or there are threads, which no child has."""
        ours, asked = dict(os.environ), _Watched.asked
        for name in sorted(ours.keys() | env.keys()):
            early = name in asked or "" in asked or name.startswith(_STARTUP)
            if early and ours.get(name) != env.get(name):
                return name
        return "threads" if len(os.listdir("/proc/self/task")) > 1 else None

    def learn(self, names: list[str], prelude: str = "") -> None:
        """Import modules, behind the hooks of a script; all that this makes is set aside."""
        os.environ.__class__ = _Watched
        if prelude:
            sys.argv = [self.script, *self.words]
            runpy.run_path(prelude, run_name="__prelude__")
        for name in names:
            self.known.add(name)
            try:
                importlib.import_module(name)
            except Exception:  # noqa: S112  # whatever it is, the program will meet it itself
                continue
        os.environ.__class__ = os._Environ
        gc.collect()
        random = sys.modules.get("random")
        if random is not None:
            self.generators += [it for it in gc.get_objects() if type(it) is random.Random]
        gc.freeze()

    def call(self, request: dict[str, list[str]], streams: list[int]) -> bool:
        """Fork; true in the child. The zygote waits for its end, and tells it."""
        command = request["args"][0] if request["args"] else ""
        count = self.calls[command] = self.calls.get(command, 0) + 1
        watched = count <= _LESSONS or not count % 10
        child = os.fork()
        if not child:
            os.setsid()
            self.control.close()
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
                os.close(stream)
            if watched:
                self.watch()
            return True
        self.say({"pid": child})
        _, status = os.waitpid(child, 0)
        learned = self.reported() if watched else []
        self.say({"code": os.waitstatus_to_exitcode(status), "learned": learned})
        if learned:
            self.learn(learned)
        return False

    def watch(self) -> None:
        """In a child: write down which modules it imports itself."""
        process, page, end = os.getpid(), self.page, 0

        def hear(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal end
            if event == "import" and os.getpid() == process:
                name = f"{arguments[0]}\n".encode()
                if end + len(name) < _ROOM:
                    page[end : end + len(name)] = name
                    end += len(name)

        sys.addaudithook(hear)

    def reported(self) -> list[str]:
        """What the last child has written down, without what is known."""
        end = self.page.find(b"\0")
        names = self.page[:end].decode().splitlines()
        self.page[:end] = bytes(end)
        return [name for name in dict.fromkeys(names) if name not in self.known]

    def begin(self, request: dict[str, object]) -> dict[str, object]:
        """In a child: what a new interpreter has before it executes a script."""
        env, args = request["env"], request["args"]
        assert isinstance(env, dict)
        assert isinstance(args, list)
        os.chdir(str(request["cwd"]))
        if isinstance(request["umask"], int) and request["umask"] >= 0:
            os.umask(request["umask"])
        os.environ.clear()
        os.environ.update(env)
        sys.argv = [self.script, *self.words, *args]
        sys.orig_argv = [sys.orig_argv[0], *sys.argv]
        for generator in self.generators:
            generator.seed()
        main = types.ModuleType("__main__")
        main.__file__ = self.script
        main.__loader__ = importlib.machinery.SourceFileLoader("__main__", self.script)
        main.__dict__.update(__builtins__=builtins, __cached__=None, __annotations__={})
        sys.modules["__main__"] = main
        gc.enable()
        return main.__dict__


if __name__ == "__main__":
    _mine: types.ModuleType = sys.modules["__main__"]  # keeps this module's names alive
    _script: str = sys.argv[2]
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = os.path.dirname(os.path.realpath(_script))
    _zygote = Zygote(socket.socket(fileno=int(sys.argv[1])), _script, sys.argv[3:])
    _main = _zygote.serve()
    exec(_zygote.code, _main)  # noqa: S102  # what an interpreter does
