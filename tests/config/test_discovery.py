"""Finding the workspace root on real directories (DISC-001 to DISC-004)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from haz_trio.config.discovery import Root, find_root
from haz_trio.errors import ConfigError
from haz_trio.model.workspace import Mode
from tests.config.places import To, plant, real, told

EXPLICIT = {".haz/workspace.yml": "projects: []\n"}
PROJECT = {"haz.yml": "name: p\n"}


def at(folder: str, tree: Mapping[str, str]) -> dict[str, str]:
    return {f"{folder}/{name}": content for name, content in tree.items()}


FOUND = {
    "the directory itself": (EXPLICIT, ".", ".", Mode.EXPLICIT),
    "from a deep directory": ({**EXPLICIT, "a/b/c/": ""}, "a/b/c", ".", Mode.EXPLICIT),
    "from inside .haz": ({**EXPLICIT, ".haz/tasks/": ""}, ".haz/tasks", ".", Mode.EXPLICIT),
    "a .git directory": ({".git/": "", **PROJECT, "a/": ""}, "a", ".", Mode.IMPLICIT),
    "a .git file": ({".git": "gitdir: /nowhere\n", **PROJECT}, ".", ".", Mode.IMPLICIT),
    "a .git without haz.yml, alone": ({".git/": ""}, ".", ".", Mode.IMPLICIT),
    "both in one directory": ({**EXPLICIT, ".git/": "", **PROJECT}, ".", ".", Mode.EXPLICIT),
    ".haz is a file": ({".haz": "", ".git/": "", **PROJECT}, ".", ".", Mode.IMPLICIT),
    ".haz is a file, and above": ({**EXPLICIT, "a/.haz": ""}, "a", ".", Mode.EXPLICIT),
    ".haz is a link to a directory": (
        {**at("w", {".haz": To("../there")}), "there/workspace.yml": "projects: []\n"},
        "w",
        "w",
        Mode.EXPLICIT,
    ),
    ".haz dangles": (
        {**EXPLICIT, "a/.haz": To("nowhere")},
        "a",
        ".",
        Mode.EXPLICIT,
    ),
    ".git dangles": (
        {**EXPLICIT, **at("a", {".git": To("nowhere"), **PROJECT})},
        "a",
        ".",
        Mode.EXPLICIT,
    ),
    "an inner workspace": (
        {**EXPLICIT, **at("a", EXPLICIT), "a/b/": ""},
        "a/b",
        "a",
        Mode.EXPLICIT,
    ),
    "workspace.yml is a directory": ({".haz/workspace.yml/": ""}, ".", ".", Mode.EXPLICIT),
    "workspace.yml dangles": ({".haz/workspace.yml": To("no")}, ".", ".", Mode.EXPLICIT),
    "hollow .haz beside .git": ({".haz/cache/": "", ".git/": ""}, ".", ".", Mode.IMPLICIT),
    "hollow .haz below a workspace": (
        {**EXPLICIT, "a/.haz/": ""},
        "a",
        ".",
        Mode.EXPLICIT,
    ),
    "hollow .haz below a repository": (
        {".git/": "", **PROJECT, "a/.haz/": ""},
        "a",
        ".",
        Mode.IMPLICIT,
    ),
    "a bare repository inside": (
        {**EXPLICIT, "a/.git": "", "a/b/": ""},
        "a/b",
        ".",
        Mode.EXPLICIT,
    ),
    "a repository with haz.yml inside": (
        {**EXPLICIT, **at("a", {".git/": "", **PROJECT})},
        "a",
        "a",
        Mode.IMPLICIT,
    ),
    "a bare repository in a repository": (
        {".git/": "", **PROJECT, "a/.git/": ""},
        "a",
        "a",
        Mode.IMPLICIT,
    ),
    "bare, then a repository, then a workspace": (
        {**EXPLICIT, **at("a", {".git/": "", **PROJECT}), "a/b/.git/": ""},
        "a/b",
        "a",
        Mode.IMPLICIT,
    ),
}


@pytest.mark.parametrize(("tree", "start", "root", "mode"), FOUND.values(), ids=FOUND)
def test_the_root_and_its_mode(
    tmp_path: Path, tree: dict[str, str], start: str, root: str, mode: Mode
) -> None:
    """The marker that counts gives the root, canonical, and the mode."""
    plant(tmp_path, tree)
    found = find_root(str(tmp_path / start))
    assert (found.path, found.mode) == (real(tmp_path / root), mode)


REFUSED = {
    "no marker": ({"a/": ""}, "a", ("no workspace root found", "DISC-002")),
    ".haz is a file": ({".haz": ""}, ".", ("no workspace root", "{}/.haz is not a directory")),
    "hollow .haz": (
        {".haz/": "", "haz.yml": ""},
        ".",
        ("failed to read workspace.yml", "path not found at: {}/.haz/workspace.yml"),
    ),
    "workspace.yaml": (
        {".haz/workspace.yaml": ""},
        ".",
        ("found workspace.yaml; haz reads workspace.yml",),
    ),
    "hollow .haz below a bare repository": (
        {".git/": "", "a/.haz/": ""},
        "a",
        ("failed to read workspace.yml at {}/a/.haz/workspace.yml",),
    ),
    "hollow in hollow": (
        {".haz/": "", "a/.haz/": ""},
        "a",
        ("failed to read workspace.yml at {}/a/.haz/workspace.yml",),
    ),
    ".haz loop": ({".haz": To(".haz")}, ".", ("symlink loop detected at: {}/.haz",)),
    ".git loop": ({".git": To(".git")}, ".", ("symlink loop detected at: {}/.git",)),
    ".haz loop above": (
        {".haz": To(".haz"), "a/": ""},
        "a",
        ("symlink loop detected at: {}/.haz",),
    ),
    "a start that is not there": ({}, "gone", ("path not found at: {}/gone",)),
    "a start that is a file": ({"f": ""}, "f", ("path is not a directory at: {}/f",)),
}


@pytest.mark.parametrize(("tree", "start", "says"), REFUSED.values(), ids=REFUSED)
def test_what_is_said_where_there_is_no_root(
    tmp_path: Path, tree: dict[str, str], start: str, says: tuple[str, ...]
) -> None:
    """Each refusal names the path and the reason."""
    plant(tmp_path, tree)
    with pytest.raises(ConfigError) as caught:
        find_root(str(tmp_path / start))
    for text in says:
        assert text.format(real(tmp_path)) in told(caught.value)


def test_a_loop_above_a_marker_is_not_met(tmp_path: Path) -> None:
    """A marker ends the walk, whatever is wrong with the directories above it."""
    plant(tmp_path, {".haz": To(".haz"), **at("a", {".git/": "", **PROJECT})})
    assert find_root(str(tmp_path / "a")).path == real(tmp_path / "a")


@pytest.mark.parametrize(
    ("projects", "listed"),
    [
        ("/a", True),
        ("/a/deep", False),
        ("/*", True),
        ("/{a,b}", True),
        ("/link", True),
        ("/b*", False),
        ("/gone", False),
        ("/loop", False),
        ("/a/*", False),
    ],
)
def test_a_repository_that_is_a_project_of_the_outer_workspace(
    tmp_path: Path, projects: str, listed: bool
) -> None:
    """The outer workspace wins exactly where one of its entries stands for the directory."""
    plant(tmp_path, {".haz/workspace.yml": f'projects: ["{projects}"]\n'})
    plant(tmp_path, at("a", {".git/": "", **PROJECT, "deep/": ""}))
    plant(tmp_path, {"link": To("a"), "loop": To("loop")})
    for start in ("a", "a/deep"):
        root = find_root(str(tmp_path / start))
        assert root.mode is (Mode.EXPLICIT if listed else Mode.IMPLICIT)
        assert root.path == real(tmp_path if listed else tmp_path / "a")


@pytest.mark.parametrize("content", ["projects: [\n", "", "projects: 7\n"])
def test_a_broken_outer_workspace_lists_nothing(tmp_path: Path, content: str) -> None:
    """A repository with haz.yml keeps its root when the workspace above cannot be understood."""
    plant(tmp_path, {".haz/workspace.yml": content, **at("a", {".git/": "", **PROJECT})})
    assert find_root(str(tmp_path / "a")).path == real(tmp_path / "a")


def test_an_outer_workspace_file_that_would_block_is_not_opened(tmp_path: Path) -> None:
    """A FIFO in place of workspace.yml lists nothing, and nobody waits for it."""
    plant(tmp_path, {".haz/": "", **at("a", {".git/": "", **PROJECT})})
    os.mkfifo(tmp_path / ".haz/workspace.yml")
    assert find_root(str(tmp_path / "a")).path == real(tmp_path / "a")


NOTES = {
    "nothing": ({**EXPLICIT, "a/": ""}, "a", ()),
    "only the own leavings": ({".haz/cache/": "", ".git/": "", **PROJECT}, ".", ()),
    "bare": ({**EXPLICIT, "a/.git/": ""}, "a", ("{}/a (.git without haz.yml)",)),
    "hollow": ({**EXPLICIT, "a/.haz/": ""}, "a", ("{}/a (.haz/ without workspace.yml)",)),
    "listed": (
        {".haz/workspace.yml": "projects: [/a]\n", **at("a", {".git/": "", **PROJECT})},
        "a",
        ("the workspace root is {};", "{}/a (.git with haz.yml"),
    ),
    "in a repository of a workspace": (
        {**EXPLICIT, **at("a", {".git/": "", **PROJECT}), "a/b/.git/": ""},
        "a/b",
        ("the workspace root is {}/a;", "{}/a/b (.git without haz.yml)"),
    ),
    "two": (
        {**EXPLICIT, "a/.git/": "", "a/b/.haz/": ""},
        "a/b",
        ("{}/a/b (.haz/ without", "{}/a (.git without"),
    ),
}


@pytest.mark.parametrize(("tree", "start", "says"), NOTES.values(), ids=NOTES)
def test_a_note_names_the_markers_that_were_passed_over(
    tmp_path: Path, tree: dict[str, str], start: str, says: tuple[str, ...]
) -> None:
    """The note names both roots, and is empty where no marker was passed over."""
    plant(tmp_path, tree)
    note = find_root(str(tmp_path / start)).note
    assert bool(note) == bool(says)
    for text in says:
        assert text.format(real(tmp_path)) in note


CHOSEN = {
    "outer": ("a", "..", ".", Mode.EXPLICIT),
    "inner": (".", "a", "a", Mode.IMPLICIT),
    "elsewhere": ("a", "../link", "a", Mode.IMPLICIT),
}


@pytest.mark.parametrize(("start", "root", "found", "mode"), CHOSEN.values(), ids=CHOSEN)
def test_a_chosen_root_skips_the_search(
    tmp_path: Path, start: str, root: str, found: str, mode: Mode
) -> None:
    """`--root` is relative to the start, canonical, and needs a marker of its own only."""
    plant(tmp_path, {**EXPLICIT, "a/.git/": "", "link": To("a")})
    expected = Root(real(tmp_path / found), mode)
    assert find_root(str(tmp_path / start), root=root) == expected
    assert find_root(str(tmp_path / start), root=str(tmp_path / found)) == expected


@pytest.mark.parametrize(
    ("root", "says"),
    [
        ("gone", "path not found at: {}/gone"),
        ("plain", "no workspace root: {}/plain"),
        ("hollow", "failed to read workspace.yml at {}/hollow/.haz/workspace.yml"),
        ("loop", "symlink loop detected at: {}/loop/.haz"),
        ("file", "path is not a directory at: {}/file"),
    ],
)
def test_a_chosen_root_has_to_be_one(tmp_path: Path, root: str, says: str) -> None:
    """`--root` never falls back to a directory above."""
    plant(tmp_path, {**EXPLICIT, "plain/": "", "hollow/.haz/": "", "file": ""})
    plant(tmp_path, {"loop/.haz": To(".haz")})
    with pytest.raises(ConfigError) as caught:
        find_root(str(tmp_path), root=root)
    assert says.format(real(tmp_path)) in told(caught.value)


def in_directory(directory: Path, script: str, env: Mapping[str, str] | None = None) -> str:
    """What a Python process in a directory prints; the test's own directory stays."""
    done = subprocess.run(
        [sys.executable, "-c", script, str(directory)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.getcwd(), **(env or {})},
    )
    return done.stdout.strip()


def test_the_physical_directory_counts_and_not_pwd(tmp_path: Path) -> None:
    """A relative start is looked up from where the kernel says we are."""
    plant(tmp_path, {**at("w", EXPLICIT), "w/a/": "", "link": To("w/a")})
    script = (
        "import os, sys; os.chdir(sys.argv[1])\n"
        "from haz_trio.config.discovery import find_root; print(find_root('.').path)"
    )
    found = in_directory(tmp_path / "link", script, {"PWD": str(tmp_path / "link")})
    assert found == real(tmp_path / "w")


def test_a_deleted_directory_is_told(tmp_path: Path) -> None:
    """No traceback and no guess: the working directory cannot be read, and the system says why."""
    script = (
        "import os, sys; os.chdir(sys.argv[1]); os.rmdir(sys.argv[1])\n"
        "from haz_trio.config.discovery import find_root\n"
        "from haz_trio.errors import ConfigError\n"
        "try: find_root('.')\n"
        "except ConfigError as e: print(e.diagnostics[0].message, *e.diagnostics[0].causes)"
    )
    plant(tmp_path, {"gone/": ""})
    said = in_directory(tmp_path / "gone", script)
    assert said == "cannot read current working directory No such file or directory"
