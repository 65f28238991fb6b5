"""The events of ``--events``, beside what people see: into a file, or a descriptor we were given.

Whoever reads them may be slow, go away or have a full disk: none of that reaches the console.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from typing import TypeAlias

from haz_trio.cli.mistakes import bad_value
from haz_trio.cli.options import RootOptions
from haz_trio.cli.session import current_directory
from haz_trio.errors import HazError
from haz_trio.output.events import Encoder, lines_of
from haz_trio.output.streams import GivenUp, ReaderGone, WriteFailed, Written, write_all
from haz_trio.output.writes import Target, Write
from haz_trio.plan.messages import Event

FLAG = "--events"
Destination: TypeAlias = str | int  # a file as it was named, or the number of a descriptor
_PREFIX = "fd:"
_LONGEST = 6  # digits of a descriptor
# A FIFO that nobody reads is refused, and one that is full is polled: neither holds up a run.
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK


def parse_events(text: str) -> Destination:
    """``FILE`` or ``fd:N``; raises ``UsageError``, also for one that cannot be written.

    To be called before anything is opened: what has the number then has been given to us.
    """
    if not text:
        raise bad_value("", "expected the name of a file, or a descriptor as `fd:3`", FLAG)
    if not text.startswith(_PREFIX):
        return text
    digits = text.removeprefix(_PREFIX)
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= _LONGEST):
        reason = f"expected the number of a descriptor as in `fd:3`; a file is `./{text}`"
        raise bad_value(text, reason, FLAG)
    number = int(digits)
    if number in (0, *Target):
        reason = "0, 1 and 2 are the standard streams; `--json` prints events on standard output"
        raise bad_value(text, reason, FLAG)
    try:
        # Nothing that we open ourselves is inheritable; what was passed on to us is.
        given = os.get_inheritable(number)
        writable = fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
    except OSError:
        given = writable = False
    if not given:
        reason = f"descriptor {number} is not open; open it as in `{number}>events.jsonl`"
        raise bad_value(text, reason, FLAG)
    if not writable:
        raise bad_value(text, f"descriptor {number} is not open for writing", FLAG)
    return number


class EventSink:
    """Where the lines go (``console.Sink``), until nobody reads them or they cannot be written."""

    def __init__(self, descriptor: int, name: str, *, ours: bool) -> None:
        self._name = name
        self._descriptor = descriptor
        self._ours = ours
        self._size = 0  # bytes of whole lines in a file of ours
        self._given_up = self._is_busy = False
        self._lost: ReaderGone | WriteFailed | None = None

    @property
    def failed(self) -> bool:
        """Whether events were lost that somebody was to read."""
        return isinstance(self._lost, WriteFailed)

    def write(self, writes: Iterable[Write]) -> None:
        """Write whole lines, waiting as long as it takes; says nothing of a failure."""
        if self._lost is not None:
            return
        self._is_busy = True
        data = b"".join(write.data for write in writes)
        descriptors = {Target.STDOUT: self._descriptor}
        result = write_all(
            Target.STDOUT, data, descriptors=descriptors, given_up=lambda: self._given_up
        )
        match result:
            case ReaderGone():
                self._lost = result
            case WriteFailed():
                self._lost = result
                self._cut(data)
            case Written():
                self._size += len(data)
            case GivenUp():
                pass
        self._is_busy = False

    def give_up(self) -> None:
        """Write nothing more; a call of ``write`` returns at its next piece."""
        self._given_up = True

    def close(self) -> str | None:
        """Close a file of ours; the sentence for people if events were lost."""
        # A thread may still hang in a write that was given up: its descriptor stays.
        if self._ours and not self._is_busy:
            try:
                os.close(self._descriptor)
            except OSError as problem:
                self._lost = self._lost or WriteFailed(problem.strerror or str(problem))
        if not isinstance(self._lost, WriteFailed):
            return None
        reason = self._lost.reason
        return f"cannot write the events to {self._name}: {reason}; the rest of them is lost"

    def _cut(self, data: bytes) -> None:
        """Leave whole lines behind in a file of ours, of which ``data`` did not fit."""
        descriptor = self._descriptor
        with suppress(OSError):
            if self._ours and stat.S_ISREG(os.fstat(descriptor).st_mode):
                # No two writers share it: where we stand is what we have written.
                taken = os.lseek(descriptor, 0, os.SEEK_CUR) - self._size
                whole = data.rfind(b"\n", 0, max(taken, 0)) + 1
                os.ftruncate(descriptor, self._size + whole)


class Recording:
    """All events of a run, as lines for a sink."""

    def __init__(self, encode: Encoder, sink: EventSink) -> None:
        self.sink: EventSink = sink
        self._encode = encode

    def render(self, event: Event, at: float) -> list[Write]:
        """The lines for an event (``writes.Renderer``)."""
        return lines_of(self._encode, event, at)

    def write(self, told: Iterable[tuple[Event, float]]) -> None:
        """Write the whole of a run that needed no loop; waits for who reads it."""
        self.sink.write(write for event, at in told for write in self.render(event, at))


def open_events(root: RootOptions, destination: Destination) -> EventSink:
    """Create or truncate the file, or take over the descriptor; raises ``HazError``.

    Tasks do not inherit it.
    """
    if isinstance(destination, int):
        os.set_inheritable(destination, False)
        return EventSink(destination, f"descriptor {destination}", ours=False)
    path = os.path.join(current_directory(root), destination)
    try:
        descriptor = os.open(path, _FLAGS, 0o666)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        match problem.errno:
            case errno.ENOENT | errno.ENOTDIR:
                reason += "; its folder must exist"
            case errno.ENXIO:
                reason = "nobody reads it"
            case _:
                pass
        raise HazError(f"--events: no file can be written at {path}: {reason}") from None
    return EventSink(descriptor, path, ours=True)
