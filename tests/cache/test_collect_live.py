"""Collectors leave alone what a living run uses (cache.md C9)."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from haz_trio.cache.census import census
from haz_trio.cache.claims import Claim, Claims
from haz_trio.cache.clearing import Cleared, clear
from haz_trio.cache.collect import CleanOptions, CleanPlan, plan_clean
from haz_trio.cache.files import Disk
from haz_trio.cache.root import CacheRoot
from haz_trio.cache.sweep import Cleaned, carry_out
from haz_trio.model.workspace import HashName
from tests.cache.collect_support import key, put, put_key
from tests.cache.store_support import Bench


class Live:
    """A workspace with the entries 1, 2 and 3, the oldest first, and a run that uses one."""

    def __init__(self, root: Path) -> None:
        self.bench = Bench(root)
        (root / ".haz").mkdir()
        for number, digit in enumerate("123"):
            put_key(root, digit, created=1000 + number, size=7)
        cache = CacheRoot(str(root), Disk())
        self.claims = Claims(cache, Disk())

    def use(self, digit: str) -> Claim:
        claim = self.claims.claim(f"p:{digit}", key(digit))
        assert claim is not None
        return claim

    def plan(self, options: CleanOptions) -> CleanPlan:
        found = census(str(self.bench.root), HashName.BLAKE3)
        return plan_clean(found, options, now=5000)

    def clean(self, plan: CleanPlan) -> Cleaned:
        return carry_out(str(self.bench.root), plan)

    def left(self) -> set[str]:
        return {digit for digit in "123" if self.bench.entry(key(digit)).exists()}


@pytest.fixture
def live(tmp_path: Path) -> Live:
    return Live(tmp_path)


def evicted(plan: CleanPlan) -> str:
    return "".join(eviction.entry.name[0] for eviction in plan.evictions)


def test_what_is_used_stays_and_the_next_oldest_goes(live: Live) -> None:
    """Also in a dry run; after the release it is the oldest again."""
    one_must_go = CleanOptions(max_size=14)
    claim = live.use("1")
    assert evicted(live.plan(one_must_go)) == "2"
    cleaned = live.clean(live.plan(one_must_go))
    assert evicted(cleaned.done) == "2"
    assert cleaned.problems == ()
    assert live.left() == {"1", "3"}
    claim.release()
    assert evicted(live.plan(CleanOptions(max_size=7))) == "1"


def test_what_is_used_is_too_much_in_vain(live: Live) -> None:
    """Its bytes count, but no more than all others can go for them."""
    live.use("3")
    assert evicted(live.plan(CleanOptions(max_size=0))) == "12"
    assert evicted(live.plan(CleanOptions(max_size=7))) == "12"


@pytest.mark.parametrize("options", [CleanOptions(max_age=0), CleanOptions(soft=True)])
def test_neither_age_nor_damage_is_a_reason(live: Live, options: CleanOptions) -> None:
    """A run may be about to replace what is damaged."""
    put(live.bench.root, key("4"), b"no manifest")
    live.use("4")
    live.use("2")
    live.clean(live.plan(options))
    assert "2" in live.left()
    assert live.bench.entry(key("4")).exists()


def test_what_comes_into_use_after_the_plan_stays_and_is_no_failure(live: Live) -> None:
    """It is not counted as removed either."""
    plan = live.plan(CleanOptions(max_size=0))
    live.use("2")
    cleaned = live.clean(plan)
    assert evicted(cleaned.done) == "13"
    assert cleaned.problems == ()
    assert live.left() == {"2"}


def test_a_run_waits_while_its_entry_is_removed(live: Live) -> None:
    """Nobody looks at an entry that is going; what was removed is free again."""
    busy: list[bool] = []

    def before(call: str) -> None:
        if call == "rename":
            busy.append(live.claims.claim("p:1", key("1")) is None)

    live.use("3").release()  # the file of the locks is there
    carry_out(str(live.bench.root), live.plan(CleanOptions(max_size=14)), Disk(before))
    assert busy == [True]
    assert live.left() == {"2", "3"}
    live.use("1")


def test_two_cleans_are_one_after_the_other(live: Live) -> None:
    """The second finds nothing left to do, and nothing wrong."""
    plan = live.plan(CleanOptions(max_size=0))
    live.use("1").release()
    found: list[Cleaned] = []
    threads = [threading.Thread(target=lambda: found.append(live.clean(plan))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(evicted(cleaned.done) for cleaned in found) == ["", "123"]
    assert all(cleaned.problems == () for cleaned in found)


def test_a_clear_leaves_what_is_used_and_the_locks(live: Live) -> None:
    """With the file of the locks gone, others would not be kept out any more."""
    shard = f"22/{key('2')}"
    claim = live.use("2")
    assert clear(str(live.bench.root)) == Cleared((shard, "state"))
    assert live.left() == {"2"}
    assert sorted(os.listdir(live.bench.cache / "state")) == ["locks", "runs"]
    claim.release()
    live.claims.close()
    assert clear(str(live.bench.root)) == Cleared()
    assert not live.bench.cache.exists()


def test_a_run_that_uses_nothing_now_is_not_in_the_way_of_a_clear(live: Live) -> None:
    """It makes what it needs again."""
    live.use("1").release()
    assert clear(str(live.bench.root)) == Cleared()
    assert not live.bench.cache.exists()
    live.use("1")
    assert (live.bench.cache / "state" / "locks").exists()


def test_collectors_make_no_locks(live: Live) -> None:
    """Where no run has made the file, nobody can use anything."""
    live.clean(live.plan(CleanOptions(soft=True, max_size=14)))
    assert not (live.bench.cache / "state").exists()
