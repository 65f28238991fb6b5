"""Task references: six forms, and nothing else (REF-001 to REF-008)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.errors import InvalidTextError
from haz_trio.model.references import (
    FanOut,
    InProject,
    Reference,
    SameProject,
    Tagged,
    parse_reference,
)

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,8}", fullmatch=True)
references = st.one_of(
    st.builds(SameProject, names),
    st.builds(InProject, names, names),
    st.builds(FanOut, names, st.booleans()),
    st.builds(Tagged, names, names, st.booleans()),
)


@given(references)
def test_references_round_trip(reference: Reference) -> None:
    """A printed reference is read as the same one."""
    assert parse_reference(str(reference)) == reference


@settings(max_examples=200)
@given(st.text("ab:~^[] ", max_size=7))
def test_what_is_accepted_prints_the_same_text(text: str) -> None:
    """No two spellings of one reference, and nothing is trimmed (REF-007)."""
    try:
        reference = parse_reference(text)
    except InvalidTextError:
        return
    assert str(reference) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("~:t", SameProject("t")),
        ("p:t", InProject("p", "t")),
        ("^:t", FanOut("t")),
        ("^~:t", FanOut("t", sibling=True)),
        ("[g]:t", Tagged("g", "t")),
        ("[g]~:t", Tagged("g", "t", sibling=True)),
    ],
)
def test_the_six_forms(text: str, expected: Reference) -> None:
    """Each form is its own kind of value."""
    assert parse_reference(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "task reference is empty"),
        ("t", "task reference has no `:` separator"),
        ("~", "task reference has no `:` separator"),
        ("^x", "task reference has no `:` separator"),
        ("^^:t", "invalid project name: name starts with invalid character '^'"),
        (":t", "invalid project name: name is empty"),
        ("p:", "invalid task name: name is empty"),
        ("~:", "invalid task name: name is empty"),
        ("p:t:x", "invalid task name: name contains invalid character ':'"),
        ("p: t", "invalid task name: name starts with invalid character ' '"),
        ("p:*", "invalid task name: name starts with invalid character '*'"),
        ("//p:t", "invalid project name: name starts with invalid character '/'"),
        ("[g", "tag reference malformed: missing `]` or `:` after `]`"),
        ("[g]t", "tag reference malformed"),
        ("[g]^:t", "tag reference malformed"),
        ("[]:t", "invalid tag name: name is empty"),
        ("[a,b]:t", "invalid tag name: name contains invalid character ','"),
        ("[g]~:", "invalid task name: name is empty"),
    ],
)
def test_near_misses_are_refused_with_a_reason(text: str, message: str) -> None:
    """The first broken rule is told."""
    with pytest.raises(InvalidTextError) as caught:
        parse_reference(text)
    assert str(caught.value).startswith(message)
