"""Files into a workspace, and every problem of them in one error (config.md 12)."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from haz_trio.config.discovery import Root
from haz_trio.config.load import load_root, load_workspace, read_cache_settings
from haz_trio.errors import ConfigError, Severity
from haz_trio.model.workspace import HashName, Mode, Settings, Workspace
from tests.config.places import To, plant, real, told, without_privileges


def explicit(*projects: str, more: str = "") -> dict[str, str]:
    quoted = ", ".join(f'"{entry}"' for entry in projects)
    return {".haz/workspace.yml": f"projects: [{quoted}]\n{more}"}


def refusal(start: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_workspace(start)
    return caught.value


def remarks(workspace: Workspace) -> list[str]:
    assert all(d.severity is Severity.WARNING for d in workspace.warnings)
    return [d.message for d in workspace.warnings]


# -- what is loaded ---------------------------------------------------------------------------


def test_a_whole_workspace(tmp_path: Path) -> None:
    """Projects and overlays come sorted by name, with roots, tags, tasks, places and settings."""
    plant(tmp_path, explicit("/z", "/libs/*", more="cache: {hash: sha256}\n"))
    plant(
        tmp_path,
        {
            "z/haz.yml": "name: core\ntags: [py]\ntasks: {t: {command: [x]}}\n",
            "libs/a/haz.yml": "name: zeta\n",
            "libs/b/haz.yml": "tags: [rust]\nname: alpha\n",
            ".haz/tasks/b.yml": "tasks: {}\n",
            ".haz/tasks/b-a.yml": "tagsFilter: [py]\ntasks: {lint: {command: [y]}}\n",
        },
    )
    workspace = load_workspace(tmp_path / "libs")
    assert (workspace.root, workspace.mode) == (real(tmp_path), Mode.EXPLICIT)
    assert {p.name: p.root for p in workspace.projects.values()} == {
        "alpha": "/libs/b",
        "core": "/z",
        "zeta": "/libs/a",
    }
    assert list(workspace.projects) == ["alpha", "core", "zeta"]
    assert list(workspace.overlays) == ["b", "b-a"]
    assert workspace.projects["core"].tags == {"py"}
    assert list(workspace.projects["core"].tasks) == ["t"]
    place = workspace.projects["alpha"].place
    assert place is not None
    assert (place.path, place.line, place.column) == (f"{real(tmp_path)}/libs/b/haz.yml", 2, 7)
    assert workspace.overlays["b-a"].tags_filter == {"py"}
    assert workspace.overlays["b-a"].tasks["lint"].source == "b-a"
    assert workspace.overlays["b"].tags_filter == frozenset()
    assert workspace.settings.hash is HashName.SHA256
    assert workspace.warnings == ()


def test_implicit_mode(tmp_path: Path) -> None:
    """One project at `/` with all the defaults; overlays and a later cache do not matter."""
    plant(tmp_path, {".git": "gitdir: x\n", "haz.yml": "name: solo\n", "deep/": ""})
    plant(tmp_path, {".haz/cache/": "", ".haz/tasks/x.yml": "not: [read\n"})
    workspace = load_workspace(tmp_path / "deep")
    assert (workspace.root, workspace.mode) == (real(tmp_path), Mode.IMPLICIT)
    assert [(p.name, p.root) for p in workspace.projects.values()] == [("solo", "/")]
    assert workspace.overlays == {}
    assert workspace.settings == Settings()


def test_an_explicit_workspace_without_projects(tmp_path: Path) -> None:
    """`projects: []` means none, also where the root has a haz.yml (DISC-004)."""
    plant(tmp_path, {**explicit(), "haz.yml": "broken: [\n"})
    assert load_workspace(tmp_path).projects == {}


def test_an_inner_workspace_is_an_ordinary_project(tmp_path: Path) -> None:
    """From outside, the `.haz/` of a listed project is ignored."""
    plant(tmp_path, {**explicit("/a"), "a/haz.yml": "name: a\n", "a/.haz/workspace.yml": "x: [\n"})
    assert list(load_workspace(tmp_path).projects) == ["a"]


def test_a_chosen_root(tmp_path: Path) -> None:
    """`root` is relative to the start and stands over the search."""
    plant(tmp_path, {**explicit(), ".git/": "", "a/.git/": "", "a/haz.yml": "name: a\n"})
    assert list(load_workspace(tmp_path, root="a").projects) == ["a"]
    assert load_workspace(tmp_path / "a", root="..").mode is Mode.EXPLICIT


def test_haz_may_be_a_link(tmp_path: Path) -> None:
    """All files are read through the link, and the root is where the link lies."""
    plant(tmp_path, {"there/workspace.yml": "projects: [/a]\n", "w/.haz": To("../there")})
    plant(tmp_path, {"there/tasks/o.yml": "tasks: {}\n", "w/a/haz.yml": "name: a\n"})
    workspace = load_workspace(tmp_path / "w")
    assert workspace.root == real(tmp_path / "w")
    assert (list(workspace.projects), list(workspace.overlays)) == (["a"], ["o"])


# -- overlay files ----------------------------------------------------------------------------

IGNORED = {
    "README.md": "ends with `.yml`",
    "lint.yaml": "ends with `.yml`",
    "LINT.YML": "ends with `.yml`",
    "not a name.yml": "invalid character ' '",
    "-x.yml": "invalid character '-'",
    ".yml": "name is empty",
    "a.b.yml": "invalid character '.'",
    f"{'a' * 65}.yml": "65 bytes",
}


@pytest.mark.parametrize(("name", "why"), IGNORED.items(), ids=[n[:15] for n in IGNORED])
def test_a_file_of_another_name_is_ignored_and_noted(tmp_path: Path, name: str, why: str) -> None:
    """It is not read, and one remark names it and says why (CFG-023)."""
    plant(tmp_path, {**explicit(), f".haz/tasks/{name}": "this is: [not read\n"})
    workspace = load_workspace(tmp_path)
    assert workspace.overlays == {}
    (remark,) = remarks(workspace)
    assert f"{real(tmp_path)}/.haz/tasks/{name} is ignored" in remark
    assert why in remark
    assert "CFG-023" in remark


LINKS = {
    "inside": (To("../../elsewhere"), True, ""),
    "a directory": (To("../../folder"), False, "directory"),
    "outside": (To("/etc/passwd"), False, "outside the workspace"),
    "nowhere": (To("gone"), False, "leads nowhere"),
    "to itself": (To("o.yml"), False, "symlink loop"),
}


@pytest.mark.parametrize(("link", "taken", "why"), LINKS.values(), ids=LINKS)
def test_a_linked_overlay(tmp_path: Path, link: To, taken: bool, why: str) -> None:
    """A link is followed while it stays inside the workspace."""
    plant(tmp_path, {**explicit("/folder"), ".haz/tasks/o.yml": link})
    plant(tmp_path, {"elsewhere": "tasks: {}\n", "folder/haz.yml": "name: f\n"})
    workspace = load_workspace(tmp_path)
    assert list(workspace.overlays) == ["o"] * taken
    assert [why in remark for remark in remarks(workspace)] == [True] * (not taken)


def test_things_that_are_no_files_are_noted(tmp_path: Path) -> None:
    """Neither a sub-directory nor a FIFO is an overlay, whatever its name."""
    plant(tmp_path, {**explicit(), ".haz/tasks/sub.yml/": ""})
    os.mkfifo(tmp_path / ".haz/tasks/pipe.yml")
    pipe, sub = remarks(load_workspace(tmp_path))
    assert "pipe.yml is ignored: it is not a regular file" in pipe
    assert "sub.yml is ignored: it is a directory" in sub


def test_a_linked_overlay_directory_is_followed(tmp_path: Path) -> None:
    """Regular files behind it are overlays, also outside the workspace."""
    plant(tmp_path, {**{f"w/{k}": v for k, v in explicit("/a").items()}, "w/a/haz.yml": "name: a"})
    plant(tmp_path, {"t/o.yml": "tasks: {}\n", "w/.haz/tasks": To("../../t")})
    assert list(load_workspace(tmp_path / "w").overlays) == ["o"]


def test_a_file_in_place_of_the_overlay_directory(tmp_path: Path) -> None:
    """It is an error, and names the path."""
    plant(tmp_path, {**explicit(), ".haz/tasks": ""})
    said = told(refusal(tmp_path))
    assert f"failed to list overlay directory at {real(tmp_path)}/.haz/tasks" in said
    assert f"path is not a directory at: {real(tmp_path)}/.haz/tasks" in said


def test_overlays_that_match_no_project_are_noted(tmp_path: Path) -> None:
    """Every tag of the filter has to be carried by one project (CFG-026)."""
    plant(tmp_path, explicit("/a", "/b"))
    plant(tmp_path, {"a/haz.yml": "name: a\ntags: [x]\n", "b/haz.yml": "name: b\ntags: [y, z]\n"})
    for name, tags in {"one": "x", "two": "z, y", "none": "x, y", "odd": "w"}.items():
        plant(tmp_path, {f".haz/tasks/{name}.yml": f"tagsFilter: [{tags}]\ntasks: {{}}\n"})
    workspace = load_workspace(tmp_path)
    assert list(workspace.overlays) == ["none", "odd", "one", "two"]
    first, second = remarks(workspace)
    assert "overlay `none` matches no project; none carries all of its tags: x, y" in first
    assert "overlay `odd` matches no project" in second


def test_the_note_of_the_root_is_no_warning(tmp_path: Path) -> None:
    """A marker that was passed over is noted apart: a note is for `-v` (decisions.md 3)."""
    plant(tmp_path, {**explicit(), ".haz/tasks/README": "", "a/.git/": ""})
    workspace = load_workspace(tmp_path / "a")
    assert "passed over" in workspace.note
    (only,) = remarks(workspace)
    assert "README" in only


# -- problems ---------------------------------------------------------------------------------

UNREADABLE: dict[str, tuple[Mapping[str, str], tuple[str, ...]]] = {
    "no haz.yml": (
        {**explicit("/a"), "a/": ""},
        ("`/a`", "{}/a/haz.yml", "path not found at: {}/a/haz.yml", "DISC-008"),
    ),
    "haz.yaml": (
        {**explicit("/a"), "a/haz.yaml": "name: a\n"},
        ("found haz.yaml; haz reads haz.yml", "DISC-008"),
    ),
    "haz.yml dangles": ({**explicit("/a"), "a/haz.yml": To("gone")}, ("path not found at: {}/a",)),
    "haz.yml is a directory": (
        {**explicit("/a"), "a/haz.yml/": ""},
        ("path is not a regular file at: {}/a/haz.yml", "CFG-001"),
    ),
    "implicit, no haz.yml": (
        {".git/": ""},
        ("failed to read haz.yml at {}/haz.yml", "path not found at: {}/haz.yml", "DISC-008"),
    ),
    "implicit, haz.yaml": ({".git/": "", "haz.yaml": ""}, ("found haz.yaml; haz reads haz.yml",)),
    "workspace.yml is a directory": (
        {".haz/workspace.yml/": ""},
        ("failed to read workspace.yml", "path is not a regular file at: {}/.haz/workspace.yml"),
    ),
    "workspace.yml dangles": (
        {".haz/workspace.yml": To("gone")},
        ("path not found at: {}/.haz/workspace.yml",),
    ),
}


@pytest.mark.parametrize(("tree", "says"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_cannot_be_read(
    tmp_path: Path, tree: Mapping[str, str], says: tuple[str, ...]
) -> None:
    """One problem that names the path, the reason, the rule and the way out."""
    plant(tmp_path, tree)
    error = refusal(tmp_path)
    assert len(error.diagnostics) == 1
    assert error.headline == ""
    for text in says:
        assert text.replace("{}", real(tmp_path)) in told(error)


@pytest.mark.parametrize("name", [".haz/workspace.yml", "a/haz.yml"])
def test_nobody_waits_for_a_fifo(tmp_path: Path, name: str) -> None:
    """A FIFO in place of a file is a problem at once."""
    plant(tmp_path, {**explicit("/a"), "a/haz.yml": "name: a\n"})
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    assert f"path is not a regular file at: {real(tmp_path)}/{name}" in told(refusal(tmp_path))


@pytest.mark.parametrize("name", [".haz/workspace.yml", "a/haz.yml", ".haz/tasks/o.yml"])
def test_a_file_that_may_not_be_read(name: str) -> None:
    """The system's own words tell why."""
    with without_privileges() as root:
        plant(root, {**explicit("/a"), "a/haz.yml": "name: a\n", ".haz/tasks/o.yml": "tasks: {}"})
        (root / name).chmod(0)
        error = refusal(root)
    assert f"I/O error at: {real(root)}/{name}: Permission denied" in told(error)


