"""Makes proofs for the next run of what a run has learned: only of what must show a change."""

from __future__ import annotations

import stat
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from haz_trio.cache.book import Book
from haz_trio.cache.fingerprint import TOLD, Fingerprint
from haz_trio.cache.known import NO_DIGEST, WAY, Known
from haz_trio.cache.layout import CACHE
from haz_trio.cache.proof import Proof
from haz_trio.cache.steady import Matched
from haz_trio.config.snapshot import Snapshot
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.plan.outcome import Record
from haz_trio.trust import ABSENT, ROW, identity, is_settled
from haz_trio.values import field, frozen

if TYPE_CHECKING:
    from haz_trio.trust import Row

_CACHE = f"{CACHE}/".encode()


@frozen
class Before:
    """What was known of a task before it ran or was restored.

    ``looked_ns`` is when its look began, ``parts`` are what it read and where it looked, which
    tasks with the same patterns share; ``None``: nothing can be proven.
    """

    upstream: bytes
    looked_ns: int
    parts: tuple[Matched, ...] | None


@frozen
class Lesson:
    """A result of this run from which a proof may be made.

    ``made`` are the names of its outputs with what was known of them when the look had ended,
    ``None`` for those of a command that has just run; ``others`` are further names of its own
    with the rows that they had then.
    """

    task: TaskId
    before: Before
    record: Record
    made: tuple[tuple[bytes, Fingerprint | None], ...]
    others: tuple[tuple[bytes, Row], ...]
    stdout: bytes
    stderr: bytes
    turns: bytes = b""


@frozen
class Renewal:
    """A proof of which the key holds, with outputs as they are now."""

    proof: int
    looked_ns: int
    made: tuple[tuple[bytes, Fingerprint | None], ...]
    others: tuple[tuple[bytes, Row], ...]
    stdout: bytes
    stderr: bytes
    turns: bytes = b""


