"""The YAML dialect of config.md 3: what is read how, what is refused, and every limit."""

from __future__ import annotations

import json

import pytest
import yaml

from haz_trio.config.nodes import Mapping, Node, Scalar, Sequence, Sheet
from haz_trio.config.reader import LOADERS, read_tree
from haz_trio.config.text import Text, decode
from haz_trio.errors import SourceText
from tests.config.support import body, brief, errors, project, warnings

LOADER_IDS = [loader.__name__ for loader in LOADERS]


def plain(node: Node | None) -> object:
    """A tree as lists, pairs and texts."""
    match node:
        case Scalar():
            return None if node.is_null else node.text
        case Sequence(items):
            return [plain(item) for item in items]
        case Mapping(entries):
            return [(plain(key), plain(value)) for key, value in entries]
        case None:
            return "unreadable"


def tree(text: str | bytes, loader: type = LOADERS[0]) -> tuple[object, Sheet]:
    decoded = decode("/f.yml", text if isinstance(text, bytes) else text.encode())
    if not isinstance(decoded, Text):
        return "undecodable", Sheet(SourceText("/f.yml", ()), [decoded])
    sheet = Sheet(decoded.source)
    return plain(read_tree(decoded, sheet, loader)), sheet


def shell(text: str) -> str:
    """What arrives as the script of a task whose ``shell`` is ``text``."""
    file = project(f"name: a\ntasks: {{t: {{shell: {text}}}}}")
    assert file.diagnostics == ()
    return file.tasks["t"].action.argv[2]


def test_the_fast_parser_is_in_use() -> None:
    """With libyaml at hand the C parser comes first; the other is the fallback."""
    assert (LOADERS[0].__name__ == "CSafeLoader") is yaml.__with_libyaml__
    assert LOADERS[-1] is yaml.SafeLoader


@pytest.mark.parametrize("loader", LOADERS, ids=LOADER_IDS)
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("\ufeffa: b\r\nc: d\re: f", [("a", "b"), ("c", "d"), ("e", "f")]),
        ("a: 'x\x85y\u2028z\u2029'", [("a", "x\x85y\u2028z\u2029")]),
        ("a: b # x\x85c: [", [("a", "b")]),
        ("a: 'x\x01\x7f\x9f\uffff'", [("a", "x\x01\x7f\x9f\uffff")]),
        ("a: \ufeffb", [("a", "\ufeffb")]),
        ("%YAML 1.2\n---\na: b\n...\n", [("a", "b")]),
        ("# c\n%YAML 2.7\n%FOO bar\n---\na: b", [("a", "b")]),
        ("%TAG !e! tag:x,2000:\n---\na: !e!x b", [("a", "b")]),
        ('{"a":"b","c":["\\ud83d\\ude00"]}', [("a", "b"), ("c", ["\U0001f600"])]),
        (r"a: '\ud83d\ude00'", [("a", r"\ud83d\ude00")]),
        (r'a: "\\ud83d\\ude00"', [("a", r"\ud83d\ude00")]),
        (
            "[yes, 0x1F, 1_0, 2026-01-01, .inf, 010]",
            ["yes", "0x1F", "1_0", "2026-01-01", ".inf", "010"],
        ),
        (
            "[~, null, NuLL, '~', !!str null, !!null x]",
            [None, None, None, "~", "null", None],
        ),
        ("? a\n: b", [("a", "b")]),
        ("a: &x [1]\nb: *x", [("a", ["1"]), ("b", ["1"])]),
        ("a: &x 1\n*x : 2", [("a", "1"), ("1", "2")]),
        ("a: |\n  \tb\n  c\n", [("a", "\tb\nc\n")]),
        ("- b: &x |-\n\n    \tc\n  d: >- # e\n    \tf\n    g\n",
         [[("b", "\n\tc"), ("d", "\tf\ng")]]),
        ("a:\n- |\n  \t\n  b\n", [("a", ["\t\nb\n"])]),
        ("\t# x\na: b\n \t \nc:\n  -\td\n\t# y\n  - \t e\t\n", [("a", "b"), ("c", ["d", "e"])]),
        ('{\n\t"a":\t[\n\t\t"b"\n\t]\n}', [("a", ["b"])]),
        ("---\n", None),
    ],
)  # fmt: skip
def test_what_is_read(loader: type, text: str, value: object) -> None:
    """Both parsers of the library give the same tree of verbatim texts."""
    found, sheet = tree(text, loader)
    assert sheet.problems == []
    assert found == value


