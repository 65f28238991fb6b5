"""Properties of parsing one file, for any content."""

from __future__ import annotations

import json

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.config.files import parse_project_file
from haz_trio.config.schema import FILES, keys_of
from haz_trio.model.tasks import Shell
from tests.config.support import errors, marked, parse, project

KINDS = st.sampled_from(["workspace", "project", "overlay"])
GOOD = (
    "x-a: &a {from_host: [PATH], override: {A: 1}}\nname: api\ntags: [py, heavy]\ntasks:\n"
    "  gen: &g\n    shell: |\n      mkdir -p gen\n    outputs: [gen/x]\n    env: *a\n"
    '  pack:\n    <<: *g\n    deps: [~:gen, "[py]~:unit"]\n    mutex: {name: m, mode: shared}\n'
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
WORDS = st.text("abcxyz019_", min_size=1, max_size=3)


def explained(kind: str, data: bytes) -> None:
    """Parsing gives a value, and each complaint has a place inside the file and a code."""
    for diagnostic in parse(kind, data).diagnostics:
        span = diagnostic.span
        assert span is not None
        assert diagnostic.code.startswith("haz::cfg::")
        assert 1 <= span.line <= len(span.source.lines)
        assert 1 <= span.column <= len(span.source.lines[span.line - 1]) + 1
        assert (span.line, span.column) <= (span.end_line, span.end_column)


@given(KINDS, st.binary(max_size=60))
@settings(max_examples=150, deadline=None)
def test_garbage_never_raises(kind: str, data: bytes) -> None:
    """Any bytes are a file, a bad one at worst."""
    explained(kind, data)


@given(KINDS, st.lists(st.tuples(st.integers(0, len(GOOD)), st.integers(0, 6),
       st.sampled_from(["", ":", " ", "\n", "[", "]", "{", "}", "&", "*", "!!int ", "\t", "- ",
       "'", '"', "~", "<<", "#", "|", "x", "\r", "\x85", "?", "%", "é", "..", "---\n", ","])),
       max_size=6))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_mutations_never_raise(kind: str, edits: list[tuple[int, int, str]]) -> None:
    """A good file that was damaged in a few places is explained, not crashed on."""
    text = GOOD
    for at, length, new in edits:
        text = text[:at] + new + text[at + length :]
    explained(kind, text.encode())


@given(TEXTS)
@settings(max_examples=150, deadline=None)
def test_text_round_trips(text: str) -> None:
    """A script arrives as it was written, in JSON of both spellings and in single quotes."""
    spellings = [json.dumps(text), json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f")]
    if not {"\n", "\r"} & set(text):
        spellings.append("'" + text.replace("'", "''") + "'")
    for spelled in spellings:
        file = project(f"name: a\ntasks: {{t: {{shell: {spelled}}}}}")
        assert file.diagnostics == ()
        assert file.tasks["t"].action == Shell(text)


@given(st.text("abc019_.+-:xeE~", min_size=1, max_size=8))
@settings(max_examples=150, deadline=None)
def test_plain_scalars_are_verbatim(text: str) -> None:
    """Whatever YAML 1.1 reads in a plain scalar, its spelling is what arrives (CFG-005)."""
    try:
        (_, _, event, *_) = yaml.parse(text)
    except yaml.YAMLError:
        return
    if not isinstance(event, yaml.ScalarEvent) or event.value != text or text == "~":
        return
    file = project(f"name: a\ntasks:\n  t:\n    shell: {text}\n")
    assert file.tasks["t"].action == Shell(text)


@given(st.lists(WORDS, min_size=1, max_size=8))
@settings(max_examples=100, deadline=None)
def test_duplicates_are_found_and_marked(names: list[str]) -> None:
    """Each repetition of an input is one error that marks the repetition."""
    listed = ", ".join(names)
    file = project(f"name: a\ntasks:\n  t:\n    shell: x\n    inputs: [{listed}]\n")
    repeated = [n for i, n in enumerate(names) if n in names[:i]]
    assert [marked(d) for d in errors(file)] == repeated
    keys = "".join(f"  {n}: {{shell: x}}\n" for n in names)
    twice = [d for d in errors(project(f"name: a\ntasks:\n{keys}")) if "twice" in d.message]
    assert [marked(d) for d in twice] == repeated


SOURCES = st.dictionaries(st.sampled_from("ABCD"), WORDS, max_size=4)


@given(SOURCES, st.lists(st.one_of(SOURCES, st.lists(SOURCES, max_size=3)), max_size=3),
       st.integers(0, 3))  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_merging_agrees_with_dictionaries(
    own: dict[str, str], merges: list[dict[str, str] | list[dict[str, str]]], at: int
) -> None:
    """The result is all sources updated in order, then the mapping's own keys."""
    lines = [f"{k}: {json.dumps(v)}" for k, v in own.items()]
    for merge in merges:
        lines.insert(min(at, len(lines)), "")
        lines[min(at, len(lines) - 1)] = f"<<: {json.dumps(merge)}"
        at += 1
    expected: dict[str, str] = {}
    for merge in merges:
        for source in merge if isinstance(merge, list) else [merge]:
            expected.update(source)
    expected.update(own)
    text = f"name: a\ntasks: {{t: {{shell: x, env: {{override: {{{', '.join(lines)}}}}}}}}}"
    file = parse_project_file("/f", text.encode())
    assert errors(file) == []
    assert dict(file.tasks["t"].env.override) == expected


@given(TEXTS.filter(lambda text: text.strip() != ""))
@settings(max_examples=100, deadline=None)
def test_places_count_characters(text: str) -> None:
    """What stands before a bad value on its line does not shift the mark, however wide it is."""
    before = json.dumps(text, ensure_ascii=False)
    file = project(f'{{"x-a": {before}, "name": "a b"}}')
    assert [marked(d) for d in errors(file)] == ['"a b"']


def test_every_key_has_a_rule_and_a_way_out() -> None:
    """The table behind the schema is complete: each key says its rule and gives help."""
    for cls in FILES:
        for name, (_, about) in keys_of(cls).items():
            assert name
            assert about.rule.isdigit()
            assert about.help
