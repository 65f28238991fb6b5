"""Which patterns match a path, without asking every pattern.

Literals stand in a dictionary.
A glob is filed by the fixed text before its first wildcard and behind its last one: a path meets
only the globs whose head it starts with and whose tail it ends with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from haz_trio.model.globs import AnyInfix, AnySuffix, Literal, Token
from haz_trio.model.patterns import Anchored


class Entry:
    """A pattern with the numbers of the tasks that have it, ascending."""

    __slots__ = ("owners", "pattern")

    def __init__(self, pattern: Anchored) -> None:
        self.pattern: Anchored = pattern
        self.owners: list[int] = []


class _ByEnd:
    """Things filed under the beginning or the end of a path, and the lengths that occur."""

    __slots__ = ("entries", "lengths")

    def __init__(self) -> None:
        self.entries: dict[bytes, list[Entry]] = {}
        self.lengths: list[int] = []


class PatternIndex:
    """The patterns of numbered tasks; equal patterns of several tasks are one entry."""

    def __init__(self, owned: Iterable[tuple[int, Iterable[Anchored]]]) -> None:
        """``owned`` gives the number of each task, ascending, and its patterns."""
        self._literals: dict[str, Entry] = {}
        self._globs: dict[str, Entry] = {}
        for owner, patterns in owned:
            for pattern in patterns:
                shelf = self._globs if pattern.is_glob else self._literals
                entry = shelf.get(pattern.text)
                if entry is None:
                    entry = shelf[pattern.text] = Entry(pattern)
                if not entry.owners or entry.owners[-1] != owner:
                    entry.owners.append(owner)
        self._heads: dict[bytes, _ByEnd] = {}
        for entry in self._globs.values():
            head, tail = fixed_ends(entry.pattern)
            tails = self._heads.setdefault(head, _ByEnd())
            tails.entries.setdefault(tail, []).append(entry)
        self._head_lengths = sorted({len(head) for head in self._heads})
        for tails in self._heads.values():
            tails.lengths = sorted({len(tail) for tail in tails.entries})

    @property
    def literals(self) -> Iterable[Entry]:
        return self._literals.values()

    def candidates(self, path: bytes) -> Iterator[Entry]:
        """The globs that must be asked about a path: all that match, and few others."""
        size = len(path)
        for length in self._head_lengths:
            if length > size:
                break
            tails = self._heads.get(path[:length])
            if tails is None:
                continue
            for tail in tails.lengths:
                if tail > size:
                    break
                yield from tails.entries.get(path[size - tail :], ())

    def globs_matching(self, path: str) -> Iterator[Entry]:
        """The globs that match a workspace-absolute path."""
        data = path.encode("utf-8", "surrogateescape")
        for entry in self.candidates(data):
            glob = entry.pattern.glob
            assert glob is not None, "only globs are filed by their ends"
            if glob.matches(data):
                yield entry

    def matching(self, path: str) -> Iterator[Entry]:
        """The patterns, literal or glob, that match a workspace-absolute path."""
        literal = self._literals.get(path)
        if literal is not None:
            yield literal
        yield from self.globs_matching(path)

    def owners(self, path: str) -> Sequence[int]:
        """The numbers of the tasks with a pattern that matches a path, ascending."""
        return merged([entry.owners for entry in self.matching(path)])


def merged(groups: Sequence[Sequence[int]]) -> Sequence[int]:
    """The union of ascending lists, ascending; a single one is given back as it is."""
    return groups[0] if len(groups) == 1 else sorted(set().union(*groups))


def fixed_ends(pattern: Anchored) -> tuple[bytes, bytes]:
    """The bytes that every match of a glob starts with, and those that it ends with."""
    assert pattern.glob is not None, "a literal is fixed as a whole"
    tokens = pattern.glob.tokens
    head = tail = b""
    for token in tokens:
        fixed, whole = _fixed(token)
        head += fixed
        if not whole:
            break
    for token in reversed(tokens):
        fixed, whole = _fixed(token)
        if isinstance(token, AnySuffix):
            break  # its slash is where it begins
        tail = fixed + tail
        if not whole:
            break
    return head, tail


def _fixed(token: Token) -> tuple[bytes, bool]:
    """What a token surely contributes at either end, and whether that is all of it."""
    match token:
        case Literal(data):
            return data, True
        case AnyInfix() | AnySuffix():
            return b"/", False
        case _:
            return b"", False
