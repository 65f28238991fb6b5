"""The program on trial: how it is started, and what came of it. Knows nothing of its insides."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

import attrs

from haz_trio.testing.warm import TooLateError, standard_input, zygote_for

_LINE = 2000  # characters; of a longer one only parts are shown
_HEEDED = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM)
PATIENCE = 40.0  # seconds; longer than anything that an area asks for
GIT_AUTHOR = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (
        ("NAME", "Kit"),
        ("EMAIL", "kit@example.invalid"),
        ("DATE", "2024-02-03T04:05:06Z"),
    )
}


@attrs.frozen
class Result:
    """A finished call; ``code`` is negative for a program that a signal has killed."""

    args: tuple[str, ...]
    code: int
    out: bytes
    err: bytes

    @property
    def lines(self) -> list[str]:
        """Standard error, line by line."""
        return self.err.decode(errors="replace").splitlines()

    def __str__(self) -> str:
        shown = f"haz {shlex.join(self.args)}\n  exit code {self.code}\n"
        for name, data in (("stdout", self.out), ("stderr", self.err)):
            text = data.decode(errors="backslashreplace").rstrip("\n")
            shown += "".join(f"  {name}: {_cut(line)}\n" for line in text.split("\n") if text)
        return shown


def _cut(line: str) -> str:
    """A line, without the middle of one that nobody would read."""
    return line if len(line) <= _LINE else f"{line[: _LINE // 2]} ... {line[-_LINE // 4 :]}"


class HungError(Exception):
    """The program did not end in time; the argument says which call."""


def heed_signals() -> None:
    """Let programs start with signals that are ignored here: by ``nohup``, or in the background.

    This process goes on as if it ignored them, but what has a handler is not handed down.
    """
    for number in _HEEDED:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _ignore)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """A signal comes, and nothing becomes of it."""


@attrs.frozen
class Subject:
    """A command line whose first words start the program."""

    words: tuple[str, ...]
    warm: bool = False  # whether a Python script may be started by forking (``warm``)
    prelude: str = ""  # a script that hooks into the imports of a warm program
    patience: float = PATIENCE  # seconds, after which a call is taken for hung

    def run(
        self,
        args: Sequence[str],
        cwd: Path,
        env: Mapping[str, str | None],
        stdout: int | None = None,
        umask: int = -1,
    ) -> Result:
        """Run it to its end; ``None`` unsets a variable. Raises ``HungError``.

        What goes to a descriptor ``stdout`` is not part of the result.
        A ``umask`` below 0 is the one of this process.
        """
        if self.warm and stdout is None:
            result = self._run_warm(args, cwd, env, umask)
            if result is not None:
                return result
        child = self.start(args, cwd, env, stdout, umask)
        try:
            out, err = child.communicate(timeout=self.patience)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            raise self._hung(args) from None
        return Result(tuple(args), child.returncode, out or b"", err)

    def _run_warm(
        self, args: Sequence[str], cwd: Path, env: Mapping[str, str | None], umask: int
    ) -> Result | None:
        zygote = zygote_for(self.words, self.prelude, base_environment())
        if zygote is None:
            return None
        try:
            found = zygote.call(args, cwd, _merged(env), self.patience, umask)
        except TooLateError:
            raise self._hung(args) from None
        return None if found is None else Result(tuple(args), *found)

    def start(
        self,
        args: Sequence[str],
        cwd: Path,
        env: Mapping[str, str | None],
        stdout: int | None = None,
        umask: int = -1,
    ) -> subprocess.Popen[bytes]:
        """Start it cold, in a session of its own, with streams that are pipes; but ``stdout`` may
        be a descriptor."""
        with standard_input() as stdin:
            return subprocess.Popen(
                [*self.words, *args],
                cwd=cwd,
                env=_merged(env),
                stdin=stdin,
                stdout=subprocess.PIPE if stdout is None else stdout,
                stderr=subprocess.PIPE,
                start_new_session=True,
                umask=umask,
            )

    def _hung(self, args: Sequence[str]) -> HungError:
        return HungError(f"haz {shlex.join(args)} did not end in {self.patience:g} s")


def _merged(env: Mapping[str, str | None]) -> dict[str, str]:
    merged: dict[str, str | None] = {**base_environment(), **env}
    return {name: value for name, value in merged.items() if value is not None}


def base_environment() -> dict[str, str]:
    """A small environment that is the same everywhere: settings of the host reach no example."""
    kept = {
        name: os.environ[name]
        for name in ("PATH", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")
        if name in os.environ
    }
    fixed = {"HOME": "/nonexistent", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TERM": "dumb"}
    return (
        kept | fixed | GIT_AUTHOR | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    )
