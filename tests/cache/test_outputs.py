"""Which files are outputs, and what becomes of links (cache.md B3, C5)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from haz_trio.cache.manifest import Link
from haz_trio.cache.matches import find_matches, link_target
from haz_trio.cache.outputs import resolve, written
from haz_trio.model.patterns import Anchored, parse_pattern
from tests.cache.store_support import write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "ws"
    (made / "lib").mkdir(parents=True)
    return made


def outputs(*texts: str) -> tuple[Anchored, ...]:
    return tuple(parse_pattern(text).anchored("/lib") for text in texts)


def files(root: Path, *texts: str) -> list[str]:
    return [file.path for file in resolve(str(root), outputs(*texts)).files]


def test_patterns_find_each_file_once(root: Path) -> None:
    """Literals and overlapping globs, hidden files included (B 119, last row)."""
    for name in ("a.o", "sub/b.o", ".hidden.o", "c.txt"):
        write(root / "lib" / name)
    assert files(root, "*.o", "a.o", "/lib/?.o") == ["/lib/.hidden.o", "/lib/a.o"]
    assert files(root, "**/*.o") == ["/lib/.hidden.o", "/lib/a.o", "/lib/sub/b.o"]
    assert files(root, "none/**", "absent") == []


@pytest.mark.parametrize(
    "texts",
    [
        ("a", "b"),
        ("b", "absent", "b"),
        ("d",),
        ("to-a", "a"),
        ("by/a",),
        ("out/x",),
        ("d/c", "a/b"),
    ],
)
def test_literals_alone_stand_for_the_same_as_beside_a_glob(
    root: Path, texts: tuple[str, ...]
) -> None:
    """Plain files, folders, links in and above a path: a glob that matches nothing is no help."""
    for name in ("a", "b", "d/c"):
        write(root / "lib" / name)
    (root / "lib/to-a").symlink_to("a")
    (root / "lib/by").symlink_to(".")
    (root / "lib/out").symlink_to(root.parent)
    assert resolve(str(root), outputs(*texts)) == resolve(str(root), outputs(*texts, "none*"))


def test_what_was_written_is_what_changed(root: Path) -> None:
    """New, rewritten, replaced and re-moded files; others are not (decision 10)."""
    patterns = outputs("*")
    for name in ("same", "edited", "touched", "moded", "replaced"):
        write(root / "lib" / name, b"1")
    before = resolve(str(root), patterns).rows
    write(root / "lib/edited", b"2")
    os.utime(root / "lib/touched", ns=(1, 1))
    (root / "lib/moded").chmod(0o600)
    write(root / "lib/other", b"1")
    (root / "lib/other").rename(root / "lib/replaced")
    write(root / "lib/new")
    after = resolve(str(root), patterns)
    assert written(before, after) == (
        "/lib/edited",
        "/lib/moded",
        "/lib/new",
        "/lib/replaced",
        "/lib/touched",
    )


def test_links_into_the_result_stay_links(root: Path) -> None:
    """To files, folders, other links, and to nothing inside the workspace (C5)."""
    dist = root / "lib/dist"
    write(dist / "v1/x")
    for name, target in (
        ("file", "v1/x"),
        ("folder", "v1"),
        ("chain", "folder"),
        ("gone", "../later"),
        ("self", "self"),
        ("absolute", str(dist / "v1/x")),
    ):
        (dist / name).symlink_to(target)
    result = resolve(str(root), outputs("dist/**"))
    assert {Path(link.path).name for link in result.links} == {
        *("file", "folder", "chain", "gone", "self", "absolute")
    }
    assert [file.path for file in result.files] == ["/lib/dist/v1/x"]
    assert [folder.path for folder in result.folders] == ["/lib/dist", "/lib/dist/v1"]
    assert result.obstacle == ""


@pytest.mark.parametrize("patterns", [("dist/**", "dist/latest/x"), ("dist/*", "dist/latest/*")])
def test_outputs_behind_a_link_that_stays_are_an_obstacle(
    root: Path, patterns: tuple[str, str]
) -> None:
    """No entry could say that a path is a link and a folder with something in it (C5)."""
    write(root / "lib/dist/v1/x")
    (root / "lib/dist/latest").symlink_to("v1")
    assert '"/lib/dist/latest" is a link' in resolve(str(root), outputs(*patterns)).obstacle
    assert resolve(str(root), outputs(patterns[1])).obstacle == ""


def test_links_out_of_the_result_are_copies(root: Path) -> None:
    """A file stands for its bytes, a folder for what is in it, under the link's path (B 122)."""
    write(root / "lib/src/deep/a", b"source")
    write(root / "lib/dist/own")
    (root / "lib/dist/file").symlink_to("../src/deep/a")
    (root / "lib/dist/folder").symlink_to("../src")
    result = resolve(str(root), outputs("dist/**"))
    assert result.links == ()
    assert [(file.path, file.linked) for file in result.files] == [
        ("/lib/dist/file", True),
        ("/lib/dist/folder/deep/a", False),
        ("/lib/dist/own", False),
    ]
    assert [folder.path for folder in result.folders] == [
        "/lib/dist",
        "/lib/dist/folder",
        "/lib/dist/folder/deep",
    ]