@frozen
class Maker:
    """Makes proofs of lessons, and puts into ``rows`` what they rest on.

    A name has one row, that of the last look: what rests on another one is not proven.
    ``base`` is how many bytes of a host path come before the name; ``consumers`` are who reads
    a workspace-absolute path; ``row_at`` gives the row of a name, of a link itself.
    """

    graph: TaskGraph
    consumers: Callable[[str], Iterable[TaskId]]
    snapshot: Snapshot
    rows: Book
    now: int
    base: int
    row_at: Callable[[bytes], Row]
    _identities: dict[bytes, Row | None] = field(factory=dict)
    _ways: set[bytes] = field(factory=set)
    _same: dict[int, bool] = field(factory=dict)
    _taken: set[int] = field(factory=set)

    def take(self, names: Iterable[tuple[bytes, Row]]) -> None:
        """Take the rows of folders and entries, before anything is proven."""
        for name, row in names:
            self.rows.put(name, ROW.pack(*row) + NO_DIGEST)

    def take_parts(self, parts: Iterable[Matched]) -> None:
        """Take the rows of the folders that were looked into, and of the ways there."""
        for part in parts:
            if id(part) not in self._taken:
                self._taken.add(id(part))
                self.take(part.folders)
                self._ways_to(self._start(part))

    def take_own(
        self,
        made: Sequence[tuple[bytes, Fingerprint | None]],
        others: Sequence[tuple[bytes, Row]],
    ) -> None:
        """Take what a task has of its own, and the ways there."""
        self.take(others)
        self._ways_to(_places(made, others))

    def _start(self, part: Matched) -> Collection[bytes]:
        """The one file of a part, or the folder where its glob begins: ways lead there."""
        if part.folders:
            name, row = part.folders[0]
            return () if row == ABSENT else (name,)  # nothing appears there without a trace
        return [host[self.base :] for host in part.hosts]

    def _ways_to(self, names: Collection[bytes]) -> tuple[bytes, ...] | None:
        """The ways to these names, whose rows are taken; ``None`` where one leads through a link.

        What is behind a link has another name, under which it changes without a trace here.
        A folder that is itself one of the names needs no way: its row has its identity.
        """
        whole = frozenset(names)
        seen: set[bytes] = set()
        ways: list[bytes] = []
        for name in names:
            above = name.rpartition(b"/")[0]
            while above and above not in seen:
                own = self._identity_of(above)
                if own is None:
                    return None
                seen.add(above)
                if above not in whole:
                    way = WAY + above
                    if way not in self._ways:
                        self._ways.add(way)
                        self.take([(way, own)])
                    ways.append(way)
                above = above.rpartition(b"/")[0]
        return tuple(ways)

    def _identity_of(self, name: bytes) -> Row | None:
        """The identity of a folder; ``None`` for a name of anything else, be it a link to one."""
        if name not in self._identities:
            row = self.row_at(name)
            self._identities[name] = identity(row) if stat.S_ISDIR(row[5]) else None
        return self._identities[name]

    def still(self, known: Known, proof: int) -> bool:
        """Whether the key of an old proof rests on nothing that has another row now."""
        for number in known.inputs(proof):
            found = self.rows.get(known.names[number])
            if found is not None and not found.startswith(ROW.pack(*known.row(number))):
                return False
        return True

    def prove(self, lesson: Lesson) -> Proof | None:
        """The proof that a lesson gives; ``None`` when not even the key is sure."""
        before = lesson.before
        assert before.parts is not None, "without them there is no lesson"
        inputs: dict[bytes, None] = {}
        for part in before.parts:
            names = self._names_read(part)
            if names is None:
                return None  # it may change without a trace, or has changed since the look
            inputs.update(dict.fromkeys(names))
        for part in before.parts:
            if not all(self._is_settled(*each, before.looked_ns) for each in part.folders):
                return None
            inputs.update(dict.fromkeys([name for name, _ in part.folders]))
            ways = self._ways_to(self._start(part))
            if ways is None:
                return None
            inputs.update(dict.fromkeys(ways))
        ways = self._ways_to(_places(lesson.made, lesson.others))
        own = (*_names((*lesson.made, *lesson.others)), *(ways or ()))
        whole = ways is not None and self._are_right(lesson.made, lesson.others, before.looked_ns)
        return Proof(
            key=bytes.fromhex(lesson.record.key),
            stdout_digest=lesson.record.stdout,
            stderr_digest=lesson.record.stderr,
            static=self.snapshot.static(self.graph.number(lesson.task)),
            upstream=before.upstream,
            made=lesson.record.outputs,
            uses=(*own, *inputs),
            own=len(own),
            whole=whole,
            readers=self._readers_of(lesson.record.outputs),
            stdout=lesson.stdout,
            stderr=lesson.stderr,
            turns=lesson.turns,
        )

    def _names_read(self, part: Matched) -> list[bytes] | None:
        """The files of a part, if what the look found of each is what is kept of it."""
        same = self._same.get(id(part))
        names = [host[self.base :] for host in part.hosts] if same is not False else []
        if same is None:
            found = zip(names, part.prints, strict=True)
            same = all(self._told(name) == known[:TOLD] for name, known in found)
            self._same[id(part)] = same
        return names if same else None

    def renew(self, renewal: Renewal, proof: Proof) -> Proof | None:
        """The proof with other names of its own; ``None`` when they are too young still."""
        ways = self._ways_to(_places(renewal.made, renewal.others))
        if ways is None or not self._are_right(renewal.made, renewal.others, renewal.looked_ns):
            return None
        own = (*_names((*renewal.made, *renewal.others)), *ways)
        proof.uses = own + proof.uses[proof.own :]
        proof.own, proof.whole = len(own), True
        proof.made = tuple("/" + name.decode() for name, _ in renewal.made)
        proof.readers = self._readers_of(proof.made)
        proof.stdout, proof.stderr = renewal.stdout, renewal.stderr
        proof.turns = renewal.turns
        return proof

    def _are_right(
        self,
        made: Sequence[tuple[bytes, Fingerprint | None]],
        others: Sequence[tuple[bytes, Row]],
        looked_ns: int,
    ) -> bool:
        """Whether outputs, their folders and the entry are what a look found, and old enough."""
        return (
            bool(others)
            and all(k is not None and self._told(name) == k[:TOLD] for name, k in made)
            and all(row != ABSENT and self._is_settled(n, row, looked_ns) for n, row in others)
        )

    def _is_settled(self, name: bytes, row: Row, looked_ns: int) -> bool:
        """Whether a row is the one that is kept, and any change since the look must show."""
        if not self._told(name).startswith(ROW.pack(*row)):
            return False  # a later look has found it changed
        return row == ABSENT or is_settled(
            row[0], row[3], row[4], seen_ns=looked_ns, now_ns=self.now
        )

    def _told(self, name: bytes) -> bytes:
        """What is kept of a name, without what comes behind its digest; nothing is no row."""
        return (self.rows.get(name) or b"")[:TOLD]

    def _readers_of(self, paths: Sequence[str]) -> list[int]:
        pairs = [1]
        for place, path in enumerate(paths):
            for reader in self.consumers(path):
                pairs += (place, self.graph.number(reader))
        return pairs


def _places(
    made: Sequence[tuple[bytes, object]], others: Sequence[tuple[bytes, object]]
) -> list[bytes]:
    """What a task has of its own in the workspace: all but its entry in the cache."""
    return [name for name, _ in (*made, *others) if not name.startswith(_CACHE)]


def _names(each: Sequence[tuple[bytes, object]]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys([name for name, _ in each]))
