"""The result of one run of a task on its way into the store (CACHE-017, cache.md C10)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping

from haz_trio.abc import Collected, NotStored, ReadableRecipe, Stored, Subject
from haz_trio.cache.draft import Draft
from haz_trio.cache.files import CREATE, Disk, explain
from haz_trio.cache.layout import ORDER, RECIPE, STDERR, STDOUT
from haz_trio.cache.ledger import Declares, Ledger
from haz_trio.cache.manifest import Manifest, Output
from haz_trio.cache.order import Turns
from haz_trio.cache.outputs import Produced, Result, require, resolve, written
from haz_trio.cache.pool import Content, Pool, Unstorable
from haz_trio.cache.root import CacheRoot, Refused
from haz_trio.cache.streams import Spool
from haz_trio.model.names import quote
from haz_trio.model.workspace import HashName
from haz_trio.plan.messages import Stream
from haz_trio.values import frozen

_TRIES = 8  # somebody may clean or clear the cache while a folder is made
_LITTLE = 1 << 18  # bytes of one result that may wait in memory until they are stored


@frozen
class Shared:
    """What all results of a run have in common; ``workspace`` is the root on the host."""

    workspace: str
    hash_name: HashName
    created_at: int
    root: CacheRoot
    pool: Pool
    ledger: Ledger
    declares: Declares
    disk: Disk
    secret: Callable[[], bytes]
    doubted: Mapping[str, str]  # keys whose entries failed a check in this run
    refuse: Callable[[str, bool], NotStored]  # reason, whether it is a fault of the cache


class DiskPending:
    """See ``haz_trio.abc.Pending``."""

    def __init__(self, shared: Shared, key: str, subject: Subject, recipe: ReadableRecipe) -> None:
        self._shared = shared
        self._key = key
        self._subject = subject
        self._recipe = recipe
        self._before = resolve(shared.workspace, subject.outputs)
        self._result: Result | None = None
        self._strangers: frozenset[str] = frozenset()
        self._held: dict[str, Content] | None = None  # by path, when all of them are in memory
        self._unstorable: Unstorable | None = None  # found out while holding
        self._draft: Draft | None = None
        self._lock = threading.Lock()
        self._spools = {
            stream: Spool(shared.hash_name, shared.disk, self._opener(name))
            for stream, name in ((Stream.STDOUT, STDOUT), (Stream.STDERR, STDERR))
        }
        self._turns = Turns()

    @property
    def spooling(self) -> bool:
        return any(spool.spooling for spool in self._spools.values())

    def write(self, stream: Stream, data: bytes) -> None:
        self._turns.note(stream, len(data))
        self._spools[stream].write(data)

    def collect(self) -> Collected:
        shared, task = self._shared, str(self._subject.task)
        result = self._result = resolve(shared.workspace, self._subject.outputs)
        there = {file.path for file in result.files}
        others = [p for p in self._subject.outputs if not p.is_glob and p.text not in there]
        require(shared.workspace, self._subject.root, others)
        wrote = written(self._before.rows, result)
        kept = shared.ledger.ours(task)
        self._strangers = frozenset(
            path
            for path in set(result.paths).difference(wrote, kept)
            if any(shared.declares(other, path) for other in shared.ledger.others(path, task))
        )
        old = {folder.path for folder in self._before.folders}
        made = [folder.path for folder in result.folders if folder.path not in old]
        shared.ledger.record(task, self._key, wrote=(*wrote, *made), kept=kept)
        return Collected(
            self._spools[Stream.STDOUT].digest,
            self._spools[Stream.STDERR].digest,
            result.paths,
            wrote,
        )

    def hold(self) -> bool:
        result = self._result
        assert result is not None, "hold follows collect"
        if result.obstacle:
            return True
        size = sum(file.row[1] for file in result.files)
        size += sum(spool.size for spool in self._spools.values())
        if size > _LITTLE:
            return False
        host, read = self._shared.workspace, self._shared.pool.read
        try:
            self._held = {file.path: read(host + file.path, file) for file in result.files}
        except Unstorable as problem:
            self._unstorable = problem
        return True

    def commit(self, *, foreign: frozenset[str], duration: float) -> Stored | NotStored:
        refuse = self._shared.refuse
        try:
            obstacle = self._obstacle(foreign)
            if obstacle:
                return refuse(obstacle, False)
            if self._unstorable is not None:
                raise self._unstorable
            self._store(foreign | self._strangers, max(0, round(duration * 1000)))
        except Unstorable as problem:
            return refuse(str(problem), False)
        except Refused as problem:
            return refuse(str(problem), True)
        except OSError as problem:
            return refuse(self._fault(problem), True)
        finally:
            self.discard()
        return Stored()

    def discard(self) -> None:
        for spool in self._spools.values():
            spool.forget()
        self._held = None
        with self._lock:
            if self._draft is not None:
                self._draft.discard()
                self._draft = None

    def _obstacle(self, foreign: frozenset[str]) -> str:
        if self._result is None:
            return "the outputs were not collected"
        if self._result.obstacle:
            return self._result.obstacle
        for pattern in self._subject.outputs:
            if not pattern.is_glob and pattern.text in foreign:
                return f"output {quote(pattern.text)} was written by another task as well"
        return ""

    def _fault(self, problem: OSError) -> str:
        root = self._shared.root
        if root.lasting(problem):
            return root.give_up(problem)
        return f"the cache {root.path} did not take it: {explain(problem)}"

    def _store(self, without: frozenset[str], duration: int) -> None:
        assert self._result is not None, "commit follows collect"
        shared, result = self._shared, self._result
        draft = self._made_draft()
        outputs = []
        without -= self._literals()
        for file in result.files:
            if file.path in without:
                continue
            content = self._keep(file, draft)
            outputs.append(Output(file.path, content.digest, content.size, file.mode & 0o777))
            if file.mode & 0o7000:
                shared.root.note(
                    f"{self._subject.task}: the cache keeps no setuid, setgid and sticky bits, "
                    f"as {quote(file.path)} has them"
                )
        stdout, stderr = self._spools[Stream.STDOUT], self._spools[Stream.STDERR]
        silent = []
        for spool, name in ((stdout, STDOUT), (stderr, STDERR)):
            if spool.size:
                spool.save(name, at=draft.folder)
            else:
                silent.append(name)
        if silent:
            shared.pool.put_nothing(silent, at=draft.folder, root=draft.root)
        order = self._turns.encoded()
        if order:
            shared.disk.write_new(ORDER, order, at=draft.folder)
        shared.disk.write_new(RECIPE, self._recipe(shared.secret()), at=draft.folder)
        manifest = Manifest(
            hash_name=shared.hash_name,
            key=self._key,
            task=str(self._subject.task),
            project_root=self._subject.root,
            outputs=tuple(outputs),
            links=tuple(k for k in result.links if k.path not in without),
            folders=result.folders,
            stdout_size=stdout.size,
            stderr_size=stderr.size,
            stdout=stdout.digest.hex(),
            stderr=stderr.digest.hex(),
            created_at=shared.created_at,
            duration=duration,
        ).sealed
        beaten = draft.publish(manifest, doubted=self._key in shared.doubted)
        if beaten is not None:
            shared.root.note(
                f"{self._subject.task} gave another result for the same key: "
                "it is not deterministic, and the later result is kept"
            )

    def _keep(self, file: Produced, draft: Draft) -> Content:
        """Have an output in the entry, from memory where it is held."""
        pool = self._shared.pool
        if self._held is None:
            host = self._shared.workspace + file.path
            return pool.keep(host, file, draft.target)
        content = self._held[file.path]
        pool.put(content, draft.target)
        return content

    def _literals(self) -> frozenset[str]:
        return frozenset(p.text for p in self._subject.outputs if not p.is_glob)

    def _made_draft(self) -> Draft:
        """The temporary folder, made at the first need; raises ``Refused`` and ``OSError``."""
        with self._lock:
            for tries_left in reversed(range(_TRIES)):
                if self._draft is not None:
                    break
                root = self._shared.root.writing()
                try:
                    self._draft = Draft(root, self._key, self._shared.disk)
                except FileNotFoundError:  # a collector thought it was left by the dead
                    if not tries_left:
                        raise
            assert self._draft is not None
            return self._draft

    def _opener(self, name: str) -> Callable[[], int]:
        def open_file() -> int:
            try:
                draft = self._made_draft()
            except Refused as problem:
                raise PermissionError(str(problem)) from problem
            self._shared.disk.before("create")
            return os.open(name, CREATE, 0o600, dir_fd=draft.folder)

        return open_file
