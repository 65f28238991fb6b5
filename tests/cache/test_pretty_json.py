"""The writer of indented JSON agrees with the library's."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from haz_trio.cache.pretty_json import Value, pretty, pretty_part

texts = st.text(st.characters(exclude_categories=()))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(values, st.booleans())
def test_it_writes_what_the_library_writes(value: Value, ascii_only: bool) -> None:
    """For every value without floats, in both ways of writing characters."""
    assert pretty(value, ascii_only=ascii_only) == json.dumps(
        value, indent=2, ensure_ascii=ascii_only
    )


@given(values, values, st.booleans())
def test_a_part_is_written_where_it_belongs(part: Value, other: Value, ascii_only: bool) -> None:
    """A finished text stands at its depth as if the value stood there."""
    twice = pretty_part(part, depth=2, ascii_only=ascii_only)
    with_part: Value = {"a": [twice, other, twice], "b": other}
    without: Value = {"a": [part, other, part], "b": other}
    assert pretty(with_part, ascii_only=ascii_only) == pretty(without, ascii_only=ascii_only)
