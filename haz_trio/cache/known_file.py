"""Writes ``state/known``: what an earlier run knew with what this one has learned."""

from __future__ import annotations

import os
from array import array
from functools import partial

from haz_trio.cache.book import Book
from haz_trio.cache.known import KIND, PLACE, PRINTED, TASK_SIZE, Known
from haz_trio.cache.proof import Columns, Proof
from haz_trio.frames import seal_parts, write_parts
from haz_trio.ragged import Ragged, packed, shifted
from haz_trio.trust import SENSES, Senses

TYPE_CHECKING = False  # typing itself would cost a warm start more than all of this module
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from typing import TypeAlias

    Prove: TypeAlias = Callable[[], Proof | None]

_FEW = 1000  # names that are not worth tidying up


def write_known(
    root: str,
    old: Known | None,
    book: Book,
    proofs: Mapping[bytes, Prove],
    gone: Collection[bytes],
    *,
    graph: bytes,
    environment: bytes,
    contents: bytes,
    senses: Senses = SENSES,
) -> bytes:
    """Write what is known now: the old knowledge with new rows and proofs, each by its name.

    The new rows are in ``book``, which was made for ``old``.
    ``proofs`` are made one by one; ``None`` is one that does not hold.
    ``gone`` are tasks whose old proofs hold no more.
    Old proofs that were made with other variables are given up, and those that rest on a row
    that is another one now; so are rows that no proof uses and that are not new, as
    soon as they are most of all.
    Returns the seal of what was written.  Raises ``OSError``.
    """
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
                proof = proofs[step]()
                if proof is not None:
                    shelf.add(step, proof)
            case range():
                assert source is not None, "something is kept"
                shelf.take(source, step)
    if old is not None and shelf.is_sparse():
        still = {
            id: partial(_kept, old, task, book, same_graph=old.graph == graph)
            for id, task in kept.items()
        }
        fewer = Book(None)
        for name in shelf.used():
            if name in old.places:
                fewer.put(name, old.told(name))
        for name, row in book.told():
            fewer.put(name, row)
        return write_known(
            root,
            None,
            fewer,
            {**still, **proofs},
            (),
            graph=graph,
            environment=environment,
            contents=contents,
            senses=senses,
        )
    body = shelf.body(graph + environment, contents)
    parts = seal_parts(KIND, book.names, len(book.names), book.rows(), *body, clock=senses.clock)
    return write_parts(os.path.join(root, PLACE), parts)


def _kept(old: Known, task: int, book: Book, *, same_graph: bool) -> Proof:
    """An old proof as it is to be taken over."""
    proof = old.proof(task)
    proof.whole &= book.changed.isdisjoint(old.own(task))
    if not same_graph:  # the numbers of readers are those of another graph
        proof.readers = ()
    return proof


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

    def __init__(self, old: Known, book: Book, *, same_graph: bool) -> None:
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


class _Shelf:
    """The proofs of a new frame, in the order of their ids."""

    def __init__(self, book: Book) -> None:
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

    def is_sparse(self) -> bool:
        """Whether most names are of no use any more."""
        names = len(self._book.names)
        if names <= _FEW:
            return False
        used = self._uses.distinct
        used.update(self._book.fresh())
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
