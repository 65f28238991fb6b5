"""Writes ``state/known``: what an earlier run knew with what this one has learned."""

from __future__ import annotations

import os
from array import array

from haz_trio.cache.known import KIND, NOTHING, PLACE, PRINTED, ROW_SIZE, TASK_SIZE, Known
from haz_trio.cache.proof import Columns, Proof
from haz_trio.frames import seal_parts, write_parts
from haz_trio.ragged import Ragged, packed, shifted
from haz_trio.trust import ROW, SENSES, Senses

TYPE_CHECKING = False  # typing itself would cost a warm start more than all of this module
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

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
    kept: Mapping[bytes, int] = {}
    source = None
    if old is not None and old.environment == environment:
        source = _Source(old, book, same_graph=old.graph == graph)
        kept = {
            id: task
            for id, task in old.tasks.items()
            if task not in source.ended and id not in gone
        }
    for step in _steps(kept, proofs):
        match step:
            case bytes():
                shelf.add(step, proofs[step])
            case range():
                assert source is not None, "something is kept"
                shelf.take(source, step)
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


def _steps(kept: Mapping[bytes, int], proofs: Collection[bytes]) -> Iterator[bytes | range]:
    """The new proofs, and between them as many old ones as follow each other, by their ids."""
    run = range(0)
    for id in sorted([*(id for id in kept if id not in proofs), *proofs]):
        if id in proofs:
            if run:
                yield run
            run = range(0)
            yield id
        elif run and kept[id] == run.stop:
            run = range(run.start, run.stop + 1)
        else:
            if run:
                yield run
            run = range(kept[id], kept[id] + 1)
    if run:
        yield run


class _Source:
    """Old proofs, to be taken over as they stand; the numbers of their names are the same.

    ``ended`` are those that rest on what has changed since they were made.
    """

    def __init__(self, old: Known, book: _Book, *, same_graph: bool) -> None:
        self.columns: Columns = old.columns
        self.ids: list[bytes] = list(old.tasks)
        self.same_graph = same_graph
        self.own: array[int] = self.columns.own[:]
        self.ended: set[int] = set()
        for task in self.columns.uses.with_any(book.changed):
            if not book.changed.isdisjoint(old.inputs(task)):
                self.ended.add(task)
            else:
                self.own[task] &= ~1  # an output that is another one now is to be looked at


class _Book:
    """The names of a new frame, each with its newest row; starts with those of an old one.

    ``changed`` are the numbers of names whose old row is another one now.
    """

    def __init__(self, old: Known | None) -> None:
        self.names: list[bytes] = []
        self.changed: set[int] = set()
        self._old: Mapping[bytes, int] = {}
        self._new: dict[bytes, int] = {}
        self._rows = bytearray()
        if old is not None:
            self.names += old.names
            self._old = old.places
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
        number = self._old.get(name)
        if number is None:
            number = self._new.get(name)
        if number is None:
            number = self._new[name] = len(self.names)
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
        self._digests = bytearray()
        self._made = array("I")
        self._own = array("I")
        self._uses = Ragged.of(())
        self._readers = Ragged.of(())
        self._ends = array("I")
        self._streams = bytearray()

    def add(self, id: bytes, proof: Proof) -> None:
        self._ids.append(id)
        digests = (proof.key, proof.stdout_digest, proof.stderr_digest)
        self._digests += b"".join((*digests, proof.static, proof.upstream))
        self._made.append(len(proof.made))
        self._own.append(2 * proof.own + proof.whole)
        self._uses.append([self._book.number(name) for name in proof.uses])
        self._readers.append(proof.readers)
        for stream in (proof.stdout, proof.stderr, proof.turns):
            self._streams += stream
            self._ends.append(len(self._streams))

    def take(self, source: _Source, run: range) -> None:
        """Take a run of old proofs over."""
        first, last, old = run.start, run.stop, source.columns
        self._ids += source.ids[first:last]
        self._digests += old.digests[first * TASK_SIZE : last * TASK_SIZE]
        self._made += old.made[first:last]
        self._own += source.own[first:last]
        self._uses.take(old.uses, first, last)
        if source.same_graph:
            self._readers.take(old.readers, first, last)
        else:
            for _ in run:
                self._readers.append(())
        ends = old.ends[PRINTED * first : PRINTED * last]
        start = old.ends[PRINTED * first - 1] if first else 0
        shift = len(self._streams) - start
        self._streams += old.streams[start : ends[-1]]
        self._ends += shifted(ends, shift)

    def used(self) -> set[bytes]:
        """The names that some proof uses."""
        names = self._book.names
        return {names[number] for number in self._uses.distinct}

    def is_sparse(self, rows: Iterable[bytes]) -> bool:
        """Whether most names are of no use any more."""
        names = len(self._book.names)
        if names <= _FEW:
            return False
        used = self._uses.distinct
        used.update(map(self._book.number, rows))
        return names > 2 * len(used)

    def body(self, head: bytes, contents: bytes) -> list[bytes]:
        return packed(
            [
                head,
                contents,
                b"\0".join(self._ids),
                bytes(self._digests),
                self._made.tobytes(),
                self._own.tobytes(),
                self._uses.encode(),
                self._readers.encode(),
                self._ends.tobytes(),
                bytes(self._streams),
            ]
        )
