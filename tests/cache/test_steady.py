"""A glob that is looked at again: one stat for each place, and never an old answer."""

from __future__ import annotations

import os
import time
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.cache.hashing import StatRow, stat_row
from haz_trio.cache.inputs import InputReader
from haz_trio.model.patterns import Anchored, parse_pattern
from haz_trio.model.workspace import HashName

NAME = HashName.SHA256
SECOND = 1_000_000_000
FILES = ("src/a", "src/b", "src/deep/c")
PLACES = 2 + len(FILES)  # with the folders


@attrs.define
class World:
    """A clock ahead of the files, so that all of them are old; ``rows`` counts the stats."""

    ahead: int = 5 * SECOND
    rows: int = 0

    def clock(self) -> int:
        return time.time_ns() + self.ahead

    def row_of(self, info: os.stat_result) -> StatRow:
        self.rows += 1
        return stat_row(info)

    def reader(self, root: Path) -> InputReader:
        return InputReader(str(root), NAME, clock=self.clock, row_of=self.row_of)

    def cost(self, reader: InputReader, glob: list[Anchored]) -> int:
        """How many stats a read takes."""
        before = self.rows
        reader.read(glob)
        return self.rows - before


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in FILES:
        write(tmp_path, name, name)
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def everything() -> list[Anchored]:
    return [parse_pattern("src/**").anchored("/")]


def test_a_second_look_is_one_stat_for_each_place(root: Path) -> None:
    """Folders and files are asked once each, and nothing is listed or read."""
    world, glob = World(), everything()
    reader = world.reader(root)
    first = reader.read(glob)
    assert world.cost(reader, glob) == PLACES
    before = world.rows
    assert reader.changed(first, ()) is None
    assert world.rows - before == PLACES


def test_what_was_written_a_moment_ago_is_not_believed(root: Path) -> None:
    """With a clock that is not ahead, the stamps are too young to prove anything."""
    world, glob = World(ahead=0), everything()
    for name in FILES:
        write(root, name, "new")
    reader = world.reader(root)
    reader.read(glob)
    assert world.cost(reader, glob) > PLACES


def test_a_clock_that_was_set_back_proves_nothing(root: Path) -> None:
    """Rows are not even looked at; the next look that can be believed is cheap again."""
    world, glob = World(), everything()
    reader = world.reader(root)
    reader.read(glob)
    world.ahead -= SECOND
    assert world.cost(reader, glob) > PLACES
    assert world.cost(reader, glob) == PLACES


def test_links_are_followed_each_time(root: Path) -> None:
    """What a link leads to can become a folder without a trace in all that has been seen."""
    write(root, "one", "no folder, so the glob has nothing of it")
    (root / "src" / "link").symlink_to("../one")
    reader, glob = World().reader(root), [parse_pattern("src/**/*.c").anchored("/")]
    before = reader.read(glob)
    (root / "one").unlink()
    write(root, "one/file.c", "new")
    assert reader.changed(before, ()) == "/src/link/file.c"
    assert reader.read(glob) == World().reader(root).read(glob) != before


def test_a_folder_that_comes_into_being_is_seen(tmp_path: Path) -> None:
    """A glob that found no folder has no row that could prove that there still is none."""
    reader, glob = World().reader(tmp_path), everything()
    before = reader.read(glob)
    assert before.files == ()
    write(tmp_path, "src/a", "a")
    assert reader.changed(before, ()) == "/src/a"
    assert [path for path, _ in reader.read(glob).files] == ["/src/a"]


def test_a_check_may_give_up(root: Path) -> None:
    """``check`` is called in a second look as well."""

    class Enough(Exception):
        pass

    def check() -> None:
        raise Enough

    reader, glob = World().reader(root), everything()
    reader.read(glob)
    with pytest.raises(Enough):
        reader.read(glob, check=check)


STEPS = st.lists(
    st.tuples(st.sampled_from([*FILES, "src/new", "src/more/d", "other"]), st.integers(0, 4)),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_no_history_leaves_an_old_answer(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    """After every edit that has ended a reader that remembers says what a new one says.

    An edit is a file with another size, or none at all (0).
    """
    root = tmp_path_factory.mktemp("ws")
    glob = [*everything(), parse_pattern("src/a").anchored("/")]
    write(root, "src/a", "")
    reader = World().reader(root)
    seen = reader.read(glob)
    for name, size in steps:
        if size or name == "src/a":
            write(root, name, "x" * size)
        else:
            (root / name).unlink(missing_ok=True)
        reader.ended()
        fresh = World().reader(root).read(glob)
        differing = {path for path, _ in set(seen.files) ^ set(fresh.files)}
        assert reader.changed(seen, ()) == min(differing, default=None)
        seen = reader.read(glob)
        assert seen.files == fresh.files
