"""The reference agrees with the engine's pure rooms wherever both answer the same question."""

from __future__ import annotations

import ast
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import haz_trio.testing.reference
from haz_trio.errors import InvalidTextError
from haz_trio.model.globs import compile_glob
from haz_trio.model.names import check_name
from haz_trio.model.patterns import parse_pattern
from haz_trio.model.references import parse_reference
from haz_trio.testing.models import graph_of
from haz_trio.testing.reference import globs, graph, names, references
from haz_trio.testing.reference.workspace import Declared, effective
from haz_trio.testing.strategies.declarations import declarations
from haz_trio.testing.strategies.names import bad_names
from haz_trio.testing.strategies.patterns import bad_patterns, paths
from haz_trio.testing.strategies.patterns import globs as drawn_globs

ROOM = Path(haz_trio.testing.reference.__file__).parent


def test_the_reference_imports_nothing_of_haz() -> None:
    """No module of the reference imports a module of haz from outside of it."""
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("haz_trio"):
                assert (node.module or "").startswith("haz_trio.testing.reference"), path.name
            assert not (isinstance(node, ast.Import) and "haz_trio" in ast.dump(node)), path.name


def accepted(check: object, text: str) -> bool:
    assert callable(check)
    try:
        check(text)
    except InvalidTextError:
        return False
    return True


@given(st.one_of(st.text(max_size=6), bad_names(), st.from_regex(r"[A-Za-z0-9_-]{60,66}")))
def test_names_are_the_same(text: str) -> None:
    """Both take the same texts for names."""
    assert names.is_name(text) == accepted(check_name, text)


REFERENCES = st.text(alphabet="~^[]:ab- .é\n", max_size=9)


@given(REFERENCES)
def test_references_are_the_same(text: str) -> None:
    """Both take the same texts for references."""
    assert references.is_reference(text) == accepted(parse_reference, text)


@given(st.one_of(bad_patterns(), st.text(alphabet="/*?[]{}\\,ab.-!\t", max_size=9)))
def test_patterns_are_the_same(text: str) -> None:
    """Both take the same texts for patterns."""
    assert globs.is_pattern(text) == accepted(parse_pattern, text)


@given(paths().flatmap(drawn_globs), paths(), paths())
def test_globs_match_the_same(pattern: str, path: str, other: str) -> None:
    """Both match a path with a pattern, or neither does."""
    for candidate in (path, other, f"{path}/{other}"):
        if globs.is_glob(pattern) and globs.is_pattern(pattern):
            ours = compile_glob(pattern).matches(candidate.encode())
            assert globs.matches(pattern, candidate) == ours


@given(declarations())
def test_graphs_are_the_same(declared: Declared) -> None:
    """A declaration that was drawn is right, and has the same edges in both."""
    tasks = effective(declared)
    expected = graph.build(declared, tasks)
    assert expected.problems == ()
    built = graph_of(declared)
    for field in ("hard", "weak", "producers"):
        ours = {
            (id.project, id.task): frozenset((other.project, other.task) for other in before)
            for id, before in getattr(built, field).items()
        }
        assert ours == getattr(expected, field), field
