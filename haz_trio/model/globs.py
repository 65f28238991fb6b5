"""The glob dialect of inputs, outputs and projects (PATH-009 to PATH-016), over UTF-8 bytes.

A glob is parsed into tokens, and the tokens into one compiled regular expression over bytes.
Wildcards do not cross ``/``; a class is one byte and, like in the original, may be a ``/``.
"""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from typing import TypeAlias, assert_never

from haz_trio.errors import InvalidTextError
from haz_trio.values import frozen

SPECIAL = frozenset("*?[{\\")


@frozen
class Literal:
    """These bytes."""

    data: bytes


@frozen
class AnyByte:
    """``?``: one byte that is not ``/``."""


@frozen
class Star:
    """``*``: any number of bytes that are not ``/``."""


@frozen
class Everything:
    """``**`` as the only segment: any path."""


@frozen
class AnyPrefix:
    """A leading ``**/``: any number of directories."""


@frozen
class AnyInfix:
    """``/**/``: one slash, or directories between two."""


@frozen
class AnySuffix:
    """A trailing ``/**``: everything strictly below."""


@frozen
class ByteSet:
    """``[abc]``: one byte of the set (already complemented for ``[!abc]``)."""

    members: frozenset[int]


@frozen
class Alternation:
    """``{a,b}``: one of the branches; empty ones have been dropped."""

    branches: tuple[tuple[Token, ...], ...]


_SLASH = ord("/")
Token: TypeAlias = (
    Literal
    | AnyByte
    | Star
    | Everything
    | AnyPrefix
    | AnyInfix
    | AnySuffix
    | ByteSet
    | Alternation
)


class Glob:
    """A parsed glob; ``regex`` is meant for ``fullmatch`` on a path in bytes.

    Globs with the same text are equal.
    """

    def __init__(self, text: str, tokens: tuple[Token, ...]) -> None:
        self.text: str = text
        self.tokens: tuple[Token, ...] = tokens

    def __eq__(self, other: object) -> bool:
        return self.text == other.text if isinstance(other, Glob) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Glob({self.text!r})"

    @cached_property
    def regex(self) -> re.Pattern[bytes]:
        """Compiled when it is first wanted: most globs of a workspace are never asked."""
        return re.compile(_expression(self.tokens), re.DOTALL)

    @property
    def crosses(self) -> bool:
        """Whether a class of it may stand for a slash."""
        return _crosses(self.tokens)

    def matches(self, path: bytes) -> bool:
        return self.regex.fullmatch(path) is not None


def _crosses(tokens: tuple[Token, ...]) -> bool:
    for token in tokens:
        match token:
            case ByteSet(members):
                if _SLASH in members:
                    return True
            case Alternation(branches):
                if any(map(_crosses, branches)):
                    return True
            case _:
                pass
    return False


def is_glob(text: str) -> bool:
    """Whether a pattern is a glob and not a literal path (PATH-008, PATH-015)."""
    return not SPECIAL.isdisjoint(text)


def escape(text: str) -> str:
    """A glob that matches exactly this text."""
    return "".join(f"\\{c}" if c in SPECIAL or c == "}" else c for c in text)


@lru_cache(maxsize=1 << 16)
def compile_glob(text: str) -> Glob:
    """Parse a glob whose segments have been checked; raises ``InvalidTextError``.

    Each text is parsed, and compiled, at most once however many tasks share it.
    """
    return Glob(text, _Parser(text).parse())


