"""The JSON Schemas against the parser: the same documents, given to both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

# The package has no types, and no stubs are installed for it.
from jsonschema import Draft202012Validator  # type: ignore[import-untyped,unused-ignore]  # see above

from haz_trio.config.json_schema import DIALECT, FileKind, file_schema
from haz_trio.config.schema import (
    CacheDto,
    CleanDto,
    ConcurrencyDto,
    EnvDto,
    ExecutionDto,
    MutexDto,
    OutputDto,
    OverlayDto,
    ProjectDto,
    TaskDto,
    WorkspaceDto,
    keys_of,
)
from haz_trio.errors import Diagnostic
from tests.config.support import errors, parse

VALIDATORS = {kind: Draft202012Validator(file_schema(kind)) for kind in FileKind}
MAPPINGS: Mapping[FileKind, type[attrs.AttrsInstance]] = {
    FileKind.WORKSPACE: WorkspaceDto,
    FileKind.PROJECT: ProjectDto,
    FileKind.OVERLAY: OverlayDto,
}
KINDS = pytest.mark.parametrize("kind", FileKind)


def accepts(kind: FileKind, document: object) -> bool:
    return bool(VALIDATORS[kind].is_valid(document))


def refusals(kind: FileKind, document: object) -> list[Diagnostic]:
    """What the parser says of a document; JSON is YAML."""
    return errors(parse(kind.value, json.dumps(document)))


# What the parser says about shapes; the rest is about values.
STRUCTURAL = ("unknown key", "the required key", "expected ", "needs a `", "the body ", "is empty")


def structural(found: list[Diagnostic]) -> list[str]:
    return [d.message for d in found if any(word in d.message for word in STRUCTURAL)]


# -- documents, mostly right ------------------------------------------------------------------

# fmt: off
TEXTS = [
    "a", "b-1", "~", "~:a", "^:a", "^~:a", "[t]:a", "[t]~:a", "p:a", "p:", ":", "[t]a",
    "src/**/*.py", "/abs/x", ".", "..", "a/../b", "a//b", "a/", "/", "//", "**", "a**",
    "a/**/b", ".haz/x", "/.haz", ".hazard", "PATH", "a-b", "1A", "auto", "live", "buffered",
    "keep", "rollback", "group", "strict", "blake3", "sha256", "exclusive", "shared", "1w2d",
    "1w1w", "5", "5d", "2GiB", "2XB", "0x10", "0b1", "1_000", "+3", "0", "007", "2.5", "1e3",
    ".5", "-1", "-0", "inf", "nan", "true", "null", "haz.yml", "{a,b}", "{a", "[a", "/",
]
# fmt: on
ACTION_KEYS = ("command", "shell", "shell_type", "function")
TEXTS += ["a.py:f", "/t/a.py:f.g", "a.py:", "a.py:1", "*.py:f", "a:f", "a.py:f g"]
TEXTS += ["", " 4 ", "a b", "a\nb", "a\tb", "é", "a" * 64, "a" * 65, "A" * 256, "A" * 257]
SCALARS = st.one_of(
    st.sampled_from(TEXTS),
    st.text(max_size=6).filter(lambda text: text.isprintable()),
    st.integers(-2, 1 << 65),
    st.sampled_from([0, 1, 3, 1.0, 2.5, -1.5, 0.0, -0.0, 1e300, 1e-9]),
    st.booleans(),
)
ANYTHING = st.recursive(
    SCALARS | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(TEXTS), inner, max_size=3)
    ),
    max_leaves=4,
)


def lists(*texts: str) -> st.SearchStrategy[object]:
    return st.lists(st.sampled_from(texts) | SCALARS, max_size=3)


def usually(right: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Something right, and now and then anything at all."""
    return st.integers(0, 15).flatmap(lambda n: ANYTHING if n == 0 else right)


def mapping(
    cls: type[attrs.AttrsInstance], **values: st.SearchStrategy[object]
) -> st.SearchStrategy[object]:
    """A mapping with some keys of a class, and now and then a key of something else."""
    known = {name: usually(values.get(name, SCALARS)) for name in keys_of(cls)}
    more = st.dictionaries(
        st.sampled_from(["x-a", "x-", "y", "X-a", "<<", ""]), ANYTHING, max_size=1
    )
    needed = {name: known.pop(name) for name in values if name in known and len(known) > 9}
    base = st.fixed_dictionaries(needed, optional=known)
    odd = st.tuples(base, more).map(lambda pair: {**pair[0], **pair[1]})
    return st.integers(0, 15).flatmap(lambda n: odd if n == 0 else base)


