"""Inputs on real files: which they are, when their digests are believed, when they changed."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from haz_trio.cache.fingerprint import Fingerprints
from haz_trio.cache.hashing import ALGORITHMS, digest_bytes, digest_file, new_hasher
from haz_trio.cache.inputs import InputReader
from haz_trio.errors import InputError
from haz_trio.model.patterns import Anchored, parse_pattern
from haz_trio.model.workspace import HashName

B3 = HashName.BLAKE3


def anchored(*texts: str, root: str = "/lib") -> list[Anchored]:
    return [parse_pattern(text).anchored(root) for text in texts]


def names(root: Path, *texts: str) -> list[str]:
    seen = InputReader(str(root), B3).read(anchored(*texts))
    return [path for path, _ in seen.files]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        "lib/a.c",
        "lib/b.h",
        "lib/src/c.c",
        "lib/src/deep/d.c",
        "lib/.hidden.c",
        "top.c",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def test_patterns_stand_for_files(tree: Path) -> None:
    """Literals, globs and both anchors; sorted by path; a file that two match counts once."""
    assert names(tree, "a.c", "*.c", "/lib/a.c") == ["/lib/.hidden.c", "/lib/a.c"]
    assert names(tree, "src/**") == ["/lib/src/c.c", "/lib/src/deep/d.c"]
    assert names(tree, "src/*/*.c") == ["/lib/src/deep/d.c"]
    assert names(tree, "/*.c", "/**/d.c") == ["/lib/src/deep/d.c", "/top.c"]
    assert names(tree, "nowhere/**") == []


def test_links_count_under_their_own_names(tree: Path) -> None:
    """A link to a file is a file of its own, a link to a folder is entered."""
    (tree / "lib/link.c").symlink_to("a.c")
    (tree / "lib/folder").symlink_to("src")
    assert names(tree, "*.c") == ["/lib/.hidden.c", "/lib/a.c", "/lib/link.c"]
    assert names(tree, "folder/*.c") == ["/lib/folder/c.c"]


def test_loops_and_dangling_links_do_no_harm_unmatched(tree: Path) -> None:
    """A folder is not entered twice on one path; what leads nowhere is no file."""
    (tree / "lib/loop").symlink_to(".")
    (tree / "lib/self").symlink_to("self")
    (tree / "lib/gone").symlink_to("nowhere")
    assert "/lib/src/c.c" in names(tree, "**/*.c")
    assert not any("loop/loop" in name for name in names(tree, "**/*.c"))


def test_a_matched_dangling_link_is_an_error(tree: Path) -> None:
    """The message names the link and the pattern."""
    (tree / "lib/gone.c").symlink_to("nowhere")
    with pytest.raises(InputError, match=r"/lib/gone\.c.*leads nowhere.*\*\.c"):
        names(tree, "*.c")


@pytest.mark.parametrize(
    ("name", "text"),
    [("missing", "does not exist"), ("src", "is a folder.*src/"), ("fifo", "is a FIFO")],
)
def test_a_literal_must_be_a_regular_file(tree: Path, name: str, text: str) -> None:
    """Anything else is an error that says what is there, and opens nothing."""
    os.mkfifo(tree / "lib/fifo")
    with pytest.raises(InputError, match=text) as caught:
        names(tree, name)
    assert caught.value.missing == ("/lib/missing" if name == "missing" else "")


def test_odd_kinds_and_names_are_passed_over(tree: Path) -> None:
    """FIFOs, sockets and names that are not UTF-8 match nothing; the names get a remark."""
    os.mkfifo(tree / "lib/pipe.c")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tree / "lib/socket.c"))
    Path(os.fsdecode(os.fsencode(tree) + b"/lib/\xff.c")).write_text("odd")
    (tree / "lib/new\nline.c").write_text("fine")
    reader = InputReader(str(tree), B3)
    found = [path for path, _ in reader.read(anchored("*.c")).files]
    assert found == ["/lib/.hidden.c", "/lib/a.c", "/lib/new\nline.c"]
    (note,) = reader.notes()
    assert "not UTF-8" in note


def test_the_cache_is_never_an_input(tree: Path) -> None:
    """Nothing below .haz/cache is matched, also through a link; the rest of .haz is."""
    (tree / ".haz/cache/ab").mkdir(parents=True)
    (tree / ".haz/cache/ab/x.c").write_text("x")
    (tree / ".haz/workspace.c").write_text("x")
    (tree / "lib/sly").symlink_to("../.haz/cache")
    assert names(tree, "/.haz/**") == ["/.haz/workspace.c"]
    assert not any("cache" in name or "sly" in name for name in names(tree, "/**/*.c"))


def test_new_files_are_seen_in_the_same_run(tree: Path) -> None:
    """A folder that was listed is listed again when a task has written into it."""
    reader = InputReader(str(tree), B3)
    reader.read(anchored("src/*.c"))
    for number in range(20):
        (tree / f"lib/src/new{number}.c").write_text("x")
        assert len(reader.read(anchored("src/*.c")).files) == number + 2


def test_changes_are_noticed(tree: Path) -> None:
    """An edit, a file that appears and one that vanishes; not an untouched or rewritten one."""
    reader = InputReader(str(tree), B3)
    seen = reader.read(anchored("*.c", "src/c.c"))
    assert reader.changed(seen, []) is None
    (tree / "lib/a.c").write_text("lib/a.c")
    assert reader.changed(seen, []) is None
    (tree / "lib/a.c").write_text("other")
    assert reader.changed(seen, []) == "/lib/a.c"
    assert reader.changed(seen, anchored("a.c")) is None
    (tree / "lib/a.c").write_text("lib/a.c")
    (tree / "lib/z.c").write_text("new")
    assert reader.changed(seen, []) == "/lib/z.c"
    assert reader.changed(seen, anchored("z.*")) is None
    (tree / "lib/z.c").unlink()
    (tree / "lib/src/c.c").unlink()
    assert reader.changed(seen, []) == "/lib/src/c.c"


@attrs.define
class CoarseClock:
    """A clock whose files' time stamps move only when it is told to."""

    now: int = 10**18

    def __call__(self) -> int:
        return self.now


