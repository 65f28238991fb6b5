"""What earlier runs knew: digests of files, and which tasks were hits while nothing moved.

``state/known`` is one sealed frame (cache.md C5).  Its rows are names below the workspace root
with their stat data and, for files, their digests.  Its body has a *proof* for each task: the
names that the task read, looked into and made, and what its look found.  While every row of a
proof holds and what the predecessors said is the same, the look would find the same again.

A row is kept only if a change after it was taken must show (``haz_trio.trust``), so that a name
whose row holds has not changed.  What is not kept is asked again.

Of the folders that lead to a file it only matters that they are the same: a *way* is the name of
such a folder behind ``./``, and its row is its identity.  Without ways a folder could be moved
elsewhere and be reached through a link in its place, where files have a second name.
"""

from __future__ import annotations

import enum
import os
import struct
from array import array
from functools import cached_property
from itertools import pairwise

from haz_trio.cache.holding import Holding
from haz_trio.frames import MANY, Frame, read_frame
from haz_trio.ragged import Ragged, unpack
from haz_trio.trust import ROW, SENSES, UNSURE, Senses, survives

TYPE_CHECKING = False  # typing itself would cost a warm start more than all of this module
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from haz_trio.cache.proof import Columns, Proof
    from haz_trio.trust import Row

KIND = b"known  3"
PLACE = ".haz/cache/state/known"
DIGEST = 32  # bytes of a content's digest, a key, an environment
SHORT = 16  # bytes of the digests that only tell whether something is the same
NO_DIGEST = bytes(DIGEST)
WAY = b"./"
ROW_SIZE = ROW.size + DIGEST
NOTHING = ROW.pack(*UNSURE) + NO_DIGEST  # of a name of which nothing is known
_ROW_ALONE = struct.Struct(f"{ROW.format}{DIGEST}x")
PRINTED = 3  # texts for each task: both streams, and their turns
TASK_SIZE = 3 * DIGEST + 2 * SHORT  # bytes of a task's digests


class Standing(enum.Enum):
    """How much of a proof holds."""

    NOTHING = 0
    KEY = 1  # a look would derive the same key
    ALL = 2  # and find the same