class _Parser:
    """One pass over a glob text; ``**`` is known to stand alone between slashes."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def parse(self) -> tuple[Token, ...]:
        return self._sequence(nested=False)

    def _fail(self, why: str) -> InvalidTextError:
        return InvalidTextError(f"invalid glob '{self._text}': {why}")

    def _sequence(self, *, nested: bool) -> tuple[Token, ...]:
        out: list[Token] = []
        while self._at < len(self._text):
            character = self._text[self._at]
            if nested and character in ",}":
                break
            self._at += 1
            match character:
                case "*":
                    self._star(out, first=not nested and not out)
                case "?":
                    out.append(AnyByte())
                case "[":
                    out.append(self._class())
                case "{":
                    if nested:
                        raise InvalidTextError("nested alternation is forbidden")
                    out.append(self._alternation())
                case "}":
                    raise self._fail("unopened alternation; missing '{' (a literal '}' is '[}]')")
                case "\\":
                    if self._at == len(self._text):
                        raise self._fail("dangling '\\'")
                    _literal(out, self._text[self._at])
                    self._at += 1
                case _:
                    _literal(out, character)
        return tuple(out)

    def _star(self, out: list[Token], *, first: bool) -> None:
        if not self._text.startswith("*", self._at):
            out.append(Star())
            return
        self._at += 1
        last = self._at == len(self._text)
        self._at += not last  # the slash behind belongs to the token
        if first:
            out.append(Everything() if last else AnyPrefix())
            return
        before = out[-1]
        if before == AnyPrefix():
            if last:
                out[-1] = Everything()
        elif before == AnyInfix():
            if last:
                out[-1] = AnySuffix()
        else:
            _drop_slash(out)
            out.append(AnySuffix() if last else AnyInfix())

    def _alternation(self) -> Alternation:
        branches: list[tuple[Token, ...]] = []
        while True:
            branch = self._sequence(nested=True)
            if branch:
                branches.append(branch)
            if self._at == len(self._text):
                raise self._fail("unclosed alternation; missing '}' (a literal '{' is '[{]')")
            self._at += 1
            if self._text[self._at - 1] == "}":
                return Alternation(tuple(branches))

    def _class(self) -> ByteSet:
        negated = self._text[self._at : self._at + 1] in ("!", "^")
        self._at += negated
        ranges: list[tuple[str, str]] = []
        in_range, first = False, True
        while True:
            if self._at == len(self._text):
                raise self._fail("unclosed character class; missing ']'")
            character = self._text[self._at]
            self._at += 1
            if character == "]" and not first:
                break
            if character == "-" and not first and not in_range:
                in_range = True
            elif in_range:
                start = ranges[-1][0]  # `[a-c-e]` is `[a-e]`, like in the original
                if start > character:
                    raise self._fail(f"invalid range; '{start}' > '{character}'")
                ranges[-1] = (start, character)
                in_range = False
            else:
                ranges.append((character, character))
            first = False
        if in_range:
            ranges.append(("-", "-"))
        members = frozenset(byte for low, high in ranges for byte in _bytes_between(low, high))
        return ByteSet(frozenset(range(256)) - members if negated else members)


def _literal(out: list[Token], character: str) -> None:
    data = character.encode("utf-8", "surrogateescape")
    if out and isinstance(out[-1], Literal):
        out[-1] = Literal(out[-1].data + data)
    else:
        out.append(Literal(data))


def _drop_slash(out: list[Token]) -> None:
    last = out.pop()
    assert isinstance(last, Literal), "`**` follows a slash"
    if last.data != b"/":
        out.append(Literal(last.data[:-1]))


def _bytes_between(low: str, high: str) -> set[int]:
    """The bytes of a range of characters, which the original spells byte by byte."""
    start, end = low.encode(), high.encode()
    if low == high:
        return set(start)
    return {*start[:-1], *range(start[-1], end[0] + 1), *end[1:]}


def _expression(tokens: tuple[Token, ...]) -> bytes:
    return b"".join(map(_token_expression, tokens))


def _token_expression(token: Token) -> bytes:
    match token:
        case Literal(data):
            return re.escape(data)
        case AnyByte():
            return rb"[^/]"
        case Star():
            return rb"[^/]*"
        case Everything():
            return rb".*"
        case AnyPrefix():
            return rb"(?:/?|.*/)"
        case AnyInfix():
            return rb"(?:/|/.*/)"
        case AnySuffix():
            return rb"/.*"
        case ByteSet(members):
            return _set_expression(members)
        case Alternation(branches):
            return b"(?:" + b"|".join(map(_expression, branches)) + b")"
        case _:
            assert_never(token)


def _set_expression(members: frozenset[int]) -> bytes:
    """A class of the expression language; no text spells an empty set, nor one of all bytes."""
    return b"[" + b"".join(b"\\x%02x" % byte for byte in sorted(members)) + b"]"