def test_a_literal_link_to_another_literal_stays_a_link(root: Path) -> None:
    """``lib.so -> lib.so.1`` with both declared."""
    write(root / "lib/lib.so.1")
    (root / "lib/lib.so").symlink_to("lib.so.1")
    assert resolve(str(root), outputs("lib.so", "lib.so.1")).links == (
        Link("/lib/lib.so", "lib.so.1"),
    )
    assert files(root, "lib.so") == ["/lib/lib.so"]


def test_folder_links_in_circles_end(root: Path) -> None:
    """A folder is not entered twice on one path (B 107, 108)."""
    write(root / "lib/a/x.o")
    (root / "lib/a/up").symlink_to("..")
    (root / "lib/a/here").symlink_to(".")
    (root / "lib/b").mkdir()
    (root / "lib/b/over").symlink_to("../a")
    (root / "lib/a/back").symlink_to("../b")
    found = files(root, "**/*.o")
    assert "/lib/a/x.o" in found
    assert "/lib/b/over/x.o" in found
    assert len(found) < 6


def test_a_dangling_link_outside_is_an_obstacle_and_unmatched_ones_are_not(root: Path) -> None:
    """What cannot be recorded hinders only if it is an output (B 124)."""
    write(root / "lib/x.o")
    (root / "lib/dangling").symlink_to("/nowhere/at/all")
    assert resolve(str(root), outputs("*.o")).obstacle == ""
    assert "/lib/dangling" in resolve(str(root), outputs("*")).obstacle


def test_folders_are_those_of_the_result(root: Path) -> None:
    """Matched ones and those above a match, below the fixed prefix, with their modes (B 121)."""
    write(root / "lib/dist/a/b/x.js")
    (root / "lib/dist/empty").mkdir(mode=0o700)
    assert [f.path for f in resolve(str(root), outputs("dist/**/*.js")).folders] == [
        "/lib/dist/a",
        "/lib/dist/a/b",
    ]
    whole = resolve(str(root), outputs("dist/**")).folders
    assert ("/lib/dist/empty", 0o700) in [(f.path, f.mode) for f in whole]
    assert resolve(str(root), outputs("dist/a/b/x.js")).folders == ()


def test_depth_limits_the_walk(root: Path) -> None:
    """A folder deeper than any match is not even listed."""
    write(root / "lib/d/x.o")
    deep = root / "lib/d/secret"
    deep.mkdir()
    (deep / "loop").symlink_to("loop")
    assert find_matches(str(root), outputs("d/*.o")).files == {"/lib/d/x.o"}


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("x", "/lib/dist/x"),
        ("../x", "/lib/x"),
        ("../../x", "/x"),
        ("../../..", None),
        ("a/../../b", "/lib/b"),
        ("/etc", None),
        ("./.", "/lib/dist"),
    ],
)
def test_where_a_link_points_by_its_text(root: Path, text: str, target: str | None) -> None:
    """Only within the workspace."""
    assert link_target(str(root), "/lib/dist/link", text) == target


def test_where_an_absolute_link_points(root: Path) -> None:
    """Below the root it is a path of the workspace."""
    assert link_target(str(root), "/lib/l", f"{root}/lib/x") == "/lib/x"
    assert link_target(str(root), "/lib/l", f"{root}-other/x") is None
    assert link_target(str(root), "/lib/l", f"{root}/../x") is None
