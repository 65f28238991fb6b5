"""The grammar of expressions: what is read gives back its text, what is wrong has its place."""

from __future__ import annotations

from itertools import cycle

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from haz_trio.query.parser import DEEPEST, Language, ParseError, byte_offset, parse
from haz_trio.query.syntax import (
    And,
    Atom,
    Call,
    Expression,
    Leaf,
    Not,
    Operand,
    Or,
    operands_of,
    spell,
    substitute,
)

PLAIN = Language()
PATHS = Language(escapes=True)
KINDS = Language(kinds=True)
ALL = Language(escapes=True, kinds=True, calls=frozenset(["of"]))

Tree = Expression[str]


def combine(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.builds(Not, inner) | st.builds(And, several) | st.builds(Or, several)


words = st.sampled_from(["a", "b-c", "é", "'x", "name:y", "/p/**", "[^a]"])
trees = st.recursive(words.map(Leaf), combine, max_leaves=8)


def texts(tree: Expression[Operand]) -> Tree:
    """A tree with the words alone, and calls spelled out."""
    return substitute(tree, lambda operand: Leaf(word(operand)))


def word(operand: Operand) -> str:
    match operand:
        case Atom(text):
            return text
        case Call(name, argument):
            return f"{name.text}({spell(argument, word)})"


@given(trees)
def test_an_expression_is_read_as_it_is_spelled(tree: Tree) -> None:
    """Spelling and parsing are inverse, with precedence and grouping."""
    assert texts(parse(spell(tree, str), PLAIN)) == tree


@given(trees, st.lists(st.sampled_from(["", " ", "\t", "\n", "\r\n  "]), min_size=1))
def test_blanks_between_words_mean_nothing(tree: Tree, blanks: list[str]) -> None:
    """Any blanks, or none, around operators and words give the same tree."""
    pieces = spell(tree, str).replace(" ", "")
    gap = cycle(blanks)
    spaced = "".join(f"{next(gap)}{c}{next(gap)}" if c in "|&!()" else c for c in pieces)
    assert texts(parse(spaced, PLAIN)) == tree


@given(trees)
def test_every_word_knows_its_place(tree: Tree) -> None:
    """The characters from start to end are the word."""
    text = spell(tree, str)
    for operand in operands_of(parse(text, PLAIN)):
        assert isinstance(operand, Atom)
        assert text[operand.start : operand.end] == operand.text


@given(st.text("ab|&!() \t\n'\"\\:é", max_size=12), st.sampled_from([PLAIN, PATHS, KINDS, ALL]))
@example("of(a|of(b))", ALL)
def test_any_text_is_an_expression_or_has_one_mistake_at_a_place(
    text: str, language: Language
) -> None:
    """Nothing but ``ParseError`` is raised; its place is in the text and its bytes are named."""
    try:
        assert list(operands_of(parse(text, language)))
        return
    except ParseError as caught:
        problem = caught
    assert 0 <= problem.start <= problem.end <= len(text)
    if text.strip():
        assert str(problem).endswith(f"at byte {byte_offset(text, problem.start)}")


@given(st.text("ab|&!() \t'", min_size=1, max_size=10))
def test_a_good_expression_cannot_be_continued_by_a_word(text: str) -> None:
    """What follows a whole expression is a mistake at the first character behind it."""
    try:
        parse(text, PLAIN)
    except ParseError:
        return
    with pytest.raises(ParseError) as caught:
        parse(f"{text} z z", PLAIN)
    assert caught.value.start >= len(text.rstrip()) or "'" in text


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a|b&c", Or((Leaf("a"), And((Leaf("b"), Leaf("c")))))),
        ("!a&b", And((Not(Leaf("a")), Leaf("b")))),
        ("!(!a)", Not(Not(Leaf("a")))),
        ("a\u00a0b", Leaf("a\u00a0b")),
        ("'a b' | \"c&d\"", Or((Leaf("a b"), Leaf("c&d")))),
        ("'it's'", Leaf("it's")),
        ("'a", Leaf("'a")),
        ("'a'b", Leaf("'a'b")),
        ("a'b c'", None),
        ("a\\ b", None),
    ],
)
def test_words_and_quotes(text: str, tree: Tree | None) -> None:
    """A quote opens only where a word begins and only if one closes it where a word ends."""
    if tree is None:
        with pytest.raises(ParseError):
            parse(text, PLAIN)
    else:
        assert texts(parse(text, PLAIN)) == tree


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"a\ b", ["a b"]),
        (r"a\|b", ["a|b"]),
        (r"a\\|b", [r"a\\", "b"]),
        (r"a\\\|b", [r"a\\|b"]),
        (r"[\!a]", ["[!a]"]),
        (r"\*\(", [r"\*("]),
        ("a\\", ["a\\"]),
        (r"'a\ b'", [r"a\ b"]),
    ],
)
def test_escapes(text: str, found: list[str]) -> None:
    """An odd backslash takes the meaning from a blank or an operator; all others stay."""
    operands = operands_of(parse(text, PATHS))
    assert [operand.text for operand in operands if isinstance(operand, Atom)] == found


def test_the_value_of_a_kind_can_be_quoted() -> None:
    """``kind:'a b'`` is one word where words have kinds."""
    assert texts(parse("name:'a b' & x", KINDS)) == And((Leaf("name:a b"), Leaf("x")))
    with pytest.raises(ParseError):
        parse("name:'a b'", PLAIN)


def test_calls_hold_whole_expressions() -> None:
    """Only the known words take parentheses; calls stand inside each other."""
    tree = parse("!of(a & of (b|c)) & of", ALL)
    assert texts(tree) == And((Not(Leaf("of(a & of(b | c))")), Leaf("of")))
    with pytest.raises(ParseError, match=r"unexpected character '\(' at byte 2"):
        parse("an(a)", ALL)


def test_groups_may_not_be_endless() -> None:
    """Deep nesting is refused at its place, and not by the interpreter."""
    assert texts(parse("(" * DEEPEST + "a" + ")" * DEEPEST, PLAIN)) == Leaf("a")
    with pytest.raises(ParseError, match="inside each other at byte 100") as caught:
        parse("(" * 50_000 + "a", PLAIN)
    assert caught.value.start == DEEPEST
