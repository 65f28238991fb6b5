"""What is known of a task: the proof of its last hit, apart from the file that holds it."""

from __future__ import annotations

TYPE_CHECKING = False  # typing itself would cost a warm start more than all of this module
if TYPE_CHECKING:
    from array import array
    from collections.abc import Sequence

    from haz_trio.ragged import Ragged


class Proof:
    """What a look found, and on what it rests.

    ``made`` are the outputs, workspace-absolute; ``uses`` all names below the root, bytes: the
    outputs first, then folders of theirs and the entry, ``own`` names in all, then the inputs.
    A proof that is not ``whole`` proves only the key: its own names are to be looked at.
    ``static`` and ``upstream`` are digests of what the task declares and of what
    its predecessors printed.  ``readers`` is empty when nobody knows who reads the outputs, else
    a 1 and then pairs of a place in ``made`` and the number of a task that reads it.
    ``turns`` is empty unless the streams were written by turns (``cache.order``).
    """

    __slots__ = (
        "key", "made", "own", "readers", "static", "stderr", "stderr_digest", "stdout",
        "stdout_digest", "turns", "upstream", "uses", "whole",
    )  # fmt: skip

    def __init__(
        self,
        *,
        key: bytes,
        stdout_digest: bytes,
        stderr_digest: bytes,
        static: bytes,
        upstream: bytes,
        made: tuple[str, ...],
        uses: tuple[bytes, ...],
        own: int,
        whole: bool,
        readers: Sequence[int],
        stdout: bytes,
        stderr: bytes,
        turns: bytes = b"",
    ) -> None:
        self.key: bytes = key
        self.stdout_digest: bytes = stdout_digest
        self.stderr_digest: bytes = stderr_digest
        self.static: bytes = static
        self.upstream: bytes = upstream
        self.made: tuple[str, ...] = made
        self.uses: tuple[bytes, ...] = uses
        self.own: int = own
        self.whole: bool = whole
        self.readers: Sequence[int] = readers
        self.stdout: bytes = stdout
        self.stderr: bytes = stderr
        self.turns: bytes = turns


class Columns:
    """Proofs in the form in which they are kept: a column for each part of all of them.

    ``digests`` has the five of each proof, ``own`` twice the number of its own names, and one more
    where it is whole; ``ends`` are those of its texts among the ``streams``.
    """

    __slots__ = ("digests", "ends", "made", "own", "readers", "streams", "uses")

    def __init__(
        self,
        digests: bytes,
        made: array[int],
        own: array[int],
        uses: Ragged,
        readers: Ragged,
        ends: array[int],
        streams: memoryview,
    ) -> None:
        self.digests: bytes = digests
        self.made: array[int] = made
        self.own: array[int] = own
        self.uses: Ragged = uses
        self.readers: Ragged = readers
        self.ends: array[int] = ends
        self.streams: memoryview = streams
