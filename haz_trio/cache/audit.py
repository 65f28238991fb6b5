"""A whole cache judged: every manifest, every blob, and whether anything else is there (O-CACHE).

Reads only, also beside runs: what changes while it is looked at is looked at again, and what a
living run works on below a temporary name is not looked at.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import suppress
from typing import TypeAlias

from haz_trio.cache.census import cache_path, open_cache, quarantined, read_file, strangers
from haz_trio.cache.entries import Damaged, NoEntry, Unreadable, open_entry
from haz_trio.cache.files import FOLDER, Damage, opened
from haz_trio.cache.layout import (
    IGNORE,
    MANIFEST,
    OUTPUTS,
    POOL,
    QUARANTINE,
    RESTORING,
    STATE,
    TAG,
    TEMPORARY,
    TRASH,
    is_digest,
    shard,
)
from haz_trio.cache.manifest import Manifest
from haz_trio.cache.manifest_reader import OtherSchema
from haz_trio.cache.problems import Problem, Step
from haz_trio.cache.record import parse_record
from haz_trio.cache.verification import Verifier
from haz_trio.model.workspace import HashName
from haz_trio.values import frozen

_SHARD = re.compile(r"[0-9a-f]{2}", re.ASCII)
_FOLDERS = frozenset((POOL, QUARANTINE, STATE))
_FILES = frozenset((TAG, IGNORE))
_TRIES = 3  # of judging what others replace meanwhile
_GONE = (errno.ENOENT, errno.ESTALE)


@frozen
class Fault:
    """Something that no run can use, at a place in the cache.

    ``kind`` is one word; ``task`` is empty where none is known.
    """

    place: str
    reason: str
    kind: str
    task: str = ""

    @property
    def is_blob(self) -> bool:
        """Whether a blob of the pool is meant, and not an entry."""
        return self.place.startswith(POOL + "/")


@frozen
class Audit:
    """What was found below ``path``.

    ``entries`` and ``blobs`` are how many are right, ``others`` entries of another schema, which
    are not judged; ``strangers`` are places of files that no store has written; ``problems`` is
    what could not be read.
    """

    path: str
    entries: int = 0
    others: int = 0
    blobs: int = 0
    faults: tuple[Fault, ...] = ()
    strangers: tuple[str, ...] = ()
    quarantined: int = 0
    problems: tuple[Problem, ...] = ()

    @property
    def is_right(self) -> bool:
        return not (self.faults or self.strangers or self.problems)


def audit(workspace: str, hash_name: HashName) -> Audit:
    """Look at everything that is published; writes nothing.

    Raises ``OSError`` when the root cannot be read; what fails below it is in ``problems``.
    """
    root = open_cache(workspace)
    if root is None:
        return Audit(cache_path(workspace))
    try:
        return Auditor(workspace, root, hash_name).audit()
    finally:
        os.close(root)


_Judged: TypeAlias = "Fault | Manifest | OtherSchema | Problem | None"


class Auditor:
    """One audit; ``judge`` and ``judge_blob`` may be called on their own and again."""

    def __init__(self, workspace: str, root: int, hash_name: HashName) -> None:
        """``root`` is the open cache of the workspace at a path of the host."""
        self._path = cache_path(workspace)
        self._root = root
        self._verifier = Verifier(workspace, root, hash_name)
        # The pool keeps what was stored before `cache.hash` was changed; names tell no function.
        others = (name for name in HashName if name is not hash_name)
        self._verifiers = (self._verifier, *(Verifier(workspace, root, each) for each in others))
        self._entries = self._others = self._blobs = 0
        self._faults: list[Fault] = []
        self._strangers: list[str] = []
        self._problems: list[Problem] = []

    def audit(self) -> Audit:
        for name in sorted(os.listdir(self._root)):
            if name.startswith((RESTORING, TRASH)) or name in _FILES:
                continue
            if name not in _FOLDERS and not _SHARD.fullmatch(name):
                self._strangers.append(name)
            elif not _is_folder(name, self._root):
                self._faults.append(Fault(name, "it stands in the place of a folder", "entry"))
            elif name == POOL:
                self._look_into_pool()
            elif name not in _FOLDERS:
                self._look_into_shard(name)
        return Audit(
            self._path,
            self._entries,
            self._others,
            self._blobs,
            tuple(self._faults),
            tuple(self._strangers),
            quarantined(self._root),
            tuple(self._problems),
        )

    def judge(self, place: str) -> _Judged:
        """The entry at ``shard/key``; ``None`` where there is none any more."""
        key = place.partition("/")[2]
        for _ in range(_TRIES):
            before = self._inode(place)
            if before is None:
                return None
            found = self._judge(place, key)
            if not isinstance(found, Fault | Problem) or self._inode(place) == before:
                return found
        return None  # somebody replaces it all the time

    def judge_blob(self, digest: str) -> Fault | Problem | None:
        """A blob of the pool; ``None`` if it is right, or gone."""
        place = f"{POOL}/{digest}"
        for _ in range(_TRIES):
            before = self._inode(place)
            try:
                self._check_blob(digest)
                return None
            except Damage as damage:
                found: Fault | Problem = Fault(place, damage.reason, damage.kind)
            except OSError as problem:
                if problem.errno in _GONE:
                    return None
                found = self._obstacle(place, problem)
                if problem.errno == errno.ELOOP:
                    found = Fault(place, "it is a link and no file", "blob")
            if self._inode(place) == before:
                return found
        return None

    def _check_blob(self, digest: str) -> None:
        """Raises ``Damage`` when no function calls a blob so, and ``OSError``."""
        *others, last = self._verifiers
        with opened(POOL, FOLDER, at=self._root) as pool:
            for verifier in others:
                with suppress(Damage):
                    return verifier.check_blob(digest, None, pool)
            return last.check_blob(digest, None, pool)

    def _look_into_shard(self, name: str) -> None:
        for place in self._listed(name):
            key = place.partition("/")[2]
            if key.startswith(TEMPORARY):
                continue
            if not is_digest(key):
                self._strangers.append(place)
                continue
            found = self.judge(place)
            match found:
                case Manifest():
                    self._entries += 1
                case OtherSchema():
                    self._others += 1
                case Fault() as fault:
                    self._faults.append(fault)
                case Problem() as problem:
                    self._problems.append(problem)
                case None:
                    pass
            if shard(key) == name:
                self._strangers += self._strangers_in(key, place, found)

    def _look_into_pool(self) -> None:
        for place in self._listed(POOL):
            digest = place.partition("/")[2]
            if not is_digest(digest):
                self._strangers.append(place)
                continue
            match self.judge_blob(digest):
                case Fault() as fault:
                    self._faults.append(fault)
                case Problem() as problem:
                    self._problems.append(problem)
                case None:
                    self._blobs += 1

    def _judge(self, place: str, key: str) -> _Judged:
        if place != f"{shard(key)}/{key}":
            return Fault(place, "it stands in the folder of other keys", "entry")
        match self._verifier.verify_alone(key):
            case Manifest() | OtherSchema() as found:
                return found
            case Damaged(reason, kind):
                return Fault(place, reason, kind, self._task(key))
            case Unreadable(problem):
                return self._obstacle(place, problem)
            case NoEntry():
                return None

    def _strangers_in(self, key: str, place: str, found: _Judged) -> list[str]:
        """The places in an entry, which was judged so, of what no store has written there."""
        try:
            with open_entry(self._root, key) as entry:
                names = set(strangers(entry))
                unnamed = _unnamed(entry, found) if isinstance(found, Manifest) else set()
        except OSError:
            return []  # it was removed, or it is a fault already
        if unnamed and self.judge(place) == found:  # else another entry has taken its place
            names |= unnamed
        return [f"{place}/{name}" for name in sorted(names)]

    def _task(self, key: str) -> str:
        """Whose entry it was, if that can be read."""
        try:
            with open_entry(self._root, key) as entry:
                return parse_record(read_file(MANIFEST, entry)).task
        except (OSError, ValueError):
            return ""

    def _listed(self, folder: str) -> list[str]:
        try:
            with opened(folder, FOLDER, at=self._root) as at:
                return [f"{folder}/{name}" for name in sorted(os.listdir(at))]
        except OSError as problem:
            if problem.errno not in _GONE:
                self._problems.append(self._obstacle(folder, problem))
            return []

    def _obstacle(self, place: str, problem: OSError) -> Problem:
        return Problem.of(Step.READ, f"{self._path}/{place}", problem)

    def _inode(self, place: str) -> int | None:
        try:
            return os.stat(place, dir_fd=self._root, follow_symlinks=False).st_ino
        except OSError:
            return None


def _unnamed(entry: int, manifest: Manifest) -> set[str]:
    """The blobs in an entry that its record does not name; raises ``OSError``."""
    named = {output.digest for output in manifest.outputs}
    try:
        with opened(OUTPUTS, FOLDER, at=entry) as folder:
            found = set(filter(is_digest, os.listdir(folder)))
    except FileNotFoundError:
        return set()
    return {f"{OUTPUTS}/{digest}" for digest in found - named}


def _is_folder(name: str, at: int) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode)
    except OSError:
        return True  # gone: nothing is found in it
