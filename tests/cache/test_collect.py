"""What `cache info` sees, and what `cache clean` plans and removes (AUX-017..028, A9, A10)."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.cache.census import Census, Entry, Standing, census, measure
from haz_trio.cache.collect import CleanOptions, CleanPlan, Mode, plan_clean
from haz_trio.cache.files import Disk
from haz_trio.cache.sweep import Cleaned, carry_out
from haz_trio.model.workspace import HashName
from tests.cache.collect_support import held, key, manifest, mixed, put, put_key
from tests.cache.store_support import Bench, Faults, subject, tree, write

NOW = 10_000
EVERYTHING = CleanOptions(soft=True, max_size=0)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.lib.mkdir()
    (tmp_path / ".haz").mkdir()
    return bench


def look(bench: Bench) -> Census:
    return census(str(bench.root), HashName.BLAKE3)


def plan(bench: Bench, options: CleanOptions) -> CleanPlan:
    return plan_clean(look(bench), options, now=NOW)


def clean(bench: Bench, options: CleanOptions, disk: Disk | None = None) -> Cleaned:
    return carry_out(str(bench.root), plan(bench, options), disk)


def test_no_cache_is_an_empty_census_and_none_is_made(bench: Bench) -> None:
    """Looking creates nothing (AUX-018)."""
    found = look(bench)
    assert (found.entries, found.temporary, found.restoring, found.problems) == ((), (), (), ())
    assert measure(str(bench.root)).total == 0
    assert not bench.cache.exists()


def test_a_cache_behind_a_link_that_leads_nowhere_is_no_cache(bench: Bench) -> None:
    """As with the original."""
    bench.cache.symlink_to("/nowhere")
    assert look(bench).entries == ()
    assert clean(bench, EVERYTHING).problems == ()


def test_every_kind_of_thing_is_counted_as_it_has_to_be(bench: Bench) -> None:
    """Our own folders are no shards, links are nothing, foreign folders are corrupt entries."""
    mixed(bench)
    found = look(bench)
    assert found.count(Standing.WELL_FORMED) == 2
    assert found.count(Standing.CORRUPT) == 6
    assert found.temporary == ("aa/.tmp-x",)
    assert found.restoring == (".restore-x",)
    assert found.problems == ()


def test_the_bytes_of_one_inode_count_once(bench: Bench) -> None:
    """A blob has a name in the pool and one in each entry; links and folders have no bytes."""
    blob = write(bench.cache / "blobs" / key("1"), b"x" * 100)
    for digit in "ab":
        folder = put_key(bench.root, digit)
        (folder / "manifest.json").write_bytes(b"1234567890")
        os.link(blob, folder / "outputs" / key("1"))
    os.symlink(blob, bench.cache / "link")
    write(bench.cache / "stray", b"123")
    assert measure(str(bench.root)).total == 100 + 10 + 10 + 3


def test_an_entry_of_our_own_store_is_well_formed(bench: Bench) -> None:
    """What a run stores is counted, with its task; the pool and the state are no entries."""
    bench.fresh(subject("out"), lambda: write(bench.lib / "out", b"123456"))
    (entry,) = look(bench).entries
    assert entry.standing is Standing.WELL_FORMED
    assert (entry.task, entry.created_at, entry.footprint) == ("lib:build", 1000, 6 + 5 + 7)


def test_what_a_living_run_works_on_is_not_seen(bench: Bench) -> None:
    """Its temporary folders are neither counted nor touched; afterwards they are orphans."""
    mixed(bench)
    with held(bench.cache / "aa" / ".tmp-x"), held(bench.cache / ".restore-x"):
        found = look(bench)
        assert (found.temporary, found.restoring) == ((), ())
        assert clean(bench, EVERYTHING).done.temporary == ()
    assert (bench.cache / "aa" / ".tmp-x" / "f").exists()
    assert (bench.cache / ".restore-x").exists()
    assert look(bench).temporary == ("aa/.tmp-x",)


def test_a_run_that_began_after_the_plan_was_made_is_left_alone(bench: Bench) -> None:
    """The lock is asked again when it comes to removing."""
    mixed(bench)
    planned = plan(bench, EVERYTHING)
    with held(bench.cache / "aa" / ".tmp-x"), held(bench.cache / ".restore-x"):
        cleaned = carry_out(str(bench.root), planned)
    assert (cleaned.done.temporary, cleaned.done.restoring) == ((), ())
    assert cleaned.problems == ()
    assert (bench.cache / "aa" / ".tmp-x" / "f").exists()


def test_looking_and_planning_change_nothing(bench: Bench) -> None:
    """A dry run leaves every file as it was (AUX-020, AUX-024)."""
    mixed(bench)
    before = tree(bench.root)
    planned = plan(bench, CleanOptions(soft=True, max_age=60, max_size=0))
    measure(str(bench.root))
    assert planned.evictions
    assert tree(bench.root) == before


def test_the_plan_is_the_originals(bench: Bench) -> None:
    """Modes in their order, then time, then name; an entry goes once (A10)."""
    mixed(bench)
    planned = plan(bench, CleanOptions(soft=True, max_age=3600, max_size=0))
    listed = [
        (e.entry.name[:8], e.entry.created_at, e.entry.footprint, e.mode)
        for e in planned.evictions
    ]
    assert listed == [
        ("dddddddd", 0, 0, Mode.SOFT),
        ("eeeeeeee", 0, 0, Mode.SOFT),
        ("inner", 0, 0, Mode.SOFT),
        ("notanent", 0, 0, Mode.SOFT),
        ("bbbbbbbb", 2000, 7, Mode.SOFT),
        ("cccccccc", 3000, 7, Mode.SOFT),
        ("aaaaaaaa", 1000, 17, Mode.AGE),
        ("ffffffff", 99_999_999_999, 7, Mode.SIZE),
    ]
    assert (planned.inspected, planned.footprint) == (8, 38)


def test_without_soft_only_good_entries_go(bench: Bench) -> None:
    """Corrupt entries and orphans stay, and are not counted as found either."""
    mixed(bench)
    cleaned = clean(bench, CleanOptions(max_size=0))
    assert [e.entry.name[:1] for e in cleaned.done.evictions] == ["a", "f"]
    assert (cleaned.done.temporary, cleaned.done.restoring) == ((), ())
    assert (bench.cache / "aa" / ".tmp-x").exists()
    assert (bench.cache / "bb" / key("b")).exists()
    assert (bench.cache / ".trash-00").exists()


def test_soft_removes_what_is_of_no_use(bench: Bench) -> None:
    """Corrupt entries, orphans, what was set aside, empty shards; strays and good entries stay."""
    mixed(bench)
    cleaned = clean(bench, CleanOptions(soft=True))
    assert cleaned.problems == ()
    assert len(cleaned.done.evictions) == 6
    assert cleaned.done.temporary == ("aa/.tmp-x",)
    assert cleaned.done.restoring == (".restore-x",)
    assert sorted(p.name for p in bench.cache.iterdir()) == sorted(
        [".tmp-root", "README", "aa", "blobs", "ff", "linked", "state"]
    )
    assert look(bench).count(Standing.CORRUPT) == 0


@pytest.mark.parametrize(
    ("age", "gone"), [(8999, {"a"}), (9000, set()), (0, {"a", "b"}), (1 << 63, set())]
)
def test_age_is_strict(bench: Bench, age: int, gone: set[str]) -> None:
    """Stored before now - age goes, at that second stays; what is from now or later stays."""
    for digit, created in (("a", 1000), ("b", NOW - 1), ("c", NOW), ("d", NOW + 5)):
        put_key(bench.root, digit, created=created)
    evicted = clean(bench, CleanOptions(max_age=age)).done.evictions
    assert {e.entry.name[0] for e in evicted} == gone
    assert {e.name[0] for e in look(bench).entries} == set("abcd") - gone


@pytest.mark.parametrize(
    ("size", "gone"),
    [(40, ""), (39, "b"), (30, "b"), (29, "bc"), (10, "bca"), (9, "bcad"), (0, "bcad")],
)
def test_size_takes_the_oldest_until_the_rest_fits(bench: Bench, size: int, gone: str) -> None:
    """Equal times are ordered by key; the future is now, so its keys decide."""
    for digit, created in (("a", NOW + 9), ("b", 1), ("c", 2), ("d", NOW)):
        put_key(bench.root, digit, created=created, size=10)
    assert {e.entry.name[0] for e in plan(bench, CleanOptions(max_size=size)).evictions} == set(
        gone
    )


entries = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 20), st.booleans(), st.booleans()), max_size=12
)
limits = st.none() | st.integers(0, 60)


@settings(max_examples=200)
@given(entries, st.booleans(), limits, limits)
def test_a_plan_is_sound(
    drawn: list[tuple[int, int, bool, bool]], soft: bool, age: int | None, size: int | None
) -> None:
    """Nothing goes twice or without a reason, what is left fits, and nothing goes in vain."""
    found = tuple(
        Entry(
            "aa",
            f"{number:064x}",
            number,
            Standing.WELL_FORMED if good else Standing.CORRUPT,
            created,
            footprint,
            stranger="x" if strange else "",
        )
        for number, (created, footprint, good, strange) in enumerate(drawn)
    )
    planned = plan_clean(Census("/c", found), CleanOptions(soft, age, size), now=50)
    gone = [e.entry for e in planned.evictions]
    assert len(set(gone)) == len(gone)
    assert not any(e.stranger for e in gone)
    for eviction in planned.evictions:
        good = eviction.entry.standing is Standing.WELL_FORMED
        assert good is (eviction.mode is not Mode.SOFT)
        if eviction.mode is Mode.AGE:
            assert age is not None
            assert eviction.entry.created_at < 50 - age
    left = [e for e in found if e.standing is Standing.WELL_FORMED and e not in gone]
    if size is not None:
        over = sum(e.footprint for e in left) > size
        assert not over or all(e.stranger for e in left)
        by_size = [e.entry for e in planned.evictions if e.mode is Mode.SIZE]
        if by_size:
            newest = max(by_size, key=lambda e: (e.created_at, e.name))
            assert sum(e.footprint for e in left) + newest.footprint > size


def test_flags_stand_over_settings_field_by_field() -> None:
    """An unset flag takes the workspace's value; zero is a value (AUX-025)."""
    merged = CleanOptions(max_size=0).merged(max_age=5, max_size=7)
    assert merged == CleanOptions(max_age=5, max_size=0)
    assert CleanOptions().merged(max_age=None, max_size=None).asks_for_nothing
    assert not CleanOptions().merged(max_age=0, max_size=None).asks_for_nothing
    assert not CleanOptions(soft=True).asks_for_nothing