@pytest.mark.parametrize("name", [".haz", ".haz/tasks", "a"])
def test_a_directory_that_may_not_be_searched(name: str) -> None:
    """What lies inside is there but cannot be read, which is not the same as missing."""
    with without_privileges() as root:
        plant(root, {**explicit("/a"), "a/haz.yml": "name: a\n", ".haz/tasks/o.yml": "tasks: {}"})
        (root / name).chmod(0)
        error = refusal(root)
        (root / name).chmod(0o755)
    assert f"I/O error at: {real(root)}/{name}" in told(error)
    assert "Permission denied" in told(error)
    assert "DISC-008" not in told(error)


def test_an_overlay_that_is_seen_and_cannot_be_looked_at() -> None:
    """A directory that may be listed but not searched hides no overlay silently."""
    with without_privileges() as root:
        plant(root, {**explicit(), ".haz/tasks/o.yml": "tasks: {}", ".haz/tasks/README": ""})
        (root / ".haz/tasks").chmod(0o444)
        error = refusal(root)
        (root / ".haz/tasks").chmod(0o755)
    assert len(error.diagnostics) == 1
    assert f"I/O error at: {real(root)}/.haz/tasks/o.yml: Permission denied" in told(error)


def test_two_projects_of_one_name(tmp_path: Path) -> None:
    """The later one is told, at its name, with the place of the first (DISC-010)."""
    plant(tmp_path, explicit("/b", "/a", "/c"))
    plant(tmp_path, {f"{folder}/haz.yml": "name: same\n" for folder in "abc"})
    error = refusal(tmp_path)
    assert len(error.diagnostics) == 2
    for problem, later in zip(error.diagnostics, "ac", strict=True):
        assert "`same`" in problem.message
        assert f"/b and /{later}" in problem.message
        assert "DISC-010" in problem.message
        assert problem.span is not None
        assert problem.span.path == f"{real(tmp_path)}/{later}/haz.yml"
        assert [r.span.path for r in problem.related if r.span] == [f"{real(tmp_path)}/b/haz.yml"]