class Known:
    """The knowledge of one workspace, at ``root`` on the host, as it was written last.

    ``graph`` is the seal of the configuration and ``environment`` the digest of the variables
    that it was written with; ``contents`` names the function of the files' digests.
    ``stamp`` is the row that the state file itself had before it was read.
    Raises ``ValueError`` for a frame of another shape.
    """

    def __init__(self, root: str, frame: Frame, *, senses: Senses, stamp: Row = UNSURE) -> None:
        parts = unpack(frame.body)
        head, contents, ids, tasks, made, own, uses, readers, ends, streams = parts
        self.stamp = stamp
        self.contents: bytes = bytes(contents)
        self._amiss = (-1, 0)  # the task that ``standing`` has found lacking last, and where
        self.graph: bytes = bytes(head[:SHORT])
        self.environment: bytes = bytes(head[SHORT:])
        self.names: tuple[bytes, ...] = frame.names
        self._frame = frame
        self.rows: bytes = frame.rows
        base = os.fsencode(root).rstrip(b"/") + b"/"
        self._holding = Holding(base, self.names, self.rows, _ROW_ALONE, senses.row_of)
        self.same_boot: bool = frame.same_boot
        self._ids = bytes(ids)
        self._tasks = bytes(tasks)
        self._made = array("I", bytes(made))
        self._own = array("I", bytes(own))  # twice their number, and 1 for a whole proof
        self._uses = Ragged.parse(uses)
        self._readers = Ragged.parse(readers)
        self._ends = array("I", bytes(ends))
        self._streams = streams
        if not self._adds_up():
            raise ValueError("a state file of this kind has another shape")

    def _adds_up(self) -> bool:
        """Whether every number is that of something, so that nothing is looked up in vain."""
        count = len(self._made)
        return (
            len(self.rows) == len(self.names) * ROW_SIZE
            and len(self._tasks) == count * TASK_SIZE
            and len(self._uses) == len(self._readers) == len(self._own) == len(self.tasks) == count
            and len(self._ends) == PRINTED * count
            and (self._ends[-1] if count else 0) == len(self._streams)
            and self._uses.largest < len(self.names)
        )

    @cached_property
    def tasks(self) -> dict[bytes, int]:
        """The numbers of the tasks that have a proof, by their ids."""
        ids = self._ids.split(b"\0") if self._ids else ()
        return {id: number for number, id in enumerate(ids)}

    @cached_property
    def places(self) -> dict[bytes, int]:
        """The numbers of all rows by their names."""
        return dict(zip(self.names, range(len(self.names)), strict=True))

    def row(self, number: int) -> Row:
        return ROW.unpack_from(self.rows, number * ROW_SIZE)

    def digest(self, number: int) -> bytes:
        start = number * ROW_SIZE + ROW.size
        return self.rows[start : start + DIGEST]

    def packed(self, number: int) -> bytes:
        """A row with its digest, as they are kept."""
        return self.rows[number * ROW_SIZE : (number + 1) * ROW_SIZE]

    def told(self, name: bytes) -> bytes:
        """The same of a name that is known, as far as it may be believed."""
        number = self.places[name]
        return self.packed(number) if self.believable(self.row(number)) else NOTHING

    @property
    def written_at_ns(self) -> int:
        return self._frame.written_at_ns

    @property
    def seal(self) -> bytes:
        """What tells this knowledge from any other."""
        return self._frame.seal

    def believable(self, row: Row) -> bool:
        """Whether the data behind a row may be as old as the row (cache.md C8.4)."""
        return survives(row[4], written_at_ns=self._frame.written_at_ns, same_boot=self.same_boot)

    def settle(self) -> None:
        """A run begins: nothing of ours writes yet, so that no row need be asked twice."""
        self._amiss = (-1, 0)
        self._holding.settle()

    def look_ahead(self, many: int = MANY) -> None:
        """A run with one thread begins: let another process look, too (``Holding.look_ahead``)."""
        if self.same_boot:  # else not all that holds may be believed
            self._holding.look_ahead(many)

    def look_alone(self) -> None:
        """Have no other process any more."""
        self._holding.look_alone()

    def presume(self, held: Mapping[bytes, Row]) -> None:
        """Names that have just been seen with these rows need not be asked in this run."""
        self._amiss = (-1, 0)
        self._holding.presume(held)

    def touch(self, names: Iterable[bytes]) -> None:
        """A restore of ours has written just these files: their rows are to be asked again.

        So are those of the folders that they are in, and of the ways through them.
        """
        places = self.places
        changed = [each for name in names for each in (name, name.rpartition(b"/")[0] or b".")]
        changed += [WAY + name for name in changed]
        self._holding.touch([places[name] for name in changed if name in places])

    def disturb(self) -> None:
        """A command or a restore of ours writes files from now on, until the next ``settle``.

        What holds at one moment is asked again at the next.
        """
        self._holding.disturb()

    def standing(self, task: int, static: bytes, upstream: bytes) -> Standing:
        """How much of a proof holds; reads stat data only."""
        at = task * TASK_SIZE + 3 * DIGEST
        if self._tasks[at : at + 2 * SHORT] != static + upstream:
            return Standing.NOTHING
        uses, own = self._uses.at(task), self._own[task]
        if self._first_amiss(uses[own >> 1 :]) is not None:
            return Standing.NOTHING
        # What has been written meanwhile may have a second name among the outputs of others.
        if not own & 1:
            return Standing.KEY
        amiss = self._first_amiss(uses[: own >> 1], anew=self._holding.touched)
        if amiss is not None:
            self._amiss = (task, amiss)
            return Standing.KEY
        return Standing.ALL

    def lost(self, task: int) -> tuple[bytes, Row, bytes] | None:
        """The only name of its own that does not hold, of a proof whose key is proven.

        With the row and the digest that it had; ``None`` unless it is an output, and the only one.
        """
        if not self._own[task] & 1:
            return None
        own = self.own(task)
        last, place = self._amiss  # what comes before it was asked a moment ago
        first = place if last == task else self._first_amiss(own, anew=True)
        if first is None or first >= self._made[task]:
            return None
        if self._first_amiss(own[first + 1 :], anew=True) is not None:
            return None
        number = own[first]
        return self.names[number], self.row(number), self.digest(number)

    def _first_amiss(self, numbers: Sequence[int], *, anew: bool = False) -> int | None:
        """The place of the first of these rows that does not hold."""
        place = self._holding.first_amiss(numbers, anew=anew)
        if self.same_boot:
            return place
        kept = numbers if place is None else numbers[:place]
        doubtful = (p for p, number in enumerate(kept) if not self.believable(self.row(number)))
        return next(doubtful, place)

    def is_whole(self, task: int) -> bool:
        """Whether the proof is one of more than a key."""
        return bool(self._own[task] & 1)

    def inputs(self, task: int) -> Sequence[int]:
        """The numbers of the rows on which the key of a task rests."""
        return self._uses.at(task)[self._own[task] >> 1 :]

    def own(self, task: int) -> Sequence[int]:
        """The numbers of the rows of its outputs, their folders and its entry."""
        return self._uses.at(task)[: self._own[task] >> 1]

    def made(self, task: int) -> tuple[str, ...]:
        """The outputs of a task, workspace-absolute."""
        names = self.names
        return tuple(["/" + names[n].decode() for n in self._uses.at(task)[: self._made[task]]])

    def digests(self, task: int) -> tuple[bytes, bytes, bytes]:
        """The key of a task, and the digests of what it printed."""
        start = task * TASK_SIZE
        whole = self._tasks[start : start + 3 * DIGEST]
        return whole[:DIGEST], whole[DIGEST : 2 * DIGEST], whole[2 * DIGEST :]

    def streams(self, task: int) -> tuple[bytes, bytes, bytes]:
        """What a task printed on both streams, and by which turns (``cache.order``)."""
        stdout, stderr, turns = self._printed(task)
        return bytes(stdout), bytes(stderr), bytes(turns)

    def _printed(self, task: int) -> tuple[memoryview, memoryview, memoryview]:
        first, last = PRINTED * task, PRINTED * (task + 1)
        ends = (self._ends[first - 1] if task else 0, *self._ends[first:last])
        stdout, stderr, turns = (self._streams[a:b] for a, b in pairwise(ends))
        return stdout, stderr, turns

    def readers(self, task: int) -> Sequence[int]:
        """See ``Proof.readers``."""
        return self._readers.at(task)

    def uses(self, task: int) -> Sequence[int]:
        """The numbers of the rows on which the proof of a task rests."""
        return self._uses.at(task)

    @property
    def columns(self) -> Columns:
        """All proofs as they are kept."""
        # Imported here and below: only who writes takes proofs apart.
        from haz_trio.cache.proof import Columns

        return Columns(
            self._tasks,
            self._made,
            self._own,
            self._uses,
            self._readers,
            self._ends,
            self._streams,
        )

    def proof(self, task: int) -> Proof:
        """All that is known of a task."""
        from haz_trio.cache.proof import Proof

        digests = self._tasks[task * TASK_SIZE : (task + 1) * TASK_SIZE]
        uses = tuple([self.names[number] for number in self._uses.at(task)])
        ends = (0, DIGEST, 2 * DIGEST, 3 * DIGEST, 3 * DIGEST + SHORT, TASK_SIZE)
        key, stdout, stderr, static, upstream = (digests[a:b] for a, b in pairwise(ends))
        texts = self.streams(task)
        return Proof(
            key=key,
            stdout_digest=stdout,
            stderr_digest=stderr,
            static=static,
            upstream=upstream,
            made=self.made(task),
            uses=uses,
            own=self._own[task] >> 1,
            whole=self.is_whole(task),
            readers=self._readers.at(task),
            stdout=texts[0],
            stderr=texts[1],
            turns=texts[2],
        )


def read_known(root: str, contents: bytes, *, senses: Senses = SENSES) -> Known | None:
    """What is known of the workspace at ``root``; ``None`` where nothing may be believed.

    ``contents`` names the function by which files are digested: the digests of another one are
    of no use.
    """
    place = os.path.join(root, PLACE)
    stamp = senses.row_at(place)
    frame = read_frame(place, KIND, row_size=ROW_SIZE)
    if frame is None or frame.written_at_ns > senses.clock():
        return None
    try:
        known = Known(root, frame, senses=senses, stamp=stamp)
    except (ValueError, LookupError):
        return None
    return known if known.contents == contents else None
