"""What a renderer gives to a console: bytes, and the stream that they are for."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

from haz_trio.values import frozen

if TYPE_CHECKING:
    from haz_trio.plan.messages import Event


class Target(enum.IntEnum):
    """A standard stream, by the number of its descriptor."""

    STDOUT = 1
    STDERR = 2


@frozen
class Write:
    """Bytes for a stream; at most 256 KiB."""

    target: Target
    data: bytes


# Takes an event and the seconds since the run began, and keeps what it must hold at once.
# What it returns is written as a whole before anything else; a list is in memory already, any
# other iterable is many bytes that are read from a file while they are written.
Renderer: TypeAlias = "Callable[[Event, float], Iterable[Write]]"
