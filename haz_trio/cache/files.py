"""The calls that change files, and the few safe ways of reading and writing built on them.

Everything that the store writes goes through a ``Disk``, so that a test can make any call fail.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator

from haz_trio.cache.hashing import Hasher
from haz_trio.errors import HazError
from haz_trio.values import frozen

READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
SMALL = 1 << 16  # bytes; what has fewer is read at once
PIECE = 1 << 20  # bytes that are read at once
FICLONE = 0x40049409  # the ioctl that lets two files share their blocks
_NO_LINKS = frozenset({errno.EPERM, errno.EMLINK, errno.EXDEV, errno.ENOTSUP, errno.ENOSYS})


class Damage(HazError):
    """Something in the cache is not what it has to be.

    ``kind`` is one word for a file name; ``blob`` is the digest whose bytes are wrong, or empty.
    """

    def __init__(self, reason: str, *, kind: str = "entry", blob: str = "") -> None:
        self.reason = reason
        self.kind = kind
        self.blob = blob
        super().__init__(reason)


def _nothing(call: str) -> None:
    """Let every call through."""


@frozen
class Disk:
    """The calls that change files; ``before`` is told each one's name and may raise ``OSError``.

    ``at`` is the descriptor of the folder that a relative name is seen from.
    ``durable`` says that what is stored has to survive a loss of power (cache.md C11).
    """

    before: Callable[[str], None] = _nothing
    durable: bool = False

    def create(self, name: str, *, at: int | None = None) -> int:
        """A new file of mode 0600 open for reading and writing; the name must be free."""
        self.before("create")
        return os.open(name, CREATE, 0o600, dir_fd=at)

    def write(self, fd: int, data: bytes | memoryview) -> None:
        """All of the data."""
        self.before("write")
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]

    def clone(self, source: int, target: int) -> bool:
        """Let a new file share the blocks of another one; False where it cannot."""
        try:
            self.before("clone")
        except OSError:
            return False
        return share(source, target)

    def chmod(self, fd: int, mode: int) -> None:
        self.before("chmod")
        os.fchmod(fd, mode)

    def mkdir(self, name: str, *, at: int | None = None, mode: int = 0o700) -> None:
        """A new folder that its owner can use, whatever the umask."""
        self.before("mkdir")
        os.mkdir(name, mode, dir_fd=at)
        if os.stat(name, dir_fd=at, follow_symlinks=False).st_mode & 0o700 != 0o700:
            os.chmod(name, 0o700, dir_fd=at)  # an odd umask

    def rmdir(self, name: str, *, at: int) -> None:
        self.before("rmdir")
        os.rmdir(name, dir_fd=at)

    def rename(self, old: str, new: str, *, at: int, to: int) -> None:
        self.before("rename")
        os.rename(old, new, src_dir_fd=at, dst_dir_fd=to)

    def link(self, old: str, new: str, *, at: int, to: int) -> None:
        self.before("link")
        os.link(old, new, src_dir_fd=at, dst_dir_fd=to, follow_symlinks=False)

    def symlink(self, target: str, name: str, *, at: int) -> None:
        self.before("symlink")
        os.symlink(target, name, dir_fd=at)

    def unlink(self, name: str, *, at: int) -> None:
        self.before("unlink")
        os.unlink(name, dir_fd=at)

    def sync_data(self, name: str, *, at: int) -> None:
        """Have the bytes of a file on the disk."""
        self.before("fdatasync")
        with opened(name, READ, at=at) as fd:
            os.fdatasync(fd)

    def sync(self, folder: int) -> None:
        """Have the names in an open folder on the disk."""
        self.before("fsync")
        os.fsync(folder)

    def write_new(self, name: str, data: bytes, *, at: int, mode: int = 0o600) -> None:
        """A new file with these bytes."""
        fd = self.create(name, at=at)
        try:
            self.chmod(fd, mode)
            self.write(fd, data)
        finally:
            os.close(fd)


@contextlib.contextmanager
def opened(name: str, flags: int, *, at: int | None = None) -> Iterator[int]:
    """A descriptor for the time of a block; raises ``OSError``."""
    fd = os.open(name, flags, dir_fd=at)
    try:
        yield fd
    finally:
        os.close(fd)


def share(source: int, target: int) -> bool:
    """Let a new file share the blocks of another one; False where the file system cannot."""
    try:
        fcntl.ioctl(target, FICLONE, source)
    except OSError:  # no such file system, or two of them
        return False
    return True


def refuses_links(problem: OSError) -> bool:
    """Whether a hard link failed because the file system has none, or no more of them."""
    return problem.errno in _NO_LINKS


def token() -> str:
    """Sixteen random hexadecimal digits for the name of a temporary folder."""
    return os.urandom(8).hex()


def lock(fd: int) -> bool:
    """Take the advisory lock of an open folder; it goes with the descriptor.

    False also where the file system has no such locks: nobody can tell then who lives.
    """
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def hold(fd: int) -> None:
    """Lock a folder that was just made, and wait for who only looks whether it is alive.

    Nothing happens where the file system has no such locks.
    """
    with contextlib.suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_EX)


def is_straight(root: str, path: str) -> bool:
    """Whether no component of a path below the host path ``root`` is a link, as far as it goes.

    Then it leads nowhere but where it says, which costs a tenth of asking ``realpath``.
    """
    host = root
    try:
        for step in path.strip("/").split("/"):
            host = f"{host}/{step}"
            if stat.S_ISLNK(os.lstat(host).st_mode):
                return False
    except OSError as problem:
        return problem.errno == errno.ENOENT
    return True


def regular(info: os.stat_result) -> bool:
    return stat.S_ISREG(info.st_mode)


def read_whole(fd: int, size: int) -> bytes:
    """What is left of a regular file of about ``size`` bytes; at most one byte more than that."""
    data = os.read(fd, size + 1)
    while data and len(data) < size and (more := os.read(fd, size + 1 - len(data))):
        data += more
    return data


def pieces(fd: int) -> Iterator[bytes]:
    """What is left to be read, in pieces of at most ``PIECE`` bytes."""
    # Each read allocates its whole buffer: a large one makes small files four times as slow.
    step = min(PIECE, max(512, os.fstat(fd).st_size + 1))
    while data := os.read(fd, step):
        yield data


def copy(source: int, hasher: Hasher, *, size: int, disk: Disk, target: int | None = None) -> int:
    """Hash all of ``source`` and put it into the new file ``target``; the number of bytes seen.

    A large file shares its blocks with the new one where the file system can do that; then what
    the new one has is hashed.
    Stops soon after ``size`` bytes: a file that is longer is wrong however it goes on.
    """
    if size < SMALL:
        data = read_whole(source, size)
        hasher.update(data)
        if target is not None:
            disk.write(target, data)
        return len(data)
    if target is not None and disk.clone(source, target):
        source, target = target, None
    seen = 0
    for data in pieces(source):
        hasher.update(data)
        if target is not None:
            disk.write(target, data)
        seen += len(data)
        if seen > size:
            break
    return seen


def delete_tree(name: str, *, at: int) -> None:
    """Remove a file or a whole tree as far as it goes; never follows a link, never raises."""
    for remove in (os.rmdir, os.unlink):  # most of what is removed has been emptied already
        try:
            remove(name, dir_fd=at)
        except FileNotFoundError:
            return
        except OSError:
            continue
        return
    from shutil import rmtree  # here, because it brings along what unpacks archives

    rmtree(name, ignore_errors=True, dir_fd=at)


def explain(problem: OSError) -> str:
    """The reason of a failed call, without its arguments."""
    return problem.strerror or str(problem)
