"""The inputs of a task: which files, with which contents, and whether they are still the same."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Sequence

import attrs

from haz_trio.cache.fingerprint import Fingerprint, Fingerprints
from haz_trio.cache.walk import Clock, Tree
from haz_trio.errors import InputError
from haz_trio.model.names import quote
from haz_trio.model.patterns import Anchored
from haz_trio.model.workspace import HashName

_KINDS = (
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@attrs.frozen
class InputsSeen:
    """The inputs from which a key was derived, sorted by path bytes, each file once."""

    patterns: tuple[Anchored, ...]
    prints: tuple[tuple[str, Fingerprint], ...]

    @property
    def files(self) -> tuple[tuple[str, bytes], ...]:
        """Workspace-absolute paths with their digests (CACHE-006)."""
        return tuple((path, seen.digest) for path, seen in self.prints)


class InputReader:
    """Reads inputs below a workspace root for one run; may be used from several threads."""

    def __init__(self, root: str, hash_name: HashName, *, clock: Clock = time.time_ns) -> None:
        self.tree = Tree(root, clock=clock)
        self.fingerprints = Fingerprints(hash_name, clock=clock)

    def read(
        self, patterns: Sequence[Anchored], *, check: Callable[[], None] = lambda: None
    ) -> InputsSeen:
        """Enumerate and digest what patterns stand for (config.md 5.3).

        ``check`` is called between files and may raise to give up.
        Raises ``InputError`` that names the pattern and the path.
        """
        prints = [(path, self._print(path, check)) for path in self._paths(patterns, check)]
        return InputsSeen(tuple(patterns), tuple(prints))

    def changed(self, seen: InputsSeen, own_outputs: Sequence[Anchored]) -> str | None:
        """The first path whose content, or presence, is no longer that of ``seen``.

        Files that the task itself declares as outputs may change (execution.md 5.7).
        """

        def own(path: str) -> bool:
            return any(pattern.matches(path) for pattern in own_outputs)

        before = {path for path, _ in seen.prints}
        for path, fingerprint in seen.prints:
            same = self.fingerprints.still(self.tree.host_path(path), fingerprint)
            if not same and not own(path):
                return path
        try:
            now = self._paths([p for p in seen.patterns if p.is_glob], lambda: None)
        except InputError as problem:
            return f"list ({problem})"
        return next((path for path in now if path not in before and not own(path)), None)

    def notes(self) -> tuple[str, ...]:
        """One remark when there are names that no pattern can match."""
        odd = self.tree.odd_names
        if not odd:
            return ()
        more = f" and {len(odd) - 1} more" if len(odd) > 1 else ""
        return (f"no pattern can match the name {quote(odd[0])}{more}: it is not UTF-8",)

    def _paths(self, patterns: Sequence[Anchored], check: Callable[[], None]) -> list[str]:
        found: set[str] = set()
        for pattern in patterns:
            if pattern.is_glob:
                found.update(self.tree.find(pattern, check=check))
            else:
                self._check_literal(pattern)
                found.add(pattern.text)
        return sorted(found, key=lambda path: path.encode("utf-8", "surrogateescape"))

    def _check_literal(self, pattern: Anchored) -> None:
        path = pattern.text
        try:
            mode = os.stat(self.tree.host_path(path)).st_mode
        except OSError as problem:
            if problem.errno in (errno.ENOENT, errno.ENOTDIR):
                raise InputError(f"input {quote(path)} does not exist", missing=path) from None
            raise InputError(f"input {quote(path)}: {problem.strerror}") from None
        if stat.S_ISDIR(mode):
            raise InputError(
                f"input {quote(path)} is a folder; name the files in it, as in `{path}/**`"
            )
        if not stat.S_ISREG(mode):
            kind = next((name for test, name in _KINDS if test(mode)), "something else")
            raise InputError(f"input {quote(path)} is {kind}, not a regular file")

    def _print(self, path: str, check: Callable[[], None]) -> Fingerprint:
        check()
        try:
            return self.fingerprints.take(self.tree.host_path(path), check=check)
        except OSError as problem:
            raise InputError(f"cannot read input {quote(path)}: {problem.strerror}") from None
