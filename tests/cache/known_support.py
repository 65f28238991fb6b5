"""Knowledge of a folder that tests make by hand."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path

import attrs

from haz_trio.cache.book import Book
from haz_trio.cache.known import DIGEST, PLACE, SHORT, Known, Standing, read_known
from haz_trio.cache.known_file import write_known
from haz_trio.cache.proof import Proof
from haz_trio.trust import ROW, row_at

CONTENTS = b"blake3"
STATIC, UPSTREAM, GRAPH, ENVIRONMENT = (
    b"s" * SHORT,
    b"u" * SHORT,
    b"g" * SHORT,
    b"e" * DIGEST,
)


def proof(*uses: str, made: int = 0, readers: Collection[int] = (1,), text: bytes = b"") -> Proof:
    """A proof that rests on these names, the first of them made by the task."""
    return Proof(
        key=b"k" * DIGEST,
        stdout_digest=b"o" * DIGEST,
        stderr_digest=b"r" * DIGEST,
        static=STATIC,
        upstream=UPSTREAM,
        made=tuple("/" + name for name in uses[:made]),
        uses=tuple(map(os.fsencode, uses)),
        own=made,
        whole=True,
        readers=tuple(readers),
        stdout=text,
        stderr=text[::-1],
    )


def _same(proof: Proof) -> Proof:
    return proof


@attrs.define
class Shelf:
    """A folder with files and the knowledge of them."""

    root: Path

    def __attrs_post_init__(self) -> None:
        (self.root / PLACE).parent.mkdir(parents=True, exist_ok=True)

    def rows(self, *names: str) -> dict[bytes, bytes]:
        """What stands at these names now; the digest is made up."""
        return {
            os.fsencode(name): ROW.pack(*row_at(str(self.root / name)))
            + name.encode().ljust(DIGEST, b"-")
            for name in names
        }

    def write(
        self,
        *names: str,
        proofs: Mapping[str, Proof] | None = None,
        gone: Collection[str] = (),
        graph: bytes = GRAPH,
        environment: bytes = ENVIRONMENT,
    ) -> Known:
        """Learn these names and proofs in addition to what is known."""
        old = read_known(str(self.root), CONTENTS)
        book = Book(old)
        for name, row in self.rows(*names).items():
            book.put(name, row)
        write_known(
            str(self.root),
            old,
            book,
            {id.encode(): partial(_same, each) for id, each in (proofs or {}).items()},
            [id.encode() for id in gone],
            graph=graph,
            environment=environment,
            contents=CONTENTS,
        )
        return self.read()

    def read(self) -> Known:
        known = read_known(str(self.root), CONTENTS)
        assert known is not None
        return known

    def holds(self, task: str, *, static: bytes = STATIC, upstream: bytes = UPSTREAM) -> bool:
        """Whether the proof of a task is believed by a run that begins now."""
        known = self.read()
        number = known.tasks.get(task.encode())
        return number is not None and known.standing(number, static, upstream) is Standing.ALL
