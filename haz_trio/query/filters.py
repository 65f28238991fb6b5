"""The filters of a query: one expression for each, in a fixed order, all intersected (QRY-006)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

import attrs

from haz_trio.errors import ConfigError, Diagnostic, SourceText, Span
from haz_trio.query.atoms import (
    RELATIONS,
    AtomError,
    Meaning,
    Reader,
    read_any,
    read_input,
    read_output,
    read_project,
    read_relational,
    read_tag,
    read_task_name,
)
from haz_trio.query.conditions import Related, Relation
from haz_trio.query.parser import Language, ParseError, byte_offset, parse
from haz_trio.query.syntax import (
    And,
    Atom,
    Call,
    Expression,
    Leaf,
    Not,
    Operand,
    operands_of,
    substitute,
)
from haz_trio.values import frozen


class QueryError(ConfigError):
    """Expressions that cannot be understood; every mistake has its place in one of them."""


class Filter(enum.Enum):
    """The filters that take an expression, in the order in which they are looked at."""

    TAGS = "--tags"
    PROJECTS = "--projects"
    TASKS = "--tasks"
    INPUTS = "--inputs"
    OUTPUTS = "--outputs"
    CHILD_OF = "--child-of"
    PARENT_OF = "--parent-of"
    DEPENDS_ON = "--depends-on"
    ANCESTOR_OF = "--ancestor-of"
    EXPR = "--expr"


MOST_MISTAKES: Final = 20
_PLAIN: Final = Language()
_PATHS: Final = Language(escapes=True)
_KINDS: Final = Language(kinds=True)


@frozen
class _Rules:
    """How the words of a filter are cut and read, and what relation its tasks stand in."""

    reader: Reader
    language: Language = _PLAIN
    relation: Relation | None = None


_RULES: Final[Mapping[Filter, _Rules]] = {
    Filter.TAGS: _Rules(read_tag),
    Filter.PROJECTS: _Rules(read_project),
    Filter.TASKS: _Rules(read_task_name),
    Filter.INPUTS: _Rules(read_input, _PATHS),
    Filter.OUTPUTS: _Rules(read_output, _PATHS),
    Filter.CHILD_OF: _Rules(read_relational, _KINDS, Relation.CHILD_OF),
    Filter.PARENT_OF: _Rules(read_relational, _KINDS, Relation.PARENT_OF),
    Filter.DEPENDS_ON: _Rules(read_relational, _KINDS, Relation.DEPENDS_ON),
    Filter.ANCESTOR_OF: _Rules(read_relational, _KINDS, Relation.ANCESTOR_OF),
    Filter.EXPR: _Rules(read_any, Language(escapes=True, kinds=True, calls=frozenset(RELATIONS))),
}


def read_filters(texts: Mapping[Filter, str]) -> dict[Filter, Meaning]:
    """What each given filter asks, in the order of ``Filter``.

    Raises ``QueryError`` with the mistakes of all of them.
    """
    found: dict[Filter, Meaning] = {}
    problems: list[Diagnostic] = []
    for filter in Filter:
        if filter in texts:
            try:
                found[filter] = read_filter(filter, texts[filter])
            except QueryError as problem:
                problems += problem.diagnostics
    if problems:
        count = len(problems)
        headline = f"the query has {count} mistakes (QRY-009)" if count > 1 else ""
        raise QueryError(problems, headline)
    return found


def read_filter(filter: Filter, text: str, *, flag: str = "") -> Meaning:
    """What an expression asks of a task; raises ``QueryError``.

    ``flag`` is what the expression was given to, where that is not the filter's own flag.
    The mistakes are the first one of the grammar, or else those of all words.
    """
    source = _Source(flag or filter.value, text)
    rules = _RULES[filter]
    try:
        tree = parse(text, rules.language)
    except ParseError as problem:
        raise QueryError([source.grammar_problem(problem)]) from None
    meanings = source.read_words(tree, rules.reader)
    asked = _mean(tree, meanings)
    match rules.relation:
        case None:
            return asked
        case Relation.CHILD_OF | Relation.PARENT_OF:
            return Leaf(Related(rules.relation, asked))
        case Relation.DEPENDS_ON | Relation.ANCESTOR_OF:
            # These flags leave out the very tasks that they are about (query.md 5.3).
            return And((Leaf(Related(rules.relation, asked)), Not(asked)))


def _mean(tree: Expression[Operand], meanings: Mapping[Atom, Meaning]) -> Meaning:
    def mean(operand: Operand) -> Meaning:
        match operand:
            case Atom():
                return meanings[operand]
            case Call(name, argument):
                return Leaf(Related(RELATIONS[name.text], substitute(argument, mean)))

    return substitute(tree, mean)


@attrs.frozen
class _Source:
    """The text given to a flag, which mistakes point into as if it were a file."""

    flag: str
    text: str
    file: SourceText = attrs.field(init=False)

    @file.default
    def _make_file(self) -> SourceText:
        return SourceText(self.flag, tuple(self.text.split("\n")))

    def span(self, start: int, end: int) -> Span:
        return Span(self.file, *self._place(start), *self._place(end))

    def _place(self, at: int) -> tuple[int, int]:
        """Line and column, from 1, of a character."""
        return self.text.count("\n", 0, at) + 1, at - self.text.rfind("\n", 0, at)

    def grammar_problem(self, problem: ParseError) -> Diagnostic:
        return Diagnostic(
            f"{self.flag}: failed to parse expression `{self.text}`: {problem}",
            span=self.span(problem.start, problem.end),
            label="here",
            help="an expression is made of words, `!` (not), `&` (and), `|` (or) and parentheses",
        )

    def read_words(self, tree: Expression[Operand], reader: Reader) -> dict[Atom, Meaning]:
        """What every word means; raises ``QueryError`` for those that mean nothing.

        After ``MOST_MISTAKES`` of them the rest is not looked at: each quotes the whole text.
        """
        found: dict[Atom, Meaning] = {}
        problems: list[Diagnostic] = []
        for atom in _words(tree):
            span = self.span(atom.start, atom.end)
            try:
                found[atom] = reader(atom.text, span)
            except AtomError as problem:
                start, end = (byte_offset(self.text, at) for at in (atom.start, atom.end))
                message = (
                    f"{self.flag}: invalid atom in `{self.text}`: {problem.sentence(start, end)}"
                )
                problems.append(Diagnostic(message, span=span, label="this word"))
                if len(problems) == MOST_MISTAKES:
                    break
        if problems:
            raise QueryError(problems)
        return found


def _words(tree: Expression[Operand]) -> list[Atom]:
    """The atoms from left to right, also those inside of calls."""
    found: list[Atom] = []
    for operand in operands_of(tree):
        match operand:
            case Atom():
                found.append(operand)
            case Call(_, argument):
                found += _words(argument)
    return found