def test_blobs_that_no_entry_has_go_with_any_cleaning(bench: Bench) -> None:
    """After a clean no pool blob has its name alone; what two entries share stays (G1)."""
    shared, own = b"s" * 10, b"o" * 10
    for digit, created in (("1", 1000), ("2", 9999)):
        task = subject("x", "y", task=f"t{digit}")

        def make(digit: str = digit) -> None:
            write(bench.lib / "x", shared)
            write(bench.lib / "y", own + digit.encode())

        store = bench.store()
        bench.fresh(task, make, key=key(digit), store=store)
        store.finish()
        path = bench.entry(key(digit)) / "manifest.json"
        path.write_text(
            path.read_text().replace('"created_at_unix": 1000', f'"created_at_unix": {created}')
        )
    pool = bench.cache / "blobs"
    write(pool / "README", b"not ours")
    assert len(list(pool.iterdir())) == 4
    cleaned = clean(bench, CleanOptions(max_age=5000))
    assert [e.entry.name for e in cleaned.done.evictions] == [key("1")]
    names = sorted(p.name for p in pool.iterdir())
    assert len(names) == 3
    assert names[-1] == "README" or "README" in names
    assert all(p.stat().st_nlink > 1 for p in pool.iterdir() if p.name != "README")
    assert sorted(bench.litter()) == []


