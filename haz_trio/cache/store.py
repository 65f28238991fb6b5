"""The cache of a workspace on its disk (CACHE-010..023, cache.md C4..C10).

A fault of the cache costs time and a remark, never an outcome: methods answer with a miss, or
with "not stored", and raise only what concerns the workspace itself.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import cached_property

from haz_trio.abc import (
    Found,
    Miss,
    NotStored,
    Pending,
    ReadableRecipe,
    Restored,
    Subject,
)
from haz_trio.cache.begun import remove_begun
from haz_trio.cache.claims import Claims
from haz_trio.cache.cut_off import Lives, take_cut_off, unknown
from haz_trio.cache.cut_receipts import keep_cut_off
from haz_trio.cache.entries import (
    Damaged,
    Examined,
    NoEntry,
    Unreadable,
    examine,
    misfit,
    open_entry,
)
from haz_trio.cache.files import Damage, Disk, explain
from haz_trio.cache.ledger import Declares, Ledger, all_declare
from haz_trio.cache.ledger_file import load, save, stamp
from haz_trio.cache.manifest import Manifest, Output
from haz_trio.cache.manifest_reader import OtherSchema
from haz_trio.cache.mending import Mender
from haz_trio.cache.pending import DiskPending, Shared
from haz_trio.cache.pool import Pool
from haz_trio.cache.quarantine import make_state, set_aside
from haz_trio.cache.recovery import recover
from haz_trio.cache.restore import Restore
from haz_trio.cache.restored import restored, written
from haz_trio.cache.root import CacheRoot, Refused
from haz_trio.cache.secret import ensure_secret
from haz_trio.cache.staging import Staging
from haz_trio.cache.streams import open_streams
from haz_trio.cache.targets import Comparison, Vouch, Work, no_vouch
from haz_trio.cache.tree import Obstacle, Tree
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import HashName
from haz_trio.trust import UNSURE
from haz_trio.values import frozen


@frozen
class _Aside:
    """A damaged entry that was found in this run."""

    task: str
    reason: str


class DiskStore:
    """See ``haz_trio.abc.Store``; ``root`` is the workspace on the host.

    ``created_at`` is the unix second in which the run began.
    ``strict``: every failure to store is counted in ``failures`` and told each time, so that the
    caller can fail the run (decisions.md 14).
    ``vouch`` may know that a file has a digest without reading it.
    ``lives`` knows whether a command of a killed run still runs.
    ``declares`` knows whether there is a task, by its id, with an output that matches a path.
    ``disk`` lets tests make calls fail.
    """

    def __init__(
        self,
        root: str,
        hash_name: HashName,
        *,
        created_at: int,
        strict: bool = False,
        vouch: Vouch = no_vouch,
        lives: Lives = unknown,
        declares: Declares = all_declare,
        disk: Disk | None = None,
    ) -> None:
        self.failures: list[str] = []
        self._workspace = root.rstrip("/")
        self._hash_name = hash_name
        self._created_at = created_at
        self._strict = strict
        self._vouch = vouch
        self._lives = lives
        self._declares = declares
        self._disk = disk or Disk()
        self._root = CacheRoot(self._workspace or "/", self._disk)
        self.claims: Claims = Claims(self._root, self._disk)
        self._pool = Pool(hash_name, self._disk)
        self._staging = Staging(self._disk)
        self._mender = Mender(self._workspace, hash_name, self._staging, self._disk)
        self._doubted: dict[str, str] = {}
        self._aside: dict[str, _Aside] = {}
        self._said: set[str] = set()
        self._recovered = False
        self._secret: bytes | None = None
        self._lock = threading.Lock()
        self._loaded: Ledger | None = None
        self._ledger_stamp = UNSURE
        self._loading = threading.Lock()

    def examine(self, key: str) -> Examined:
        """What is stored under a key, for ``why``; reads only."""
        root = self._root.reading()
        return NoEntry() if root is None else examine(root, key, self._hash_name)

    def look(self, key: str, subject: Subject) -> Found | Miss:
        """See ``abc.Store``; reads only."""
        match self.examine(key):
            case Manifest() as manifest:
                reason = misfit(manifest, subject, self._workspace)
                if not reason:
                    return Found(key, manifest)
                return self._doubt(key, subject, reason, "manifest")
            case Damaged(reason, kind):
                return self._doubt(key, subject, reason, kind)
            case NoEntry():
                return Miss()
            case OtherSchema(reason):
                return Miss(reason)
            case Unreadable(problem):
                text = f"the cache {self._root.path} cannot be read: {explain(problem)}"
                self._root.note(text)
                return Miss(text)

    @property
    def place(self) -> str:
        """Where the cache is on the host, or would be."""
        return self._root.path

    @property
    def is_there(self) -> bool:
        """Whether there is a cache that may be used."""
        return self._root.reading() is not None

    def close(self) -> None:
        """Let go of the cache's folder; the next use opens it again."""
        self.claims.close()
        self._root.close()

    def open_state(self) -> bool:
        """Whether state files can be written: makes their folder, tidied up, but no cache.

        Raises ``OSError``.
        """
        if not self.is_there:
            return False
        try:
            root = make_state(self._root)
        except Refused:
            return False
        remove_begun(root, self._disk)
        return True

    def restore(self, found: Found, subject: Subject) -> Restored | Miss:
        """See ``abc.Store``.

        Raises ``OutputError`` in one case: outputs were being replaced when that failed, and what
        stood there before could not be put back either.
        """
        assert isinstance(found.handle, Manifest), "a store gets back what it gave"
        manifest, root = found.handle, self._root.reading()
        if root is None:
            return Miss("the cache went away")
        self.recover()
        try:
            with open_entry(root, found.key) as entry:
                printed = open_streams(manifest, at=entry)
                work = self._put(manifest, subject, root, entry)
        except Damage as damage:
            now = self.examine(found.key)
            if isinstance(now, NoEntry) or (isinstance(now, Manifest) and now != manifest):
                return Miss("the entry was replaced or removed just now")
            miss = self._doubt(found.key, subject, damage.reason, damage.kind)
            self._set_aside(found.key, damage.blob)
            return miss
        except Obstacle as obstacle:
            text = f"{subject.task} cannot be restored: {obstacle}"
            if obstacle.escape:
                self._root.note(text)
            return Miss(text)
        except OSError as problem:
            self._doubted.setdefault(found.key, "unreadable")
            return Miss(f"{subject.task} cannot be restored: {explain(problem)}")
        return restored(manifest, printed, work)

    def mend(self, output: Output, key: str, task: TaskId) -> bool:
        """Put back the one file of an entry that is proven to fit the task, where nothing stands.

        False where it takes more than that, or where anything is wrong: then nothing has changed,
        and ``look`` finds out.
        """
        root = self._root.reading()
        if root is None:
            return False
        self.recover()
        id = str(task)
        if not self._ledger.has_only(id, output.path):
            return False  # something is to be removed as well
        if not self._mender.mend(output, key, cache=root):
            return False
        self._ledger.record(id, key, wrote=(output.path,), kept=())
        return True

    def begin(self, key: str, subject: Subject, recipe: ReadableRecipe) -> Pending:
        """See ``abc.Store``."""
        self.recover()
        if key in self._aside:
            self._set_aside(key, "")
        return DiskPending(self._shared, key, subject, recipe)

    @cached_property
    def _shared(self) -> Shared:
        return Shared(
            workspace=self._workspace,
            hash_name=self._hash_name,
            created_at=self._created_at,
            root=self._root,
            pool=self._pool,
            ledger=self._ledger,
            declares=self._declares,
            disk=self._disk,
            secret=self._veil,
            doubted=self._doubted,
            refuse=self._refuse,
        )

    def _veil(self) -> bytes:
        """The secret of this cache, which is there when the first result is stored."""
        if self._secret is None:
            with suppress(OSError, Refused):  # then the secret serves this run alone
                make_state(self._root)
            self._secret = ensure_secret(self._root.path)
        return self._secret

    def recover(self) -> None:
        """Undo what killed runs left half restored; once per run, before inputs are read."""
        with self._lock:
            root = self._root.reading()
            if self._recovered or root is None:
                return
            self._recovered = True
        self.heal()

    def heal(self) -> None:
        """Undo what runs have left that were killed, by now."""
        root = self._root.reading()
        if root is None:
            return
        tree = Tree(self._workspace or "/")
        try:
            for remark in recover(root, tree, self._disk):
                self._root.note(remark)
        finally:
            tree.close()

    def cut_off(self) -> tuple[str, ...]:
        """What killed runs were doing, as remarks; what nobody asks for ``finish`` tells."""
        root = self._root.reading()
        found = () if root is None else take_cut_off(root, self._root.path)
        if found:
            with suppress(OSError), self.claims.maintenance():
                keep_cut_off(self._workspace or "/", found)
        return tuple(cut.text(self._lives) for cut in found)

    def finish(self) -> tuple[str, ...]:
        """See ``abc.Store``; writes the ledger."""
        if self._loaded is not None and self._loaded.new:
            with self.claims.maintenance():
                save(self._root, self._loaded, loaded=self._ledger_stamp)
        self._staging.close(self._root.reading())
        remarks = [*self.cut_off(), *self._root.notes]
        if self._aside:
            first = next(iter(self._aside.values()))
            count = len(self._aside)
            noun = "damaged entry" if count == 1 else "damaged entries"
            more = "" if count == 1 else f" and {count - 1} more"
            remarks.append(f"cache: {count} {noun} set aside ({first.task}: {first.reason}{more})")
        self.close()
        return tuple(remarks)

    @property
    def _ledger(self) -> Ledger:
        with self._loading:
            if self._loaded is None:
                self._ledger_stamp = stamp(self._root)
                self._loaded = Ledger(self._workspace, load(self._root))
            return self._loaded

    def _put(self, manifest: Manifest, subject: Subject, root: int, entry: int) -> Work:
        """Make the outputs right and note what is ours now; returns what that took."""
        task = str(subject.task)
        parts = {*manifest.paths, *(folder.path for folder in manifest.folders)}
        ours = self._ledger.own(task, parts, self._declares)
        tree = Tree(self._workspace or "/")
        try:
            comparison = Comparison(tree, subject.outputs, self._hash_name, self._vouch)
            work = comparison.work(manifest, ours)
            if work:
                Restore(root, entry, tree, manifest, self._staging, self._disk).run(work)
        finally:
            tree.close()
        wrote = written(work, manifest)
        found = parts.difference(ours, wrote)
        shared = [path for path in found if self._ledger.others(path, task)]
        self._ledger.record(task, manifest.key, wrote=wrote, kept=(*ours, *shared))
        return work

    def _doubt(self, key: str, subject: Subject, reason: str, kind: str) -> Miss:
        with self._lock:
            self._doubted[key] = kind
            self._aside.setdefault(key, _Aside(str(subject.task), reason))
        return Miss(f"damaged entry: {reason}")

    def _set_aside(self, key: str, blob: str) -> None:
        """Move a damaged entry away, and the bytes that damaged it; never raises."""
        root = self._root.reading()
        if root is None:
            return
        try:
            if blob:
                self._pool.forget(blob, root=root)
            if key in self._doubted:
                set_aside(root, key, self._doubted[key], disk=self._disk)
        except OSError:
            return  # a cache that cannot be written: the entry only misses

    def _refuse(self, reason: str, fault: bool) -> NotStored:
        """Say once per run why the cache failed; what concerns one task is said each time."""
        with self._lock:
            if fault and self._strict:
                self.failures.append(reason)
                return NotStored(reason)
            if fault and (reason in self._said or reason in self._root.notes):
                return NotStored()
            self._said.add(reason)
            return NotStored(reason)
