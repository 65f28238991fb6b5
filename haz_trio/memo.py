"""The memo of a run in which everything was a hit: while nothing moves, it is said again.

``state/memo-*`` below the cache is a sealed frame for one command line in one directory.  Its
rows are the stat data of everything on which that run rested: configuration, inputs, outputs,
folders, entries.  If all of them hold, and so do the environment and the standard streams, the
same run would find the same and say the same; then it is said without it.
Any doubt, and there is no memo: the run takes its usual way.

This module is imported before anything else of ``haz run`` and imports next to nothing.
"""

from __future__ import annotations

import os
import sys
import time
from itertools import chain, compress, islice, repeat
from operator import attrgetter

import xxhash

from haz_trio import __version__
from haz_trio.frames import MANY, read_frame, read_own, seal_frame, write_whole
from haz_trio.living import RUNS, dead
from haz_trio.ragged import pack, unpack
from haz_trio.trust import ABSENT, FIELDS, ROW, row_at

TYPE_CHECKING = False  # typing itself would cost a warm start more than all of this module
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from mmap import mmap

    from haz_trio.frames import Frame
    from haz_trio.scout import Scout
    from haz_trio.trust import Row

KIND = b"memo   2"
STATE = ".haz/cache/state"
SECRET = STATE + "/secret"
MOST = 8  # memos of a workspace
LONGEST = 1 << 20  # bytes that a memo may say
STDOUT, STDERR, CLOCK = b"1", b"2", b"t"  # what a piece is: bytes for a stream, or the time taken
_KINDS = frozenset({STDOUT, STDERR, CLOCK})

# Variables of our own environment that change what is said; so does every HAZ_ variable.
_HEEDED = frozenset(
    {
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "FORCE_COLOR",
        "GITHUB_ACTIONS",
        "GITHUB_WORKSPACE",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "NO_COLOR",
        "NO_GRAPHICS",
        "PYTHONUTF8",
        "TERM",
    }
)
_CACHE = b".haz/cache"
_MARKERS = (b".haz/workspace.yml", b"haz.yml")
_ROUNDING = 1e-6  # milliseconds, as in ``output.summary``
_held: dict[str, dict[bytes, Row]] = {}
_IDENTITY = attrgetter("st_dev", "st_ino", "st_mode")


def replay(argv: Sequence[str], began: float) -> int | None:
    """Say again what the same command line said, if nothing has moved; the exit code.

    ``began`` is a reading of ``time.perf_counter`` from the start of the process.
    ``None`` when there is no memo that holds; then nothing has been said or changed.
    """
    if not is_memorable(argv):
        return None
    try:
        here = os.getcwd()
        root = _root(here, _file(argv, here))
        said = None if root is None else _recall(root, argv, here)
    except (OSError, ValueError, IndexError, UnicodeError):
        return None
    return None if said is None else _say(said, began)


def held_below(root: str) -> Mapping[bytes, Row]:
    """The names below a root that held, with these rows, until a memo was refused.

    That was a moment ago in this process: who looks next need not ask for them again.
    """
    return _held.get(root, {})


def is_memorable(argv: Sequence[str]) -> bool:
    """Whether a command line says where it works by the directory that it is given in alone.

    Never with ``HAZ_MEMO=0``.
    """
    if os.environ.get("HAZ_MEMO") == "0" or "HAZ_ROOT" in os.environ:
        return False
    return not any(word == "-C" or word.startswith(("-C", "--root")) for word in argv)


def write_memo(
    root: str,
    argv: Sequence[str],
    here: str,
    *,
    rows: Mapping[bytes, Row],
    folders: Mapping[bytes, Row],
    variables: Iterable[str],
    pieces: Sequence[tuple[bytes, bytes]],
) -> None:
    """Keep what a run said that rested on these rows, by names below the canonical ``root``.

    The first two rows are those of the cache and of the file that marks the root.
    ``folders`` only have to be the same folders; of their rows device, inode and mode count.
    Raises ``OSError``.
    """
    packed = [ROW.pack(*row) for row in (*rows.values(), *folders.values())]
    listed = "\0".join(sorted(variables)).encode("ascii")
    secret = read_own(os.path.join(root, SECRET), largest=32)
    body = pack(
        [
            len(rows).to_bytes(4, "little"),
            listed,
            _head(argv, here),
            _environment(secret, listed),
            *(kind + data for kind, data in pieces),
        ]
    )
    names = (*rows, *folders)
    frame = seal_frame(KIND, names, len(names), b"".join(packed), body)
    place = os.path.join(root, _file(argv, here))
    write_whole(place, frame)
    _tidy(os.path.dirname(place))


def _tidy(folder: str) -> None:
    """Keep the newest memos."""
    found = []
    for name in os.listdir(folder):
        if name.startswith("memo-"):
            path = os.path.join(folder, name)
            found.append((os.lstat(path).st_mtime_ns, path))
    for _, path in sorted(found)[:-MOST]:
        os.unlink(path)


def _file(argv: Sequence[str], here: str) -> str:
    words = "\0".join((here, *argv)).encode("utf-8", "surrogateescape")
    return f"{STATE}/memo-{xxhash.xxh3_64_hexdigest(words)}"


def _root(here: str, file: str) -> str | None:
    """The directory upwards that has the memo, if no other marker lies in between."""
    while True:
        if os.path.lexists(f"{here}/{file}"):
            return here
        if os.path.lexists(f"{here}/.haz") or os.path.lexists(f"{here}/.git"):
            return None
        above = os.path.dirname(here)
        if above == here:
            return None
        here = above


