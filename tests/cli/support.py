"""Running the command line as a process of its own, in a small environment."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from tests.engine.workspaces import PATH, Place
from tests.process.support import new_token

HAZ = [sys.executable, "-m", "haz_trio"]
LIMIT = 25.0  # seconds after which a test has hung


@attrs.frozen
class Done:
    """A command line that has ended."""

    code: int
    out: bytes
    err: bytes
    seconds: float

    @property
    def lines(self) -> list[str]:
        return self.err.decode().splitlines()

    def said(self, *words: str) -> list[str]:
        """The lines of standard error that hold all of these words."""
        return [line for line in self.lines if all(word in line for word in words)]


@attrs.define
class Home:
    """A workspace and the environment in which `haz` is called."""

    place: Place
    env: dict[str, str]

    @classmethod
    def make(cls, root: Path, tasks: Mapping[str, object], **settings: object) -> Home:
        root.mkdir(exist_ok=True)
        place = Place.make(root, tasks, **settings)
        env = {"PATH": PATH, "HOME": "/nonexistent", "LANG": "C.UTF-8", **new_token()}
        if "PYTHONPATH" in os.environ:  # where haz_trio is not installed
            env["PYTHONPATH"] = os.environ["PYTHONPATH"]
        place.host = env
        return cls(place, env)

    @property
    def root(self) -> Path:
        return self.place.root

    def haz(self, *words: str, cwd: Path | None = None, stdin: bytes = b"", **env: str) -> Done:
        started = time.perf_counter()
        done = subprocess.run(
            [*HAZ, *words],
            cwd=cwd or self.root,
            env={**self.env, **env},
            input=stdin,
            capture_output=True,
            timeout=LIMIT,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr, time.perf_counter() - started)

    def shell(self, script: str, **env: str) -> Done:
        """Run a script in which `"$@"` is the command line `haz`."""
        started = time.perf_counter()
        done = subprocess.run(
            ["sh", "-c", script, "sh", *HAZ],
            cwd=self.root,
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LIMIT,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr, time.perf_counter() - started)

    @contextlib.contextmanager
    def started(self, *words: str, before: str = "") -> Iterator[Running]:
        """A command line that goes on; whatever happens, nothing of it is left."""
        argv = ["sh", "-c", f'{before}\nexec "$@"', "sh", *HAZ, *words]
        child = subprocess.Popen(
            argv,
            cwd=self.root,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            yield Running(child)
        finally:
            if child.poll() is None:
                child.kill()
            for pid in self.place.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for pipe in (child.stdout, child.stderr):
                if pipe is not None:
                    pipe.close()
            child.wait()


def hear_until(word: bytes, child: subprocess.Popen[bytes], heard: bytes = b"") -> bytes:
    """Read standard output until a word has come; all that was heard."""
    assert child.stdout is not None
    end = time.monotonic() + LIMIT
    while word not in heard:
        ready, _, _ = select.select([child.stdout], [], [], max(end - time.monotonic(), 0))
        data = os.read(child.stdout.fileno(), 65536) if ready else b""
        assert data, f"{word!r} does not come: {heard!r}"
        heard += data
    return heard


@attrs.define
class Running:
    """A process in the making."""

    child: subprocess.Popen[bytes]
    heard: bytes = b""

    def wait_for(self, word: bytes) -> None:
        """Read standard output until a word has come."""
        self.heard = hear_until(word, self.child, self.heard)

    def signal(self, number: int) -> None:
        self.child.send_signal(number)

    def end(self) -> Done:
        """Read what is left, and wait for the end."""
        started = time.perf_counter()
        out, err = self.child.communicate(timeout=LIMIT)
        seconds = time.perf_counter() - started
        return Done(self.child.returncode, self.heard + out, err, seconds)

    def end_unread(self) -> int:
        """Wait for the end without reading anything."""
        return self.child.wait(timeout=LIMIT)
