"""Stores that are killed between two steps, and caches that lost a part (C07, C09, C10)."""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import attrs
import pytest

from haz_trio.abc import Miss, Restored, Stored
from haz_trio.cache.audit import audit
from haz_trio.cache.files import Disk
from haz_trio.model.workspace import HashName
from tests.cache.small_result import WHAT, build
from tests.cache.store_support import Bench, remove, subject, tree, write
from tests.cli.support import Home
from tests.engine.workspaces import sh
from tests.faults.support import assert_heals

ENTRIES = 50


@attrs.define
class Killer:
    """Ends the process with the n-th call of a ``Disk``; ``calls`` are those before it."""

    left: int
    pipe: int

    def __call__(self, call: str) -> None:
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)
        os.write(self.pipe, call.encode() + b"\n")


def killed_store(bench: Bench, at: int) -> tuple[list[str], bool]:
    """Store a result with two blobs durably, killed at a call; the calls, and whether it was."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            store = bench.store(disk=Disk(Killer(at, writing), durable=True))
            bench.fresh(WHAT, partial(build, bench), store=store)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        calls = pipe.read().split()
    return calls, os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.row("C07")
def test_a_store_killed_between_any_two_steps(tmp_path: Path) -> None:
    """A miss until the entry has its name, a hit from then on; the next run heals."""
    phases = set()
    for at in range(1, 200):
        bench = Bench(tmp_path / str(at))
        bench.lib.mkdir(parents=True)
        calls, was_killed = killed_store(bench, at)
        assert audit(str(bench.root), HashName.BLAKE3).is_right
        has_name = "rename" in calls
        phases.add((calls.count("link"), calls.count("fdatasync"), has_name))
        made = tree(bench.lib)
        answer = bench.hit(WHAT)
        assert isinstance(answer, Restored if has_name else Miss), calls
        if not has_name:
            assert bench.fresh(WHAT, partial(build, bench))[1] == Stored()
        remove(bench.lib / "out.o")
        assert isinstance(bench.hit(WHAT), Restored)
        assert not has_name or tree(bench.lib) == made
        if not was_killed:
            break
    else:
        raise AssertionError("it never ends")
    # Between two blobs, between blobs and manifest, before the rename, and before the last sync.
    assert {(1, 0, False), (2, 0, False), (2, 6, False), (2, 6, True)} <= phases


def swap(entry: Path, other: Path) -> None:
    one, two = (next((folder / "outputs").iterdir()) for folder in (entry, other))
    data = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(data)


def _each(change: Callable[[Path, random.Random], object]) -> Callable[..., None]:
    """Damage a random file of an entry, in place: the pool has the same file."""

    def damage(entry: Path, other: Path, draw: random.Random) -> None:
        names = ["manifest.json", "stdout", "outputs"]
        path = entry / draw.choice(names)
        change(next(path.iterdir()) if path.is_dir() else path, draw)

    return damage


def flip(path: Path, draw: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[draw.randrange(len(data) - 1)] ^= 0xFF  # a manifest may lack its last line end
    path.write_bytes(data)


WAYS: dict[str, Callable[..., None]] = {
    "flip": _each(flip),
    "truncate": _each(lambda path, draw: os.truncate(path, draw.randrange(4))),
    "zeros": _each(lambda path, draw: path.write_bytes(bytes(path.stat().st_size))),
    "swap": lambda entry, other, draw: swap(entry, other),
}


@pytest.mark.row("C09")
@pytest.mark.parametrize("way", WAYS)
def test_damage_in_a_large_cache(tmp_path: Path, way: str) -> None:
    """Each damaged entry is a miss that is set aside, each other one a hit; runs heal it."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    bench = Bench(tmp_path)
    what = subject("out")
    keys = [f"{number:02x}" * 32 for number in range(ENTRIES)]

    def make(number: int) -> None:
        write(bench.lib / "out", b"result %d\n" % number)

    for number, key in enumerate(keys):
        bench.fresh(what, partial(make, number), key=key, stdout=b"said %d\n" % number)
    hurt = draw.sample(range(ENTRIES), 10)
    for one, other in zip(hurt[::2], hurt[1::2], strict=True):
        WAYS[way](bench.entry(keys[one]), bench.entry(keys[other]), draw)
        if way != "swap":
            WAYS[way](bench.entry(keys[other]), bench.entry(keys[one]), draw)
    found = audit(str(bench.root), HashName.BLAKE3)
    entries = [fault.place[3:] for fault in found.faults if not fault.is_blob]
    assert sorted(entries) == sorted(keys[number] for number in hurt)
    for number, key in enumerate(keys):
        remove(bench.lib / "out")
        answer = bench.hit(what, key=key)
        assert isinstance(answer, Miss if number in hurt else Restored), number
        if number in hurt:
            assert isinstance(answer, Miss)
            assert "damaged entry" in answer.reason
            bench.fresh(what, partial(make, number), key=key, stdout=b"said %d\n" % number)
        assert (bench.lib / "out").read_bytes() == b"result %d\n" % number
        assert isinstance(bench.hit(what, key=key), Restored)
    assert audit(str(bench.root), HashName.BLAKE3).faults == ()


@pytest.mark.row("C10")
@pytest.mark.parametrize("lost", ["blobs", "manifests", "alternate"])
def test_a_record_without_what_it_records(tmp_path: Path, lost: str) -> None:
    """Never "hit, 0 files": what lost a part runs again, and the run after it has everything."""
    names = [f"t{number}" for number in range(4)]
    tasks = {n: sh(f"echo ran >> log; echo {n} > {n}.out", outputs=[f"{n}.out"]) for n in names}
    home = Home.make(tmp_path, tasks)
    assert home.haz("run", "--workspace").code == 0
    entries = sorted(path.parent for path in (tmp_path / ".haz/cache").glob("??/*/manifest.json"))
    assert len(entries) == len(names)
    for number, entry in enumerate(entries):
        if lost == "manifests" or (lost == "alternate" and number % 2):
            (entry / "manifest.json").unlink()
        else:
            shutil.rmtree(entry / "outputs")
    if lost == "blobs":
        shutil.rmtree(tmp_path / ".haz/cache/blobs")
    for name in names:
        (home.place.p / f"{name}.out").unlink()
    done = home.haz("run", "--workspace")
    assert done.code == 0
    assert done.said("Tasks: 4 completed")
    assert not done.said("cached")
    assert (home.place.p / "log").read_text() == "ran\n" * 8
    for name in names:
        assert (home.place.p / f"{name}.out").read_text() == f"{name}\n"
    assert_heals(home, "--workspace")
    assert home.haz("cache", "verify").code == 0
