"""The form of a query: operands combined by ``|``, ``&`` and ``!`` (query.md 3).

The same tree holds what was read (words at their places) and what it means (conditions).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeAlias, TypeVar, assert_never

import attrs

from haz_trio.values import frozen

A = TypeVar("A")
B = TypeVar("B")


@attrs.frozen
class Leaf(Generic[A]):
    """One operand."""

    operand: A


@attrs.frozen
class Not(Generic[A]):
    """``!x``."""

    inner: Expression[A]


@attrs.frozen
class And(Generic[A]):
    """``x & y & …``; without operands it is true."""

    operands: tuple[Expression[A], ...]


@attrs.frozen
class Or(Generic[A]):
    """``x | y | …``."""

    operands: tuple[Expression[A], ...]


Expression: TypeAlias = Leaf[A] | Not[A] | And[A] | Or[A]


@frozen
class Atom:
    """A word of a query: its text without quotes and escapes, and the characters it takes up."""

    text: str
    start: int
    end: int


@frozen
class Call:
    """``child-of(…)``: a relation to the tasks of a whole expression."""

    name: Atom
    argument: Expression[Operand]


Operand: TypeAlias = Atom | Call


def substitute(expression: Expression[A], meaning: Callable[[A], Expression[B]]) -> Expression[B]:
    """The expression with another one in the place of every operand."""
    match expression:
        case Leaf(operand):
            return meaning(operand)
        case Not(inner):
            return Not(substitute(inner, meaning))
        case And(operands):
            return And(tuple(substitute(each, meaning) for each in operands))
        case Or(operands):
            return Or(tuple(substitute(each, meaning) for each in operands))
        case _:
            assert_never(expression)


def operands_of(expression: Expression[A]) -> Iterator[A]:
    """Every operand, from left to right."""
    match expression:
        case Leaf(operand):
            yield operand
        case Not(inner):
            yield from operands_of(inner)
        case And(operands) | Or(operands):
            for each in operands:
                yield from operands_of(each)
        case _:
            assert_never(expression)


def spell(expression: Expression[A], word: Callable[[A], str]) -> str:
    """An expression as text with no more parentheses than it needs; parsing gives it back."""
    match expression:
        case Leaf(operand):
            return word(operand)
        case Not(inner):
            return "!" + _inside(inner, word, bare=(Leaf,))
        case And(operands):
            return " & ".join(_inside(each, word, bare=(Leaf, Not)) for each in operands)
        case Or(operands):
            return " | ".join(_inside(each, word, bare=(Leaf, Not, And)) for each in operands)
        case _:
            assert_never(expression)


def _inside(
    expression: Expression[A], word: Callable[[A], str], bare: tuple[type[object], ...]
) -> str:
    text = spell(expression, word)
    return text if isinstance(expression, bare) else f"({text})"
