"""Our own leavings go, and nothing else does (decisions.md 11, cache.md C7.6)."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.abc import Restored, Stored
from haz_trio.cache.ledger import Leavings, Ledger, decode, encode, left_row
from tests.cache.store_support import KEY, OTHER_KEY, Bench, remove, subject, write

WHAT = subject("dist/**")


def two_results(bench: Bench) -> None:
    """First ``dist/a``, then also ``dist/b`` and ``dist/sub/c`` under another key."""
    bench.fresh(WHAT, lambda: write(bench.lib / "dist/a"))
    bench.fresh(
        WHAT,
        lambda: (write(bench.lib / "dist/b"), write(bench.lib / "dist/sub/c")),
        key=OTHER_KEY,
    )


def names(bench: Bench) -> set[str]:
    return set(bench.tree("lib/dist"))


def test_a_hit_removes_what_a_later_run_left(bench: Bench) -> None:
    """The tree is exactly the recorded one, folders included (H10), and back again."""
    two_results(bench)
    for key, expected in ((KEY, {"a"}), (OTHER_KEY, {"a", "b", "sub", "sub/c"})) * 2:
        assert isinstance(bench.hit(WHAT, key=key), Restored)
        assert names(bench) == expected


def test_what_somebody_changed_stays(bench: Bench) -> None:
    """A leaving that was edited or replaced belongs to who did that."""
    two_results(bench)
    write(bench.lib / "dist/b", b"edited by hand")
    remove(bench.lib / "dist/sub/c")
    write(bench.lib / "dist/sub/c")
    assert isinstance(bench.hit(WHAT), Restored)
    assert names(bench) == {"a", "b", "sub", "sub/c"}


def test_what_was_there_before_is_not_ours(bench: Bench) -> None:
    """A file that matches but that no run of ours wrote is stored and never removed."""
    bench.fresh(WHAT, lambda: write(bench.lib / "dist/a"))
    write(bench.lib / "dist/mine")
    bench.fresh(WHAT, lambda: write(bench.lib / "dist/a", b"2"), key=OTHER_KEY)
    manifest = json.loads((bench.entry(OTHER_KEY) / "manifest.json").read_text())
    assert len(manifest["outputs"]) == 2
    assert isinstance(bench.hit(WHAT), Restored)
    assert names(bench) == {"a", "mine"}


def test_a_restored_file_is_ours_too(bench: Bench) -> None:
    """What a restore put may be removed by the next one."""
    two_results(bench)
    assert isinstance(bench.hit(WHAT), Restored)
    remove(bench.lib / "dist")
    assert isinstance(bench.hit(WHAT, key=OTHER_KEY), Restored)
    assert isinstance(bench.hit(WHAT), Restored)
    assert names(bench) == {"a"}


def test_files_of_another_task_are_left_out_of_an_entry(bench: Bench) -> None:
    """They match, this command did not write them, and the ledger knows whose they are."""
    other = subject("dist/theirs", task="other")
    bench.fresh(other, lambda: write(bench.lib / "dist/theirs"), key=OTHER_KEY)
    collected, kept = bench.fresh(WHAT, lambda: write(bench.lib / "dist/a"))
    assert kept == Stored()
    assert collected.written == ("/lib/dist/a",)
    manifest = json.loads((bench.entry() / "manifest.json").read_text())
    assert [o["workspace_absolute_path"] for o in manifest["outputs"]] == ["/lib/dist/a"]
    assert isinstance(bench.hit(WHAT), Restored)
    assert names(bench) == {"a", "theirs"}


def test_files_that_another_task_has_taken_over_are_not_removed(bench: Bench) -> None:
    """A path belongs to the last of our tasks that wrote it."""
    two_results(bench)
    other = subject("dist/b", task="other")
    bench.fresh(other, lambda: write(bench.lib / "dist/b", b"other"), key="ab" * 32)
    assert isinstance(bench.hit(WHAT), Restored)
    assert names(bench) == {"a", "b"}


def test_what_is_no_output_any_more_stays(bench: Bench) -> None:
    """It may be an output of another task by now, or its input."""
    bench.fresh(
        subject("one", "dist/*"),
        lambda: [write(bench.lib / name) for name in ("one", "dist/a.o", "dist/a.txt")],
        key=OTHER_KEY,
    )
    objects = subject("dist/*.o")
    bench.fresh(objects, lambda: write(bench.lib / "dist/b.o"))
    assert isinstance(bench.hit(objects), Restored)
    assert set(bench.tree("lib")) == {"one", "dist", "dist/a.o", "dist/a.txt", "dist/b.o"}


def test_what_a_hit_finds_of_another_task_is_its_own_from_then_on(bench: Bench) -> None:
    """A task was split, joined and split again: what its part has found right stays."""
    part = subject("dist/b", task="part")
    bench.fresh(part, lambda: write(bench.lib / "dist/b"), key="ab" * 32)
    bench.fresh(WHAT, lambda: write(bench.lib / "dist/a"))
    bench.fresh(WHAT, lambda: [write(bench.lib / "dist" / x) for x in "ab"], key=OTHER_KEY)
    for _ in range(2):
        assert isinstance(bench.hit(part, key="ab" * 32), Restored)
        assert isinstance(bench.hit(WHAT), Restored)
        assert names(bench) == {"a", "b"}
    assert isinstance(bench.hit(WHAT, key=OTHER_KEY), Restored)
    assert isinstance(bench.hit(WHAT), Restored)
    assert names(bench) == {"a", "b"}  # the part has it as well


def test_what_a_hit_finds_of_people_is_not_its_own(bench: Bench) -> None:
    """Somebody made the very file that the result has: no later hit removes it."""
    two_results(bench)
    remove(bench.lib / "dist/b")
    write(bench.lib / "dist/b")
    assert isinstance(bench.hit(WHAT, key=OTHER_KEY), Restored)
    assert isinstance(bench.hit(WHAT), Restored)
    assert names(bench) == {"a", "b"}


def test_without_a_ledger_nothing_is_removed(bench: Bench) -> None:
    """A ledger that is absent or damaged knows of nothing."""
    ledger = bench.cache / "state/ledger"
    for damage in (ledger.unlink, lambda: ledger.write_bytes(ledger.read_bytes()[:-1])):
        two_results(bench)
        damage()
        assert isinstance(bench.hit(WHAT), Restored)
        assert names(bench) == {"a", "b", "sub", "sub/c"}
        remove(bench.lib / "dist")


def test_two_runs_add_to_one_ledger(bench: Bench) -> None:
    """What another process wrote meanwhile is kept (merge on write)."""
    first, second = bench.store(), bench.store()
    other = subject("other/*", task="other")
    bench.fresh(WHAT, lambda: write(bench.lib / "dist/a"), store=first)
    bench.fresh(other, lambda: write(bench.lib / "other/x"), key=OTHER_KEY, store=second)
    first.finish()
    second.finish()
    bench.fresh(WHAT, lambda: remove(bench.lib / "dist/a"), key="ab" * 32)
    data = (bench.cache / "state/ledger").read_bytes()
    assert b"lib:other" in data
    assert b"lib:build" in data


def test_a_hit_on_what_is_there_does_not_write_the_ledger(bench: Bench) -> None:
    """A no-op writes no state."""
    bench.fresh(WHAT, lambda: write(bench.lib / "dist/a"))
    before = (bench.cache / "state/ledger").stat()
    assert isinstance(bench.hit(WHAT), Restored)
    assert (bench.cache / "state/ledger").stat().st_ino == before.st_ino


rows = st.builds(
    Leavings,
    st.text("ab:", min_size=1, max_size=4),
    st.text("0f", max_size=4),
    st.lists(
        st.tuples(
            st.text("xyé", min_size=1, max_size=3).map("/".__add__),
            st.tuples(*[st.integers(-1, 1 << 62)] * 4),
        ),
        max_size=3,
    ).map(tuple),
)


@given(st.lists(rows, max_size=4))
@settings(max_examples=50)
def test_what_is_encoded_is_decoded(found: list[Leavings]) -> None:
    """``decode`` undoes ``encode``."""
    by_task = {row.task: row for row in found}
    assert decode(encode(by_task)) == by_task


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=5)
            | st.dictionaries(st.sampled_from(["task", "key", "paths"]), inner, max_size=3)
        ),
        max_leaves=10,
    )
)
@settings(max_examples=100)
def test_no_ledger_raises(value: object) -> None:
    """Whatever stands in it (a repository may ship a hostile file)."""
    assert isinstance(decode(json.dumps(value).encode()), dict)


def test_a_row_is_ours_while_it_is_unchanged(tmp_path: Path) -> None:
    """Files by their whole stat row, folders by their inode."""
    write(tmp_path / "d/x")
    ledger = Ledger(str(tmp_path), {})
    ledger.record("a:b", KEY, wrote=["/d/x", "/d", "/absent", "/bad\n"], kept=[])
    assert set(ledger.ours("a:b")) == {"/d", "/d/x"}
    assert ledger.others("/d/x", "c:d") == {"a:b"}
    assert not ledger.others("/d/x", "a:b")
    write(tmp_path / "d/y")
    (tmp_path / "d/x").chmod(0o600)
    assert set(ledger.ours("a:b")) == {"/d"}
    assert left_row(str(tmp_path / "absent")) is None


def test_what_another_task_found_right_is_not_removed(bench: Bench) -> None:
    """Both have it then, also in the rows on disk; it goes with the last one."""
    one, two = subject("dist/*", task="one"), subject("dist/*", task="two")
    bench.fresh(two, lambda: write(bench.lib / "dist/two"), key="cd" * 32)
    remove(bench.lib / "dist")
    bench.fresh(one, lambda: [write(bench.lib / "dist" / x) for x in ("one", "both")])
    remove(bench.lib / "dist")
    bench.fresh(two, lambda: write(bench.lib / "dist/both"), key=OTHER_KEY)
    assert isinstance(bench.hit(one), Restored)
    assert isinstance(bench.hit(two, key="cd" * 32), Restored)
    assert names(bench) == {"one", "both", "two"}


def test_its_own_old_output_is_no_strangers_after_a_hit_of_another(bench: Bench) -> None:
    """decisions.md 10: a command that leaves it as it is has it in its result all the same."""
    one, two = subject("dist/both", task="one"), subject("dist/*", task="two")
    bench.fresh(one, lambda: write(bench.lib / "dist/both"), key="cd" * 32)
    remove(bench.lib / "dist")
    bench.fresh(two, lambda: [write(bench.lib / "dist" / x) for x in ("two", "both")])
    assert isinstance(bench.hit(one, key="cd" * 32), Restored)
    bench.fresh(two, lambda: write(bench.lib / "dist/two"), key=OTHER_KEY)
    remove(bench.lib / "dist")
    assert isinstance(bench.hit(two, key=OTHER_KEY), Restored)
    assert names(bench) == {"two", "both"}
