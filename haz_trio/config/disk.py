"""What the loader asks of the file system, with every trouble as a value or as one sentence.

Paths are host paths in text; bytes that are not UTF-8 are surrogate escapes until shown.
"""

from __future__ import annotations

import errno
import os
import stat

from haz_trio.values import frozen


@frozen
class Unreadable:
    """A file that cannot be read: why, and whether there simply is none."""

    reason: str
    missing: bool = False


def read_file(path: str) -> bytes | Unreadable:
    """The bytes of a regular file (links followed); waits for no FIFO and opens no device."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return _not_regular(path)
        with open(path, "rb", buffering=0, opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return _not_regular(path)
            return file.read()
    except OSError as error:
        return Unreadable(describe(error, path), missing=isinstance(error, FileNotFoundError))


def resolve(path: str) -> tuple[str, os.stat_result]:
    """The canonical form and the status of what a path leads to; raises ``OSError``.

    The kernel looks first, so its limit on links bounds the recursion of ``realpath``.
    """
    status = os.stat(path)
    return os.path.realpath(path, strict=True), status


def exists(path: str) -> bool:
    """Whether something has this name, be it a dangling link or out of sight."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def within(path: str, root: str) -> str | None:
    """A canonical host path in workspace coordinates (``/`` is the root), ``None`` outside."""
    if path == root:
        return "/"
    base = root.rstrip("/")
    return path[len(base) :] if path.startswith(base + "/") else None


def describe(error: OSError, path: str) -> str:
    """What the system said of a path, as one sentence."""
    match error.errno:
        case errno.ENOENT:
            return f"path not found at: {shown(path)}"
        case errno.ELOOP:
            return f"symlink loop detected at: {shown(path)}"
        case _:
            return f"I/O error at: {shown(path)}: {error.strerror or error}"


def kind(status: os.stat_result) -> str:
    """What a file is, with its article."""
    return _KINDS.get(stat.S_IFMT(status.st_mode), "a file of unknown kind")


def shown(path: str) -> str:
    """A path that any UTF-8 terminal can print: what is no text, or no print, is escaped."""
    text = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


_KINDS = {
    stat.S_IFREG: "a regular file",
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}


def _not_regular(path: str) -> Unreadable:
    return Unreadable(f"path is not a regular file at: {shown(path)}")


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
