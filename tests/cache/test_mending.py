"""The one file of a proven result, put back where nothing stands, or nothing done at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from haz_trio.abc import Restored, Stored
from haz_trio.cache.files import SMALL, Disk
from haz_trio.cache.manifest import Output
from tests.cache.store_support import KEY, Bench, Faults, remove, subject, write

WHAT = subject("out/deep/a.o")
PATH = "/lib/out/deep/a.o"
BYTES = b"object" * 1000


@pytest.fixture
def bench(bench: Bench) -> Bench:
    assert bench.fresh(WHAT, lambda: write(bench.root / PATH[1:], BYTES, 0o755))[1] == Stored()
    remove(bench.root / PATH[1:])
    return bench


def blob(bench: Bench) -> Path:
    [found] = (bench.entry() / "outputs").iterdir()
    return found


def lost(bench: Bench, path: str = PATH) -> Output:
    return Output(path, blob(bench).name, len(BYTES), 0o755)


def puts(bench: Bench, output: Output, disk: Disk | None = None) -> bool:
    store = bench.store(disk=disk)
    done = store.mend(output, KEY, WHAT.task)
    store.finish()
    return done


def test_it_is_as_the_command_left_it(bench: Bench) -> None:
    """Bytes and mode, whatever the umask; nothing of the work stays, and it is ours again."""
    nothing = subject("out/deep/*")
    assert bench.fresh(nothing, lambda: None, key="a" * 64)[1] == Stored()
    before = os.umask(0o077)
    try:
        assert puts(bench, lost(bench))
    finally:
        os.umask(before)
    assert bench.tree()["out/deep/a.o"] == ("file", 0o755, BYTES)
    assert bench.litter() == []
    # What is ours goes when another result of the task lacks it.
    assert isinstance(bench.hit(nothing, key="a" * 64), Restored)
    assert "out/deep/a.o" not in bench.tree()


def test_it_is_no_second_name_of_what_is_stored(bench: Bench) -> None:
    """An edit in place of the output must not reach the cache (cache.md C7.4)."""
    assert puts(bench, lost(bench))
    assert (bench.root / PATH[1:]).stat().st_nlink == 1


def test_a_large_one_passes_in_pieces(bench: Bench) -> None:
    """More than is read at once."""
    data = b"large" * SMALL
    key = "b" * 64
    bench.fresh(WHAT, lambda: write(bench.root / PATH[1:], data), key=key)
    remove(bench.root / PATH[1:])
    [stored] = (bench.entry(key) / "outputs").iterdir()
    store = bench.store()
    assert store.mend(Output(PATH, stored.name, len(data), 0o640), key, WHAT.task)
    assert bench.tree()["out/deep/a.o"] == ("file", 0o640, data)


def link_away(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def a_file(path: Path) -> None:
    remove(path)
    write(path)


def pipe_for(path: Path) -> None:
    remove(path)
    os.mkfifo(path.with_name(NAME))


NAME = "0" * 64
IN_THE_WAY: dict[str, Callable[[Bench], object]] = {
    "another file": lambda bench: write(bench.root / PATH[1:], b"edited"),
    "a link": lambda bench: (bench.root / PATH[1:]).symlink_to("elsewhere"),
    "a folder": lambda bench: (bench.root / PATH[1:]).mkdir(),
    "no folder": lambda bench: remove(bench.lib / "out"),
    "a folder behind a link": lambda bench: link_away(bench.lib / "out"),
    "the last folder behind a link": lambda bench: link_away(bench.lib / "out/deep"),
    "a project behind a link": lambda bench: link_away(bench.lib),
    "a file for a folder": lambda bench: a_file(bench.lib / "out/deep"),
    "a cut blob": lambda bench: blob(bench).write_bytes(BYTES[:-1]),
    "a longer blob": lambda bench: blob(bench).write_bytes(BYTES + b"."),
    "another blob": lambda bench: blob(bench).write_bytes(BYTES[:-1] + b"."),
    "no blob": lambda bench: blob(bench).unlink(),
    "a pipe": lambda bench: pipe_for(blob(bench)),
    "no entry": lambda bench: remove(bench.entry()),
}


@pytest.mark.parametrize("prepare", IN_THE_WAY.values(), ids=IN_THE_WAY)
def test_what_is_not_simple_is_left_alone(
    bench: Bench, prepare: Callable[[Bench], object]
) -> None:
    """Then nothing has changed, and a look finds out why."""
    output = lost(bench)
    prepare(bench)
    if not os.path.lexists(bench.entry() / "outputs" / output.digest) and bench.entry().exists():
        output = Output(PATH, NAME, len(BYTES), 0o755)
    before = bench.tree(".")
    assert not puts(bench, output)
    after = bench.tree(".")
    assert {n: v for n, v in after.items() if "state" not in n} == {
        n: v for n, v in before.items() if "state" not in n
    }
    assert bench.litter() == []


def test_nothing_is_put_into_the_cache(bench: Bench) -> None:
    """Whatever a state file says: no output lies there (cache.md C7.3)."""
    inside = f"/.haz/cache/{KEY[:2]}/{KEY}/extra"
    assert not puts(bench, lost(bench, inside))
    assert not (bench.entry() / "extra").exists()


def test_what_has_to_go_as_well_is_more_than_one_step(bench: Bench) -> None:
    """The task has left another file since, which the result does not have."""
    output = lost(bench)
    other = subject("out/b.o")
    bench.fresh(other, lambda: write(bench.lib / "out/b.o"), key="a" * 64)
    before = bench.tree()
    assert not puts(bench, output)
    assert bench.tree() == before


def test_a_failure_at_any_call_changes_nothing(bench: Bench) -> None:
    """R2, for all calls; the last one is no failure any more."""
    output = lost(bench)
    before = bench.tree()
    for at in range(1, 20):
        faults = Faults(at)
        done = puts(bench, output, Disk(faults))
        assert bench.litter() == []
        if done:
            break
        assert bench.tree() == before
        assert faults.raised == 1
    assert at == 6  # mkdir, create, write, chmod, rename
    assert bench.tree()["out/deep/a.o"] == ("file", 0o755, BYTES)
