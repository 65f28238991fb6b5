"""Walks: the files that globs stand for, whatever links, odd names and changes there are."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.cache.hashing import StatRow, stat_row
from haz_trio.cache.walk import Tree
from haz_trio.model.patterns import Anchored, below, parse_pattern


def anchored(text: str, root: str = "/") -> Anchored:
    return parse_pattern(text).anchored(root)


def find(root: Path, *globs: str, at: str = "/") -> list[str]:
    found = Tree(str(root)).find([anchored(glob, at) for glob in globs])
    return sorted(found.files)


def plant(root: Path, *names: str) -> None:
    """Files by name, folders by a slash at the end, links as ``name -> target``."""
    for name in names:
        link, arrow, target = name.partition(" -> ")
        path = root / link
        path.parent.mkdir(parents=True, exist_ok=True)
        if arrow:
            path.symlink_to(target)
        elif name.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.write_text(name)


# -- against brute force ----------------------------------------------------------------------


def everything(root: str, path: str, above: frozenset[tuple[int, int]]) -> Iterator[str]:
    """Every file and dangling link below a folder, by the rules in one recursion."""
    info = os.stat(root + path)
    identity = (info.st_dev, info.st_ino)
    real = os.path.realpath(root + path)
    if identity in above or below(real, os.path.realpath(root + "/.haz/cache")):
        return
    for name in os.listdir(root + path):
        inner = f"{path}/{name}"
        if os.path.isdir(root + inner):
            yield from everything(root, inner, above | {identity})
        elif os.path.isfile(root + inner) or os.path.islink(root + inner):
            yield inner


NAMES = st.sampled_from(["a", "b", "c.x", ".h", "é"])
PLACES = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
TARGETS = st.one_of(PLACES, st.sampled_from([".", "..", "../a", "../../b", "a/b", "/", ".haz"]))
GLOBS = st.lists(
    st.sampled_from(["*", "**", "a", "?", "*.x", "{a,b}", "[ab]", ".*", "c.x", "é"]),
    min_size=1,
    max_size=4,
).map("/".join)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(PLACES, max_size=8),
    st.lists(st.tuples(PLACES, TARGETS), max_size=4),
    st.lists(st.tuples(GLOBS, st.sampled_from(["/", "/a", "/a/b"])), min_size=1, max_size=3),
    st.booleans(),
)
def test_a_walk_finds_what_brute_force_finds(
    files: list[str],
    links: list[tuple[str, str]],
    globs: list[tuple[str, str]],
    cached: bool,
) -> None:
    """On trees with links up, down, across, out and to nowhere, and with a cache."""
    with tempfile.TemporaryDirectory() as top:
        root = os.path.join(os.path.realpath(top), "ws")
        os.makedirs(root + "/.haz")
        if cached:
            os.makedirs(root + "/.haz/cache/a")
            Path(root + "/.haz/cache/a/b").touch()
        for place in files:
            _try(lambda path: Path(path).touch(), f"{root}/{place}")
        for place, target in links:
            whole = target if target != "/" else root
            _try(lambda path, to=whole: os.symlink(to, path), f"{root}/{place}")
        patterns = [
            anchored(glob, at) for glob, at in globs if not {"*", "?", "[", "{"}.isdisjoint(glob)
        ]
        expected = {p for p in everything(root, "", frozenset()) if _any(patterns, p)}
        found = Tree(root).find(patterns)
        assert found.files.keys() | found.dangling.keys() == expected
        assert all(os.path.isfile(root + path) for path in found.files)
        assert not any(os.path.exists(root + path) for path in found.dangling)
        for path, pattern in (found.files | found.dangling).items():
            assert pattern == next(p for p in patterns if p.matches(path))


def _any(patterns: list[Anchored], path: str) -> bool:
    return any(pattern.matches(path) for pattern in patterns)


def _try(make: object, path: str) -> None:
    """Make something unless another thing is in the way."""
    assert callable(make)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        make(path)
    except OSError:
        return


# -- single rules -----------------------------------------------------------------------------


def test_hidden_and_foreign_files_are_seen(tmp_path: Path) -> None:
    """``.git``, ``node_modules``, hidden files and the rest of ``.haz`` are like any other."""
    plant(tmp_path, ".git/x.c", "node_modules/m/x.c", ".h.c", ".haz/tasks/x.c", "a.h")
    wanted = ["/.git/x.c", "/.h.c", "/.haz/tasks/x.c", "/node_modules/m/x.c"]
    assert find(tmp_path, "**/*.c") == wanted


def test_the_cache_is_never_entered(tmp_path: Path) -> None:
    """Neither from above, nor through links, nor by a glob that begins inside."""
    plant(tmp_path, ".haz/cache/ab/x", ".haz/x", "l1 -> .haz", "l2 -> .haz/cache")
    plant(tmp_path, "l3 -> .haz/cache/ab", "cache/x")
    assert find(tmp_path, "**") == ["/.haz/x", "/cache/x", "/l1/x"]
    assert find(tmp_path, "/.haz/cache/**", "/.haz/cache/ab/*") == []
    assert find(tmp_path, "/l1/cache/**") == []


def test_a_cache_elsewhere_is_not_entered_either(tmp_path: Path) -> None:
    """``.haz/cache`` may itself be a link."""
    plant(tmp_path, "elsewhere/x", "ws/.haz/cache -> ../../elsewhere", "ws/a")
    plant(tmp_path, "ws/l -> ../elsewhere")
    assert find(tmp_path / "ws", "**") == ["/a"]


def test_staged_files_of_a_restore_are_nobody_s_input(tmp_path: Path) -> None:
    """A task that looks while another one's outputs are put in place sees no half-made file."""
    plant(tmp_path, "out/a", "out/.haz-restore-0123-00000000")
    assert find(tmp_path, "out/**") == ["/out/a"]


