"""The reader of manifests: sound in, or a reason out (CACHE-011, cache.md C5, V2)."""

from __future__ import annotations

import json
import time
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.cache.manifest import Folder, Link, Manifest, Output, render
from haz_trio.cache.manifest_reader import LIMIT, OtherSchema, Unsound, parse
from haz_trio.model.workspace import HashName
from haz_trio.values import evolve

HEX = "0123456789abcdef" * 4
SMALL = Manifest(
    hash_name=HashName.BLAKE3,
    key=HEX,
    task="lib:build",
    project_root="/lib",
    outputs=(Output("/lib/bin/x", HEX, 1, 0o755), Output("/lib/o", HEX, 1, 0o644)),
    links=(Link("/lib/bin/latest", "x"),),
    folders=(Folder("/lib/bin", 0o755),),
    stdout_size=6,
    stderr_size=0,
    stdout=HEX,
    stderr=HEX,
    created_at=1795245972,
    duration=14,
).sealed

Members: TypeAlias = dict[str, Any]  # Any: one member of a manifest with a value of its type

digests = st.text("0123456789abcdef", min_size=64, max_size=64)
names = st.text("abc é-'\"\\{[", min_size=1, max_size=5).filter(lambda n: n not in (".", ".."))
numbers = st.integers(0, (1 << 63) - 1)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    """Sound manifests of flat trees."""
    paths = sorted(draw(st.sets(names, max_size=6)))
    kinds = [draw(st.sampled_from("olf")) for _ in paths]
    outputs, links, folders = [], [], []
    for path, kind in zip(("/lib/" + p for p in paths), kinds, strict=True):
        mode = draw(st.integers(0, 0o777))
        match kind:
            case "o":
                digest, size = draw(digests), draw(numbers)
                outputs.append(Output(path, digest, size, mode, draw(digests | st.just(""))))
            case "l":
                links.append(Link(path, draw(names)))
            case _:
                folders.append(Folder(path, mode))
    return Manifest(
        hash_name=draw(st.sampled_from(HashName)),
        key=draw(digests),
        task=draw(names),
        project_root=draw(st.sampled_from(["/", "/lib"])),
        outputs=tuple(outputs),
        links=tuple(links),
        folders=tuple(folders),
        stdout_size=draw(numbers),
        stderr_size=draw(numbers),
        stdout=draw(digests),
        stderr=draw(digests),
        created_at=draw(numbers),
        duration=draw(numbers),
    ).sealed


@given(manifests())
def test_what_is_written_is_read(manifest: Manifest) -> None:
    """``parse`` undoes ``render`` for every sound manifest."""
    assert parse(render(manifest), manifest.hash_name) == manifest


@given(manifests(), manifests())
def test_different_manifests_have_different_seals(one: Manifest, other: Manifest) -> None:
    """The seal covers everything but the time of creation."""
    ageless = [evolve(manifest, created_at=0) for manifest in (one, other)]
    assert (one.seal == other.seal) == (ageless[0] == ageless[1])


