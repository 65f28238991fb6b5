"""The inputs of a task: which files, with which contents, and whether they are still the same."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from haz_trio.cache.fingerprint import Fingerprint, Fingerprints, digest_in, has_row
from haz_trio.cache.hashing import RowOf, reader_of, stat_row
from haz_trio.cache.steady import Matched, Steady
from haz_trio.cache.walk import Found, Tree
from haz_trio.errors import InputError
from haz_trio.model.names import quote, quote_place
from haz_trio.model.patterns import Anchored
from haz_trio.model.workspace import HashName
from haz_trio.values import field, frozen

if TYPE_CHECKING:
    from haz_trio.trust import Clock

_LATELY = 1_000_000_000  # nanoseconds for which a check after a command serves later reads
_TOLD = 8  # parts of which the paths are kept: the tasks of a project follow each other
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


@frozen
class InputsSeen:
    """The inputs that a key was derived from.

    ``files`` are workspace-absolute paths with their digests (CACHE-006), sorted by path bytes,
    each once however many patterns match it.
    ``parts`` tell for each pattern which files and folders were looked at, folders with the rows
    that they had before that; ``seen_ns`` is the time before the first of them was.
    ``linked`` says that links were followed on the way, so that files and folders are not all
    that this depends on; ``odd`` that there is something of which people are told.
    """

    patterns: tuple[Anchored, ...]
    files: tuple[tuple[str, bytes], ...]
    parts: tuple[Matched, ...] = field(default=(), eq=False)
    linked: bool = False
    odd: bool = False
    seen_ns: int = field(default=0, eq=False)


class InputReader:
    """Reads inputs below a workspace root (host path) for one run; for any number of threads."""

    def __init__(
        self,
        root: str,
        hash_name: HashName,
        *,
        clock: Clock = time.time_ns,
        row_of: RowOf = stat_row,
    ) -> None:
        self.tree: Tree = Tree(root, clock=clock, row_of=row_of)
        self.fingerprints: Fingerprints = Fingerprints(hash_name, clock=clock, row_of=row_of)
        self._clock, self._read_row = clock, reader_of(row_of)
        self._calm = False
        self._known: dict[str, Matched] = {}  # here and below: by the text of a glob
        self._lately: dict[str, tuple[Matched, int]] = {}
        self._steady: dict[str, Steady] = {}
        self._told: dict[int, tuple[Matched, tuple[tuple[str, bytes], ...]]] = {}

    def settle(self) -> None:
        """Nothing of ours writes from now on: what a glob stands for need not be asked twice.

        Who edits a file meanwhile is seen or missed as if the later look had come earlier.
        """
        self._known.clear()
        self._calm = True

    def disturb(self) -> None:
        """A command or a restore of ours writes files from now on, until the next ``settle``."""
        self._calm = False
        self._known.clear()

    def ended(self) -> None:
        """What others may wait for has ended: a command, a restore, or another process's.

        A task that is looked at may have waited for it: only what is seen from now on counts.
        """
        self._lately = {}

    def rest(self) -> None:
        """A run is over, and what it has learned is to be saved: hold no more than digests."""
        self.tree.forget()
        self._told.clear()
        self._steady.clear()

    def read(
        self, patterns: Sequence[Anchored], *, check: Callable[[], None] | None = None
    ) -> InputsSeen:
        """Enumerate and digest what patterns stand for (config.md 5.3).

        ``check`` is called for every folder and file and may raise to give up.
        Raises ``InputError`` that names the path and the glob that matches it, for the first
        pattern that is in trouble.
        """
        seen_ns = self._clock()
        parts: list[Matched] = []
        seen: dict[bytes, Fingerprint] = {}
        for pattern in patterns:
            if pattern.is_glob:
                part = self._glob(pattern, seen, check)
                seen_ns = min(seen_ns, part.seen_ns)
            else:
                part = self._literal(pattern, check)
            parts.append(part)
            if len(patterns) > 1:
                seen.update(zip(part.hosts, part.prints, strict=True))
        files = self._named(sorted(seen.items())) if len(parts) != 1 else self._files(parts[0])
        linked, odd = any(part.linked for part in parts), any(part.odd for part in parts)
        return InputsSeen(tuple(patterns), files, tuple(parts), linked, odd, seen_ns)

    def changed(
        self,
        seen: InputsSeen,
        own_outputs: Sequence[Anchored],
        *,
        check: Callable[[], None] | None = None,
    ) -> str | None:
        """The first path, in path order, with another content than ``seen``, new or gone.

        What the task itself declares as an output may change: formatters work in place
        (execution.md 5.7).
        A file with new stat data and its old bytes has not changed.
        What is found unchanged need not be asked again by who reads it next, until ``ended``.
        """
        if self._is_steady(seen, check):
            return None
        before = dict(seen.files)
        try:
            now = self._now(seen.patterns, check)
        except OSError as problem:
            return self._place_of(problem)
        for path in sorted(before.keys() | now):
            same = path in before and path in now and before[path] == self._peek(path, check)
            if not same and not any(output.matches(path) for output in own_outputs):
                return path
        return None

    def vouches(self, path: str, info: os.stat_result, digest: str) -> bool:
        """Whether a file has this digest (64 hexadecimal digits); reads it only in doubt."""
        try:
            known = self.fingerprints.take(self.tree.host_path(path))
        except (OSError, InputError):
            return False
        return has_row(known, self._read_row(info)) and digest_in(known).hex() == digest

    def notes(self) -> tuple[str, ...]:
        """One remark on what globs met and could not take, if there was anything."""
        kinds = (
            (self.tree.unnamable, "name is not UTF-8, no pattern can match it"),
            (self.tree.special, "neither a file nor a folder"),
        )
        found = [f"{_first_of(paths)} ({reason})" for paths, reason in kinds if paths]
        return (f"no input of any task: {'; '.join(found)}",) if found else ()

    def _files(self, part: Matched) -> tuple[tuple[str, bytes], ...]:
        """The workspace paths of a part with their digests; one value for who asks again soon."""
        told = self._told.get(id(part))
        if told is not None and told[0] is part:
            return told[1]
        files = self._named(zip(part.hosts, part.prints, strict=True))
        if len(self._told) >= _TOLD:
            self._told.clear()
        self._told[id(part)] = part, files
        return files

    def _named(self, found: Iterable[tuple[bytes, Fingerprint]]) -> tuple[tuple[str, bytes], ...]:
        start = self.tree.root_size
        return tuple([(host[start:].decode(), digest_in(known)) for host, known in found])

    def _glob(
        self,
        pattern: Anchored,
        seen: Mapping[bytes, Fingerprint],
        check: Callable[[], None] | None,
    ) -> Matched:
        """What a glob stands for; ``seen`` has been found by this read already, by host path."""
        if self._calm and (known := self._known.get(pattern.text)) is not None:
            return known
        lately = self._lately.get(pattern.text)
        if lately is not None and 0 <= self._clock() - lately[1] < _LATELY:
            return lately[0]
        matched = self._still(pattern, check)
        if matched is None:
            matched = self._glob_anew(pattern, seen, check)
        if self._calm:
            self._known[pattern.text] = matched
        return matched

    def _still(self, pattern: Anchored, check: Callable[[], None] | None) -> Matched | None:
        """What a glob has stood for before, if it must still be that."""
        steady = self._steady.get(pattern.text)
        if steady is None:
            return None
        if steady.holds(self._read_row, self._clock, check):
            return steady.matched
        self._steady.pop(pattern.text, None)  # another thread may have done so
        return None

    def _glob_anew(
        self,
        pattern: Anchored,
        seen: Mapping[bytes, Fingerprint],
        check: Callable[[], None] | None,
    ) -> Matched:
        seen_ns = self._clock()
        found = self._find(pattern, check)
        hosts, prints = [], []
        for path in sorted(found.files):
            host = self.tree.host_path(path)  # one object for all who remember it
            known = seen.get(host) or self._print(path, host, pattern, check)
            if known is not None:
                hosts.append(host)
                prints.append(known)
        folders = tuple(found.folders.items())
        places = tuple(hosts), tuple(prints)
        matched = Matched(*places, folders, found.linked, found.odd, seen_ns)
        steady = Steady.of(matched, found)
        if steady is not None:
            self._steady[pattern.text] = steady
        return matched

    def _literal(self, pattern: Anchored, check: Callable[[], None] | None) -> Matched:
        path = pattern.text
        host = self.tree.host_path(path)
        known = self._print(path, host, pattern, check)
        assert known is not None, "a literal that is not there has been refused"
        return Matched((host,), (known,))

    def _is_steady(self, seen: InputsSeen, check: Callable[[], None] | None) -> bool:
        """Whether each pattern must still stand for what it stood for."""
        lately, now = self._lately, self._clock()  # as they are before anything is asked
        for pattern, part in zip(seen.patterns, seen.parts, strict=True):
            if pattern.is_glob:
                still = self._still(pattern, check)
                if still is not part and (
                    still is None or self._files(still) != self._files(part)
                ):
                    return False
                lately[pattern.text] = still, now
            elif self._peek(pattern.text, check) != digest_in(part.prints[0]):
                return False
        return True

    def _find(self, pattern: Anchored, check: Callable[[], None] | None) -> Found:
        try:
            found = self.tree.find((pattern,), check=check)
        except OSError as problem:
            raise InputError(
                f"input pattern {quote(pattern.text)}: {quote_place(self._place_of(problem))} "
                f"cannot be searched: {problem.strerror}{_way_out(problem)}"
            ) from None
        for path in sorted(found.dangling):
            raise InputError(
                f"input {quote(path)} is a link that leads nowhere (matched by "
                f"{quote(pattern.text)}); repair it, remove it, or narrow the pattern"
            )
        return found

    def _print(
        self, path: str, host: bytes, pattern: Anchored, check: Callable[[], None] | None
    ) -> Fingerprint | None:
        """What is true of one file, ``None`` if a match of a glob has gone since it was found."""
        if check is not None:
            check()
        try:
            return self.fingerprints.take(host, check=check)
        except OSError as problem:
            if problem.errno not in _ABSENT:
                raise InputError(
                    f"{_subject(path, pattern)} cannot be read: "
                    f"{problem.strerror}{_way_out(problem)}"
                ) from None
            if pattern.is_glob:
                return None
            raise InputError(f"input {quote(path)} {_absence(host)}", missing=path) from None
        except InputError as problem:
            advice = f"; use `{path}/**` for the files in it" if os.path.isdir(host) else ""
            raise InputError(f"{_subject(path, pattern)} {problem}{advice}") from None

    def _now(self, patterns: Iterable[Anchored], check: Callable[[], None] | None) -> set[str]:
        """What the patterns stand for now, links that lead nowhere included."""
        globs = [pattern for pattern in patterns if pattern.is_glob]
        found: Found = self.tree.find(globs, check=check)
        literals = {pattern.text for pattern in patterns if not pattern.is_glob}
        return literals | found.files.keys() | found.dangling.keys()

    def _peek(self, path: str, check: Callable[[], None] | None) -> bytes | None:
        if check is not None:
            check()
        try:
            return digest_in(self.fingerprints.take(self.tree.host_path(path), check=check))
        except (OSError, InputError):
            return None

    def _place_of(self, problem: OSError) -> str:
        return self.tree.workspace_path(os.fsencode(problem.filename))


def _way_out(problem: OSError) -> str:
    if problem.errno == errno.ENAMETOOLONG:
        return "; move what lies so deep, or narrow the pattern"
    return ""


def _subject(path: str, pattern: Anchored) -> str:
    if not pattern.is_glob:
        return f"input {quote_place(path)}"
    return f"input {quote_place(path)} (matched by {quote(pattern.text)})"


def _absence(host: bytes) -> str:
    try:
        target = os.fsdecode(os.readlink(host))
    except OSError:
        return "does not exist"
    return f"is a link to {quote(target)}, which is not there"


def _first_of(paths: tuple[str, ...]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{quote(paths[0])}{more}"
