"""The snapshot of the configuration: as good as a load, and gone with the first doubt."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from haz_trio.config.snapshot import PLACE
from haz_trio.trust import ABSENT
from tests.config.snapshot_support import LATER, build, find, load, reseal

HAZ = "name: {}\ntags: [t]\ntasks:\n  build:\n    command: ['true']\n"
EXPLICIT = {
    ".haz/workspace.yml": "projects: ['/app', '/libs/*']\n",
    ".haz/tasks/o.yml": "tagsFilter: [t]\ntasks:\n  lint:\n    command: ['true']\n",
    "app/haz.yml": HAZ.format("app"),
    "libs/one/haz.yml": HAZ.format("one"),
    "libs/two/haz.yml": HAZ.format("two"),
}
IMPLICIT = {".git/HEAD": "ref: refs/heads/main\n", "haz.yml": HAZ.format("only")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An explicit workspace with a snapshot that is believed."""
    root = build(tmp_path / "w", EXPLICIT)
    assert load(root).write() is not None
    assert find(root) is not None
    return root


def same_size(path: Path) -> None:
    path.write_text(path.read_text().replace("true", "fals"))


def touched_back(path: Path) -> None:
    info = path.stat()
    same_size(path)
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def renamed_over(path: Path) -> None:
    other = path.with_name("other")
    shutil.copy2(path, other)
    same_size(other)
    os.utime(other, ns=(0, path.stat().st_mtime_ns))
    other.rename(path)


def swapped(path: Path) -> None:
    """The folder of a file changes places with an old copy of itself."""
    other = path.parent.with_name("swap")
    shutil.copytree(path.parent, other)
    away = path.parent.with_name("away")
    path.parent.rename(away)
    other.rename(path.parent)
    shutil.rmtree(away)


def linked(path: Path) -> None:
    """The folder of a file becomes a link to itself elsewhere."""
    elsewhere = path.parents[1] / "elsewhere"
    path.parent.rename(elsewhere)
    path.parent.symlink_to(elsewhere)


EDITS: list[Callable[[Path], object]] = [
    same_size,
    touched_back,
    renamed_over,
    swapped,
    linked,
    lambda path: path.chmod(0o600),
    lambda path: path.unlink(),
    lambda path: shutil.rmtree(path.parent),
]


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", sorted(EXPLICIT))
def test_an_edit_of_a_file_is_noticed(
    root: Path, edit: Callable[[Path], object], name: str
) -> None:
    """Whatever happens to a file of the configuration, the snapshot is believed no more."""
    edit(root / name)
    assert find(root) is None


def test_cp_p_of_an_equal_copy_is_noticed(root: Path) -> None:
    """A copy with the same bytes and times is another file all the same."""
    path = root / "app/haz.yml"
    other = root / "copy"
    shutil.copy2(path, other)
    other.rename(path)
    assert find(root) is None


@pytest.mark.parametrize(
    "name",
    [
        "libs/three/haz.yml",
        ".haz/tasks/p.yml",
        ".haz/tasks/README",
    ],
)
def test_a_file_that_is_added_is_noticed(root: Path, name: str) -> None:
    """A folder under a glob, and whatever is put beside the overlays."""
    build(root, {name: HAZ.format("three")})
    assert find(root) is None


def test_a_link_that_is_added_under_a_glob_is_noticed(root: Path) -> None:
    """A link could lead out of the workspace, which is an error of the configuration."""
    (root / "libs/link").symlink_to("/")
    assert find(root) is None


def test_a_folder_that_is_renamed_is_noticed(root: Path) -> None:
    """Moved to another name under the glob, nothing in it changes, but its project does."""
    (root / "libs/one").rename(root / "libs/uno")
    assert find(root) is None


def test_a_file_under_a_glob_is_no_change(root: Path) -> None:
    """Only subfolders and links matter to a glob of projects."""
    build(root, {"libs/README": "", "app/src/x": "", "other/haz.yml": HAZ.format("other")})
    assert find(root) is not None


@pytest.mark.parametrize("name", [".haz", ".git"])
def test_a_marker_between_us_and_the_root_is_noticed(root: Path, name: str) -> None:
    """Another root may be meant; who finds it finds it by the usual way."""
    inner = root / "app/src"
    inner.mkdir()
    assert find(inner) is not None
    (root / "app" / name).mkdir()
    assert find(inner) is None
    assert find(root) is not None


def test_a_root_that_moved_is_the_same_one(root: Path) -> None:
    """Nothing in a snapshot depends on where the root lies."""
    elsewhere = root.with_name("elsewhere")
    root.rename(elsewhere)
    found = find(elsewhere)
    assert found is not None
    assert found.workspace.root == str(elsewhere)
    assert found.workspace == load(elsewhere).workspace


def test_a_root_that_was_copied_is_another_one(root: Path, tmp_path: Path) -> None:
    """The files of a copy are other files, however faithful it is."""
    copy = tmp_path / "copy"
    shutil.copytree(root, copy, symlinks=True)
    assert (copy / PLACE).read_bytes() == (root / PLACE).read_bytes()
    assert find(copy) is None


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_not_read(root: Path, mode: int) -> None:
    """Whoever can write a snapshot decides what is run."""
    (root / PLACE).chmod(mode)
    assert find(root) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_is_not_read(root: Path) -> None:
    """The same for who owns it."""
    os.chown(root / PLACE, 12345, -1)
    assert find(root) is None


