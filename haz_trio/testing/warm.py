"""Warm starts: a Python program is imported once, and forked for every call.

A process that has done nothing but import is cloned for each call; the clone gets arguments,
folder, environment, streams and a session of its own, and then executes the program's script as a
fresh interpreter would. Where that could be told from a fresh start, there is none: ``call``
answers ``None``, and the caller starts the program as ever.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import attrs

_FAR_SIDE = str(Path(__file__).with_name("far_side") / "zygote.py")
_PYTHON = re.compile(r"python[\d.]*")
_MOST_CALLS = 500  # of one zygote: each has one seed for hashes, and findings may hang on it
_MOST_ZYGOTES = 3  # at once in this process
_MOST_BYTES = 1 << 17  # of a request


@attrs.frozen
class Script:
    """A Python program: its interpreter with options, its file, words that come first."""

    interpreter: tuple[str, ...]
    path: str
    words: tuple[str, ...]


@contextmanager
def standard_input() -> Iterator[int]:
    """What every program is given to read: a line that is not meant for its commands."""
    there, into = os.pipe()
    try:
        os.write(into, b"not for commands\n")
        os.close(into)
        yield there
    finally:
        os.close(there)


class TooLateError(Exception):
    """A call did not end in time, and has been killed."""


def script_of(words: Sequence[str]) -> Script | None:
    """The Python script that a command line starts; ``None`` for any other program."""
    if _PYTHON.fullmatch(os.path.basename(words[0])):
        found = len(words) > 1 and not words[1].startswith("-")
        return Script((words[0],), words[1], tuple(words[2:])) if found else None
    path = shutil.which(words[0]) or words[0]
    try:
        with open(path, "rb") as file:
            first, second = file.readline(500), file.readline(500)
    except OSError:
        return None
    try:
        start = shlex.split(first[2:].decode()) if first.startswith(b"#!") else []
        if start == ["/bin/sh"] and second.startswith(b"'''exec' "):
            start = shlex.split(second.decode())[1:-2]  # pip's, for interpreters with long names
    except ValueError:
        return None
    if not start or not _PYTHON.fullmatch(os.path.basename(start[0])):
        return None
    return Script(tuple(start), path, tuple(words[1:]))


class Zygote:
    """The near side of a process that is forked for each call."""

    def __init__(self, script: Script, prelude: str, env: Mapping[str, str]) -> None:
        self.script = script
        self.calls: int = 0
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control: socket.socket = near
        with far, standard_input() as stdin:  # streams as a child's will be
            self.process: subprocess.Popen[bytes] = subprocess.Popen(
                [*script.interpreter, _FAR_SIDE, str(far.fileno()), script.path, *script.words],
                cwd="/",
                env=dict(env),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(far.fileno(),),
                start_new_session=True,
            )
        self.tell({"modules": _learned.get(script.path, []), "prelude": prelude})

    def tell(self, message: Mapping[str, object], streams: Sequence[int] = ()) -> None:
        data = json.dumps(message).encode()
        if len(data) >= _MOST_BYTES:
            raise ValueError(f"a call has {len(data)} bytes of arguments and environment")
        socket.send_fds(self.control, [data], streams)

    def hear(self) -> dict[str, object]:
        """The next answer; empty when the process has ended."""
        try:
            data = self.control.recv(_MOST_BYTES)
        except ConnectionError:
            return {}
        answer: dict[str, object] = json.loads(data) if data else {}
        return answer

    def call(
        self,
        args: Sequence[str],
        cwd: Path,
        env: Mapping[str, str],
        patience: float,
        umask: int = -1,
    ) -> tuple[int, bytes, bytes] | None:
        """Exit code (negative for a signal) and both streams; ``patience`` is in seconds.

        A ``umask`` below 0 is the one of this process.

        Raises ``TooLateError``, and ``OSError`` when the zygote ends before the call does.
        """
        self.calls += 1
        outs, errs = os.pipe(), os.pipe()
        request = {"args": list(args), "cwd": str(cwd), "env": dict(env), "umask": umask}
        try:
            with standard_input() as stdin:
                self.tell(request, (stdin, outs[1], errs[1]))
        except (OSError, ValueError):
            os.close(outs[0])
            os.close(errs[0])
            return None
        finally:
            os.close(outs[1])
            os.close(errs[1])
        with open(outs[0], "rb", buffering=0) as out, open(errs[0], "rb", buffering=0) as err:
            child = self.hear().get("pid")
            if not isinstance(child, int):
                return None
            code, streams = self.follow(child, (out.fileno(), err.fileno()), patience)
        return code, *streams

    def follow(
        self, child: int, descriptors: tuple[int, int], patience: float
    ) -> tuple[int, tuple[bytes, bytes]]:
        """Read until the child has ended and nobody holds its streams any more."""
        poll, end, code = select.poll(), time.monotonic() + patience, None
        heard = {descriptor: bytearray() for descriptor in descriptors}
        waiting = {*descriptors, self.control.fileno()}
        for descriptor in waiting:
            poll.register(descriptor, select.POLLIN)
        while waiting:
            ready = poll.poll(max(0.0, 1000 * (end - time.monotonic())))
            if not ready:
                with suppress(ProcessLookupError):
                    os.killpg(child, signal.SIGKILL)
                if code is None:  # it may have had no time for a group of its own
                    with suppress(ProcessLookupError):  # or have been reaped by now
                        os.kill(child, signal.SIGKILL)
                    self.hear()
                raise TooLateError
            for descriptor, _ in ready:
                if descriptor == self.control.fileno():
                    answer = self.hear()
                    code = answer.get("code")
                    if not isinstance(code, int):
                        raise ConnectionResetError("the zygote ended before its child")
                    names = answer.get("learned")
                    if isinstance(names, list):
                        _learned.setdefault(self.script.path, []).extend(names)
                elif data := os.read(descriptor, 1 << 16):
                    heard[descriptor] += data
                    continue
                waiting.discard(descriptor)
                poll.unregister(descriptor)
        assert isinstance(code, int)
        out, err = descriptors
        return code, (bytes(heard[out]), bytes(heard[err]))

    def close(self) -> None:
        self.control.close()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        self.process.wait()


_zygotes: dict[tuple[tuple[str, ...], str], Zygote] = {}  # the one that was used last is last
_learned: dict[str, list[str]] = {}  # modules by the scripts that import them


def zygote_for(words: tuple[str, ...], prelude: str, env: Mapping[str, str]) -> Zygote | None:
    """The zygote of a command line, started if need be; ``None``: it starts no Python script."""
    key = words, prelude
    zygote = _zygotes.pop(key, None)
    if zygote is not None and (zygote.calls >= _MOST_CALLS or zygote.process.poll() is not None):
        zygote.close()
        zygote = None
    if zygote is None:
        script = script_of(words)
        if script is None:
            return None
        while len(_zygotes) >= _MOST_ZYGOTES:
            _zygotes.pop(next(iter(_zygotes))).close()
        zygote = Zygote(script, prelude, env)
    _zygotes[key] = zygote
    return zygote


def end_zygotes() -> None:
    """End all of this process."""
    while _zygotes:
        _zygotes.popitem()[1].close()


atexit.register(end_zygotes)
