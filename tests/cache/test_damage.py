"""A damaged cache misses, says so, and heals; it never fails a task (C10, B4, V1)."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from haz_trio.abc import Miss, Restored, Stored
from haz_trio.cache.manifest import Manifest, render
from haz_trio.cache.manifest_reader import parse
from haz_trio.model.workspace import HashName
from haz_trio.plan.messages import Stream
from haz_trio.values import evolve
from tests.cache.small_result import WHAT, build
from tests.cache.store_support import (
    KEY,
    OTHER_KEY,
    Bench,
    remove,
    text,
    write,
)


@pytest.fixture
def bench(bench: Bench) -> Bench:
    assert bench.fresh(WHAT, partial(build, bench))[1] == Stored()
    return bench


def missing(bench: Bench) -> None:
    remove(bench.lib / "out.o")
    remove(bench.lib / "dist")


def check_result(bench: Bench, fresh: dict[str, tuple[str, int, bytes]]) -> bool:
    """A run misses, or gives all of the recorded result; whether it hit."""
    missing(bench)
    answer = bench.hit(WHAT)
    if isinstance(answer, Restored):
        assert bench.tree() == fresh
        assert text(answer, Stream.STDOUT) == b"said\n"
        assert text(answer, Stream.STDERR) == b"moaned\n"
        return True
    assert bench.tree() == {}
    return False


def check_heals(bench: Bench, fresh: dict[str, tuple[str, int, bytes]]) -> None:
    """After another run of the command there is a hit again."""
    assert bench.fresh(WHAT, lambda: build(bench))[1] == Stored()
    assert check_result(bench, fresh)
    assert bench.litter() == []


def make_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def entry_files(bench: Bench) -> list[Path]:
    return sorted(p for p in bench.entry().rglob("*") if p.is_file())


def rewrite(path: Path, data: bytes) -> None:
    """Change a file in place, so that the pool's name of it is damaged as well."""
    with path.open("r+b") as file:
        file.truncate(0)
        file.write(data)


@pytest.mark.parametrize(
    "damage",
    [
        lambda p: rewrite(p, b""),
        lambda p: rewrite(p, p.read_bytes()[:-2]),
        lambda p: rewrite(p, p.read_bytes() + b"!"),
        lambda p: rewrite(p, bytes(len(p.read_bytes()))),
        lambda p: p.unlink(),
        lambda p: (p.unlink(), p.mkdir()),
        lambda p: (p.unlink(), p.symlink_to("/etc/passwd")),
        make_fifo,
    ],
    ids=["emptied", "shortened", "longer", "zeros", "removed", "folder", "link", "fifo"],
)
def test_every_damage_of_every_file_is_noticed_and_heals(
    bench: Bench, damage: Callable[[Path], object]
) -> None:
    """All but the recipe are needed; a remark tells what was set aside (B 141..172, C09)."""
    fresh = bench.tree()
    for path in entry_files(bench):
        damage(path)
        store = bench.store()
        missing(bench)
        answer = bench.hit(WHAT, store=store)
        if path.name == "recipe.json":
            assert isinstance(answer, Restored)
        else:
            assert isinstance(answer, Miss), path
            assert answer.reason
            [remark] = store.finish()
            assert "1 damaged entry set aside (lib:build: " in remark
        store.finish()
        check_heals(bench, fresh)


def test_every_byte_of_an_entry(bench: Bench) -> None:
    """V1: one changed byte anywhere is a miss, or changes nothing that was promised."""
    fresh = bench.tree()
    good = bench.root.parent / "good"
    shutil.copytree(bench.cache, good, symlinks=True)
    hits = []
    for path in entry_files(bench):
        data = path.read_bytes()
        for place in range(0, len(data), 1 if len(data) < 64 else 5):
            changed = bytearray(data)
            changed[place] ^= 1 << (place % 8)
            rewrite(path, bytes(changed))
            if check_result(bench, fresh):
                hits.append((path.name, place))
            remove(bench.cache)
            shutil.copytree(good, bench.cache, symlinks=True)
    assert {name for name, _ in hits} <= {"recipe.json", "manifest.json"}
    created = (bench.entry() / "manifest.json").read_bytes().index(b'"created_at_unix"')
    blanks = (bench.entry() / "manifest.json").read_bytes()
    for name, place in hits:
        near = blanks[place : place + 1]
        is_advice = created <= place <= created + 30
        assert name == "recipe.json" or near in b" \n" or is_advice or near.isalpha(), place


