"""What counts as a manifest for `cache` commands; each row was tried with the original."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.cache.record import LARGEST, parse_record
from haz_trio.model.workspace import HashName
from tests.cache.collect_support import key, manifest

BASE = manifest(key("a"), outputs=[("/x", 5), ("/x", 5)])


def changed(**members: object) -> bytes:
    return json.dumps({**BASE, **members}).encode()


def with_output(**members: object) -> bytes:
    outputs = json.loads(json.dumps(BASE["outputs"]))
    outputs[0].update(members)
    return changed(outputs=outputs)


@pytest.mark.parametrize(
    "data",
    [
        changed(),
        changed(exit_status=7),
        changed(exit_status=-7),
        changed(created_at_unix=LARGEST),
        changed(key="A" * 64),
        changed(key=key("b")),
        changed(format="haz-trio/9", task="lib:build", seal=3),
        with_output(mode=33188),
        with_output(mode=(1 << 32) - 1),
        with_output(size=LARGEST),
        with_output(sha256="x"),
        with_output(workspace_absolute_path="/.haz/cache/x"),
        with_output(workspace_absolute_path="/a\\b:*"),
        with_output(workspace_absolute_path="/e\u0301\u00a0"),
        with_output(workspace_absolute_path="/..."),
        changed() + b" \n\n",
    ],
)
def test_what_the_original_understands_is_understood(data: bytes) -> None:
    """These manifests are well-formed; members of ours are not looked at."""
    record = parse_record(data)
    assert record.fits(HashName.BLAKE3)
    assert not record.fits(HashName.SHA256)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"\xef\xbb\xbf" + changed(),
        changed() + b"x",
        changed()[:-1] + b',"exit_status":0}',
        changed().replace(b'"exit_status": 0', b'"exit_status": -0'),
        changed().replace(b'"exit_status": 0', b'"exit_status": 0e0'),
        changed().replace(b'"exit_status": 0', b'"exit_status": NaN'),
        changed().replace(b'"/x"', b'"/\\ud800"'),
        b"[" * 100_000,
        changed(zzz=1),
        changed(chapter_revision=256),
        changed(hash_function="md5"),
        changed(hash_function="BLAKE3"),
        changed(hash_function=None),
        changed(exit_status=1 << 31),
        changed(exit_status=True),
        changed(created_at_unix=-1),
        changed(created_at_unix=1 << 64),
        changed(key="a" * 63),
        changed(stdout_hash="g" * 64),
        changed(outputs={}),
        with_output(zzz=1),
        with_output(mode=1 << 32),
        with_output(mode=-1),
        with_output(size=1 << 64),
        with_output(size=1.0),
        with_output(content_hash=""),
        *(
            with_output(workspace_absolute_path=path)
            for path in ("", "/", "x", "/x//y", "/x/", "/x/../y", "/a\tb", "/a\u200bb", "/a\xad")
        ),
    ],
)
def test_what_the_original_refuses_is_refused(data: bytes) -> None:
    """None of these is a manifest."""
    with pytest.raises(ValueError, match=r"."):
        parse_record(data)


@pytest.mark.parametrize("member", sorted(BASE))
def test_every_one_of_the_ten_members_is_needed(member: str) -> None:
    """Without any one of them there is no manifest."""
    data = json.dumps({name: value for name, value in BASE.items() if name != member}).encode()
    with pytest.raises(ValueError, match=member):
        parse_record(data)


def test_another_schema_is_understood_and_does_not_fit() -> None:
    """Entries of another revision or hash function keep their figures."""
    other = parse_record(changed(chapter_revision=7))
    assert not other.fits(HashName.BLAKE3)
    assert (other.created_at, other.footprint) == (1000, 17)
    assert parse_record(changed(hash_function="sha256")).fits(HashName.SHA256)


def test_the_footprint_counts_streams_and_each_output() -> None:
    """Equal outputs count each; more than 64 bits are 2^64 - 1."""
    assert parse_record(changed()).footprint == 3 + 4 + 5 + 5
    assert parse_record(with_output(size=LARGEST)).footprint == LARGEST


def test_the_task_is_known_where_a_text_names_it() -> None:
    """Anything else in its place counts as no task."""
    assert parse_record(changed(task="lib:build")).task == "lib:build"
    assert parse_record(changed(task=7)).task == ""


@settings(max_examples=200)
@given(st.data())
def test_no_bytes_raise_anything_but_value_error(data: st.DataObject) -> None:
    """A manifest may come from a hostile branch."""
    raw = bytearray(changed())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        parse_record(bytes(raw))
    except ValueError:
        return
