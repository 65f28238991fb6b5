"""The two standard streams of the process, written with blocking calls, and what became of them.

Knows nothing of trio: the console calls it in a thread, the rest of the command line directly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from haz_trio.output.descriptors import GONE, PIECE, push
from haz_trio.output.writes import Target, Write
from haz_trio.values import frozen

_NAMES = {Target.STDOUT: "standard output", Target.STDERR: "standard error"}
DESCRIPTORS: Mapping[Target, int] = {target: int(target) for target in Target}


@frozen
class Written:
    """Every byte has been taken."""


@frozen
class ReaderGone:
    """Nobody reads the stream, or it is closed; that is no error of ours (decisions.md 9)."""


@frozen
class WriteFailed:
    """The stream takes no more bytes: the disk is full, and the like."""

    reason: str


@frozen
class GivenUp:
    """The bytes were no longer wanted."""


WriteResult: TypeAlias = Written | ReaderGone | WriteFailed | GivenUp


def write_all(
    target: Target,
    data: bytes,
    *,
    descriptors: Mapping[Target, int] = DESCRIPTORS,
    given_up: Callable[[], bool] = lambda: False,
) -> WriteResult:
    """Write all bytes, waiting as long as it takes; never raises ``OSError``.

    A descriptor that does not block is polled, and ``given_up`` is asked between two pieces.
    """
    try:
        whole = push(descriptors[target], data, given_up=given_up)
    except OSError as problem:
        if problem.errno in GONE:
            return ReaderGone()
        return WriteFailed(problem.strerror or str(problem))
    return Written() if whole else GivenUp()


class Streams:
    """Both streams, each written until nobody reads it any more or it fails.

    ``write`` may run in one thread at a time; ``give_up`` may be called from another one.
    """

    def __init__(self, descriptors: Mapping[Target, int] = DESCRIPTORS) -> None:
        self._descriptors = descriptors
        self._lost: dict[Target, ReaderGone | WriteFailed] = {}
        self._given_up = False

    @property
    def lost(self) -> Mapping[Target, ReaderGone | WriteFailed]:
        """The streams that are not written any more, and why."""
        return self._lost

    @property
    def failed(self) -> bool:
        """Whether output was lost that somebody was to read (decisions.md 9: exit code 1)."""
        return any(isinstance(why, WriteFailed) for why in self._lost.values())

    def give_up(self) -> None:
        """Write nothing more; a call of ``write`` returns at its next piece."""
        self._given_up = True

    def write(self, writes: Iterable[Write]) -> None:
        """Write in order, each stream as far as it goes; a stream's failure is told once."""
        gathered = bytearray()
        target = Target.STDOUT
        for write in writes:
            if gathered and (write.target is not target or len(gathered) >= PIECE):
                self._write(target, bytes(gathered))
                gathered.clear()
            target = write.target
            gathered += write.data
        self._write(target, bytes(gathered))

    def _write(self, target: Target, data: bytes) -> None:
        if target in self._lost or not data:
            return
        match write_all(
            target, data, descriptors=self._descriptors, given_up=lambda: self._given_up
        ):
            case ReaderGone() as gone:
                self._lost[target] = gone
            case WriteFailed(reason) as failure:
                self._lost[target] = failure
                line = (
                    f"error: cannot write to {_NAMES[target]}: {reason}; "
                    "the rest of what belongs there is lost\n"
                )
                self._write(Target.STDERR, line.encode())
            case Written() | GivenUp():
                pass
