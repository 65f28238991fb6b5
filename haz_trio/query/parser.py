"""From text to a tree of words: the grammar of query.md 3, with the place of every mistake."""

from __future__ import annotations

import re
from typing import Final

from haz_trio.errors import InvalidTextError
from haz_trio.query.syntax import And, Atom, Call, Expression, Leaf, Not, Operand, Or
from haz_trio.values import frozen

BLANKS: Final = " \t\r\n"
OPERATORS: Final = "|&!()"
DEEPEST: Final = 100
"""How many groups may stand inside each other."""

_BREAK = re.escape(BLANKS + OPERATORS)
_QUOTED = rf"""(?P<quote>['"])(?P<inside>.*?)(?P=quote)(?=[{_BREAK}]|\Z)"""
_WORD = re.compile(rf"[^{_BREAK}]+")
_ESCAPED_WORD = re.compile(rf"(?:\\.|[^{_BREAK}])+", re.DOTALL)
_QUOTED_WORD = re.compile(_QUOTED, re.DOTALL)
_QUOTED_VALUE = re.compile(rf"""(?P<kind>[^{_BREAK}'":]*:)?{_QUOTED}""", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_BLANK = re.compile(rf"[{BLANKS}]*")


@frozen
class Language:
    """What differs between the filters in how words are cut.

    With ``escapes`` a backslash makes a blank or an operator part of a word.
    With ``kinds`` the part behind a colon can be quoted alone, as in ``name:'x'``.
    ``calls`` are the words that take an expression in parentheses.
    """

    escapes: bool = False
    kinds: bool = False
    calls: frozenset[str] = frozenset()


class ParseError(InvalidTextError):
    """The text is no expression; ``start`` and ``end`` count its characters."""

    def __init__(self, reason: str, start: int, end: int) -> None:
        self.start = start
        self.end = end
        super().__init__(reason)


def parse(text: str, language: Language) -> Expression[Operand]:
    """The tree of an expression; raises ``ParseError`` for the first mistake."""
    return _Parser(text, language).parse()


def byte_offset(text: str, place: int) -> int:
    """How many bytes of UTF-8 stand before a character."""
    return len(text[:place].encode("utf-8", "surrogatepass"))


class _Parser:
    """One pass from left to right."""

    def __init__(self, text: str, language: Language) -> None:
        self._text = text
        self._language = language
        self._at = 0
        self._depth = 0

    def parse(self) -> Expression[Operand]:
        if not self._peek():
            raise ParseError("filter expression is empty", 0, len(self._text))
        found = self._either()
        if self._peek():
            raise self._leftover("unmatched ')'" if self._peek() == ")" else "")
        return found

    def _either(self) -> Expression[Operand]:
        found = [self._both()]
        while self._take("|"):
            found.append(self._both())
        return found[0] if len(found) == 1 else Or(tuple(found))

    def _both(self) -> Expression[Operand]:
        found = [self._negation()]
        while self._take("&"):
            found.append(self._negation())
        return found[0] if len(found) == 1 else And(tuple(found))

    def _negation(self) -> Expression[Operand]:
        return Not(self._primary()) if self._take("!") else self._primary()

    def _primary(self) -> Expression[Operand]:
        character = self._peek()
        if character == "(":
            return self._group()
        if not character:
            raise self._problem("expected atom")
        if character in OPERATORS:
            raise self._problem(f"unexpected operator '{character}'", 1)
        atom = self._atom()
        if atom.text in self._language.calls and self._peek() == "(":
            return Leaf(Call(atom, self._group()))
        return Leaf(atom)

    def _group(self) -> Expression[Operand]:
        start = self._at
        self._at += 1
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._problem(f"more than {DEEPEST} groups inside each other", at=start, size=1)
        if self._peek() == ")":
            raise self._problem("expected atom")
        found = self._either()
        if not self._take(")"):
            if not self._peek():
                raise self._problem("unmatched '('", at=start, size=1)
            raise self._leftover()
        self._depth -= 1
        return found

    def _atom(self) -> Atom:
        start = self._at
        quoted = _QUOTED_VALUE if self._language.kinds else _QUOTED_WORD
        match = quoted.match(self._text, start)
        if match:
            self._at = match.end()
            kind = (match["kind"] or "") if self._language.kinds else ""
            return Atom(kind + match["inside"], start, self._at)
        word = _ESCAPED_WORD if self._language.escapes else _WORD
        match = word.match(self._text, start)
        assert match is not None, "a word begins here"
        self._at = match.end()
        text = _ESCAPE.sub(_protected, match[0]) if self._language.escapes else match[0]
        return Atom(text, start, self._at)

    def _peek(self) -> str:
        """The next character that is not blank, or nothing at the end."""
        blank = _BLANK.match(self._text, self._at)
        assert blank is not None, "no blank is a match, too"
        self._at = blank.end()
        return self._text[self._at : self._at + 1]

    def _take(self, operator: str) -> bool:
        if self._peek() != operator:
            return False
        self._at += 1
        return True

    def _leftover(self, reason: str = "") -> ParseError:
        """What stands where an expression, or the inside of a group, is complete."""
        character = self._text[self._at]
        return self._problem(reason or f"unexpected character '{character}'", 1)

    def _problem(self, reason: str, size: int = 0, *, at: int | None = None) -> ParseError:
        place = self._at if at is None else at
        offset = byte_offset(self._text, place)
        return ParseError(f"{reason} at byte {offset}", place, place + size)


def _protected(escape: re.Match[str]) -> str:
    """A backslash is taken away where it protects from this grammar, and kept for the globs."""
    return escape[1] if escape[1] in BLANKS + OPERATORS else escape[0]