def test_links_count_under_their_own_names(tmp_path: Path) -> None:
    """To files and to folders, inside the workspace and out of it."""
    plant(tmp_path, "out/side.c", "ws/a.c", "ws/b.c -> a.c", "ws/c.c -> ../out/side.c")
    plant(tmp_path, "ws/d -> ../out")
    assert find(tmp_path / "ws", "**/*.c") == ["/a.c", "/b.c", "/c.c", "/d/side.c"]


def test_a_folder_is_not_entered_twice_on_one_path(tmp_path: Path) -> None:
    """Links to ``.``, upwards and in a ring end; two links to one folder are two places."""
    plant(tmp_path, "a/x", "a/me -> .", "a/up -> ..", "b/ring -> ../c", "c/ring -> ../b", "c/y")
    plant(tmp_path, "d1 -> a", "d2 -> a")
    found = find(tmp_path, "**/[xy]")
    assert found == ["/a/x", "/b/ring/y", "/c/y", "/d1/x", "/d2/x"]
    assert find(tmp_path, "a/**/[xy]") == ["/a/x"]  # the same from a later start


def test_a_link_that_leads_nowhere_is_told_only_if_it_matches(tmp_path: Path) -> None:
    """Dangling links and loops do no harm where nothing matches them (B 105 to 108)."""
    plant(tmp_path, "x.c", "gone -> nothing", "self -> self", "bad.c -> nothing")
    tree = Tree(str(tmp_path))
    found = tree.find([anchored("*.h"), anchored("**/x.c")])
    assert (list(found.files), found.dangling) == (["/x.c"], {})
    pattern = anchored("*.c")
    assert tree.find([pattern]).dangling == {"/bad.c": pattern}
    assert sorted(tree.find([anchored("**")]).dangling) == ["/bad.c", "/gone", "/self"]


def test_what_is_no_file_is_passed_over_and_remembered(tmp_path: Path) -> None:
    """FIFOs and sockets that match are no inputs, and nothing waits for them (B 110)."""
    plant(tmp_path, "a", "f/b")
    os.mkfifo(tmp_path / "f" / "fifo")
    os.mkfifo(tmp_path / "unmatched.fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "f" / "socket"))
    plant(tmp_path, "f/link -> fifo")
    tree = Tree(str(tmp_path))
    assert sorted(tree.find([anchored("f/*")]).files) == ["/f/b"]
    assert tree.special == ("/f/fifo", "/f/socket")


def test_names_that_are_not_utf8_are_passed_over_and_remembered(tmp_path: Path) -> None:
    """No pattern can name them, nor what is below them (B 112); control characters are fine."""
    plant(tmp_path, "a\nb", "é")
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))).touch()
    os.mkdir(os.fsencode(tmp_path) + b"/d\xfe")
    plant(tmp_path, "ok/x")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/d\xfe/x")).touch()
    tree = Tree(str(tmp_path))
    assert sorted(tree.find([anchored("**")]).files) == ["/a\nb", "/ok/x", "/é"]
    assert [os.fsencode(p).rpartition(b"/")[2] for p in tree.unnamable] == [b"d\xfe", b"\xff"]


def test_a_walk_begins_at_the_prefix_and_ends_at_the_depth(tmp_path: Path) -> None:
    """Folders beside and below what can match are not looked at, readable or not."""
    plant(tmp_path, "lib/src/a.c", "lib/src/deep/b.c", "lib/src/deep/er/c.c", "other/c.c")
    seen: list[int] = []

    def row_of(info: os.stat_result) -> StatRow:
        seen.append(info.st_ino)
        return stat_row(info)

    tree = Tree(str(tmp_path), row_of=row_of)
    assert list(tree.find([anchored("src/*.c", "/lib")]).files) == ["/lib/src/a.c"]
    folders = [(tmp_path / "lib/src" / name).stat().st_ino for name in ("", "deep")]
    assert seen == folders[:1]
    assert list(tree.find([anchored("src/*/*.c", "/lib")]).files) == ["/lib/src/deep/b.c"]
    assert seen[1:] == folders