def test_a_folder_with_files_of_others_is_counted_and_stays(bench: Bench) -> None:
    """Not a key for a name, and something in it that we do not write: nobody's to delete."""
    ours = put(bench.root, "looks-like-ours", shard="zz")
    write(ours / "stdout", b"")
    write(ours / "order", b"")
    write(ours / "outputs" / key("1"), b"")
    strange = put(bench.root, "strange", shard="zz")
    write(strange / "thesis.txt", b"years of work")
    deep = put(bench.root, "deep", shard="zz")
    write(deep / "outputs" / "photo.jpg", b"")
    good = put(bench.root, "good", manifest(key("a")), shard="zz")
    write(good / "notes", b"")
    assert look(bench).count(Standing.CORRUPT) == 3
    cleaned = clean(bench, EVERYTHING)
    assert [e.entry.name for e in cleaned.done.evictions] == ["looks-like-ours"]
    assert [(e.name, e.stranger) for e in cleaned.done.kept] == [
        ("deep", "outputs/photo.jpg"),
        ("strange", "thesis.txt"),
    ]
    assert cleaned.problems == ()
    assert strange.joinpath("thesis.txt").read_bytes() == b"years of work"
    assert deep.joinpath("outputs", "photo.jpg").exists()
    assert good.exists()


def test_an_entry_that_was_replaced_since_the_plan_stays(bench: Bench) -> None:
    """A run has stored the result anew: that is another folder under the same name."""
    old = put_key(bench.root, "a")
    planned = plan(bench, EVERYTHING)
    old.rename(bench.root / "old")
    put_key(bench.root, "a", created=NOW)
    cleaned = carry_out(str(bench.root), planned)
    assert (cleaned.done.evictions, cleaned.problems) == ((), ())
    assert bench.entry(key("a")).exists()