def test_every_problem_of_every_file_in_order(tmp_path: Path) -> None:
    """workspace.yml, expansion, projects in entry order, overlays by bytes; all in one error."""
    plant(tmp_path, explicit("/gone", "/z", "/m/*", "/none/*", more="cache: {hash: MD5}\n"))
    plant(
        tmp_path,
        {
            "z/haz.yml": "name: z\nfirst: 1\n",
            "m/b/": "",
            "m/a/haz.yml": "name: [\n",
            ".haz/tasks/o.yml": "tasks: {}\nsecond: 1\n",
            ".haz/tasks/b-a.yml": "tasks: 7\n",
            ".haz/tasks/b.yml": "tasks: 7\n",
        },
    )
    error = refusal(tmp_path)
    root = real(tmp_path)
    wanted = ["MD5", "`/gone`", "`/none/*`", "first", "m/a/haz.yml", "m/b/haz.yml", "b-a.yml"]
    wanted += ["b.yml", "second"]
    said = [
        f"{d.message} {d.span.path.removeprefix(root) if d.span else ''}"
        for d in error.diagnostics
    ]
    assert len(said) == len(wanted)
    for needle, text in zip(wanted, said, strict=True):
        assert needle in text
    assert error.headline == "9 configuration error(s) found"


def test_one_broken_file_needs_no_headline(tmp_path: Path) -> None:
    """Several problems of one file are not summed up."""
    plant(tmp_path, explicit("/y", "/z"))
    error = refusal(tmp_path)
    assert (len(error.diagnostics), error.headline) == (2, "")


