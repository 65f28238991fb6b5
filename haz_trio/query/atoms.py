"""What a word of an expression means: the kinds of operands and their checks (query.md 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias, assert_never

from haz_trio.errors import InvalidTextError, Span
from haz_trio.model.globs import (
    Alternation,
    AnyByte,
    AnyInfix,
    AnyPrefix,
    AnySuffix,
    ByteSet,
    Everything,
    Literal,
    Star,
    Token,
    compile_glob,
)
from haz_trio.model.names import TaskId, check_name, quote_character
from haz_trio.model.patterns import Pattern, parse_pattern
from haz_trio.query.conditions import (
    Condition,
    Declares,
    HasTag,
    InProject,
    IsNamed,
    IsTask,
    Name,
    Relation,
    Side,
    Touches,
    Trait,
)
from haz_trio.query.syntax import Expression, Leaf, Not

Meaning: TypeAlias = Expression[Condition]
# Takes a word and its place; raises ``AtomError``.
Reader: TypeAlias = Callable[[str, Span], Meaning]


class AtomError(InvalidTextError):
    """A word means nothing here; its bytes are named between ``subject`` and ``reason``."""

    def __init__(self, subject: str, reason: str) -> None:
        self.subject = subject
        self.reason = reason
        super().__init__(f"{subject}{reason}")

    def sentence(self, start: int, end: int) -> str:
        return f"{self.subject} at bytes {start}..{end}{self.reason}"


def read_tag(text: str, place: Span) -> Meaning:
    return Leaf(HasTag(_name(text, "tag")))


def read_project(text: str, place: Span) -> Meaning:
    return Leaf(InProject(_name(text, "project")))


def read_task_name(text: str, place: Span) -> Meaning:
    return Leaf(IsNamed(_name(text, "task")))


def read_task(text: str, place: Span) -> Meaning:
    """``project:task``: one task and no other."""
    project, colon, task = text.partition(":")
    if not colon:
        raise AtomError(
            "task", f" has no project: `{text}` should be spelled `project:{text or 'task'}`"
        )
    return Leaf(IsTask(TaskId(_plain_name(project, "project"), _plain_name(task, "task"))))


def read_input(text: str, place: Span) -> Meaning:
    return Leaf(Touches(Side.INPUTS, _pattern(text), place))


def read_output(text: str, place: Span) -> Meaning:
    return Leaf(Touches(Side.OUTPUTS, _pattern(text), place))


_RELATIONAL: Final[Mapping[str, Reader]] = {
    "name": read_task_name,
    "project": read_project,
    "tag": read_tag,
    "task": read_task,
}
_KINDS: Final[Mapping[str, Reader]] = {**_RELATIONAL, "input": read_input, "output": read_output}
_WORDS: Final[Mapping[str, Meaning]] = {
    **{f"has-{trait.value}": Leaf(Declares(trait)) for trait in Trait if trait != Trait.MUTEX},
    **{f"no-{trait.value}": Not(Leaf(Declares(trait))) for trait in Trait if trait != Trait.MUTEX},
    Trait.MUTEX.value: Leaf(Declares(Trait.MUTEX)),
}
_WILDCARDS: Final = frozenset("*?[{")
RELATIONS: Final = {relation.value: relation for relation in Relation}


def read_relational(text: str, place: Span) -> Meaning:
    """One property of the tasks that a relation leads to; ``task:`` names one by both."""
    kind, colon, value = text.partition(":")
    if not colon:
        raise AtomError("relational atom", " is missing the `:` separator")
    if kind not in _RELATIONAL:
        raise AtomError(
            f"unknown relational kind '{kind}'", f"; expected one of {', '.join(_RELATIONAL)}"
        )
    return _RELATIONAL[kind](value, place)


def read_any(text: str, place: Span) -> Meaning:
    """An operand of ``--expr``: a kind with its value, or a word for what a body declares."""
    kind, colon, value = text.partition(":")
    if colon and kind in _KINDS:
        return _KINDS[kind](value, place)
    if text in _WORDS:
        return _WORDS[text]
    if text in RELATIONS:
        raise AtomError(
            f"relation `{text}`", f" needs its tasks in parentheses, as in `{text}(name:build)`"
        )
    kinds = ", ".join(f"{name}:" for name in _KINDS)
    known = f"{kinds}, {', '.join(_WORDS)} or RELATION(…)"
    if colon:
        raise AtomError(f"unknown kind '{kind}'", f"; expected one of {known}")
    raise AtomError(f"operand '{text}'", f" has no kind; expected one of {known}")


def _pattern(text: str) -> Pattern:
    """A pattern as in ``haz.yml``; one that ends with a slash means anything below."""
    try:
        if len(text) > 1 and text.endswith("/"):
            return _below(text)
        return parse_pattern(text)
    except InvalidTextError as problem:
        raise AtomError("invalid path pattern", f": {problem}") from None


def _below(text: str) -> Pattern:
    try:
        parse_pattern(text[:-1])
    except InvalidTextError:
        return parse_pattern(text)  # the slash is refused, too: what is said is about all of it
    return parse_pattern(f"{text}**")


def _name(text: str, kind: str) -> Name:
    if _WILDCARDS.isdisjoint(text) or "\\" in text:  # nothing in a name needs an escape
        return Name(_plain_name(text, kind))
    try:
        if "**" in text:
            raise InvalidTextError("`**` means directories, and a name has none; write `*`")
        glob = compile_glob(text)
        _check_literals(glob.tokens)
    except InvalidTextError as problem:
        raise AtomError(f"invalid {kind} name", f": {problem}") from None
    return Name(text, glob)


def _plain_name(text: str, kind: str) -> str:
    try:
        return check_name(text)
    except InvalidTextError as problem:
        raise AtomError(f"invalid {kind} name", f": {problem}") from None


def _check_literals(tokens: Iterable[Token]) -> None:
    """No glob over names may hold a character that no name has: it would match nothing."""
    for token in tokens:
        match token:
            case Literal(data):
                for character in data.decode("utf-8", "surrogateescape"):
                    if not (character.isascii() and (character.isalnum() or character in "_-")):
                        raise InvalidTextError(
                            f"name contains invalid character {quote_character(character)}; "
                            "allowed: ASCII alphanumeric, '_', '-' and the wildcards of globs"
                        )
            case Alternation(branches):
                for branch in branches:
                    _check_literals(branch)
            case AnyByte() | Star() | ByteSet() | Everything():
                pass
            case AnyPrefix() | AnyInfix() | AnySuffix():
                pass
            case _:
                assert_never(token)