def test_edits_within_a_tick_are_never_missed(tmp_path: Path) -> None:
    """1,000 edits of equal length under one time stamp: no stale digest (cache.md F1)."""
    path = tmp_path / "file"
    clock = CoarseClock()
    prints = Fingerprints(B3, clock=clock)
    for number in range(1000):
        path.write_text(f"{number:04}")
        os.utime(path, ns=(clock.now, clock.now))
        assert prints.take(os.fsencode(path)).digest == digest_bytes(B3, b"%04d" % number)


def test_a_settled_file_is_not_read_again(tmp_path: Path) -> None:
    """Once the stat data are older than the look, the digest is believed without a read."""
    path = tmp_path / "file"
    path.write_text("one")
    later = path.stat().st_ctime_ns + 10**10
    prints = Fingerprints(B3, clock=lambda: later)
    first = prints.take(os.fsencode(path))
    assert prints.take(os.fsencode(path)) is first


@pytest.mark.parametrize("trick", ["touch -r", "rename over"])
def test_restored_time_stamps_deceive_nobody(tmp_path: Path, trick: str) -> None:
    """The change time tells of an edit whose modification time was put back."""
    path, other = tmp_path / "file", tmp_path / "other"
    path.write_text("one")
    stamp = path.stat().st_mtime_ns
    prints = Fingerprints(B3, clock=lambda: path.stat().st_ctime_ns + 10**10)
    prints.take(os.fsencode(path))
    target = path if trick == "touch -r" else other
    target.write_text("two")
    os.utime(target, ns=(stamp, stamp))
    if target is other:
        other.rename(path)
    assert prints.take(os.fsencode(path)).digest == digest_bytes(B3, b"two")


@pytest.mark.parametrize("name", HashName)
@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 1 << 20, (1 << 20) + 1])
def test_a_file_is_hashed_whole(tmp_path: Path, name: HashName, size: int) -> None:
    """Whatever its size, a file's digest is that of its bytes."""
    data = bytes(index * 7 % 251 for index in range(size))
    (tmp_path / "file").write_bytes(data)
    assert digest_file(name, str(tmp_path / "file")).digest == digest_bytes(name, data)


@given(st.binary(max_size=300), st.integers(1, 50), st.sampled_from(HashName))
def test_chunks_do_not_matter(data: bytes, size: int, name: HashName) -> None:
    """Feeding a hasher in pieces gives the digest of the whole."""
    hasher = new_hasher(name)
    for at in range(0, len(data), size):
        hasher.update(data[at : at + size])
    assert hasher.digest() == digest_bytes(name, data)
    assert ALGORITHMS.keys() == set(HashName)


def test_a_fifo_is_refused_at_once(tmp_path: Path) -> None:
    """Hashing never waits for somebody to write into a FIFO."""
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(InputError, match="not a regular file"):
        digest_file(B3, str(tmp_path / "fifo"))


segments = st.sampled_from(["a", "b", "a.c", "x.c", ".h"])
paths = st.lists(segments, min_size=1, max_size=4).map("/".join)
globs = st.sampled_from(
    ["**", "*", "*.c", "a/**", "**/*.c", "a/*/x.c", "?", "[ab]/**/x.c", "{a,b}/*.c", "a/**/b/*"]
)


@given(st.lists(paths, max_size=8), st.lists(globs, min_size=1, max_size=3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_walk_equals_looking_at_every_file(
    tmp_path_factory: pytest.TempPathFactory, files: list[str], patterns: list[str]
) -> None:
    """Pruned walks find what matching every file of the tree finds."""
    root = tmp_path_factory.mktemp("tree")
    for name in files:
        path = root / "lib" / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")
        except OSError:
            continue  # a file stands where this one wants a folder
    wanted = anchored(*patterns)
    expected = sorted(
        f"/{path.relative_to(root)}"
        for path in root.rglob("*")
        if path.is_file()
        and any(pattern.matches(f"/{path.relative_to(root)}") for pattern in wanted)
    )
    assert names(root, *patterns) == expected