def test_two_broken_files_have_a_headline(tmp_path: Path) -> None:
    """The number counts problems, not files."""
    plant(tmp_path, {**explicit("/y", "/z", "/a"), "a/haz.yml": "name: a b\n"})
    assert refusal(tmp_path).headline == "3 configuration error(s) found"


def test_a_project_without_a_usable_name_is_no_duplicate(tmp_path: Path) -> None:
    """Its own problem is told and nothing else is made of it."""
    plant(tmp_path, {**explicit("/a", "/b"), "a/haz.yml": "name: a\n", "b/haz.yml": "tasks: {}\n"})
    (problem,) = refusal(tmp_path).diagnostics
    assert "`name` is missing" in problem.message


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """A file that is not UTF-8 is named."""
    plant(tmp_path, {**explicit("/a"), "a/": ""})
    (tmp_path / "a/haz.yml").write_bytes(b"name: \xff\n")
    said = refusal(tmp_path)
    assert "UTF-8" in told(said)
    assert f"{real(tmp_path)}/a/haz.yml" in told(said) + str(said.diagnostics[0].span)


# -- for the cache commands -------------------------------------------------------------------


def test_the_root_alone(tmp_path: Path) -> None:
    """Nothing but the root is asked of a workspace whose every file is broken."""
    plant(tmp_path, {".haz/workspace.yml": "broken: [\n", "a/": ""})
    assert load_root(tmp_path / "a") == Root(real(tmp_path), Mode.EXPLICIT)
    assert load_root(tmp_path / "a", root="..") == Root(real(tmp_path), Mode.EXPLICIT)


