"""Writes ``state/known``: what an earlier run knew with what this one has learned."""

from __future__ import annotations

import os
from array import array
from itertools import chain

from haz_trio.cache.known import KIND, NOTHING, PLACE, ROW_SIZE, Known
from haz_trio.cache.proof import Proof
from haz_trio.frames import seal_parts, write_parts
from haz_trio.ragged import Ragged, packed
from haz_trio.trust import ROW, SENSES, Senses

TYPE_CHECKING = False  # typing itself would cost a warm start more than all of this module
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

_FEW = 1000  # names that are not worth tidying up


def write_known(
    root: str,
    old: Known | None,
    rows: Mapping[bytes, bytes],
    proofs: Mapping[bytes, Proof],
    gone: Collection[bytes],
    *,
    graph: bytes,
    environment: bytes,
    contents: bytes,
    senses: Senses = SENSES,
) -> bytes:
    """Write what is known now: the old knowledge with new rows and proofs, each by its name.

    ``rows`` are packed, with a digest, and maybe with more behind that.
    ``gone`` are tasks whose old proofs hold no more.
    Old proofs that were made with other variables are given up, and those that rest on a row
    that is another one now; so are rows that no proof uses and that are not among ``rows``, as
    soon as they are most of all.
    Returns the seal of what was written.  Raises ``OSError``.
    """
    book = _Book(old)
    for name, row in rows.items():
        book.put(name, row[:ROW_SIZE])
    shelf = _Shelf(book)
    kept = _still_good(old, book, gone, environment)
    for id in sorted(kept.keys() | proofs.keys()):
        if id in proofs:
            shelf.add(id, proofs[id])
        elif old is not None:
            shelf.keep(id, old, kept[id], same_graph=old.graph == graph)
    if old is not None and shelf.is_sparse(rows):
        still = {id: old.proof(task) for id, task in kept.items()}
        for id, task in kept.items():
            still[id].whole &= book.changed.isdisjoint(old.own(task))
        if old.graph != graph:  # the numbers of readers are those of another graph
            for proof in still.values():
                proof.readers = ()
        rows = {**{name: old.told(name) for name in shelf.used() if name in old.places}, **rows}
        return write_known(
            root,
            None,
            rows,
            {**still, **proofs},
            (),
            graph=graph,
            environment=environment,
            contents=contents,
            senses=senses,
        )
    parts = book.sealed(shelf.body(graph + environment, contents), senses)
    return write_parts(os.path.join(root, PLACE), parts)


def _still_good(
    old: Known | None, book: _Book, gone: Collection[bytes], environment: bytes
) -> dict[bytes, int]:
    """The old proofs that rest on nothing that has changed since they were made."""
    if old is None or old.environment != environment:
        return {}
    changed = book.changed
    return {
        id: task
        for id, task in old.tasks.items()
        if id not in gone and changed.isdisjoint(old.inputs(task))
    }


class _Book:
    """The names of a new frame, each with its newest row; starts with those of an old one.

    ``changed`` are the numbers of names whose old row is another one now.
    """

    def __init__(self, old: Known | None) -> None:
        self.names: list[bytes] = []
        self.changed: set[int] = set()
        self._numbers: dict[bytes, int] = {}
        self._rows = bytearray()
        if old is not None:
            self.names += old.names
            self._numbers = dict(old.places)
            self._rows += old.rows
            if not old.same_boot:
                for number in range(len(self.names)):
                    if not old.believable(old.row(number)):
                        self._rows[number * ROW_SIZE : (number + 1) * ROW_SIZE] = NOTHING

    def put(self, name: bytes, row: bytes) -> None:
        known = len(self.names)
        number = self.number(name)
        start = number * ROW_SIZE
        if number < known and self._rows[start : start + ROW.size] != row[: ROW.size]:
            self.changed.add(number)
        self._rows[start : start + ROW_SIZE] = row

    def number(self, name: bytes) -> int:
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self.names)
            self.names.append(name)
            self._rows += NOTHING
        return number

    def sealed(self, body: Sequence[bytes], senses: Senses) -> Iterator[bytes | bytearray]:
        """The frame, in parts."""
        return seal_parts(KIND, self.names, len(self.names), self._rows, *body, clock=senses.clock)


class _Shelf:
    """The proofs of a new frame, in the order of their ids."""

    def __init__(self, book: _Book) -> None:
        self._book = book
        self._ids: list[bytes] = []
        self._tasks = bytearray()
        self._made = array("I")
        self._own = array("I")
        self._uses: list[Sequence[int]] = []
        self._readers: list[Sequence[int]] = []
        self._ends = array("I")
        self._streams = bytearray()

    def add(self, id: bytes, proof: Proof) -> None:
        digests = (proof.key, proof.stdout_digest, proof.stderr_digest)
        self._tasks += b"".join((*digests, proof.static, proof.upstream))
        uses = [self._book.number(name) for name in proof.uses]
        self._own.append(2 * proof.own + proof.whole)
        printed = (proof.stdout, proof.stderr, proof.turns)
        self._put(id, len(proof.made), uses, proof.readers, printed)

    def keep(self, id: bytes, old: Known, task: int, *, same_graph: bool) -> None:
        """Take a proof over as it stands; the numbers of its names are the same."""
        raw = old.raw(task)
        self._tasks += raw.digests
        readers = raw.readers if same_graph else ()
        # An output that is another one now is to be looked at.
        whole = raw.whole and self._book.changed.isdisjoint(raw.uses[: raw.own])
        self._own.append(2 * raw.own + whole)
        self._put(id, raw.made, raw.uses, readers, raw.streams)

    def _put(
        self,
        id: bytes,
        made: int,
        uses: Sequence[int],
        readers: Sequence[int],
        streams: Sequence[bytes | memoryview],
    ) -> None:
        self._ids.append(id)
        self._made.append(made)
        self._uses.append(uses)
        self._readers.append(readers)
        for stream in streams:
            self._streams += stream
            self._ends.append(len(self._streams))

    def used(self) -> set[bytes]:
        """The names that some proof uses."""
        names = self._book.names
        return {names[number] for number in set(chain.from_iterable(self._uses))}

    def is_sparse(self, rows: Collection[bytes]) -> bool:
        """Whether most names are of no use any more."""
        names = len(self._book.names)
        return names > _FEW and names > 2 * len(self.used().union(rows))

    def body(self, head: bytes, contents: bytes) -> list[bytes]:
        return packed(
            [
                head,
                contents,
                b"\0".join(self._ids),
                bytes(self._tasks),
                self._made.tobytes(),
                self._own.tobytes(),
                Ragged.of(self._uses).encode(),
                Ragged.of(self._readers).encode(),
                self._ends.tobytes(),
                bytes(self._streams),
            ]
        )