def test_what_vanished_since_the_plan_is_no_failure(bench: Bench) -> None:
    """Two cleanings at once do not complain about each other."""
    mixed(bench)
    planned = plan(bench, EVERYTHING)
    assert carry_out(str(bench.root), planned).problems == ()
    again = carry_out(str(bench.root), planned)
    assert (again.done.evictions, again.done.temporary, again.problems) == ((), (), ())


def test_a_link_named_like_an_orphan_is_removed_and_not_followed(bench: Bench) -> None:
    """As with the original; what the link leads to is not touched."""
    canary = write(bench.root / "canary" / "file")
    put_key(bench.root, "a")
    (bench.cache / "aa" / ".tmp-l").symlink_to(canary.parent)
    (bench.cache / ".restore-l").symlink_to(canary.parent)
    assert look(bench).misplaced == {"aa/.tmp-l", ".restore-l"}
    cleaned = clean(bench, CleanOptions(soft=True))
    assert (len(cleaned.done.temporary), len(cleaned.done.restoring)) == (1, 1)
    assert cleaned.problems == ()
    assert canary.exists()
    assert not os.path.lexists(bench.cache / ".restore-l")


def test_a_file_named_like_an_orphan_is_a_failure_to_report(bench: Bench) -> None:
    """As with the original: it is noted, cannot be removed as a folder, and stays."""
    stray = write(bench.cache / ".restore-f")
    cleaned = clean(bench, CleanOptions(soft=True))
    assert cleaned.done.restoring == ()
    assert [str(p) for p in cleaned.problems] == [
        f"failed to remove orphan restore directory at: {stray}: I/O error at: {stray}: "
        "Not a directory (os error 20)"
    ]
    assert stray.exists()


@pytest.mark.parametrize("at", range(1, 9))
def test_a_failing_call_is_reported_and_the_rest_goes_on(bench: Bench, at: int) -> None:
    """Whichever change fails: nothing is raised, what is said to be gone is gone."""
    mixed(bench)
    write(bench.cache / "blobs" / key("9"))
    faults = Faults(at)
    cleaned = clean(bench, EVERYTHING, Disk(faults))
    assert faults.raised == 1
    assert len(cleaned.problems) == 1
    for eviction in cleaned.done.evictions:
        assert not (bench.cache / eviction.entry.place).exists()
    assert clean(bench, EVERYTHING).problems == ()
    assert look(bench).entries == ()


def test_an_interrupted_restore_is_undone_before_its_journal_goes(bench: Bench) -> None:
    """What a killed restore replaced is put back: only the journal knows what was there."""
    task = subject("one", "two")

    def make() -> None:
        write(bench.lib / "one", b"new one")
        write(bench.lib / "two", b"new two")

    bench.fresh(task, make)
    write(bench.lib / "one", b"mine")
    write(bench.lib / "two", b"mine")
    pid = os.fork()
    if pid == 0:

        def die(call: str, seen: list[str] = []) -> None:  # noqa: B006  # one list for one child
            seen.append(call)
            if call == "rename" and seen.count("rename") == 3:
                os._exit(7)

        bench.hit(task, store=bench.store(disk=Disk(die)))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    assert (bench.lib / "one").read_bytes() == b"new one"

    def refuse(call: str) -> None:
        if call == "rename":
            raise OSError(errno.EIO, "Input/output error")

    hindered = carry_out(str(bench.root), plan(bench, CleanOptions(soft=True)), Disk(refuse))
    [remark] = hindered.remarks
    assert remark.startswith('an interrupted restore could not be undone: "/lib/')
    [problem] = hindered.problems
    assert problem.path.startswith(f"{bench.cache}/.restore-")
    assert problem.reason.endswith("or remove it by hand to give that up")
    cleaned = clean(bench, CleanOptions(soft=True))
    assert len(cleaned.done.restoring) == 1
    assert (bench.lib / "one").read_bytes() == b"mine"
    assert (bench.lib / "two").read_bytes() == b"mine"
    assert bench.litter() == []


def test_a_hit_after_a_clean_is_a_miss_and_heals(bench: Bench) -> None:
    """Eviction takes the result, not the outputs; the next run stores it again."""
    task = subject("out")
    bench.fresh(task, lambda: write(bench.lib / "out"))
    clean(bench, EVERYTHING)
    assert look(bench).entries == ()
    assert (bench.lib / "out").exists()
    bench.fresh(task, lambda: write(bench.lib / "out"))
    assert look(bench).count(Standing.WELL_FORMED) == 1
    assert clean(bench, CleanOptions(soft=True)).done.evictions == ()
    assert bench.hit(task) is not None