def recorded(bench: Bench) -> Manifest:
    found = parse((bench.entry() / "manifest.json").read_bytes(), HashName.BLAKE3)
    assert isinstance(found, Manifest)
    return found


def put(bench: Bench, changed: Manifest) -> None:
    """Put a manifest there that is sound in itself."""
    (bench.entry() / "manifest.json").write_bytes(render(changed.sealed))


@pytest.mark.parametrize(
    "change",
    [
        lambda m: evolve(m, exit_status=7),
        lambda m: evolve(m, key=OTHER_KEY),
        lambda m: evolve(m, outputs=()),
        lambda m: evolve(m, project_root="/app"),
    ],
    ids=["exit-status", "key", "outputs", "project"],
)
def test_a_sealed_lie_is_a_miss(bench: Bench, change: Callable[[Manifest], Manifest]) -> None:
    """The seal is no licence: status, key, project and outputs are checked (B 151, 152, 160)."""
    fresh = bench.tree()
    put(bench, change(recorded(bench)))
    missing(bench)
    assert isinstance(bench.hit(WHAT), Miss)
    assert bench.tree() == {}
    check_heals(bench, fresh)


def test_an_output_elsewhere_is_a_miss(bench: Bench) -> None:
    """A path that this task does not declare is not written, sealed or not (B 159)."""
    found = recorded(bench)
    moved = evolve(found.outputs[-1], path="/lib/precious")
    outputs = tuple(sorted((*found.outputs, moved), key=lambda o: o.path))
    put(bench, evolve(found, outputs=outputs))
    assert isinstance(bench.hit(WHAT), Miss)
    assert not (bench.lib / "precious").exists()


@pytest.mark.parametrize("target", ["/etc/passwd", "../../..", "../../../etc", "/"])
def test_a_link_that_leads_outside_is_a_miss(bench: Bench, target: str) -> None:
    """No restore makes a link out of the workspace (I03)."""
    found = recorded(bench)
    links = tuple(evolve(link, target=target) for link in found.links)
    put(bench, evolve(found, links=links))
    missing(bench)
    assert isinstance(bench.hit(WHAT), Miss)
    assert bench.tree() == {}


@pytest.mark.parametrize(
    ("old", "new", "hit"),
    [
        (f'"{KEY}"', f'"{KEY.upper()}"', True),
        ('\n  "seal"', '\n\n   "seal"', True),
        ('"created_at_unix": 1000', '"created_at_unix": 5', True),
        ('"chapter_revision": 0', '"chapter_revision": 1', False),
        ('"chapter_revision": 0', '"chapter_revision": 256', False),
        ('"blake3"', '"sha256"', False),
        ('"blake3"', '"md5"', False),
        ('"mode": 420', '"mode": 33188', False),
        ('"/lib/out.o"', '"/lib/../lib/out.o"', False),
        ('"task": "lib:build"', '"task": "lib:build", "extra": 1', False),
        ('"exit_status": 0,', "", False),
        ('"exit_status": 0', '"exit_status": 0, "exit_status": 0', False),
        ('"size": 6', '"size": 6.0', False),
        ('"size": 6', '"size": NaN', False),
        ('"size": 6', '"size": true', False),
        ('"haz-trio/1"', '"haz-trio/2"', False),
    ],
)
def test_edited_manifests(bench: Bench, old: str, new: str, hit: bool) -> None:
    """What the original accepts is accepted, what it refuses is refused (B 145..158)."""
    fresh = bench.tree()
    path = bench.entry() / "manifest.json"
    before = path.read_text()
    assert old in before
    path.write_text(before.replace(old, new))
    assert check_result(bench, fresh) is hit
    check_heals(bench, fresh)


