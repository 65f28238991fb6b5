"""Which folders are hidden because git ignores them: git's answer, and our own rules beside it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from haz_trio.config.folders import find_projects, list_folder
from haz_trio.config.ignored import Ignored
from haz_trio.config.scaffold_tree import Folder


@pytest.fixture(autouse=True)
def _own_git_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of git is ours: neither the host's excludes nor its configuration count."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home/.config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)


def hidden(root: Path, path: str = "/") -> set[str]:
    listing = list_folder(str(root), path, Ignored(str(root)))
    return {folder.name for folder in listing.folders if folder.hidden}


def folders(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).mkdir(parents=True)


def make_root(tmp_path: Path, repository: bool) -> Path:
    root = tmp_path / "ws"
    root.mkdir()
    if repository:
        git(root, "init", "--quiet")
    return root


@pytest.mark.parametrize("repository", [False, True])
def test_dots_and_ignored_names_are_hidden(tmp_path: Path, repository: bool) -> None:
    """With and without a repository, a `.gitignore` hides folders, also a nested one's (T29)."""
    root = make_root(tmp_path, repository)
    folders(root, "lib", "node_modules", "out", "a/gen", "a/out", "a/kept", ".cfg")
    (root / ".gitignore").write_text("# c\nnode_modules/\n/out\r\n")
    (root / "a/.gitignore").write_text("gen\n")
    assert hidden(root) - {".git"} == {".cfg", "node_modules", "out"}
    assert hidden(root, "/a") == {"gen"}


def test_every_kind_of_ignore_file_of_a_repository_counts(tmp_path: Path) -> None:
    """`.git/info/exclude` and the `.gitignore` above the root hide too; links are no folders."""
    top = make_root(tmp_path, True)
    root = top / "sub"
    folders(root, "x", "y", "z")
    (root / "link").symlink_to("x")
    (top / ".gitignore").write_text("x\n")
    (top / ".git/info/exclude").write_text("y\n")
    listing = list_folder(str(root), "/", Ignored(str(root)))
    assert listing.folders == (Folder("x", True), Folder("y", True), Folder("z"))


@pytest.mark.parametrize("repository", [False, True])
def test_global_excludes_count(tmp_path: Path, repository: bool) -> None:
    """The user's own ignore file in its usual place hides folders."""
    root = make_root(tmp_path, repository)
    folders(root, "mine", "other")
    excludes = tmp_path / "home/.config/git/ignore"
    excludes.parent.mkdir(parents=True)
    excludes.write_text("mine\n")
    assert hidden(root) - {".git"} == {"mine"}


def test_a_root_that_is_ignored_itself_is_not_all_hidden(tmp_path: Path) -> None:
    """In a scratch folder that a repository ignores, the folder's own rules hold alone."""
    top = make_root(tmp_path, True)
    (top / ".gitignore").write_text("scratch\n")
    folders(top, "scratch/a", "scratch/b")
    (top / "scratch/.gitignore").write_text("b\n")
    assert hidden(top / "scratch") == {"b"}


def test_a_submodule_answers_for_itself(tmp_path: Path) -> None:
    """Git refuses paths in a submodule; its own ignore files are asked from within."""
    root = make_root(tmp_path, True)
    folders(root, "sub/gen", "sub/kept", "sub/private")
    git(root / "sub", "init", "--quiet")
    (root / "sub/.gitignore").write_text("gen\n")
    (root / "sub/.git/info/exclude").write_text("private\n")
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    git(root / "sub", "add", "--all")
    git(root / "sub", *identity, "commit", "--quiet", "--message", "x")
    git(root, "-c", "advice.addEmbeddedRepo=false", "add", "sub")
    assert hidden(root, "/sub") - {".git"} == {"gen", "private"}


def test_without_git_the_files_are_read_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no program `git`, rules of our own hide the same folders."""
    root = make_root(tmp_path, True)
    folders(root, "a", "b")
    (root / ".gitignore").write_text("b\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert hidden(root) == {".git", "b"}


def test_an_unreadable_folder_is_told_apart_from_an_empty_one(tmp_path: Path) -> None:
    """The listing of what is gone, or no folder, carries the reason."""
    assert list_folder(str(tmp_path), "/none", Ignored(str(tmp_path))).trouble


def test_projects_are_found_below(tmp_path: Path) -> None:
    """Every visible folder with a `haz.yml`, none of ignored, hidden, nested or linked ones."""
    root = make_root(tmp_path, False)
    for path in ("a", "a/b/c", ".h", "gen/x", "inner", "inner/y", "bad\n"):
        (root / path).mkdir(parents=True, exist_ok=True)
        (root / path / "haz.yml").write_text("name: x\n")
    (root / "inner/.haz").mkdir()
    (root / "inner/.haz/workspace.yml").write_text("projects: []\n")
    (root / "haz.yml").write_text("name: root\n")
    (root / "link").symlink_to("a")
    (root / ".gitignore").write_text("gen\n")
    found = find_projects(str(root), Ignored(str(root)))
    assert found.projects == ("/a", "/a/b/c")
    assert found.nested == ("/inner",)
    assert found.unusable == ("/bad\n",)
    assert found.in_root


PIECES = ["a", "b", "*", "?", "**", "/", "!", "[ab]", "[!a]", "\\a", "\\*", " "]
lines = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join)
PLACES = ["a", "b", "ab", "a/a", "a/b", "b/a", "b/ab", "a/a/a", "a/b/a", "b/a/b"]


@settings(max_examples=60, deadline=None)
@example(top=["a*", "!ab"], below=["b", "!b"])
@example(top=["a/***"], below=["aa", "***/a"])
@given(top=st.lists(lines, max_size=4), below=st.lists(lines, max_size=3))
def test_our_rules_agree_with_git(top: list[str], below: list[str]) -> None:
    """For any two ignore files, our own rules say of each folder what git says."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(os.path.realpath(name))
        for place in PLACES:
            (root / place).mkdir(parents=True, exist_ok=True)
        (root / ".gitignore").write_text("".join(f"{line}\n" for line in top))
        (root / "a/.gitignore").write_text("".join(f"{line}\n" for line in below))
        paths = [f"/{place}" for place in PLACES]
        ours = Ignored(str(root)).among(paths)
        git(root, "init", "--quiet")
        assert ours == Ignored(str(root)).among(paths)
