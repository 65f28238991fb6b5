"""The system calls by which a program and its children change the files of one folder.

Recorded by ``strace``; a call on these files that is not understood here is an error, so that
nothing is left out of a model that is built on the record.
"""

from __future__ import annotations

import enum
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs

PROGRAM = shutil.which("strace")
_CALLS = (
    "openat,creat,open,write,pwrite64,writev,pwritev,ftruncate,truncate,fallocate,rename,renameat,"
    "renameat2,link,linkat,symlink,symlinkat,mkdir,mkdirat,unlink,unlinkat,rmdir,fsync,fdatasync,"
    "syncfs,sync_file_range,copy_file_range,sendfile,splice"
)
_LINE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+)")
_UNFINISHED = re.compile(r"(\d+) +(.*) <unfinished \.\.\.>")
_RESUMED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_FOLDER = re.compile(r"(?:AT_FDCWD|\d+)<((?:\\x[0-9a-f]{2})*)>")


class Kind(enum.Enum):
    """What a call does to a name or to bytes."""

    CREATE = enum.auto()
    TRUNCATE = enum.auto()
    WRITE = enum.auto()
    MKDIR = enum.auto()
    RENAME = enum.auto()
    LINK = enum.auto()
    SYMLINK = enum.auto()
    UNLINK = enum.auto()
    SYNC = enum.auto()


@attrs.frozen
class Op:
    """One change; paths are absolute, ``data`` is what a write adds at the end of its file."""

    kind: Kind
    path: str
    other: str = ""
    data: bytes = b""


class NotUnderstoodError(Exception):
    """A call that changes a file in a way that is not modelled."""


def record(
    argv: Sequence[str], *, folder: Path, env: Mapping[str, str], log: Path
) -> tuple[list[Op], subprocess.CompletedProcess[bytes]]:
    """Run a program in a folder; what it and its children did to files below it, in order."""
    assert PROGRAM is not None
    options = ["-f", "-y", "-xx", "-s", str(1 << 22), "--seccomp-bpf"]
    done = subprocess.run(
        [PROGRAM, *options, "-e", f"trace={_CALLS}", "-o", log, "--", *argv],
        cwd=folder,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    below = f"{folder}/"
    changes = (op for line in _whole_lines(log.read_text()) for op in _ops(line))
    return [op for op in changes if f"{op.path}/".startswith(below)], done


def _whole_lines(text: str) -> Iterator[str]:
    """The calls in the order of their ends, those that were interrupted by others put together."""
    begun: dict[str, str] = {}
    for line in text.splitlines():
        if found := _UNFINISHED.fullmatch(line):
            begun[found[1]] = line.removesuffix(" <unfinished ...>")
        elif found := _RESUMED.fullmatch(line):
            yield begun.pop(found[1]) + found[2]
        else:
            yield line


def _ops(line: str) -> Iterator[Op]:
    found = _LINE.match(line)
    if found is None or found[4].startswith("-"):
        return  # signals and ends; what failed
    call, words = found[2], found[3]
    texts = [_decode(text) for text in _TEXT.findall(words)]
    folders = [os.fsdecode(_decode(text)) for text in _FOLDER.findall(words)]
    names = [os.fsdecode(text) for text in texts]
    match call:
        case "openat" | "open" | "creat":
            path = _join(folders, names[0])
            if "O_CREAT" in words and "O_TMPFILE" not in words:
                yield Op(Kind.CREATE, path)
            if "O_TRUNC" in words:
                yield Op(Kind.TRUNCATE, path)
        case "write":
            yield Op(Kind.WRITE, folders[0], data=texts[0])
        case "mkdir" | "mkdirat":
            yield Op(Kind.MKDIR, _join(folders, names[0]))
        case "rename" | "renameat" | "renameat2":
            yield Op(Kind.RENAME, _join(folders, names[0]), _join(folders[1:], names[1]))
        case "link" | "linkat":
            yield Op(Kind.LINK, _join(folders, names[0]), _join(folders[1:], names[1]))
        case "symlink" | "symlinkat":
            yield Op(Kind.SYMLINK, _join(folders, names[1]), names[0])
        case "unlink" | "unlinkat" | "rmdir":
            yield Op(Kind.UNLINK, _join(folders, names[0]))
        case "fsync" | "fdatasync":
            yield Op(Kind.SYNC, folders[0])
        case _:
            paths = [*folders, *(name for name in names if name.startswith("/"))]
            yield from (Op(Kind.WRITE, path, other=f"? {call}") for path in paths)


def _join(folders: Sequence[str], name: str) -> str:
    return os.path.normpath(os.path.join(folders[0], name) if folders else name)


def _decode(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))
