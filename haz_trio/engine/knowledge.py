"""What earlier runs knew, put to use.

A look that was a hit while nothing moved leaves a proof (``haz_trio.cache.known``); while the
proof holds, the same look is answered without reading an input, composing a key or opening an
entry.  Whatever is in doubt is simply looked at.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from blake3 import blake3

from haz_trio import __version__
from haz_trio.cache.known import DIGEST, NO_DIGEST, SHORT, Known, Standing
from haz_trio.config.snapshot import Snapshot
from haz_trio.engine.found import Found, Replay, in_order
from haz_trio.frames import MANY, read_own
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.plan.messages import Stream, Upstream
from haz_trio.plan.outcome import Record
from haz_trio.values import frozen

if TYPE_CHECKING:
    from haz_trio.cache.fingerprint import Fingerprint
    from haz_trio.cache.manifest import Output

_PLATFORM = (__version__, sys.platform, os.uname().machine)
_STREAMS = tuple(Stream)
_SECRET = ".haz/cache/state/secret"  # noqa: S105  # where it lies, not what it is


def read_secret(root: str) -> bytes | None:
    """The secret of the cache (``haz_trio.cache.secret``), read with little ado."""
    secret = read_own(os.path.join(root, _SECRET), largest=DIGEST)
    return secret if secret is not None and len(secret) == DIGEST else None


def environment_digest(secret: bytes, names: Iterable[str], host: Mapping[str, str]) -> bytes:
    """32 bytes that tell one set of values from another, and nobody what they are.

    What else every key rests on has a part in them: the platform, and our own version.
    """
    hasher = blake3("\0".join(_PLATFORM).encode(), key=secret)
    for name in sorted(names):
        value = host.get(name)
        said = b"-" if value is None else b"=" + value.encode("utf-8", "surrogateescape")
        hasher.update(len(said).to_bytes(8, "big") + name.encode("ascii") + said)
    return hasher.digest()


def upstream_digest(upstream: Iterable[Upstream]) -> bytes:
    """16 bytes for what the predecessors of a task printed."""
    printed = b"".join([each.stdout + each.stderr for each in upstream])
    return blake3(printed).digest(length=SHORT)


@frozen
class Lost:
    """The one file that is missing of a result, and the result; the rest is as it was left."""

    file: Output
    result: Found


@frozen
class Certain:
    """A key that is proven, and the number of the proof."""

    key: str
    proof: int


class Knowledge:
    """The knowledge of one run; its methods block and may be called in several threads.

    ``known`` and ``snapshot`` are ``None`` where there is nothing that may be believed; without
    proofs, fingerprints are still of use.
    """

    def __init__(
        self,
        root: str,
        graph: TaskGraph,
        *,
        known: Known | None = None,
        snapshot: Snapshot | None = None,
        environment: bytes = b"",
        proofs: bool = True,
    ) -> None:
        self._root = root.rstrip("/")
        self._graph = graph
        self._known = known
        self._snapshot = snapshot
        self._environment = environment
        self._uses_proofs = (
            proofs
            and known is not None
            and snapshot is not None
            and known.environment == environment != b""
        )
        self.gone: set[TaskId] = set()
        """The tasks whose proofs hold no more."""

        self._written: Callable[[], Known | None] = lambda: known
        self.recalled: int = 0
        """How many looks have been answered by proofs."""

        self.is_calm: bool = True
        """Whether nothing of the run has changed files yet."""

        self._readers: dict[str, Sequence[int]] = {}
        self._certain: dict[TaskId, int] = {}

    @property
    def known(self) -> Known | None:
        """What was known when the run began."""
        return self._known

    @property
    def written(self) -> Known | None:
        """What the state file says, if it is what this run has read or written there."""
        known = self._written()
        self._written = lambda: known
        return known

    def wrote(self, read: Callable[[], Known | None]) -> None:
        """The state file has been written; ``read`` gives what it says, if it still says that."""
        self._written = read

    def look_ahead(self, many: int = MANY) -> None:
        """A run with one thread begins; see ``Known.look_ahead``."""
        if self._uses_proofs and self._known is not None:
            self._known.look_ahead(many)

    def look_alone(self) -> None:
        """There may be more threads from now on, and processes that are the run's."""
        if self._known is not None:
            self._known.look_alone()

    # -- recalling ----------------------------------------------------------------------------

    def earlier(self, path: bytes) -> Fingerprint | None:
        """What an earlier run knew of a host path (``cache.fingerprint.Earlier``)."""
        known = self._known
        if known is None:
            return None
        place = known.places.get(path[len(os.fsencode(self._root)) + 1 :])
        if place is None:
            return None
        if known.digest(place) == NO_DIGEST or not known.believable(known.row(place)):
            return None
        # Imported here: who asks is about to read files.
        from haz_trio.cache.fingerprint import earlier_fingerprint

        # It was settled then, so a look at the time of writing would vouch for it as well.
        return earlier_fingerprint(known.packed(place), known.written_at_ns)

    def recall(self, task: TaskId, upstream: Sequence[Upstream]) -> Found | None:
        """What a look for a task would find, if that is proven; reads stat data only."""
        known, snapshot = self._known, self._snapshot
        if not self._uses_proofs or known is None or snapshot is None:
            return None
        number = known.tasks.get(str(task).encode())
        if number is None:
            return None
        if known.graph == snapshot.seal:  # also of a result that holds no more
            self._remember_readers(known, number)
        static = snapshot.static(self._graph.number(task))
        standing = known.standing(number, static, upstream_digest(upstream))
        if standing is not Standing.ALL:
            if standing is Standing.KEY:
                self._certain[task] = number
            return None
        self.recalled += 1
        return self._found(known, number)

    def lost(self, task: TaskId) -> Lost | None:
        """What has to be put back for a hit, if that is one file.

        Known of tasks of which the last ``recall`` has proven just the key.
        """
        known, number = self._known, self._certain.get(task)
        lost = None if known is None or number is None else known.lost(number)
        if known is None or number is None or lost is None:
            return None
        name, row, digest = lost
        # Imported here: who asks is about to write files.
        from haz_trio.cache.manifest import Output

        file = Output("/" + name.decode(), digest.hex(), row[2], row[5] & 0o777)
        return Lost(file, self._found(known, number))

    def _found(self, known: Known, number: int) -> Found:
        made = known.made(number)
        key, stdout, stderr = known.digests(number)
        *texts, turns = known.streams(number)
        said = tuple([each for each in zip(_STREAMS, texts, strict=True) if each[1]])
        if turns:
            # Imported here: few tasks print on both streams by turns.
            from haz_trio.cache.order import decode

            told = dict(said)
            said = tuple(in_order(decode(turns), lambda stream: iter((told[stream],))))
        return Found(Record(key.hex(), stdout, stderr, made), Replay(said))

    def certain(self, task: TaskId) -> Certain | None:
        """The key that a look would derive, if the last ``recall`` of the task has proven that.

        It is said once: what happens meanwhile may change the inputs.
        """
        number = self._certain.pop(task, None)
        if number is None or self._known is None:
            return None
        return Certain(self._known.digests(number)[0].hex(), number)

    def is_certain(self, task: TaskId) -> bool:
        """Whether the last ``recall`` of the task has proven its key, which nobody has used."""
        return task in self._certain

    def settle(self) -> None:
        """A run begins: nothing of it writes yet."""
        self.is_calm = True
        self._certain.clear()
        if self._known is not None:
            self._known.settle()

    def disturb(self) -> None:
        """Files of the workspace are about to change, by a command or a restore of the run."""
        self.is_calm = False
        self._certain.clear()
        if self._known is not None:
            self._known.disturb()

    def touch(self, paths: Sequence[str] | None) -> None:
        """A restore of the run has changed just these workspace-absolute paths, if that is known.

        ``None`` is the same as ``disturb``.
        """
        if paths is None:
            self.disturb()
            return
        self.is_calm = False
        self._certain.clear()
        if self._known is not None:
            self._known.touch([path[1:].encode() for path in paths])

    def consumers(self, path: str) -> Iterable[TaskId]:
        """The tasks that read a path: remembered for proven outputs, looked up for others."""
        numbers = self._readers.get(path)
        if numbers is None:
            return self._graph.consumers_of(path)
        return [self._graph.ids[number] for number in numbers]

    def _remember_readers(self, known: Known, number: int) -> None:
        """Who reads what a task made, be it as it was or not: that is a matter of the graph."""
        readers = known.readers(number)
        if not readers:
            return
        made = known.made(number)
        for path in made:
            self._readers[path] = ()
        pairs = iter(readers[1:])
        for place, number in zip(pairs, pairs, strict=True):
            self._readers[made[place]] = (*self._readers[made[place]], number)

    def unlearn(self, task: TaskId) -> None:
        """What was known of a task holds no more: it runs."""
        self.gone.add(task)
