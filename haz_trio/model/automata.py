"""Whether two globs can match one path, exactly and without looking at any file (QRY-003).

A glob becomes a nondeterministic automaton over bytes that has no empty moves: a state waits for
one byte of a set and knows which states may come next.
Two automata meet on a path exactly if the pair of their accepting states can be reached in their
product, which is explored only as far as the bytes of both agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import product
from typing import TypeAlias, assert_never

import attrs

from haz_trio.model.globs import (
    Alternation,
    AnyByte,
    AnyInfix,
    AnyPrefix,
    AnySuffix,
    ByteSet,
    Everything,
    Glob,
    Literal,
    Star,
    Token,
)
from haz_trio.values import frozen_with

# A set of bytes is a number with one bit for each byte.
Bytes: TypeAlias = int
States: TypeAlias = frozenset[int]

_ACCEPTING = 0
_SLASH: Bytes = 1 << ord("/")
_ANY: Bytes = (1 << 256) - 1
_NO_SLASH: Bytes = _ANY & ~_SLASH


def intersects(a: Glob, b: Glob) -> bool:
    """Whether some path is matched by both globs."""
    return common_path(a, b) is not None


def common_path(a: Glob, b: Glob) -> bytes | None:
    """A shortest path that both globs match, or nothing; it need not be UTF-8.

    The cost is at most the product of the sizes of both, and mostly that of their common part.
    """
    left, right = _automaton(a), _automaton(b)
    pending = list(product(left.start, right.start))
    came_from: dict[tuple[int, int], tuple[int, int] | None] = dict.fromkeys(pending)
    for pair in pending:  # grows while it is walked
        if pair == (_ACCEPTING, _ACCEPTING):
            return _spell(left, right, pair, came_from)
        one, other = left.states[pair[0]], right.states[pair[1]]
        if one.waits_for & other.waits_for:
            for following in product(one.next, other.next):
                if following not in came_from:
                    came_from[following] = pair
                    pending.append(following)
    return None


def _spell(
    left: _Automaton,
    right: _Automaton,
    last: tuple[int, int],
    came_from: Mapping[tuple[int, int], tuple[int, int] | None],
) -> bytes:
    """The bytes on the way to a pair of states: of each step the smallest one."""
    path = bytearray()
    before = came_from[last]
    while before is not None:
        common = left.states[before[0]].waits_for & right.states[before[1]].waits_for
        path.append((common & -common).bit_length() - 1)
        before = came_from[before]
    return bytes(reversed(path))


@attrs.define(eq=False)
class _State:
    """Reads one byte of a set and goes on; the accepting state waits for no byte at all."""

    waits_for: Bytes
    next: States


@frozen_with(eq=False)
class _Automaton:
    start: States
    states: tuple[_State, ...]


@lru_cache(maxsize=1 << 12)
def _automaton(glob: Glob) -> _Automaton:
    builder = _Builder()
    start = builder.before(glob.tokens, frozenset((_ACCEPTING,)))
    return _Automaton(start, tuple(builder.states))


class _Builder:
    """Builds from the end: every part is given the states that follow it."""

    def __init__(self) -> None:
        self.states = [_State(0, frozenset())]

    def before(self, tokens: Iterable[Token], after: States) -> States:
        """The states that tokens begin in, when ``after`` follows them."""
        for token in reversed(tuple(tokens)):
            after = self._enter(token, after)
        return after

    def _enter(self, token: Token, after: States) -> States:
        match token:
            case Literal(data):
                for byte in reversed(data):
                    after = self._one(1 << byte, after)
                return after
            case AnyByte():
                return self._one(_NO_SLASH, after)
            case ByteSet(members):
                return self._one(sum(1 << byte for byte in members), after)
            case Star():
                return self._many(_NO_SLASH, after)
            case Everything():
                return self._many(_ANY, after)
            case AnySuffix():
                return self._one(_SLASH, self._many(_ANY, after))
            case AnyPrefix():
                return after | self._many(_ANY, self._one(_SLASH, after))
            case AnyInfix():
                return self._one(_SLASH, after | self._many(_ANY, self._one(_SLASH, after)))
            case Alternation(branches):
                entries = [self.before(branch, after) for branch in branches]
                return frozenset().union(*entries) if entries else after
            case _:
                assert_never(token)

    def _one(self, waits_for: Bytes, after: States) -> States:
        self.states.append(_State(waits_for, after))
        return frozenset((len(self.states) - 1,))

    def _many(self, waits_for: Bytes, after: States) -> States:
        """Any number of bytes of a set; the state comes after itself."""
        entry = after | {len(self.states)}
        self.states.append(_State(waits_for, entry))
        return entry
