"""What a file system can do, tried out in a folder of our own that is removed again."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator

from haz_trio.cache.files import FICLONE
from haz_trio.cli.doctor_findings import Finding, attention, good, note, size_text
from haz_trio.config.disk import shown

PREFIX = ".doctor-"
_LITTLE = 512 << 20  # bytes free below which a run may soon stop storing
_SKEW = 2.0  # seconds that a file server's clock may differ from ours
_LOCAL = "put the workspace, or .haz/cache by a link, on a local file system"


def look_at_disk(folder: str, *, little: int = _LITTLE) -> Iterator[Finding]:
    """The features of the file system that a folder is on; bytes for ``little``."""
    try:
        place = tempfile.mkdtemp(prefix=PREFIX, dir=folder)
    except OSError as problem:
        yield attention(
            "file system",
            f"nothing can be written to {shown(folder)}: {_reason(problem)}",
            "make it writable for you, or free some space; until then nothing is cached",
        )
        return
    try:
        yield good("file system", f"{shown(folder)} is writable")
        yield _space(folder, little)
        yield _tried("rename", _rename, place, attention, _LOCAL)
        yield _tried("lock", _lock, place, attention, f"two runs may disturb each other; {_LOCAL}")
        yield _tried("fsync", _fsync, place, attention, _LOCAL)
        yield _tried("hard link", _link, place, note, "the cache copies contents instead")
        yield _tried(
            "reflink", _reflink, place, note, "nothing needs to be done: haz copies contents"
        )
        yield _case(place)
        yield _skew(place)
        yield _times(place)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _tried(
    topic: str,
    attempt: Callable[[str], None],
    place: str,
    otherwise: Callable[[str, str, str], Finding],
    way_out: str,
) -> Finding:
    try:
        attempt(place)
    except OSError as problem:
        return otherwise(topic, f"does not work: {_reason(problem)}", way_out)
    return good(topic, "works")


def _reason(problem: OSError) -> str:
    return problem.strerror or str(problem)


def _new(place: str, name: str, text: str = "x") -> str:
    path = os.path.join(place, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def _rename(place: str) -> None:
    old, new = _new(place, "rename-old", "new"), _new(place, "rename-new", "old")
    os.rename(old, new)
    with open(new, encoding="utf-8") as file:
        if file.read() != "new":
            raise OSError(0, "the file kept its old content")


def _link(place: str) -> None:
    one, other = _new(place, "link-one"), os.path.join(place, "link-other")
    os.link(one, other)
    if os.stat(one).st_ino != os.stat(other).st_ino:
        raise OSError(0, "the link is another file")


def _fsync(place: str) -> None:
    for path, flags in ((_new(place, "fsync"), os.O_RDWR), (place, os.O_RDONLY)):
        descriptor = os.open(path, flags | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _lock(place: str) -> None:
    """Take the lock of a folder, as a run does, and see that nobody else gets it."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    first, second = os.open(place, flags), os.open(place, flags)
    try:
        fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        raise OSError(0, "two holders got the same lock")
    finally:
        os.close(first)
        os.close(second)


def _reflink(place: str) -> None:
    source = _new(place, "clone-source", "x" * 4096)
    with open(source, "rb") as old, open(os.path.join(place, "clone"), "wb") as new:
        fcntl.ioctl(new.fileno(), FICLONE, old.fileno())


def _case(place: str) -> Finding:
    _new(place, "case-Folding")
    if not os.path.exists(os.path.join(place, "CASE-fOLDING")):
        return good("case", "names that differ in case are different files")
    return note(
        "case",
        "names that differ only in case are one file",
        "let no two inputs or outputs differ only in case",
    )


def _space(folder: str, little: int) -> Finding:
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    if free >= little:
        return good("free space", size_text(free))
    way_out = "free some space; `haz cache clean --max-size BYTES` removes the oldest results"
    return attention("free space", f"only {size_text(free)}", way_out)


def _skew(place: str) -> Finding:
    before = time.time()
    written = os.stat(_new(place, "skew")).st_mtime
    after = time.time()
    off = max(before - written, written - after, 0.0)
    if off <= _SKEW:
        return good("file times", "agree with the clock")
    way_out = "synchronise the clocks of this machine and of its file server"
    return attention("file times", f"are {off:.1f} s away from the clock", way_out)


def _times(place: str) -> Finding:
    """Whether time stamps have digits below a second: then edits are told apart."""
    path = _new(place, "times")
    wanted = 1_000_000_000_123_456_789
    os.utime(path, ns=(wanted, wanted))
    off = abs(os.stat(path).st_mtime_ns - wanted)
    if off < 1_000_000:
        return good("time stamps", "exact" if off == 0 else f"exact to {off} ns")
    way_out = "files are read again for two seconds after each edit; nothing needs to be done"
    return note("time stamps", "are coarse", way_out)