def test_a_clock_set_back_is_distrusted(root: Path) -> None:
    """What was written in the future of the present clock proves nothing."""
    assert find(root, ahead=LATER // 2) is None
    reseal(root / PLACE, written_ns=1)
    assert find(root, ahead=LATER // 2) is not None


def test_after_a_boot_only_old_files_are_believed(root: Path) -> None:
    """A power loss may take data whose stat rows survive; a minute later it does not."""
    reseal(root / PLACE, boot=bytes(range(16)))
    assert find(root) is not None
    reseal(root / PLACE, boot=bytes(range(16)), written_ns=time.time_ns())
    assert find(root) is None


def test_another_version_is_not_believed(root: Path) -> None:
    """Another version of us may understand the same files in another way."""
    path = root / PLACE
    data = path.read_bytes()
    assert data.count(b'"version":"0.') == 1
    path.write_bytes(data.replace(b'"version":"0.', b'"version":"9.'))
    reseal(path)
    assert find(root) is None


def test_a_snapshot_without_the_marker_is_none_of_ours(root: Path) -> None:
    """A repository may ship one that rests on nothing, to run what no file of it says."""
    path = root / PLACE
    whole = path.read_bytes()
    names = os.fsencode(".haz/workspace.yml")
    assert whole.count(names) >= 1
    path.write_bytes(whole.replace(names, b"absent-or-forged/x", 1))
    reseal(path)
    assert find(root) is None


# -- what changes while a run goes on ---------------------------------------------------------


def test_a_project_added_after_the_load_is_not_missed(tmp_path: Path) -> None:
    """A run may take an hour; what it writes at its end must speak of its beginning."""
    root = build(tmp_path, EXPLICIT)
    loaded = load(root, ahead=0)
    loaded.seen_ns = time.time_ns() + LATER
    build(root, {"libs/new/haz.yml": HAZ.format("new")})
    loaded.write()
    assert find(root) is None


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", sorted(EXPLICIT))
def test_an_edit_between_load_and_write_is_noticed(
    tmp_path: Path, edit: Callable[[Path], object], name: str
) -> None:
    """The rows are those of the load: also an old file in the place of another is seen."""
    root = build(tmp_path, EXPLICIT)
    loaded = load(root)
    edit(root / name)
    if (root / ".haz").is_dir():
        loaded.write()
    assert find(root) is None


def test_young_files_make_no_snapshot(tmp_path: Path) -> None:
    """What was edited a moment before the load may be edited again without a trace."""
    root = build(tmp_path, EXPLICIT)
    assert load(root, ahead=0).write() is None
    assert not (root / PLACE).exists()


def test_a_young_folder_is_listed_again(tmp_path: Path) -> None:
    """Its row is not believed, but the digest of its subfolders is."""
    root = build(tmp_path, EXPLICIT)
    loaded = load(root)
    assert loaded.sources is not None
    folder = os.path.realpath(root / "libs")
    row, digest = loaded.sources.listings[folder]
    young = (*row[:3], loaded.seen_ns, *row[4:])
    loaded.sources = type(loaded.sources)(
        loaded.sources.files,
        loaded.sources.folders,
        {folder: (young, digest)},
        loaded.sources.overlays,
    )
    assert loaded.write() is not None
    assert find(root) is not None
    (root / "libs/new").mkdir()
    assert find(root) is None


# -- links ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [".haz", ".haz/workspace.yml", ".haz/tasks", ".haz/tasks/o.yml", "app/haz.yml", "app"]
)
def test_a_link_anywhere_makes_no_snapshot(tmp_path: Path, name: str) -> None:
    """What it leads to may change without a trace in what we look at."""
    root = build(tmp_path / "w", EXPLICIT)
    real = root / "real" if name != ".haz" else tmp_path / "real"
    (root / name).rename(real)
    (root / name).symlink_to(real)
    assert load(root).sources is None


def test_a_link_among_the_overlays_makes_no_snapshot(tmp_path: Path) -> None:
    """A link that leads nowhere is passed over today, and an overlay tomorrow."""
    root = build(tmp_path, EXPLICIT)
    (root / ".haz/tasks/later.yml").symlink_to("../../later.yml")
    loaded = load(root)
    assert "later" not in loaded.workspace.overlays
    assert loaded.sources is None
    build(root, {"later.yml": "tagsFilter: [u]\ntasks: {}\n"})
    assert "later" in load(root).workspace.overlays


# -- implicit ---------------------------------------------------------------------------------


@pytest.fixture
def lone(tmp_path: Path) -> Path:
    """An implicit workspace with a snapshot that is believed, two folders below the test's."""
    root = build(tmp_path / "a/b", IMPLICIT)
    (root / ".haz").mkdir()
    assert load(root).write() is not None
    assert find(root) is not None
    return root


@pytest.mark.parametrize("above", [".", "..", "../.."])
def test_a_workspace_file_here_or_above_is_noticed(lone: Path, above: str) -> None:
    """The directory may be a project of another workspace now."""
    build(lone / above, {".haz/workspace.yml": "projects: ['/a/b']\n"})
    assert find(lone) is None


def test_a_repository_that_is_none_any_more_is_noticed(lone: Path) -> None:
    """`.git` removed, a link that leads nowhere, or a FIFO."""
    git = lone / ".git"
    git.rename(lone / "git")
    assert find(lone) is None
    git.symlink_to("nowhere")
    assert find(lone) is None
    git.unlink()
    os.mkfifo(git)
    assert find(lone) is None


def test_an_implicit_edit_is_noticed(lone: Path) -> None:
    """The one file of an implicit workspace, in place, with its old times."""
    touched_back(lone / "haz.yml")
    assert find(lone) is None


def test_rows_of_a_load_are_of_what_is_there(root: Path) -> None:
    """No row of a good load is that of nothing, but for overlays that nobody has."""
    sources = load(root).sources
    assert sources is not None
    assert ABSENT not in [*sources.files.values(), *sources.folders.values()]
    assert set(sources.listings) == {str(root / "libs")}
    assert len(sources.files) == len(EXPLICIT)