@pytest.mark.parametrize(
    "change",
    [
        {"key": "0" * 64},
        {"task": "lib:other"},
        {"project_root": "/"},
        {"outputs": SMALL.outputs[:1]},
        {"links": ()},
        {"folders": (Folder("/lib/bin", 0o700),)},
        {"stdout_size": 7},
        {"stderr_size": 1},
        {"stdout": "0" * 64},
        {"stderr": "0" * 64},
        {"exit_status": 1},
        {"duration": 15},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_member_is_sealed(change: Members) -> None:
    """A member that was changed without its seal makes the manifest unsound."""
    assert isinstance(parse(render(evolve(SMALL, **change)), SMALL.hash_name), Unsound)


def test_the_time_of_creation_is_not_sealed() -> None:
    """Scripts may age an entry (C5)."""
    aged = evolve(SMALL, created_at=1)
    assert parse(render(aged), SMALL.hash_name) == aged


@pytest.mark.parametrize(
    "change",
    [
        {"outputs": SMALL.outputs[::-1]},
        {"outputs": (SMALL.outputs[0], SMALL.outputs[0])},
        {"links": (Link("/lib/o", "x"),)},
        {"links": (Link("/lib/o/below", "x"),)},
        {"links": (Link("/lib/l", ""),)},
        {"links": (Link("/lib/l", "a\0b"),)},
        {"folders": (Folder("/lib/o", 0o755),)},
        {"folders": (Folder("/lib/o/sub", 0o755),)},
        {"folders": (Folder("/lib/bin", 0o1777),)},
        {"outputs": (Output("/lib/../x", HEX, 1, 0o644),)},
        {"outputs": (Output("/.haz/cache/x", HEX, 1, 0o644),)},
        {"outputs": (Output("/", HEX, 1, 0o644),)},
        {"outputs": (Output("/lib/o", HEX[:-1], 1, 0o644),)},
        {"outputs": (Output("/lib/o", "../" * 21 + "a", 1, 0o644),)},
        {"outputs": (Output("/lib/o", HEX, -1, 0o644),)},
        {"outputs": (Output("/lib/o", HEX, 1 << 63, 0o644),)},
    ],
)
def test_a_contradiction_is_unsound_however_well_it_is_sealed(change: Members) -> None:
    """Order, doublets, files with something below, odd paths and numbers (I01, I02, I04)."""
    changed = evolve(SMALL, **change).sealed
    assert isinstance(parse(render(changed), HashName.BLAKE3), Unsound)


@pytest.mark.parametrize(
    ("member", "value"),
    [("chapter_revision", 1), ("hash_function", "sha256"), ("format", "haz-trio/2")],
)
def test_another_schema_is_not_damage(member: str, value: object) -> None:
    """Entries of other programs and settings are left alone (C6)."""
    members = json.loads(render(SMALL))
    members[member] = value
    assert isinstance(parse(json.dumps(members).encode(), HashName.BLAKE3), OtherSchema)


def test_a_manifest_of_the_original_is_another_schema() -> None:
    """Its ten members are known, the rest of ours is missing (C1)."""
    members = json.loads(render(SMALL))
    for name in ("format", "task", "project_root", "links", "folders", "duration_ms", "seal"):
        del members[name]
    assert isinstance(parse(json.dumps(members).encode(), HashName.BLAKE3), OtherSchema)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"{}",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\0}\0",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"chapter_revision": ' + b"9" * 5000 + b"}",
        b'{"chapter_revision": -Infinity}',
        b'{"chapter_revision": 1e999}',
        b'{"chapter_revision": 0, "chapter_revision": 0}',
        b'{"task": "\\ud800"}',
        b" " * (LIMIT + 1),
        render(SMALL) + b"x",
        render(SMALL).replace(b"lib:build", b"\\ud800"),
    ],
    ids=range(17),
)
def test_hostile_bytes_have_a_reason_and_cost_little(data: bytes) -> None:
    """Depth, digits, encodings, doublets and size (I05)."""
    start = time.perf_counter()
    answer = parse(data, HashName.BLAKE3)
    assert isinstance(answer, Unsound)
    assert answer.reason
    assert time.perf_counter() - start < 1


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | digests,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["path", "mode", "workspace_absolute_path", "size", "target", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(json.loads(render(SMALL)))), values, max_size=3))
@settings(max_examples=150)
def test_no_manifest_raises(changes: dict[str, object]) -> None:
    """Any values in the place of the members: never an exception (V2)."""
    members = {**json.loads(render(SMALL)), **changes}
    answer = parse(json.dumps(members).encode(), HashName.BLAKE3)
    if isinstance(answer, Manifest):
        for name in members.keys() - {"created_at_unix"}:
            assert members[name] == json.loads(render(SMALL))[name]


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    """Whatever the bytes of a manifest."""
    assert not isinstance(parse(data, HashName.BLAKE3), Manifest)