def test_a_prefix_that_is_no_folder_has_no_files(tmp_path: Path) -> None:
    """Missing, a file, a link to nowhere: a glob may match nothing (B 102, 103)."""
    plant(tmp_path, "file", "loop -> loop", "gone -> nothing")
    for prefix in ("missing", "file", "loop", "gone", "file/below", "n" * 300):
        assert find(tmp_path, f"{prefix}/*") == []


def test_a_special_character_in_a_project_folder_is_no_glob(tmp_path: Path) -> None:
    """The folder of a project is taken as it is."""
    plant(tmp_path, "a[x]*/s/f", "ax/s/f")
    assert find(tmp_path, "s/*", at="/a[x]*") == ["/a[x]*/s/f"]


def test_somebody_can_give_up(tmp_path: Path) -> None:
    """``check`` is called for every folder."""
    plant(tmp_path, "a/x", "b/x", "c/x")
    calls: list[int] = []
    Tree(str(tmp_path)).find([anchored("**")], check=lambda: calls.append(1))
    assert len(calls) == 4


# -- listings ---------------------------------------------------------------------------------


@attrs.define
class World:
    """A coarse clock for stamps of folders: a tick is all that their times tell."""

    now: int = 1_000_000_000_123_456_789
    tick: int = 10_000_000
    stamps: dict[int, int] = attrs.field(factory=dict)
    looks: int = 0

    def clock(self) -> int:
        return self.now

    def row_of(self, info: os.stat_result) -> StatRow:
        stamp = self.stamps.setdefault(info.st_ino, self.now // self.tick * self.tick + 1)
        return stat_row(info)._replace(mtime_ns=stamp, ctime_ns=stamp)

    def changed(self, folder: Path) -> None:
        self.stamps[folder.stat().st_ino] = self.now // self.tick * self.tick + 1


def test_a_change_in_the_tick_of_the_listing_is_seen(tmp_path: Path) -> None:
    """Files that come and go within one tick of the clock never hide behind an old listing."""
    world = World()
    tree = Tree(str(tmp_path), clock=world.clock, row_of=world.row_of)
    for number in range(300):
        plant(tmp_path, f"f{number}")
        world.changed(tmp_path)
        assert len(tree.find([anchored("*")]).files) == number + 1
        world.now += 700_000


def test_a_listing_that_has_settled_is_not_read_again(tmp_path: Path) -> None:
    """A file that leaves no trace in the folder's stamp is not seen: nothing was read."""
    world = World()
    plant(tmp_path, "a")
    tree = Tree(str(tmp_path), clock=world.clock, row_of=world.row_of)
    world.changed(tmp_path)
    world.now += 100_000_000
    assert len(tree.find([anchored("*")]).files) == 1
    plant(tmp_path, "b")  # without world.changed: impossible with a real clock
    assert len(tree.find([anchored("*"), anchored("?")]).files) == 1
    world.now -= 1  # a clock that was set back: nothing is believed
    assert len(tree.find([anchored("*")]).files) == 2


def test_real_folders_are_seen_to_change(tmp_path: Path) -> None:
    """Created, removed, renamed files, and a folder replaced by another."""
    plant(tmp_path, "d/a", "e/z")
    tree = Tree(str(tmp_path))

    def now() -> list[str]:
        return sorted(tree.find([anchored("d/**")]).files)

    assert now() == ["/d/a"]
    plant(tmp_path, "d/b")
    assert now() == ["/d/a", "/d/b"]
    (tmp_path / "d/a").rename(tmp_path / "d/c")
    assert now() == ["/d/b", "/d/c"]
    (tmp_path / "d/b").unlink()
    assert now() == ["/d/c"]
    (tmp_path / "d").rename(tmp_path / "old")
    (tmp_path / "e").rename(tmp_path / "d")
    assert now() == ["/d/z"]


def test_threads_share_one_tree(tmp_path: Path) -> None:
    """Walks at once in several threads, while files appear, see at least what was there before."""
    plant(tmp_path, *(f"d{n}/{m}" for n in range(10) for m in range(10)))
    tree = Tree(str(tmp_path))
    failures: list[object] = []

    def look() -> None:
        for _ in range(20):
            found = tree.find([anchored("**"), anchored("d*/[0-5]")]).files
            if len(found) < 100:
                failures.append(found)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(50):
        plant(tmp_path, f"d{number % 10}/new{number}")
    for thread in threads:
        thread.join()
    assert not failures
    assert len(tree.find([anchored("**")]).files) == 150