@pytest.mark.parametrize("loader", LOADERS, ids=LOADER_IDS)
@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b"a: b\0c", "1:5"),
        (b"\xef\xbb\xbfa: \xc3(", "1:4"),
        ("", "1:1"),
        ("a: [", "1:4"),
        ("a: {b: c", "1:4"),
        ("a: 'b", "1:4"),
        ("a:\n\t- b", "2:1"),
        ("a: b: c", "1:5"),
        ("a:\n  -\t- b", "2:4"),
        ("a:\n  b: c\n\td: e", "3:1"),
        ("a: @b", "1:4"),
        ("a: *b", "1:4"),
        ("a: &b [*b]", "1:8"),
        ("a: b\n---\n", "2:1"),
        ("a: b\n...\nc: d", "3:1"),
        ('a: "\\q"', "1:5"),
        ("a: b\n c: d", "2:3"),
        ("a: 1\n'a': 2", "2:1"),
        ("1: x\n'1': y", "2:1"),
        ("a: {<<: x}", "1:9"),
        ("a: {<<: [[x]]}", "1:11"),
    ],
)
def test_what_is_refused_has_a_place(loader: type, text: str | bytes, place: str) -> None:
    """Every problem of the YAML layer says where it is, with both parsers."""
    _, sheet = tree(text, loader)
    (only,) = sheet.problems
    assert brief(only)[1] == place
    assert only.help


@pytest.mark.parametrize("loader", LOADERS, ids=LOADER_IDS)
@pytest.mark.parametrize(
    ("lines", "entries"),
    [
        ("\t\n", []),
        ("\t# don't |\n", []),
        ("  -\ta\n", ["a"]),
        ("  - \t'a'\n   \t\n", ["a"]),
        ('  -\t"a b" # c\r\n  - b:c\r\n', ["a b", "b:c"]),
        ("  -\ta\n  -\n    - |\n     -\tb\n", ["a", ["-\tb\n"]]),
    ],
)
def test_many_lines_may_hold_a_harmless_tab(
    loader: type, lines: str, entries: list[object]
) -> None:
    """Hundreds of them cost no more than one; a tab that is a part of a text stays one."""
    count = 50 if "|\n " in lines else 400
    text = f"x:\n{lines * count}  - z\ny: |\n  a\n  -\tb\n  \t\n"
    found, sheet = tree(text, loader)
    assert sheet.problems == []
    assert found == [("x", [*entries * count, "z"]), ("y", "a\n-\tb\n\t\n")]


@pytest.mark.parametrize("loader", LOADERS, ids=LOADER_IDS)
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('["true", -addr, :8080]', ["true", "-addr", ":8080"]),
        ("{a: :80, ?b: c, :d: ?e}", [("a", ":80"), ("?b", "c"), (":d", "?e")]),
        ("[?.rs, ::x, ?:?y, c:?d]", ["?.rs", "::x", "?:?y", "c:?d"]),
        ("[:- q, ?#x, :x :y, ?z :k]", [":- q", "?#x", ":x :y", "?z :k"]),
        ("[&a :x, *a, !!str ?y, # , :c\n :z]", [":x", ":x", "?y", ":z"]),
        ("[':x', \"[ ?y\", it's :z]", [":x", "[ ?y", "it's :z"]),
        ('{"a":b, "c" :d, ? e : f, "g":}', [("a", "b"), ("c", "d"), ("e", "f"), ("g", None)]),
        ("a: |\n  [ :x, ?y\nb: [ :z, \ue000 ]", [("a", "[ :x, ?y\n"), ("b", [":z", "\ue000"])]),
        ("a: :x\nb: ?y\n:c: [\t:d]", [("a", ":x"), ("b", "?y"), (":c", [":d"])]),
    ],
)
def test_text_that_starts_like_an_indicator(loader: type, text: str, value: object) -> None:
    """CFG-001: in brackets as elsewhere, ``?`` and ``:`` before a letter are a part of text."""
    found, sheet = tree(text, loader)
    assert sheet.problems == []
    assert found == value