def tables(values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    names = st.sampled_from(["a", "b1", "PATH", "t_x"]) | st.sampled_from(TEXTS)
    return st.dictionaries(names, usually(values), max_size=2)


BODY = mapping(
    TaskDto,
    command=lists("make", "all"),
    shell=st.sampled_from(["make", "true"]),
    inputs=lists("src/**", "a.c"),
    outputs=lists("out/a", "/out/b"),
    deps=lists("~:a", "p:a", "^:a"),
    weakDeps=lists("[t]:a", "^~:a"),
    mutex=SCALARS
    | mapping(MutexDto, name=SCALARS, mode=st.sampled_from(["exclusive", "shared", "both"])),
    env=mapping(EnvDto, from_host=lists("PATH", "HOME"), override=tables(SCALARS)),
)
# A body with an action, so that not all documents fail for want of one.
TASK = st.tuples(BODY, st.sampled_from(["command", "shell", "function", ""])).map(
    lambda pair: (
        {
            **{k: v for k, v in pair[0].items() if k not in ACTION_KEYS},
            pair[1]: {"command": ["make"], "shell": "make", "function": "a.py:f"}[pair[1]],
        }
        if pair[1] and isinstance(pair[0], dict)
        else pair[0]
    )
)
DOCUMENTS: Mapping[FileKind, st.SearchStrategy[object]] = {
    FileKind.WORKSPACE: mapping(
        WorkspaceDto,
        projects=lists("/lib", "/tools/*"),
        cache=mapping(CacheDto, clean=mapping(CleanDto)),
        concurrency=mapping(ConcurrencyDto, tags=tables(SCALARS)),
        output=mapping(OutputDto, mode=st.sampled_from(["live", "buffered"])),
        execution=mapping(ExecutionDto),
    ),
    FileKind.PROJECT: mapping(ProjectDto, name=SCALARS, tags=lists("t"), tasks=tables(TASK)),
    FileKind.OVERLAY: mapping(OverlayDto, tagsFilter=lists("t"), tasks=tables(TASK)),
}


@KINDS
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_parser_and_schema_agree(kind: FileKind, data: st.DataObject) -> None:
    """What the parser accepts the schema accepts; wrong shapes are refused by both."""
    document = data.draw(usually(DOCUMENTS[kind]))
    found = refusals(kind, document)
    if not found:
        assert accepts(kind, document), list(VALIDATORS[kind].iter_errors(document))
    elif structural(found):
        assert not accepts(kind, document), structural(found)


# -- single values ----------------------------------------------------------------------------


def task(**keys: object) -> object:
    return {"name": "p", "tasks": {"t": {"command": ["make"], **keys}}}


def settings_of(section: str, **keys: object) -> object:
    return {"projects": ["/a"], section: keys}


BOTH_ACCEPT = [
    (FileKind.PROJECT, {"name": "p"}),
    (FileKind.PROJECT, {"name": 1, "tags": None, "tasks": None, "x-owner": {"a": [1]}}),
    (FileKind.PROJECT, {"name": "p", "tasks": {"t": {"shell": "true", "command": None}}}),
    (FileKind.PROJECT, {"name": "p", "tasks": {"t": {"shell": "x", "shell_type": "bash"}}}),
    (FileKind.PROJECT, task(inputs=["src/**/*.[ch]", "/a", 1, 1.0])),
    (FileKind.PROJECT, task(deps=["~:a", "p:a", "^:a", "^~:a", "[t]:a", "[t]~:a"])),
    (FileKind.PROJECT, task(mutex="db")),
    (FileKind.PROJECT, task(mutex="~:db")),
    (FileKind.PROJECT, task(mutex=3)),
    (FileKind.PROJECT, task(mutex={"name": "db", "mode": "shared"})),
    (FileKind.PROJECT, task(env={"from_host": ["PATH"], "override": {"A": 1, "B": True}})),
    (FileKind.OVERLAY, {"tasks": {}}),
    (FileKind.OVERLAY, {"tagsFilter": ["c"], "tasks": {"t": {"shell": ""}}}),
    (FileKind.WORKSPACE, {"projects": []}),
    (FileKind.WORKSPACE, settings_of("concurrency", default="auto", tags={"heavy": "2"})),
    (FileKind.WORKSPACE, settings_of("concurrency", default=4, tags={"heavy": 0x10})),
    (FileKind.WORKSPACE, settings_of("execution", cancel_grace="2.5e0", outputs="rollback")),
    (FileKind.WORKSPACE, settings_of("cache", hash="sha256", clean={"max_size": 10})),
    (FileKind.WORKSPACE, settings_of("cache", clean={"max_age": "1w2d", "max_size": "2GiB"})),
]
BOTH_REFUSE = [
    (FileKind.PROJECT, {}),
    (FileKind.PROJECT, []),
    (FileKind.PROJECT, None),
    (FileKind.PROJECT, {"name": None}),
    (FileKind.PROJECT, {"name": "-p"}),
    (FileKind.PROJECT, {"name": "p" * 65}),
    (FileKind.PROJECT, {"name": "p", "nam": 1}),
    (FileKind.PROJECT, {"name": "p", "tags": ["t", "t"]}),
    (FileKind.PROJECT, {"name": "p", "tasks": {"t": None}}),
    (FileKind.PROJECT, {"name": "p", "tasks": {"t": {}}}),
    (FileKind.PROJECT, {"name": "p", "tasks": {"a:b": {"shell": "x"}}}),
    (FileKind.PROJECT, {"name": "p", "tasks": {"t": {"command": []}}}),
    (FileKind.PROJECT, {"name": "p", "tasks": {"t": {"command": "make all"}}}),
    (FileKind.PROJECT, task(shell="true")),
    (FileKind.PROJECT, task(shell_type="bash")),
    (FileKind.PROJECT, task(**{"x-note": 1})),
    (FileKind.PROJECT, task(deps=["build"])),
    (FileKind.PROJECT, task(deps="~:build")),
    (FileKind.PROJECT, task(inputs=["a/../b"])),
    (FileKind.PROJECT, task(inputs=["a", "a"])),
    (FileKind.PROJECT, task(inputs=[None])),
    (FileKind.PROJECT, task(outputs=["/.haz/x"])),
    (FileKind.PROJECT, task(mutex={"name": "db"})),
    (FileKind.PROJECT, task(mutex={"name": "db", "mode": "both"})),
    (FileKind.PROJECT, task(mutex=["db"])),
    (FileKind.PROJECT, task(env={"from_host": ["A-B"]})),
    (FileKind.PROJECT, task(env={"override": {"A": None}})),
    (FileKind.OVERLAY, {}),
    (FileKind.OVERLAY, {"tagsFilter": [], "tasks": {}}),
    (FileKind.WORKSPACE, {}),
    (FileKind.WORKSPACE, {"projects": ["lib"]}),
    (FileKind.WORKSPACE, {"projects": "/lib"}),
    (FileKind.WORKSPACE, settings_of("concurrency", default="4")),
    (FileKind.WORKSPACE, settings_of("concurrency", default=0)),
    (FileKind.WORKSPACE, settings_of("concurrency", tags={"heavy": None})),
    (FileKind.WORKSPACE, settings_of("output", mode="grouped")),
    (FileKind.WORKSPACE, settings_of("execution", cancel_grace=-1)),
    (FileKind.WORKSPACE, settings_of("cache", clean={"max_age": "1w1w"})),
    (FileKind.WORKSPACE, settings_of("cache", clean={"max_age": 5})),
    (FileKind.WORKSPACE, settings_of("cache", clean={"max_size": "2XB"})),
]


@pytest.mark.parametrize(("kind", "document"), BOTH_ACCEPT)
def test_both_accept(kind: FileKind, document: object) -> None:
    """Every form of a value that the documentation allows passes in both."""
    assert refusals(kind, document) == []
    assert accepts(kind, document), list(VALIDATORS[kind].iter_errors(document))


@pytest.mark.parametrize(("kind", "document"), BOTH_REFUSE)
def test_both_refuse(kind: FileKind, document: object) -> None:
    """Each of these faults shows in an editor already."""
    assert refusals(kind, document)
    assert not accepts(kind, document)


@pytest.mark.parametrize("text", ["1_000", "0b11", "0o17", "+0x1F", "010"])
def test_a_number_that_yaml_takes_for_text_is_allowed(text: str) -> None:
    """Without quotes the parser reads these as numbers, where other programs see a text."""
    assert errors(parse("workspace", f"projects: []\nconcurrency: {{default: {text}}}")) == []
    assert accepts(FileKind.WORKSPACE, settings_of("concurrency", default=text))


@KINDS
def test_a_schema_is_one(kind: FileKind) -> None:
    """The schemas are valid themselves, and JSON."""
    schema = json.loads(json.dumps(file_schema(kind)))
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == DIALECT


@KINDS
def test_every_key_is_described(kind: FileKind) -> None:
    """The description of a key is its help in the parser, and names its rule."""
    properties = file_schema(kind)["properties"]
    assert isinstance(properties, dict)
    for name, (_, about) in keys_of(MAPPINGS[kind]).items():
        assert about.help[1:] in properties[name]["description"]
        assert f"CFG-{about.rule}" in properties[name]["description"]


def test_the_example_workspace_fits() -> None:
    """The files of the example workspace pass the schemas, read as other programs read YAML."""
    import yaml

    root = Path(__file__).parents[2] / "examples" / "monorepo"
    files = {
        FileKind.WORKSPACE: [root / ".haz/workspace.yml"],
        FileKind.PROJECT: sorted(root.rglob("haz.yml")),
        FileKind.OVERLAY: sorted(root.glob(".haz/tasks/*.yml")),
    }
    assert len(files[FileKind.PROJECT]) > 1
    for kind, paths in files.items():
        for path in paths:
            document = yaml.safe_load(path.read_text())
            assert accepts(kind, document), path
