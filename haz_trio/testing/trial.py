"""One example being played: a workspace in a folder of its own, a program, and what must hold."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import attrs

from haz_trio.testing.reference.json_values import Files
from haz_trio.testing.subject import HungError, Result, Subject

_MEMORY = "/dev/shm"  # noqa: S108  # made anew below it, with a name that nobody can know
_ROOM = 1 << 28  # bytes


@attrs.frozen
class Wrote:
    """A file was written, with its mode if that matters."""

    path: str
    data: bytes
    mode: int | None = None


@attrs.frozen
class Did:
    """Something else was done: the words of a command of coreutils, in the workspace's root."""

    words: tuple[str, ...]


@attrs.frozen
class Called:
    """The program was called, in a folder of the workspace and with some variables."""

    result: Result
    cwd: str
    env: tuple[tuple[str, str | None], ...]
    umask: int = -1  # below 0: the usual one


Step = Wrote | Did | Called


class DifferenceError(AssertionError):
    """What the program did is not what the rules say."""

    def __init__(self, rules: str, what: str, found: object, expected: object) -> None:
        super().__init__(f"{rules}: {what}\n  expected {expected!r}\n  found    {found!r}")
        self.rules: list[str] = rules.split()
        self.what: str = what


def must(truth: bool, rules: str, what: str) -> None:
    """A statement that rules (IDs between blanks) demand; raises ``DifferenceError``."""
    if not truth:
        raise DifferenceError(rules, what, truth, True)


class MutedError(Exception):
    """A difference that is known or has been found already: the example ends here."""


class Trial:
    """A workspace below ``root``; ``outside`` is a folder that is no part of it."""

    def __init__(
        self,
        subject: Subject,
        folder: Path,
        known: Collection[str] = (),
        muted: Collection[str] = (),
    ) -> None:
        self.subject: Subject = subject
        self.known: Collection[str] = known
        self.muted: Collection[str] = muted
        self.root: Path = folder / "w"
        self.outside: Path = folder / "outside"
        self.root.mkdir()
        self.outside.mkdir()
        self.steps: list[Step] = []
        self.met: Counter[str] = Counter()

    def write(self, files: Files, mode: int | None = None) -> None:
        for path, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            target = self.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            if mode is not None:
                target.chmod(mode)
            self.steps.append(Wrote(path, data, mode))

    def forge(self, path: str, data: bytes, *, anew: bool = False) -> None:
        """Other bytes for a file, which keeps its times, and its number unless it is made anew."""
        stamp = "../outside/.stamp"
        self.did("cp", "-p", path, stamp)
        target = self.root / path
        old = target.stat()
        if anew:
            self.remove(path)
        self.write({path: data}, old.st_mode & 0o7777)
        os.utime(target, ns=(old.st_atime_ns, old.st_mtime_ns))
        self.did("touch", "-r", stamp, path)

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all that is in it."""
        target = self.root / path
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
        self.steps.append(Did(("rm", "-rf", path)))

    def folder(self, path: str) -> None:
        (self.root / path).mkdir(parents=True, exist_ok=True)
        self.steps.append(Did(("mkdir", "-p", path)))

    def link(self, path: str, to: str) -> None:
        """A symbolic link."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(to)
        self.steps.append(Did(("ln", "-s", to, path)))

    def chmod(self, path: str, mode: int) -> None:
        (self.root / path).chmod(mode)
        self.steps.append(Did(("chmod", f"{mode:o}", path)))

    def did(self, *words: str) -> None:
        """Note a command that an area has run in the workspace's root itself."""
        self.steps.append(Did(words))

    def haz(
        self,
        *args: str,
        cwd: str = "",
        env: Mapping[str, str | None] | None = None,
        stdout: int | None = None,
        umask: int = -1,
    ) -> Result:
        """Call the program; an exit code that haz never has is a difference at once.

        What goes to a descriptor ``stdout`` is not part of the result.
        """
        try:
            result = self.subject.run(args, self.root / cwd, env or {}, stdout, umask)
        except HungError as hung:
            raise DifferenceError("EXEC-021", str(hung), "nothing", "an end") from None
        self.steps.append(Called(result, cwd, tuple((env or {}).items()), umask))
        self.holds("EXEC-021", f"{result}ends regularly", result.code in (0, 1, 2, 124))
        return result

    def same(self, rules: str, what: str, found: object, expected: object) -> None:
        """Two values are equal, as some rules (IDs between blanks) demand."""
        if found == expected:
            self.met.update(rules.split())
        elif any(rule in self.muted for rule in rules.split()):
            raise MutedError
        else:
            raise DifferenceError(rules, what, found, expected)

    def holds(self, rules: str, what: str, truth: bool) -> None:
        """The same for a statement that must be true."""
        self.same(rules, what, truth, True)

    def knows(self, difference: str) -> bool:
        """Whether a difference of this program is a known one, by its name in the profile."""
        return difference in self.known

    def skip(self) -> None:
        """End the example: what comes would rest on a known difference."""
        raise MutedError

    def links(self, without: Collection[str] = (".haz",)) -> dict[str, str]:
        """Symbolic links with what they say, by their paths below the root."""
        found = {}
        for folder, folders, names in os.walk(self.root):
            for name in (*folders, *names):
                path = Path(folder, name)
                if path.is_symlink():
                    found[path.relative_to(self.root).as_posix()] = os.readlink(path)
            folders[:] = [name for name in folders if name not in without]
        return found

    def folders(self, without: Collection[str] = (".haz",)) -> dict[str, int]:
        """Folders with their modes, by their paths below the root."""
        found = {}
        for folder, folders, _ in os.walk(self.root):
            folders[:] = [name for name in folders if name not in without]
            for name in folders:
                path = Path(folder, name)
                if not path.is_symlink():
                    found[path.relative_to(self.root).as_posix()] = path.stat().st_mode & 0o7777
        return found

    def files(self, under: str = "", without: Collection[str] = (".haz",)) -> dict[str, bytes]:
        """Regular files below a folder, by their paths below the root."""
        found = {}
        for folder, folders, names in os.walk(self.root / under):
            folders[:] = [name for name in folders if name not in without]
            for name in names:
                path = Path(folder, name)
                if path.is_file() and not path.is_symlink():
                    found[path.relative_to(self.root).as_posix()] = path.read_bytes()
        return found


@contextmanager
def new_trial(
    subject: Subject, known: Collection[str] = (), muted: Collection[str] = ()
) -> Iterator[Trial]:
    """A trial in a temporary folder, which is removed afterwards."""
    with tempfile.TemporaryDirectory(
        prefix="haz-kit-", dir=scratch(), ignore_cleanup_errors=True
    ) as folder:
        yield Trial(subject, Path(os.path.realpath(folder)), known, muted)


def scratch() -> str:
    """Where workspaces are made: $TMPDIR, else in memory where programs may be executed there."""
    if "TMPDIR" not in os.environ:
        with suppress(OSError):
            memory = os.statvfs(_MEMORY)
            room = memory.f_bavail * memory.f_frsize
            if room > _ROOM and not memory.f_flag & os.ST_NOEXEC and os.access(_MEMORY, os.W_OK):
                return _MEMORY
    return tempfile.gettempdir()