def test_cache_settings_do_not_need_projects(tmp_path: Path) -> None:
    """Neither broken projects nor bad entries keep the settings from being read."""
    plant(tmp_path, explicit("/gone", "no", more="cache: {hash: sha256, clean: {max_age: 1d}}\n"))
    settings = read_cache_settings(load_root(tmp_path))
    assert (settings.hash, settings.max_age) == (HashName.SHA256, 86_400)


def test_cache_settings_of_an_implicit_workspace(tmp_path: Path) -> None:
    """They are the defaults, with or without a haz.yml."""
    plant(tmp_path, {".git/": ""})
    assert read_cache_settings(load_root(tmp_path)) == Settings()


@pytest.mark.parametrize("more", ["cache: {hash: MD5}\n", "cache: [\n", "cash: {}\n"])
def test_cache_settings_that_are_wrong(tmp_path: Path, more: str) -> None:
    """A workspace.yml that may have meant something else is not guessed at."""
    plant(tmp_path, explicit(more=more))
    with pytest.raises(ConfigError):
        read_cache_settings(load_root(tmp_path))


# -- cost -------------------------------------------------------------------------------------


def test_the_cost_of_many_projects_is_linear(tmp_path: Path) -> None:
    """Four times the projects take about four times as long, not sixteen times."""

    def seconds(count: int) -> float:
        root = tmp_path / str(count)
        plant(root, explicit("/p/*"))
        plant(root, {f"p/p{i}/haz.yml": f"name: p{i}\n" for i in range(count)})
        return min(load(root, count) for _ in range(3))

    def load(root: Path, count: int) -> float:
        began = time.process_time()
        assert len(load_workspace(root).projects) == count
        return time.process_time() - began

    seconds(10)
    assert seconds(800) < 10 * seconds(200)