def test_a_manifest_with_something_behind_it(bench: Bench) -> None:
    """White space at the end is fine, anything else is not (B 154, 155)."""
    fresh = bench.tree()
    path = bench.entry() / "manifest.json"
    before = path.read_bytes()
    for tail, hit in ((b" \n\n", True), (b"{}", False), (b"\0", False)):
        path.write_bytes(before + tail)
        assert check_result(bench, fresh) is hit
        check_heals(bench, fresh)


def test_wrong_bytes_leave_the_pool(bench: Bench) -> None:
    """Otherwise the next store would link the rot again (C10)."""
    [blob] = [p for p in (bench.cache / "blobs").iterdir() if p.read_bytes() == b"object"]
    rewrite(blob, b"OBJECT")
    missing(bench)
    assert isinstance(bench.hit(WHAT), Miss)
    assert not blob.exists()
    assert len(list((bench.cache / "quarantine").iterdir())) == 1


def test_rot_in_the_pool_is_not_linked_into_a_new_entry(bench: Bench) -> None:
    """A pool file is read once per run before it is believed (C10.2)."""
    fresh = bench.tree()
    for blob in (bench.cache / "blobs").iterdir():
        rewrite(blob, b"?" * blob.stat().st_size)
    assert bench.fresh(WHAT, lambda: build(bench), key=OTHER_KEY)[1] == Stored()
    missing(bench)
    assert isinstance(bench.hit(WHAT, key=OTHER_KEY), Restored)
    assert bench.tree() == fresh


def test_an_extra_file_does_no_harm(bench: Bench) -> None:
    """Nor do strange things in the cache root (B 168)."""
    fresh = bench.tree()
    write(bench.entry() / "extra")
    write(bench.cache / "README")
    (bench.cache / ".restore-odd").mkdir()
    write(bench.cache / "zz/not-a-key/file")
    assert check_result(bench, fresh)


def test_the_quarantine_is_bounded(bench: Bench) -> None:
    """At most sixteen damaged entries are kept (C4)."""
    for number in range(20):
        key = f"{number:02x}" * 32
        bench.fresh(WHAT, lambda: build(bench), key=key)
        (bench.entry(key) / "manifest.json").write_text("{")
        store = bench.store()
        assert isinstance(bench.hit(WHAT, key=key, store=store), Miss)
        bench.fresh(WHAT, lambda: build(bench), key=key, store=store)
        store.finish()
    assert len(list((bench.cache / "quarantine").iterdir())) == 16
    assert bench.litter() == []


def test_a_look_changes_nothing(bench: Bench) -> None:
    """Not even a damaged entry is moved by those who only ask (C4)."""
    (bench.entry() / "manifest.json").write_text("{")
    before = bench.tree(".haz")
    store = bench.store()
    assert isinstance(store.look(KEY, WHAT), Miss)
    store.finish()
    assert bench.tree(".haz") == before


def test_hostile_manifests_with_paths(bench: Bench, tmp_path: Path) -> None:
    """Escapes, doublets and impossible paths are misses and write nothing (I01)."""
    canary = write(tmp_path / "canary", b"precious")
    path = bench.entry() / "manifest.json"
    good = json.loads(path.read_text())
    for bad in (
        "../../canary",
        "/../canary",
        "/lib/../../canary",
        "lib/x",
        "/lib//x",
        "/lib/./x",
        "/lib/x/",
        "/",
        "",
        "/lib/a\0b",
        "/lib/" + "a" * 5000,
        "/lib" + "/a" * 3000,
        "/.haz/cache/x",
        "/lib/\ud800",
        str(canary),
    ):
        changed = json.loads(json.dumps(good))
        changed["outputs"][0]["workspace_absolute_path"] = bad
        path.write_text(json.dumps(changed))
        missing(bench)
        assert isinstance(bench.hit(WHAT), Miss)
        assert bench.tree() == {}
        assert canary.read_bytes() == b"precious"
        remove(bench.cache / "quarantine")
