"""What a lookup sees while others store under the same key (S1)."""

from __future__ import annotations

import threading

from haz_trio.abc import Found, Miss, Restored
from haz_trio.cache.entries import NoEntry
from haz_trio.cache.files import Disk
from haz_trio.cache.manifest import Manifest
from haz_trio.cache.root import CacheRoot
from haz_trio.cache.verification import Verifier
from haz_trio.model.workspace import HashName
from haz_trio.plan.messages import Stream
from tests.cache.store_support import KEY, Bench, subject, write

WRITERS, STORES = 4, 40
WHAT = subject("out.o")


def test_a_lookup_sees_all_of_an_entry_or_nothing(bench: Bench) -> None:
    """S1: a reader against 4 writers, none of which holds a claim: whole, or absent."""
    over = threading.Event()
    write(bench.lib / "out.o", b"made")
    troubles: list[object] = []

    def store(number: int) -> None:
        try:
            for turn in range(STORES):
                one = bench.store()
                pending = one.begin(KEY, WHAT, lambda secret: b"{}")
                pending.write(Stream.STDOUT, b"%d of %d\n" % (turn, number))
                pending.collect()
                pending.commit(foreign=frozenset(), duration=0)
                one.finish()
        except BaseException as problem:  # told to the test
            troubles.append(problem)

    def read() -> None:
        try:
            while not over.is_set():
                found = verified(bench)
                if not isinstance(found, Manifest | NoEntry):
                    troubles.append(found)
        except BaseException as problem:  # told to the test
            troubles.append(problem)

    writers = [threading.Thread(target=store, args=(number,)) for number in range(WRITERS)]
    reader = threading.Thread(target=read)
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    reader.join()
    assert troubles == []
    assert isinstance(verified(bench), Manifest)
    assert bench.litter() == []


def test_an_entry_that_was_replaced_since_the_look_is_not_set_aside(bench: Bench) -> None:
    """What the look found is gone; what stands there now is somebody's good result."""
    what = subject("out.o")
    bench.fresh(what, lambda: write(bench.lib / "out.o", b"old"), stdout=b"old")
    store = bench.store()
    found = store.look(KEY, what)
    assert isinstance(found, Found)
    bench.fresh(what, lambda: write(bench.lib / "out.o", b"newer"), stdout=b"newer")
    assert store.restore(found, what) == Miss("the entry was replaced or removed just now")
    # That the task is not deterministic is told by who has replaced the entry.
    assert store.finish() == ()
    assert isinstance(verified(bench), Manifest)
    assert isinstance(bench.hit(what), Restored)


def verified(bench: Bench) -> object:
    """What is under the key, down to its last byte."""
    root = CacheRoot(str(bench.root), Disk())
    try:
        return Verifier(str(bench.root), root.reading(), HashName.BLAKE3).verify_alone(KEY)
    finally:
        root.close()