def test_the_place_of_a_text_that_starts_like_an_indicator() -> None:
    """What is wrong with the text, or behind it, is marked where it stands."""
    [first, second] = errors(project("name: a\ntasks: {t: {command: [a], deps: [?b, :c]}}"))
    assert [(p.span.column, p.span.end_column) for p in (first, second) if p.span] == [
        (34, 36),
        (38, 40),
    ]


def test_half_of_a_surrogate_pair_is_refused() -> None:
    """No parser lets one through, whatever it thinks of the escape."""
    for loader in LOADERS:
        _, sheet = tree('a: "\\ud83d"', loader)
        assert len(sheet.problems) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: " + "[" * 255 + "]" * 255, "255 levels"),
        ("a: " + "[" * 100_000, "255 levels"),
        ("a: [" + "x," * 250_000 + "]", "250,000"),
        ("a: &x [" + "x," * 1000 + "]\nb: [" + "*x," * 99 + "*x]\n" + "c: &y [*x, *x]\n"
         + "d: [" + "*y," * 99 + "]", "250,000"),
        ("a: &x 1\nb: [" + "*x," * 101 + "]", "101 aliases for 1 anchors"),
        ("a: " + "[" * 200 + "&x " + "[" * 50 + "]" * 250 + "\nb: " + "[" * 210 + "*x" + "]" * 210,
         "255 levels"),
    ],
    ids=["depth", "never closed", "nodes", "nodes behind aliases", "aliases", "depth of an alias"],
)  # fmt: skip
def test_limits(text: str, words: str) -> None:
    """Each limit is an error of ours with a place, and reached without recursion."""
    found, sheet = tree(text)
    assert found == "unreadable"
    (only,) = sheet.problems
    assert words in only.message
    assert only.span is not None


def test_just_below_the_limits() -> None:
    """254 levels below the root, 100 aliases of one anchor, and long texts and comments pass."""
    for text in (
        "a: " + "[" * 254 + "]" * 254,
        "a: &x 1\nb: [" + "*x," * 100 + "]",
        "# " + "x" * 3_000_000 + "\na: " + "y" * 1_000_000,
    ):
        assert tree(text)[1].problems == []


def test_extension_keys_are_ignored_at_the_top_only() -> None:
    """Keys that start with ``x-`` hold anchors; below the top they are unknown."""
    text = "x-env: &env {from_host: [PATH]}\nname: a\ntasks: {t: {shell: x, env: *env}}"
    assert project(text).tasks["t"].env.from_host == {"PATH"}
    (only,) = errors(project(body("shell: x\nx-a: 1")))
    assert brief(only)[0] == "004"


def test_merge_keys_bring_bodies_together() -> None:
    """Own keys win wherever ``<<`` stands; of several sources the later one, with a warning."""
    file = project(
        "x-a: &a {command: [a], inputs: [i]}\n"
        "x-b: &b {command: [b]}\n"
        "name: a\n"
        "tasks:\n"
        "  one: {<<: *a}\n"
        "  two: {command: [c], <<: [*a, *b, ~]}\n"
        "  three: {<<: *a, <<: *b}\n"
    )
    argvs = {name: task.action.argv for name, task in file.tasks.items()}
    assert argvs == {"one": ("a",), "two": ("c",), "three": ("b",)}
    assert file.tasks["three"].inputs == file.tasks["one"].inputs
    assert errors(file) == []
    (remark,) = warnings(file)
    assert brief(remark) == ("yaml", "2:10")


def test_scripts_keep_their_lines() -> None:
    """Block, folded and quoted scalars arrive as YAML says."""
    text = "name: a\ntasks:\n  t:\n    shell: |\n      one\n        two\n\n      three\n"
    assert project(text).tasks["t"].action.argv[2] == "one\n  two\n\nthree\n"
    assert shell('"a\\tb\\u00e9\\/"') == "a\tbé/"
    assert shell("'it''s'") == "it's"
    assert shell(json.dumps("\U0001f600 \u2028")) == "\U0001f600 \u2028"
