"""Stores while somebody collects: at each of their steps, and on and on (P2, cache.md C9)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from haz_trio.abc import Restored, Stored
from haz_trio.cache.census import census
from haz_trio.cache.clearing import clear
from haz_trio.cache.collect import CleanOptions, plan_clean
from haz_trio.cache.files import Disk
from haz_trio.cache.problems import Problem
from haz_trio.cache.sweep import carry_out
from haz_trio.model.workspace import HashName
from haz_trio.plan.messages import Stream
from tests.beside import beside
from tests.cache.store_support import KEY, OTHER_KEY, Bench, subject, write

WHAT = subject("out.o")
STEPS = 40  # at least as many calls as a store makes that change files
STORES = 150

Collect = Callable[[Bench], tuple[Problem, ...]]


def clean_all(bench: Bench) -> tuple[Problem, ...]:
    """`cache clean --soft --max-size 0`: all entries, all orphans, all that nobody needs."""
    root = str(bench.root)
    options = CleanOptions(soft=True, max_size=0)
    plan = plan_clean(census(root, HashName.BLAKE3), options, now=1 << 33)
    return carry_out(root, plan).problems


def clear_all(bench: Bench) -> tuple[Problem, ...]:
    """`cache clear`."""
    return clear(str(bench.root)).problems


@pytest.mark.parametrize("collect", [clean_all, clear_all])
@pytest.mark.parametrize("rival", ["", "same", "other"])
def test_a_collector_at_any_step_of_a_store_is_not_noticed(
    bench: Bench, collect: Collect, rival: str
) -> None:
    """Before each call that changes a file, all goes that nobody works on: it is stored anyway.

    A rival may have stored the same key meanwhile, with the same result or with another one.
    """
    tried = 0
    for step in range(STEPS):
        bench.fresh(WHAT, lambda: write(bench.lib / "out.o"), key=OTHER_KEY)
        calls = 0

        def before(call: str, step: int = step) -> None:
            nonlocal calls
            calls += 1
            if calls - 1 == step:
                assert collect(bench) == ()
                if rival:
                    said = b"said\n" if rival == "same" else b"said otherwise\n"
                    bench.fresh(WHAT, lambda: None, stdout=said)
                    assert collect(bench) == ()

        store = bench.store(disk=Disk(before))
        _, kept = bench.fresh(WHAT, lambda: write(bench.lib / "out.o"), store=store)
        assert kept == Stored(), (step, kept)
        stored = calls
        store.finish()
        assert bench.litter() == []
        if step < stored:  # later it was there to be collected
            assert isinstance(bench.hit(WHAT), Restored)
            tried += 1
        clear_all(bench)
    assert 10 < tried < STEPS


@pytest.mark.parametrize("collect", [clean_all, clear_all])
def test_a_collector_at_the_moment_a_name_is_taken_is_not_noticed(
    bench: Bench, collect: Collect
) -> None:
    """A rival's entry stands in the way, and is collected before it can be moved away."""
    raced = 0

    def before(call: str) -> None:
        nonlocal raced
        if call != "rename":
            return
        if raced % 2 == 0:  # about to take the name: a rival is quicker
            bench.fresh(WHAT, lambda: None, stdout=b"said otherwise\n")
        else:  # about to move the rival away: a collector is quicker
            assert collect(bench) == ()
        raced += 1

    store = bench.store(disk=Disk(lambda call: before(call) if raced < 4 else None))
    _, kept = bench.fresh(WHAT, lambda: write(bench.lib / "out.o"), store=store)
    assert kept == Stored()
    assert raced == 4
    store.finish()
    assert bench.litter() == []
    assert isinstance(bench.hit(WHAT), Restored)


@pytest.mark.parametrize("collect", [clean_all, clear_all])
def test_a_storm_of_collections_keeps_no_result_from_being_stored(
    bench: Bench, collect: Collect
) -> None:
    """Also where a folder was made and is not locked yet, which no step shows."""
    write(bench.lib / "out.o")
    problems: list[Problem] = []
    with beside(lambda: problems.extend(collect(bench))):
        for number in range(STORES):
            store = bench.store()
            pending = store.begin((KEY, OTHER_KEY)[number % 2], WHAT, lambda secret: b"{}")
            pending.write(Stream.STDOUT, b"%d\n" % (number % 3))
            pending.collect()
            assert pending.commit(foreign=frozenset(), duration=0) == Stored()
            store.finish()
    assert problems == []
    assert bench.litter() == []
