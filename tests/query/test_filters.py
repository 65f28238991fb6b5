"""Mistakes in expressions and their places; advice about names and paths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haz_trio.errors import ConfigError
from haz_trio.graph.build import build_graph
from haz_trio.query.advice import check_paths, unknown_names
from haz_trio.query.filters import MOST_MISTAKES, Filter, QueryError, read_filter, read_filters
from tests.graph.builders import project, task, workspace

SHOP = workspace(
    project("core", task("build"), task("test", deps=["~:build"]), tags=["rust"]),
    project("empty", tags=["spare"]),
)


@given(st.sampled_from(Filter), st.text("ab:/*[]|&!() \t\n'\"\\é,-", max_size=12))
def test_any_text_is_understood_or_refused_at_places_of_it(filter: Filter, text: str) -> None:
    """Every mistake names the flag, quotes the text and points into it."""
    try:
        read_filter(filter, text)
        return
    except QueryError as caught:
        problems = caught.diagnostics
    assert problems
    lines = text.split("\n")
    for diagnostic in problems:
        assert diagnostic.message.startswith(f"{filter.value}: ")
        assert f"`{text}`" in diagnostic.message
        span = diagnostic.span
        assert span is not None
        assert (span.path, span.source.lines) == (filter.value, tuple(lines))
        start, end = (span.line, span.column), (span.end_line, span.end_column)
        assert (1, 1) <= start <= end <= (len(lines), len(lines[-1]) + 1)
        assert span.column <= len(lines[span.line - 1]) + 1


@pytest.mark.parametrize(
    ("filter", "text", "start", "end", "marked"),
    [
        (Filter.TAGS, "a & é.x", 4, 8, "é.x"),
        (Filter.TAGS, "é | é", 0, 2, "é"),
        (Filter.TASKS, "(a:b)", 1, 4, "a:b"),
        (Filter.INPUTS, "éé & a//b", 7, 11, "a//b"),
        (Filter.CHILD_OF, "name:x | tag", 9, 12, "tag"),
        (Filter.EXPR, "mutex & child-of(name:é)", 17, 24, "name:é"),
        (Filter.INPUTS, "x & '../a b'", 4, 12, "'../a b'"),
    ],
)
def test_the_span_of_a_wrong_word(
    filter: Filter, text: str, start: int, end: int, marked: str
) -> None:
    """Bytes in the sentence, characters in the span."""
    with pytest.raises(QueryError, match=f"at bytes {start}\\.\\.{end}") as caught:
        read_filter(filter, text)
    span = caught.value.diagnostics[0].span
    assert span is not None
    assert text[span.column - 1 : span.end_column - 1] == marked


def test_a_place_in_a_later_line() -> None:
    """Lines count from 1, and columns begin anew."""
    with pytest.raises(QueryError) as caught:
        read_filter(Filter.TAGS, "a |\n  é")
    span = caught.value.diagnostics[0].span
    assert span is not None
    assert (span.line, span.column, span.end_line, span.end_column) == (2, 3, 2, 4)


def test_all_mistakes_are_collected_in_the_fixed_order() -> None:
    """A wrong grammar is one mistake, wrong words are one each, whatever the order given."""
    texts = {Filter.CHILD_OF: "x | y", Filter.TASKS: "ok", Filter.TAGS: "("}
    with pytest.raises(QueryError) as caught:
        read_filters(texts)
    flags = [diagnostic.message.split(":")[0] for diagnostic in caught.value.diagnostics]
    assert flags == ["--tags", "--child-of", "--child-of"]
    assert caught.value.headline == "the query has 3 mistakes (QRY-009)"
    assert isinstance(caught.value, ConfigError)  # so that it is drawn as every other place is


def test_a_long_list_of_mistakes_is_cut() -> None:
    """Each mistake quotes the whole expression, so that all of them would be quadratic."""
    with pytest.raises(QueryError) as caught:
        read_filter(Filter.TAGS, "|".join(["é"] * 5000))
    assert len(caught.value.diagnostics) == MOST_MISTAKES


def test_one_mistake_has_no_headline() -> None:
    """Its own sentence comes first."""
    with pytest.raises(QueryError) as caught:
        read_filters({Filter.TAGS: "a b"})
    assert caught.value.headline == ""


def test_relative_paths_need_a_folder() -> None:
    """Each one is named, also inside of relations; absolute ones and names are fine."""
    questions = read_filters({Filter.INPUTS: "/a | b/*", Filter.EXPR: "!child-of(output:c/)"})
    with pytest.raises(QueryError) as caught:
        check_paths(questions.values())
    messages = [diagnostic.message for diagnostic in caught.value.diagnostics]
    assert messages == [
        "--inputs: relative path `b/*` needs a project",
        "--expr: relative path `c/**` needs a project",
    ]
    assert "write `/b/*`" in caught.value.diagnostics[0].help
    check_paths(read_filters({Filter.INPUTS: "/a", Filter.TAGS: "b"}).values())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tag:rust | tag:spare | project:empty | name:test | task:core:test", ()),
        ("tag:r*", ()),
        ("tag:q*", ("no project carries tag `q*`",)),
        ("tag:rsut & tag:rsut", ("no project carries tag `rsut`; did you mean `rust`?",)),
        ("child-of(project:coer)", ("no project is called `coer`; did you mean `core`?",)),
        ("!name:tset", ("no task is called `tset`; did you mean `test`?",)),
        ("task:core:tset", ("no task is called `core:tset`; did you mean `core:test`?",)),
        ("mutex | input:/x", ()),
    ],
)
def test_names_that_nothing_has(text: str, said: tuple[str, ...]) -> None:
    """Each name is said once, with near ones; projects without tasks count."""
    graph = build_graph(SHOP)
    assert unknown_names([read_filter(Filter.EXPR, text)], SHOP, graph) == said