def _head(argv: Sequence[str], here: str) -> bytes:
    """What a memo must agree with besides files and variables.

    Raises ``OSError`` where a standard stream is closed: that is nothing for a memo.
    """
    first, second = (os.fstat(number) for number in (1, 2))
    os.fstat(0)
    terminals = "".join("ty"[os.isatty(number)] for number in (0, 1, 2))
    if terminals.endswith("yy") and (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino):
        terminals += "="
    machine = os.uname().machine
    words = (__version__, sys.version, machine, str(os.geteuid()), terminals, here, *argv)
    return "\0".join(words).encode("utf-8", "surrogateescape")


def _environment(secret: bytes | None, listed: bytes) -> bytes:
    """The digest of the variables that tasks copy and that we heed ourselves."""
    # Imported here: most processes that look for a memo find none.
    from blake3 import blake3

    if secret is None or len(secret) != 32:
        raise ValueError("the secret of the cache is none")
    heeded = {name for name in os.environ if name in _HEEDED or name.startswith("HAZ_")}
    names = heeded.union(listed.decode("ascii").split("\0") if listed else ())
    said = []
    for name in sorted(names):
        value = os.environ.get(name)
        text = "-" if value is None else "=" + value
        said.append(f"{name}{text}".encode("utf-8", "surrogateescape"))
    return blake3(pack(said), key=secret).digest()


def _recall(root: str, argv: Sequence[str], here: str) -> list[bytes] | None:
    """What the memo says, if everything that it rests on holds."""
    file = os.path.join(root, _file(argv, here))
    frame = read_frame(file, KIND, row_size=ROW.size)
    if frame is None or not frame.same_boot:
        return None
    if frame.written_at_ns > time.time_ns():
        os.unlink(file)  # the clock was set back: it is not to be believed when that has passed
        return None
    if dead(os.path.join(root, RUNS)):
        return None  # a killed run is to be told of
    count, listed, head, environment, *pieces = map(bytes, unpack(frame.body))
    if head != _head(argv, here):
        return None
    if environment != _environment(read_own(os.path.join(root, SECRET), largest=32), listed):
        return None
    full = int.from_bytes(count, "little")
    first, second = islice(frame.each_name(), 2)
    if first != _CACHE or second not in _MARKERS or full < 2:
        return None  # whoever made it did not look at what makes this a workspace
    if row_at(os.fsencode(root) + b"/" + _CACHE) != next(ROW.iter_unpack(frame.rows)):
        return None  # what moves most often, before anybody is sent for the others
    if not _KINDS.issuperset(piece[:1] for piece in pieces):
        return None
    return pieces if _holds(root, frame, full) else None


def _holds(root: str, frame: Frame, full: int) -> bool:
    """Whether as many names have their rows, and those behind them are the same folders.

    What was seen before the first that differs is kept for ``held_below``.
    """
    fields, lstat = FIELDS, os.lstat
    # A list of them all would cost more.
    names, rows = frame.each_name(), ROW.iter_unpack(frame.rows)
    base = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    scout = _scout_for(base, frame)
    seen: bytes | mmap = bytes(len(frame.rows) // ROW.size) if scout is None else scout.seen
    try:
        for place, (name, row) in enumerate(zip(islice(names, full), rows, strict=False)):
            if seen[place]:
                continue
            try:
                holds = fields(lstat(name, dir_fd=base)) == row
            except OSError:
                holds = row == ABSENT
            if not holds:
                # This one did not hold, whatever the scout has seen before it moved.
                behind = seen[place + 1 :] if scout is not None else b""
                each = zip(frame.each_name(), ROW.iter_unpack(frame.rows), strict=True)
                _held[root] = dict(compress(each, chain(repeat(1, place), (0,), behind)))
                return False
        for name, row in zip(names, rows, strict=True):
            if _IDENTITY(lstat(name, dir_fd=base)) != (row[0], row[1], row[5]):
                return False
    finally:
        os.close(base)
        if scout is not None:
            scout.dismiss()
    return True


def _scout_for(base: int, frame: Frame) -> Scout | None:
    """Another process that looks as well, where there is enough to do and another processor."""
    count = len(frame.rows) // ROW.size
    if count < MANY or len(os.sched_getaffinity(0)) < 2:
        return None
    # Imported here: few workspaces are as large.
    from haz_trio.scout import send_scout

    return send_scout(base, count, frame.names_from_the_end(), frame.rows, ROW, FIELDS)


def _say(pieces: list[bytes], began: float) -> int:
    """Write the pieces; the exit code of a run in which everything was a hit."""
    parts: list[tuple[int, list[bytes]]] = []
    for piece in pieces:
        kind, data = piece[:1], piece[1:]
        if kind == CLOCK:
            kind, data = STDERR, _duration(time.perf_counter() - began)
        if not parts or parts[-1][0] != int(kind):
            parts.append((int(kind), []))
        parts[-1][1].append(data)
    said = [(target, b"".join(texts)) for target, texts in parts]
    for place, (target, data) in enumerate(said):
        written = 0
        try:
            while written < len(data):
                written += os.write(target, memoryview(data)[written:])
        except OSError:
            return _say_with_care([(target, data[written:]), *said[place + 1 :]])
    return 0


def _duration(seconds: float) -> bytes:
    milliseconds = max(int(seconds * 1000 + _ROUNDING), 1)
    if milliseconds < 1000:
        return b"%dms" % milliseconds
    # Imported here: what is said again takes a second only on a machine in great trouble.
    from haz_trio.output.summary import format_duration

    return format_duration(seconds).encode()


def _say_with_care(said: list[tuple[int, bytes]]) -> int:
    """Write where a stream takes no more for now, or for ever."""
    # Imported here: few readers go away, and few disks are full.
    from haz_trio.output.streams import Streams
    from haz_trio.output.writes import Target, Write

    streams = Streams()
    streams.write([Write(Target(target), data) for target, data in said])
    return 1 if streams.failed else 0
