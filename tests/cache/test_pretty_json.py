"""The writer of indented JSON agrees with the library's."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from haz_trio.cache.pretty_json import Value, pretty

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
