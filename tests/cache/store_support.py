"""A workspace with one task whose command is a Python function, and the store around it."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from haz_trio.abc import Collected, Found, Miss, NotStored, Restored, Stored, Subject
from haz_trio.cache.files import Disk
from haz_trio.cache.store import DiskStore
from haz_trio.model.names import TaskId
from haz_trio.model.patterns import parse_pattern
from haz_trio.model.workspace import HashName
from haz_trio.plan.messages import Stream

KEY = "3f" * 32
_COMMON = (errno.EIO, errno.ENOSPC, errno.EXDEV, errno.EACCES)
_RARE = (errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENOENT, errno.ESTALE, errno.ELOOP)
ERRNOS = (*_COMMON, *(pytest.param(number, marks=pytest.mark.deep) for number in _RARE))  # S3
OTHER_KEY = "3f" + "a0" * 31


def subject(*outputs: str, task: str = "build", root: str = "/lib") -> Subject:
    """A task of project ``lib`` with these output patterns."""
    patterns = tuple(parse_pattern(text).anchored(root) for text in outputs)
    return Subject(TaskId(root.strip("/") or "top", task), root, patterns)


@attrs.frozen
class Bench:
    """A workspace folder; ``lib`` is its only project."""

    root: Path

    @property
    def lib(self) -> Path:
        return self.root / "lib"

    @property
    def cache(self) -> Path:
        return self.root / ".haz" / "cache"

    def entry(self, key: str = KEY) -> Path:
        return self.cache / key[:2] / key

    def store(self, *, disk: Disk | None = None, strict: bool = False) -> DiskStore:
        return DiskStore(
            str(self.root), HashName.BLAKE3, created_at=1000, strict=strict, disk=disk
        )

    def fresh(
        self,
        what: Subject,
        command: Callable[[], object],
        *,
        key: str = KEY,
        store: DiskStore | None = None,
        stdout: bytes = b"said\n",
        stderr: bytes = b"moaned\n",
        foreign: frozenset[str] = frozenset(),
    ) -> tuple[Collected, Stored | NotStored]:
        """Run a command under the store and keep its result."""
        used = store or self.store()
        pending = used.begin(key, what, lambda secret: b'{"recipe": 1}\n')
        command()
        pending.write(Stream.STDOUT, stdout)
        pending.write(Stream.STDERR, stderr)
        collected = pending.collect()
        kept = pending.commit(foreign=foreign, duration=0.25)
        if store is None:
            used.finish()
        return collected, kept

    def hit(
        self, what: Subject, *, key: str = KEY, store: DiskStore | None = None
    ) -> Restored | Miss:
        """Look and restore."""
        used = store or self.store()
        found = used.look(key, what)
        answer = used.restore(found, what) if isinstance(found, Found) else found
        if store is None:
            used.finish()
        return answer

    def tree(self, where: str = "lib") -> dict[str, tuple[str, int, bytes]]:
        """Kind, permission bits and content of everything below a folder."""
        return tree(self.root / where)

    def litter(self) -> list[str]:
        """Temporary names that nobody should leave behind."""
        marks = (".tmp-", ".restore-", ".trash-", ".haz-restore-")
        found = [p for p in self.root.rglob("*") if p.name.startswith(marks)]
        return sorted(str(p.relative_to(self.root)) for p in found)


def tree(folder: Path) -> dict[str, tuple[str, int, bytes]]:
    found: dict[str, tuple[str, int, bytes]] = {}
    for path in sorted(folder.rglob("*")):
        info = path.lstat()
        name = str(path.relative_to(folder))
        if stat.S_ISLNK(info.st_mode):
            found[name] = ("link", 0, os.fsencode(os.readlink(path)))
        elif stat.S_ISDIR(info.st_mode):
            found[name] = ("folder", info.st_mode & 0o777, b"")
        elif stat.S_ISREG(info.st_mode):
            found[name] = ("file", info.st_mode & 0o777, path.read_bytes())
        else:
            found[name] = ("other", info.st_mode & 0o777, b"")
    return found


def write(path: Path, data: bytes = b"made\n", mode: int = 0o644) -> Path:
    """A file with its parents."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)
    return path


def text(restored: Restored, stream: Stream) -> bytes:
    return b"".join(restored.chunks(stream))


def remove(path: Path) -> None:
    """Remove whatever stands at a path."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class Faults:
    """Makes calls of a ``Disk`` fail: the ``at``-th one, or all from there on."""

    def __init__(self, at: int, number: int = errno.EIO, *, lasting: bool = False) -> None:
        self.at = at
        self.number = number
        self.lasting = lasting
        self.count = 0
        self.raised = 0

    def __call__(self, call: str) -> None:
        self.count += 1
        if self.count == self.at or (self.lasting and self.count > self.at):
            self.raised += 1
            raise OSError(self.number, f"injected into {call}")
